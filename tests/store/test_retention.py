"""What is over and old goes, in small steps; what still matters stays, however old."""

from pathlib import Path

import msgspec

from bridge.commit import Attempt, ChangeRow, Commit, Muted, Settled
from bridge.notification import AlertView
from bridge.store import Store
from bridge.store.retention import STEP
from bridge.values import DAY
from tests.store.conftest import Ask
from tests.store.samples import notification, row

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
        muted=[Muted(at, "a", {"alertname": "SlowDisk"}, "g", "ops", "silence 1a2b (an upgrade)")],
    )


async def test_only_what_is_over_and_older_than_retention_goes(path: Path, ask: Ask) -> None:
    store = await Store.open(path)
    for day in range(1, 41):
        await store.commit(a_day(day))
    assert not await store.prune(40 * DAY, 30 * DAY)
    assert ask("SELECT count(*), min(at) FROM change WHERE told = 1") == [(31, 10 * DAY)]
    assert ask("SELECT count(*), min(settled_at) FROM outbox WHERE state = 'delivered'") == [(31, 10 * DAY)]
    assert ask("SELECT count(*), min(at) FROM attempt") == [(31, 10 * DAY)]
    assert ask("SELECT count(*), min(at) FROM muted") == [(31, 10 * DAY)]
    assert ask("SELECT count(*) FROM mention") == [(71,)]
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
    assert total // STEP <= steps <= total // STEP + large // MEGABYTE
    assert longest_log < 16 * MEGABYTE
    assert path.stat().st_size < 12 * MEGABYTE


async def test_a_message_with_many_alerts_goes_in_small_steps_too(path: Path, ask: Ask) -> None:
    store, alerts = await Store.open(path), 5 * STEP
    views = [AlertView(id=f"{i:016x}", state="firing", labels={}, starts_at=1) for i in range(alerts)]
    large = msgspec.structs.replace(row(1), notification=msgspec.structs.replace(notification(1), alerts=views))
    await store.commit(Commit(1, 1, b"", rows=[large], settled=[Settled(large.id, "delivered", 1)]))
    for left in range(4, 0, -1):
        assert await store.prune(100 * DAY, 30 * DAY)
        assert ask("SELECT count(*) FROM mention") == [(left * STEP,)]
        assert ask("SELECT count(*) FROM outbox") == [(1,)]
    while await store.prune(100 * DAY, 30 * DAY):
        pass
    assert ask("SELECT count(*) FROM mention") == ask("SELECT count(*) FROM outbox") == [(0,)]
    await store.close()
