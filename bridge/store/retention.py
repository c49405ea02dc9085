"""What is over and old goes, and its pages go back to the disk: in steps too small for anyone to wait for."""

import aiosqlite

from bridge.store.rows import Statement
from bridge.store.transaction import transact

STEP = 500
"""Rows of each kind in one transaction, some 10 ms; deleting 900 000 at once made a log of 607 MB."""
PAGES = 500
"""Pages given back in one step: 2 MB."""
SLACK = 2000
"""Free pages that stay in the file, as the next rows take them again."""
JOURNAL_STEP = 20
"""Entries in one commit: each commit adds one, so they cannot pile up, and an entry may have a hundred pages."""

TRIM_JOURNAL: Statement = (
    """DELETE FROM journal WHERE n IN (
        SELECT n FROM journal WHERE n <= (SELECT journal_upto FROM meta) ORDER BY n LIMIT ?)""",
    [(JOURNAL_STEP,)],
)
"""Entries that the checkpoints have made superfluous, the oldest first."""

_DELETE_CHANGES = """DELETE FROM change WHERE n IN (
    SELECT n FROM change WHERE told = 1 AND at < ? ORDER BY at LIMIT ?)"""
# A message may hold ten thousand alerts, so it goes once none of them is left.
_DELETE_MENTIONS = """DELETE FROM mention WHERE (row, alert) IN (
    SELECT mention.row, mention.alert FROM outbox JOIN mention ON mention.row = outbox.id
    WHERE outbox.state <> 'pending' AND settled_at < ? ORDER BY settled_at LIMIT ?)"""
_DELETE_ROWS = """DELETE FROM outbox WHERE rowid IN (
    SELECT rowid FROM outbox WHERE state <> 'pending' AND settled_at < ?
    AND NOT EXISTS (SELECT 1 FROM mention WHERE mention.row = outbox.id) ORDER BY settled_at LIMIT ?)"""
_DELETE_ATTEMPTS = """DELETE FROM attempt WHERE (n, place) IN (
    SELECT n, place FROM attempt WHERE at < ? ORDER BY at LIMIT ?)"""

_DELETE_MUTED = """DELETE FROM muted WHERE (n, place) IN (
    SELECT n, place FROM muted WHERE at < ? ORDER BY at LIMIT ?)"""

_STEPS = (_DELETE_CHANGES, _DELETE_MENTIONS, _DELETE_ROWS, _DELETE_ATTEMPTS, _DELETE_MUTED)


async def delete_older(db: aiosqlite.Connection, before: int) -> bool:
    """One step with all that ended before that instant (microseconds); True if there may be more."""
    step = [(before, STEP)]
    counts = await transact(db, [(sql, step) for sql in _STEPS])
    return max(counts) == STEP


async def give_back(db: aiosqlite.Connection) -> bool:
    """One step; True if there is more to give back."""
    ((free,),) = await db.execute_fetchall("PRAGMA freelist_count")
    if free <= SLACK:
        return False
    # A script runs to its end. `execute` stops after the first step of a statement without columns: one page.
    await db.executescript(f"PRAGMA incremental_vacuum({PAGES})")
    return bool(free - PAGES > SLACK)
