"""A million rows of history go, while the bridge goes on as if nothing happened."""

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path

import pytest

from bridge.commit import Commit
from bridge.store import Store
from bridge.values import DAY

ROWS = 250_000
"""Of each of four kinds."""

pytestmark = [pytest.mark.long, pytest.mark.timeout(900)]


async def test_a_million_rows_are_pruned_without_a_pause_of_the_loop(path: Path) -> None:
    store = await Store.open(path)
    await store.commit(Commit(1, 1, b""))
    await store.close()
    fill(path)
    store = await Store.open(path)
    pauses = asyncio.create_task(longest_pause())
    log, n, longest_commit, longest_log = path.with_name("state.db-wal"), 1, 0.0, 0
    while await store.prune(100 * DAY, 30 * DAY):
        n += 1
        begin = time.perf_counter()
        await store.commit(Commit(n, n, b""))
        longest_commit = max(longest_commit, time.perf_counter() - begin)
        longest_log = max(longest_log, log.stat().st_size)
    pauses.cancel()
    (pause,) = await asyncio.gather(pauses)
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        left = [db.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in TABLES]
    print(f"steps={n} pause={pause * 1000:.1f} ms commit={longest_commit * 1000:.1f} ms log={longest_log} left={left}")
    assert left == [0] * len(TABLES)
    assert pause < 0.05
    assert longest_log < 16_000_000


TABLES = ("change", "outbox", "mention", "attempt", "muted")


def fill(path: Path) -> None:
    """As a bridge leaves it that was busy for a day, 99 days ago."""
    numbers = f"WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < {ROWS})"
    with closing(sqlite3.connect(path)) as db, db:
        db.execute(
            f"{numbers} INSERT INTO change (n, grp, alert, state, at, told, body, name) "
            "SELECT x, 'g' || x % 99, printf('%016x', x * 7919), 'firing', x, 1, zeroblob(400), 'A' || x % 20 FROM c"
        )
        db.execute(
            f"{numbers} INSERT INTO outbox SELECT printf('%016x', x * 104729), 'ops/slack/0', 'g', x, x, x, 1, 0, "
            "'delivered', x'7B7D', zeroblob(900), x'00', x, '' FROM c"
        )
        db.execute(
            f"{numbers} INSERT INTO mention SELECT printf('%016x', x * 104729), printf('%016x', x * 7919) FROM c"
        )
        db.execute(
            f"{numbers} INSERT INTO attempt SELECT x, 0, printf('%016x', x * 104729), 'o/s/0', x, 0.1, 200, '', '' "
            "FROM c"
        )
        db.execute(f"{numbers} INSERT INTO muted SELECT x, 0, x, 'a' || x, 'g', 'ops', 'A', x'7B7D', 'r' FROM c")


async def longest_pause() -> float:
    """Until it is cancelled: the longest time in which nothing else ran on the loop."""
    longest, last = 0.0, time.perf_counter()
    try:
        while True:
            await asyncio.sleep(0.001)
            now = time.perf_counter()
            longest, last = max(longest, now - last), now
    except asyncio.CancelledError:
        return longest
