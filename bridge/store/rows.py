"""A commit as SQL statements, and rows as the structs they were. Nothing here touches the database."""

from collections.abc import Sequence
from hashlib import blake2b
from typing import Any

import msgspec

from bridge.commit import (
    AccountRow,
    Attempt,
    ChangeRow,
    Commit,
    GroupRow,
    Muted,
    OutboxRow,
    Settled,
    SilenceRow,
    StateRow,
)
from bridge.notification import Notification

Statement = tuple[str, Sequence[Sequence[Any]]]
"""SQL and the parameters of each of its runs; of each row, where it says `{rows}` (see transaction)."""

SELECT_STATES = "SELECT no, rule, key, upto, body FROM state ORDER BY no"
SELECT_JOURNAL = "SELECT n, body FROM journal WHERE n > ? ORDER BY n"
SELECT_GROUPS = "SELECT id, due, body FROM alert_group ORDER BY id"
SELECT_CHANGES = "SELECT n, grp, alert, state, at, body, name FROM change WHERE told = 0 ORDER BY n"
SELECT_SILENCES = "SELECT id, body FROM silence ORDER BY id"
SELECT_ACCOUNTS = "SELECT kind, key, value FROM account ORDER BY kind, key"
SELECT_OUTBOX = """SELECT rowid, id, destination, grp, created, due, expires, attempts, plain, memory, body, checksum
    FROM outbox WHERE state = 'pending' ORDER BY created, rowid"""

_PUT_META = """INSERT INTO meta (one, n, t, journal_upto, body) VALUES (1, ?, ?, ?, ?)
    ON CONFLICT (one) DO UPDATE SET n = excluded.n, t = excluded.t, body = excluded.body,
    journal_upto = max(journal_upto, excluded.journal_upto)"""
_PUT_JOURNAL = "INSERT OR REPLACE INTO journal (n, body) VALUES {rows}"
_DELETE_STATE = "DELETE FROM state WHERE no IN (VALUES {rows})"
_PUT_STATE = "INSERT OR REPLACE INTO state (no, rule, key, upto, body) VALUES {rows}"
_DELETE_GROUP = "DELETE FROM alert_group WHERE id IN (VALUES {rows})"
_PUT_GROUP = "INSERT OR REPLACE INTO alert_group (id, due, body) VALUES {rows}"
# A change that is there already is a one-off that was counted on, or one that moved to another group.
_PUT_CHANGE = """INSERT INTO change (n, grp, alert, state, at, body, name) VALUES {rows}
    ON CONFLICT (n) DO UPDATE SET grp = excluded.grp, body = excluded.body"""
_DELETE_SILENCE = "DELETE FROM silence WHERE id IN (VALUES {rows})"
_PUT_SILENCE = "INSERT OR REPLACE INTO silence (id, body) VALUES {rows}"
_PUT_ACCOUNT = "INSERT OR REPLACE INTO account (kind, key, value) VALUES {rows}"
_TELL_CHANGE = "UPDATE change SET told = 1 WHERE n IN (VALUES {rows})"
# An update and not a replacement: the rowid is the order among rows that were created at one instant.
_PUT_ROW = """INSERT INTO outbox (id, destination, grp, created, due, expires, attempts, plain, memory, body, checksum)
    VALUES {rows}
    ON CONFLICT (id) DO UPDATE SET destination = excluded.destination, grp = excluded.grp, created = excluded.created,
    due = excluded.due, expires = excluded.expires, attempts = excluded.attempts, plain = excluded.plain,
    memory = excluded.memory, body = excluded.body, checksum = excluded.checksum,
    state = 'pending', settled_at = NULL, detail = ''"""
_PUT_MENTION = "INSERT OR IGNORE INTO mention (row, alert) VALUES {rows}"
_SETTLE_ROW = """UPDATE outbox SET state = new.column2, settled_at = new.column3, detail = new.column4
    FROM (VALUES {rows}) AS new WHERE outbox.id = new.column1"""
_ADD_ATTEMPT = """INSERT OR REPLACE INTO attempt (n, place, row, destination, at, seconds, status, trouble, detail)
    VALUES {rows}"""
_ADD_MUTED = """INSERT OR REPLACE INTO muted (n, place, at, alert, grp, receiver, name, labels, reason)
    VALUES {rows}"""
_BURY_ROW = """UPDATE outbox SET state = 'dead', settled_at = ?, detail = 'damaged on disk'
    WHERE rowid = ? AND state = 'pending'"""


