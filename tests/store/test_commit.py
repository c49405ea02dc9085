"""A commit is whole or not there."""

import asyncio
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bridge.commit import Commit, Settled
from bridge.errors import StoreBusy, StoreError
from bridge.store import Store
from bridge.store.database import connect
from bridge.store.schema import MIGRATIONS
from tests.store.conftest import Ask
from tests.store.samples import Model, nth, row


@pytest.fixture
def shell(path: Path) -> Iterator[sqlite3.Connection]:
    """An operator's sqlite3, to be used once the database is there."""
    with closing(sqlite3.connect(path, isolation_level=None)) as db:
        yield db


async def test_a_new_database_has_nothing_to_load(path: Path) -> None:
    store = await Store.open(path)
    assert await store.load() is None
    assert store.lost is None
    await store.close()


async def test_load_gives_what_the_commits_said(path: Path) -> None:
    store, model = await Store.open(path), Model()
    for n in range(1, 120):
        await store.commit(nth(n))
        model.take(nth(n))
        if n % 10 == 0:
            assert await store.load() == model.snapshot()
    await store.close()

    store = await Store.open(path)
    assert (await store.load(), store.lost, store.damaged) == (model.snapshot(), None, [])
    await store.close()


async def test_the_same_commit_twice_is_as_good_as_once(path: Path, ask: Ask) -> None:
    store = await Store.open(path)
    for n in range(1, 31):
        await store.commit(nth(n))
        await store.commit(nth(n))
    assert await store.load() == Model(map(nth, range(1, 31))).snapshot()
    assert ask("SELECT count(*) FROM attempt") == [(30,)]
    await store.close()


@pytest.mark.parametrize(
    ("broken", "error"),
    [
        (Commit(n=2, t=2**63, meta=b""), OverflowError),
        (Commit(n=2, t=2, meta=b"", settled=[Settled("0000000000000001", "forgotten", 2)]), StoreError),
    ],
    ids=["by us", "by sqlite"],
)
async def test_of_a_commit_that_fails_nothing_stays(path: Path, broken: Commit, error: type[Exception]) -> None:
    store = await Store.open(path)
    await store.commit(nth(1))
    whole = nth(2)
    broken.rows, broken.changes, broken.journal, broken.states = whole.rows, whole.changes, b"2", whole.states
    with pytest.raises(error):
        await store.commit(broken)
    assert await store.load() == Model([nth(1)]).snapshot()
    await store.commit(whole)
    assert await store.load() == Model([nth(1), whole]).snapshot()
    await store.close()


async def test_commits_of_two_tasks_do_not_share_a_transaction(path: Path) -> None:
    store = await Store.open(path)
    bad = Commit(n=2, t=2, meta=b"", rows=[row(2)], settled=[Settled("0000000000000002", "forgotten", 2)])
    results = await asyncio.gather(
        *(store.commit(commit) for commit in (nth(1), bad, nth(2), bad, nth(3))), return_exceptions=True
    )
    assert [isinstance(result, StoreError) for result in results] == [False, True, False, True, False]
    assert await store.load() == Model(map(nth, (1, 2, 3))).snapshot()
    await store.close()


async def test_a_row_that_is_wanted_again_is_pending_again(path: Path) -> None:
    store = await Store.open(path)
    await store.commit(Commit(n=1, t=1, meta=b"", rows=[row(7)], settled=[Settled(row(7).id, "dead", 1, "HTTP 400")]))
    await store.commit(Commit(n=2, t=2, meta=b"", rows=[row(7, attempts=3)]))
    loaded = await store.load()
    assert loaded
    assert loaded.rows == [row(7, attempts=3)]
    await store.close()


async def test_rows_of_one_instant_keep_their_order(path: Path) -> None:
    rows = [msgspec.structs.replace(row(1), id=name) for name in "dbace"]
    store = await Store.open(path)
    await store.commit(Commit(n=1, t=1, meta=b"", rows=rows))
    await store.commit(Commit(n=2, t=2, meta=b"", rows=rows[:2]))
    loaded = await store.load()
    assert loaded
    assert [each.id for each in loaded.rows] == list("dbace")
    await store.close()


