"""Whatever was committed last is what a start goes on from: journal and rolling checkpoint together, at any commit."""

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.commit import Commit, Snapshot
from bridge.engine import Engine
from bridge.inputs import Blind, Input, Sight
from bridge.setup import Setup
from bridge.store import Store
from bridge.sweep import Pace
from bridge.values import SECOND
from tests.core.disk import Disk
from tests.core.stage import START, connected, disconnected, goodbye, login_failed, rule, setup, statsz
from tests.core.streams import RULES, streams

TINY = Pace(journal_min=400, journal_max=400, states_max=8)
"""A sweep after a few commits, that takes many."""

WANTED = setup(
    *RULES,
    rule(alert="Few", events="client.auth_error", type="frequency", count=2, within="8s", by=["client.host"], limit=3),
    rule(alert="Few once", events="client.auth_error", by=["client.host"], keep_firing_for="3s", limit=3),
    rule(
        alert="Each",
        events="server.statsz",
        type="increase",
        field="statsz.slow_consumers",
        within="30s",
        by=["server.name"],
    ),
    rule(
        alert="Ranked",
        events="client.disconnect",
        type="frequency",
        count=3,
        within="20s",
        annotations={"summary": "{{ top('client.name', 3) }} {{ event.reason }}"},
    ),
    route={"group_by": ["alertname"], "group_wait": "1s", "group_interval": "3s"},
)


def commits(inputs: Sequence[Input], size: int) -> tuple[list[Commit], list[int]]:
    """An engine's commits, one for each few inputs, and how many inputs each has seen."""
    engine = Engine(WANTED, START, TINY)
    engine.begin()
    written, seen = [engine.drain()], [0]
    for place in range(0, len(inputs), size):
        engine.process(inputs[place : place + size])
        written.append(engine.drain())
        seen.append(min(place + size, len(inputs)))
    return written, seen


def resumed(snapshot: Snapshot, setup_: Setup = WANTED) -> Engine:
    engine = Engine(setup_, snapshot.t)
    engine.restore(snapshot, snapshot.t)
    return engine


def straight(inputs: Sequence[Input]) -> Engine:
    """An engine that saw these inputs and never stopped."""
    engine = Engine(WANTED, START)
    engine.begin()
    engine.process(inputs)
    engine.drain()
    return engine


def known(engine: Engine) -> dict[str, object]:
    """All that an engine knows and decides by, as of now."""
    knows: dict[str, object] = {}
    for id, evaluation in engine._rules.by_id.items():
        for key, state in evaluation.states.items():
            evaluation.rule.slide(state, engine.watch.t, engine.watch.w)
            # What an alert amounts to is computed when it is told; in between it may be as of its last event.
            alert = msgspec.to_builtins(state.alert)
            if alert and state.alert and state.alert.gone_w is None:
                alert["tally"].pop("value")
            knows[f"{id} {key}"] = state.no, msgspec.to_builtins(evaluation.rule.dump(state)), alert
        for key, memory in evaluation.memories.known.items():
            knows[f"{id} memory {key}"] = memory.no, memory.known, memory.heard_w
    outbox = engine.outbox
    knows["groups"] = {
        group.id: (group.due, group.firing, msgspec.to_builtins(group.cursors), [change.n for change in group.changes])
        for group in outbox.groups.values()
    }
    knows["rows"] = {row.id: row for row in outbox.rows.values()}
    knows["firing"] = {name: msgspec.to_builtins(facts()) for name, facts in engine.firing.alerts.items()}
    knows["numbers"] = engine.ledger.next_no, outbox.changes.next
    knows["time"] = engine.watch.t, engine.watch.w
    return knows


@settings(max_examples=60, deadline=None)
@given(inputs=streams(), size=st.integers(1, 5), data=st.data())
def test_a_start_knows_exactly_what_was_committed(inputs: list[Input], size: int, data: st.DataObject) -> None:
    written, seen = commits(inputs, size)
    place = data.draw(st.integers(1, len(written) - 1))

    assert known(resumed(Disk(written[: place + 1]).load())) == known(straight(inputs[: seen[place]]))


def storm(count: int) -> list[Input]:
    """Failed logins, clients, servers and blind spans, so many that states come and go all the time."""
    dice = random.Random(count)
    now, inputs = START, list[Input]([Sight(START)])
    for place in range(count):
        now += dice.choice([0, 0, 1, 50_000, 900_000, 3_000_000])
        seconds = (now - START) / SECOND
        match dice.randrange(20):
            case 0:
                inputs.append(disconnected(seconds, dice.choice("xyz"), number=place))
            case 1:
                inputs.append(connected(seconds, "x", client_id=place, number=place))
            case 2 | 3 | 4:
                server = dice.choice("stu")
                inputs.append(
                    statsz(
                        seconds,
                        server,
                        server + dice.choice("11112"),
                        place + 1,
                        slow_consumers=place // 7,
                        connections=dice.randrange(9),
                    )
                )
            case 5 if place % 5 == 0:
                inputs.append(goodbye(seconds + place / SECOND, dice.choice("stu"), f"P{place}"))
            case 6 if place % 3 == 0:
                inputs += [Blind(now), Sight(now + dice.choice([0, 1, 4_000_000]))]
            case _:
                inputs.append(login_failed(seconds, host=str(dice.randrange(8)), number=place))
        now = max(now, inputs[-1].at)
    return inputs


@pytest.fixture(scope="module")
def stormy() -> tuple[list[Input], list[Commit], list[int]]:
    inputs = storm(3000)
    return inputs, *commits(inputs, 7)


Stormy = tuple[list[Input], list[Commit], list[int]]