def statements(commit: Commit) -> list[Statement]:
    """One for each kind of row that the commit has: each costs a hop between threads, whatever the number of rows.

    What is gone goes first, so that a number or name that is used anew stays; what is settled goes after the new rows.
    """
    entries = [] if commit.journal is None else [(commit.n, commit.journal)]
    every: list[Statement] = [
        (_PUT_JOURNAL, entries),
        (_DELETE_STATE, [(no,) for no in commit.states_gone]),
        (_PUT_STATE, [_state_columns(state) for state in commit.states]),
        (_DELETE_GROUP, [(name,) for name in commit.groups_gone]),
        (_PUT_GROUP, [_group_columns(group) for group in commit.groups]),
        (_PUT_CHANGE, [_change_columns(change) for change in commit.changes]),
        (_DELETE_SILENCE, [(id,) for id in commit.silences_gone]),
        (_PUT_SILENCE, [_silence_columns(silence) for silence in commit.silences]),
        (_PUT_ACCOUNT, [_account_columns(account) for account in commit.accounts]),
        (_TELL_CHANGE, [(n,) for n in commit.changes_told]),
        (_PUT_ROW, [_row_columns(row) for row in commit.rows]),
        (_PUT_MENTION, _mentions(commit)),
        (_SETTLE_ROW, list({settled.id: _settled_columns(settled) for settled in commit.settled}.values())),
        (_ADD_ATTEMPT, [(commit.n, i, *_attempt_columns(attempt)) for i, attempt in enumerate(commit.attempts)]),
        (_ADD_MUTED, [(commit.n, i, *_muted_columns(muted)) for i, muted in enumerate(commit.muted)]),
        (_PUT_META, [(commit.n, commit.t, commit.journal_upto, commit.meta)]),
    ]
    return [(sql, rows) for sql, rows in every if rows]


def burial(rowids: Sequence[int], at: int) -> Statement:
    """Ends outbox rows that cannot be read. By rowid, as the id may be what is damaged."""
    return _BURY_ROW, [(at, rowid) for rowid in rowids]


def read_row(columns: Sequence[Any]) -> OutboxRow | None:
    """The row as it was committed; None if a byte of it is another one, or this version cannot read it.

    SQLite's own checks find broken pages, not a changed byte inside a value.
    """
    *sealed, checksum = columns
    if _seal(sealed) != checksum:
        return None
    name, destination, group, created, due, expires, attempts, plain, memory, body = sealed
    try:
        return OutboxRow(
            id=name,
            destination=destination,
            group=group,
            created=created,
            due=due,
            expires=expires,
            attempts=attempts,
            plain=bool(plain),
            memory=msgspec.json.decode(memory, type=dict[str, Any]),
            notification=msgspec.json.decode(body, type=Notification),
        )
    except msgspec.MsgspecError:
        return None


def _row_columns(row: OutboxRow) -> Sequence[Any]:
    columns = (
        row.id,
        row.destination,
        row.group,
        row.created,
        row.due,
        row.expires,
        row.attempts,
        int(row.plain),
        msgspec.json.encode(row.memory),
        msgspec.json.encode(row.notification),
    )
    return *columns, _seal(columns)


def _seal(columns: Sequence[Any]) -> bytes:
    """8 bytes over all columns; each with its length, so that no byte can move from one to the next."""
    digest = blake2b(digest_size=8)
    for column in columns:
        raw = column if isinstance(column, bytes) else str(column).encode("utf-8", "surrogateescape")
        digest.update(len(raw).to_bytes(8, "big"))
        digest.update(raw)
    return digest.digest()


def _state_columns(state: StateRow) -> Sequence[Any]:
    return state.no, state.rule, state.key, state.upto, state.body


def _group_columns(group: GroupRow) -> Sequence[Any]:
    return group.id, group.due, group.body


def _silence_columns(silence: SilenceRow) -> Sequence[Any]:
    return silence.id, silence.body


def _account_columns(account: AccountRow) -> Sequence[Any]:
    return account.kind, account.key, account.value


def _change_columns(change: ChangeRow) -> Sequence[Any]:
    return change.n, change.group, change.alert, change.state, change.at, change.body, change.name


def _mentions(commit: Commit) -> list[tuple[str, str]]:
    """The alerts of rows that are new, or may have been renewed. Other later values of a row need not tell them again;
    but a row that was tried may be new to a commit that stands for earlier ones, which a disk did not take."""
    whole = commit.journal_upto == commit.n
    new = [row for row in commit.rows if whole or row.asked or not row.attempts]
    return [(row.id, alert.id) for row in new for alert in row.notification.alerts]


def _settled_columns(settled: Settled) -> Sequence[Any]:
    return settled.id, settled.outcome, settled.at, settled.detail


def _attempt_columns(attempt: Attempt) -> Sequence[Any]:
    return (
        attempt.row,
        attempt.destination,
        attempt.at,
        attempt.seconds,
        attempt.status,
        attempt.trouble,
        attempt.detail,
    )


def _muted_columns(muted: Muted) -> Sequence[Any]:
    return (
        muted.at,
        muted.alert,
        muted.group,
        muted.receiver,
        muted.labels.get("alertname", ""),
        msgspec.json.encode(muted.labels),
        muted.reason,
    )