async def test_the_journal_loses_what_checkpoints_cover(path: Path, ask: Ask) -> None:
    store = await Store.open(path)
    for n in range(1, 101):
        await store.commit(Commit(n=n, t=n, meta=b"", journal=b"x" * 5000))
    await store.commit(Commit(n=101, t=101, meta=b"", journal=b"y", journal_upto=90))
    loaded = await store.load()
    assert loaded
    assert [n for n, _ in loaded.journal] == list(range(91, 102))

    for n in range(102, 108):
        await store.commit(Commit(n=n, t=n, meta=b"", journal=b"z"))
    assert ask("SELECT min(n), count(*) FROM journal") == [(91, 17)]
    await store.close()


async def test_a_cancelled_commit_is_finished_before_its_caller_ends(path: Path, shell: sqlite3.Connection) -> None:
    store = await Store.open(path)
    shell.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(store.commit(nth(1)))
    await asyncio.wait([task], timeout=0.1)
    task.cancel()
    await asyncio.wait([task], timeout=0.1)
    task.cancel()
    await asyncio.wait([task], timeout=0.1)
    assert not task.done()

    shell.execute("COMMIT")
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await store.load() == Model([nth(1)]).snapshot()
    await store.close()


async def test_a_lock_that_is_let_go_in_time_does_no_harm(path: Path, shell: sqlite3.Connection) -> None:
    store = await Store.open(path)
    shell.execute("BEGIN IMMEDIATE")
    task = asyncio.create_task(store.commit(nth(1)))
    await asyncio.wait([task], timeout=0.3)
    shell.execute("COMMIT")
    await task
    await store.close()


async def test_a_lock_that_is_kept_is_named_and_the_commit_can_be_given_again(
    path: Path, shell: sqlite3.Connection
) -> None:
    store = await Store.open(path)
    shell.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusy, match=r"state\.db: another program has held its lock for 5 s; end it"):
        await store.commit(nth(1))
    shell.execute("ROLLBACK")
    await store.commit(nth(1))
    assert await store.load() == Model([nth(1)]).snapshot()
    await store.close()


async def test_a_reader_is_never_in_the_way(path: Path, shell: sqlite3.Connection) -> None:
    store = await Store.open(path)
    await store.commit(nth(1))
    shell.execute("BEGIN")
    assert shell.execute("SELECT n FROM meta").fetchall() == [(1,)]
    await store.commit(nth(2))
    assert shell.execute("SELECT n FROM meta").fetchall() == [(1,)]
    async with asyncio.timeout(2):
        await store.close()


async def test_a_closed_store_says_so(path: Path) -> None:
    store = await Store.open(path)
    await store.close()
    await store.close()
    with pytest.raises(StoreError, match="is closed"):
        await store.commit(nth(1))


async def test_close_leaves_one_file_with_everything(path: Path) -> None:
    store = await Store.open(path)
    await store.commit(nth(1))
    await store.close()
    assert not path.with_name("state.db-wal").exists()
    with closing(sqlite3.connect(path)) as db:
        assert db.execute("SELECT n FROM meta").fetchall() == [(1,)]


async def test_what_is_committed_survives_a_power_cut(path: Path) -> None:
    """Which is what these settings are for; a power cut itself is not at hand."""
    db, last = await connect(path, MIGRATIONS)
    asked = {}
    for name in (
        "journal_mode",
        "synchronous",
        "busy_timeout",
        "journal_size_limit",
        "wal_autocheckpoint",
        "foreign_keys",
        "trusted_schema",
        "mmap_size",
        "auto_vacuum",
    ):
        ((asked[name],),) = await db.execute_fetchall(f"PRAGMA {name}")
    await db.close()
    assert last is None
    assert asked == {
        "journal_mode": "wal",
        "synchronous": 2,
        "busy_timeout": 5000,
        "journal_size_limit": 67108864,
        "wal_autocheckpoint": 1000,
        "foreign_keys": 1,
        "trusted_schema": 0,
        "mmap_size": 0,
        "auto_vacuum": 2,
    }