def test_a_storm_makes_what_the_other_tests_rely_on(stormy: Stormy) -> None:
    """Sweeps that take many commits, states that die and are born again under the same key, all phases, overflow."""
    _, written, _ = stormy
    journal = [len(Disk(written[:n]).load().journal) for n in range(10, len(written), 20)]
    assert len([commit for commit in written if commit.journal_upto]) > 20
    assert max(journal) < 60
    assert sum(len(commit.states_gone) for commit in written) > 100
    states = [row for commit in written for row in commit.states]
    assert len({row.no for row in states}) > 2 * len({(row.rule, row.key) for row in states})
    assert any("overflow" in row.key for row in states)
    assert {row.key[0] for row in states} == {"C", "S"}


@pytest.mark.parametrize("share", [number / 20 for number in range(1, 21)])
def test_a_kill_between_any_two_commits_of_a_storm_loses_nothing_before(stormy: Stormy, share: float) -> None:
    inputs, written, seen = stormy
    place = round(share * (len(written) - 1))

    assert known(resumed(Disk(written[: place + 1]).load())) == known(straight(inputs[: seen[place]]))


def test_restarts_all_along_a_storm_change_nothing_that_is_decided(stormy: Stormy) -> None:
    """One-offs apart: equal ones of two processes are two changes, though one line of the message."""
    inputs, _, _ = stormy
    whole = straight(inputs)
    disk, engine = Disk(), Engine(WANTED, START, TINY)
    engine.begin()
    disk.commit(engine.drain())
    for place in range(0, len(inputs), 101):
        engine.process(inputs[place : place + 101])
        disk.commit(engine.drain())
        blind = engine.watch.blind
        engine = Engine(WANTED, engine.watch.t, TINY)
        engine.restore(disk.load(), engine.watch.t)
        if not blind:
            engine.process([Sight(engine.watch.t)])

    ours, theirs = known(engine), known(whole)
    different = {key for key in ours.keys() | theirs.keys() if ours.get(key) != theirs.get(key)}
    # Numbers of changes differ by those one-offs, and so do the ids of messages.
    assert different <= {"groups", "rows", "numbers"}


@pytest.mark.parametrize("share", [0.1, 0.5, 0.98])
async def test_the_store_gives_back_what_these_tests_take_for_a_disk(
    stormy: Stormy, tmp_path: Path, share: float
) -> None:
    _, written, _ = stormy
    place = round(share * len(written))
    store = await Store.open(tmp_path / "state.db")
    try:
        for commit in written[max(0, place - 250) : place]:
            await store.commit(commit)
        snapshot = await store.load()
    finally:
        await store.close()
    ours = Disk(written[max(0, place - 250) : place]).load()
    assert snapshot is not None

    assert snapshot.meta == ours.meta
    assert snapshot.states == ours.states
    assert snapshot.journal == ours.journal
    assert snapshot.groups == ours.groups
    assert snapshot.changes == ours.changes
    assert {row.id: row for row in snapshot.rows} == {row.id: row for row in ours.rows}


def test_a_clean_stop_leaves_nothing_to_repeat(stormy: Stormy) -> None:
    inputs, _, _ = stormy
    engine = Engine(WANTED, START, TINY)
    engine.begin()
    disk = Disk()
    for place in range(0, 700, 7):  # Likely in the middle of a sweep.
        engine.process(inputs[place : place + 7])
        disk.commit(engine.drain())
    disk.commit(engine.drain(everything=True))
    snapshot = disk.load()

    assert snapshot.journal == []
    assert known(resumed(snapshot)) == known(straight(inputs[:700]))


def test_a_sweep_writes_only_so_many_bytes_at_once() -> None:
    """Windows with many events are large: a commit of thousands of them would take long."""
    full = rule(alert="Full", events="client.auth_error", type="frequency", count=100, within="1h", by=["client.host"])
    engine = Engine(setup(full), START, Pace(journal_min=100, journal_max=100, bytes_max=1000))
    engine.begin()
    engine.process([login_failed(n / 10, host=f"10.0.0.{n % 30}", number=n) for n in range(900)])
    written = [engine.drain().states for _ in range(30)]

    assert len({state.no for states in written for state in states}) == 30
    assert max(len(state.body) for states in written for state in states) < 500
    assert max(sum(len(state.body) for state in states) for states in written) < 1500


def test_a_reload_in_the_middle_of_a_sweep_loses_nothing(stormy: Stormy) -> None:
    inputs, _, _ = stormy
    engine = Engine(WANTED, START, TINY)
    engine.begin()
    disk = Disk([engine.drain()])
    for place in range(0, 700, 7):
        engine.process(inputs[place : place + 7])
        if place % 3 == 0:
            engine.reload(WANTED)
        disk.commit(engine.drain())
        if place % 10 == 0:
            assert known(resumed(disk.load())).keys() == known(engine).keys()
    ours, theirs = known(resumed(disk.load())), known(engine)

    assert {key for key in theirs if ours.get(key) != theirs[key]} == set()


def test_a_state_that_died_unwritten_is_born_anew() -> None:
    """All within one commit, and over several: the same key, another number."""
    one = [login_failed(0, "a"), login_failed(9, "b"), login_failed(20, "a", number=1)]
    for size in (1, 2, 3):
        written, _ = commits([Sight(START), *one], size)
        engine = resumed(Disk(written).load())
        assert known(engine) == known(straight([Sight(START), *one]))


def test_every_journal_entry_can_be_read_by_itself(stormy: Stormy) -> None:
    """What lies before may be gone: a hit's watched time comes from its own entry."""
    _, written, _ = stormy
    for commit in written[:200]:
        if commit.journal:
            first = msgspec.msgpack.decode(commit.journal)[0]
            assert first[0] < 0
            assert len(first) == 3
