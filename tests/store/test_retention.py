"""What is over and old goes, in small steps; what still matters stays, however old."""

from pathlib import Path

from bridge.commit import Attempt, ChangeRow, Commit, Settled
from bridge.store import Store
from bridge.values import DAY
from tests.store.conftest import Ask
from tests.store.samples import row

MEGABYTE = 1_000_000


def a_day(day: int) -> Commit:
    """Two changes and rows of which one is over, and an attempt, all of that day."""
    at, over, open_ = day * DAY, 2 * day, 2 * day + 1
    return Commit(
        n=day,
        t=at,
        meta=b"",
        changes=[ChangeRow(n, "g", "a", "firing", at, b"") for n in (over, open_)],
        changes_told=[over],
        rows=[row(over), row(open_)],
        settled=[Settled(row(over).id, "delivered", at)],
        attempts=[Attempt(row(over).id, "ops/slack 0", at, 0.1, 200, "", "")],
    )


async def test_only_what_is_over_and_older_than_retention_goes(path: Path, ask: Ask) -> None:
    store = await Store.open(path)
    for day in range(1, 41):
        await store.commit(a_day(day))
    assert not await store.prune(40 * DAY, 30 * DAY)
    assert ask("SELECT count(*), min(at) FROM change WHERE told = 1") == [(31, 10 * DAY)]
    assert ask("SELECT count(*), min(settled_at) FROM outbox WHERE state = 'delivered'") == [(31, 10 * DAY)]
    assert ask("SELECT count(*), min(at) FROM attempt") == [(31, 10 * DAY)]
    loaded = await store.load()
    assert loaded
    assert (len(loaded.changes), len(loaded.rows)) == (40, 40)
    await store.close()


async def test_a_large_past_goes_in_small_steps_and_gives_its_space_back(path: Path) -> None:
    log, total = path.with_name("state.db-wal"), 12_000
    store = await Store.open(path)
    for n in range(1, 5):
        numbers = range(n * total // 4, (n + 1) * total // 4)
        changes = [ChangeRow(i, "g", "a", "firing", 1, b"x" * 2500) for i in numbers]
        await store.commit(Commit(n=n, t=n, meta=b"", changes=changes, changes_told=list(numbers)))
    await store.close()
    large = path.stat().st_size
    assert large > 30 * MEGABYTE

    store, steps, longest_log = await Store.open(path), 1, 0
    while await store.prune(100 * DAY, 30 * DAY):
        steps, longest_log = steps + 1, max(longest_log, log.stat().st_size)
    await store.close()
    assert total // 1000 <= steps <= total // 1000 + large // MEGABYTE
    assert longest_log < 16 * MEGABYTE
    assert path.stat().st_size < 12 * MEGABYTE
