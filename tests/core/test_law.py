"""The law of time: any split of a stream into batches and ticks gives the same changes; so does a restart."""

import json
from collections.abc import Sequence
from pathlib import Path

import msgspec
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bridge.command import AddSilence
from bridge.engine import Engine
from bridge.inhibit import InhibitRule
from bridge.inputs import Input, Message, Sight
from bridge.muting import Mutes
from bridge.rule import Rule
from bridge.setup import Setup
from bridge.silence import Silence
from bridge.standins import Target
from bridge.store import Store
from bridge.time_interval import TimeIntervals
from bridge.values import SECOND
from tests.core.stage import Stage, at, rule, setup
from tests.core.streams import RULES, streams

CORPUS = Path(__file__).parent.parent / "corpus"


def recording(path: Path) -> list[Input]:
    """A recorded stream, with sight all the time."""
    lines = [json.loads(line) for line in path.read_text().splitlines()]
    messages = [Message(line["subject"], line["data"].encode(), round(line["at"] * SECOND)) for line in lines]
    return [Sight(messages[0].at), *messages]


RECORDED_RULES = [
    rule(alert="Burst", events="client.auth_error", type="frequency", count=3, within="1s", by=["client.name"]),
    rule(
        alert="Long",
        events="client.auth_error",
        type="frequency",
        count=2,
        within="500ms",
        for_="200ms",
        keep_firing_for="1s",
    ),
    rule(alert="Gone", events="client.disconnect", by=["client.name", "reason"]),
    rule(alert="Kept", events=["client.disconnect", "client.connect"], by=["account.name"], keep_firing_for="300ms"),
    rule(
        alert="Grown",
        events="server.statsz",
        type="increase",
        field="statsz.total_connections",
        within="2s",
        by=["server.name"],
    ),
    rule(
        alert="Many",
        events="server.statsz",
        type="threshold",
        field="statsz.connections",
        above=1,
        keep_firing_for="200ms",
    ),
    rule(alert="Silent", events="server.statsz", type="flatline", within="700ms", by=["server.name"]),
    rule(alert="Leaf", events="leafnode.disconnect", by=["client.name"], resolve_on={"events": "leafnode.connect"}),
    rule(alert="Raw", subject="$SYS.ACCOUNT.*.SERVER.CONNS", type="frequency", count=4, within="1s", by=["token.3"]),
]


def in_one_go(wanted: Setup, inputs: Sequence[Input], until: int) -> Stage:
    stage = Stage(setup_=wanted, sighted=False).play(*inputs)
    stage.engine.advance(until)
    return stage.collect()


def decided(stage: Stage) -> tuple[list[bytes], list[object]]:
    """Everything that was decided, message by message."""
    rows = sorted(stage.rows.values(), key=lambda row: (row.created, row.id))
    # `frozen` tells only whether a commit came between, not what was decided.
    changes = [change for _, change in sorted(stage.changes.items())]
    for change in changes:
        change.frozen = False
    return [repr(change).encode() for change in changes], [row.notification for row in rows]


@pytest.mark.parametrize("path", sorted(CORPUS.glob("*/*.jsonl")), ids=lambda path: f"{path.parent.name}-{path.stem}")
@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_split_of_a_recording_gives_the_same_changes(path: Path, data: st.DataObject) -> None:
    wanted = setup(*RECORDED_RULES, route={"group_by": ["alertname"], "group_wait": "300ms", "group_interval": "1s"})
    inputs = recording(path)
    until = inputs[-1].at + 200 * SECOND

    check_splits(wanted, inputs, until, data)


@settings(max_examples=150, deadline=None)
@given(inputs=streams(), data=st.data())
def test_any_split_of_a_random_stream_gives_the_same_changes(inputs: list[Input], data: st.DataObject) -> None:
    wanted = setup(*RULES, route={"group_by": ["alertname"], "group_wait": "1s", "group_interval": "3s"})

    check_splits(wanted, inputs, inputs[-1].at + 400 * SECOND, data)


TREE = {
    "group_by": ["alertname"],
    "group_wait": "1s",
    "group_interval": "3s",
    "routes": [
        {"matchers": ['alertname =~ ".*t"'], "receiver": "pager", "group_by": ["..."], "continue": True},
        {"matchers": ['alertname =~ "[A-N].*"'], "group_wait": "2s", "mute_time_intervals": ["minute"]},
    ],
}
MUTES = Mutes(
    inhibit_rules=(
        InhibitRule.model_validate(
            {"source_matchers": ["alertname = Many"], "target_matchers": ['alertname =~ "[G-S].*"']}
        ),
    ),
    time_intervals={
        "minute": TimeIntervals.model_validate(
            {"name": "minute", "time_intervals": [{"times": [{"start_time": "22:13", "end_time": "22:15"}]}]}
        )
    },
)


@st.composite
def silences(draw: st.DrawFn) -> AddSilence:
    """From some time on, for some alerts, with or without a notice before the end."""
    begin, length = draw(st.integers(0, 60)), draw(st.sampled_from([1, 5, 60, 300]))
    matcher = draw(
        st.sampled_from(["alertname = Silent", 'alertname =~ "[A-M].*"', "client_host = a", 'server_name != ""'])
    )
    return AddSilence(
        Silence(
            id=f"{begin} {length} {matcher}",
            matchers=(matcher,),
            starts_at=at(begin),
            ends_at=at(begin + length),
            expire_on_resolve=draw(st.booleans()),
        ),
        at(draw(st.integers(0, begin))),
    )


@settings(max_examples=100, deadline=None)
@given(inputs=streams(), hushes=st.lists(silences(), max_size=3), data=st.data())
def test_any_split_gives_the_same_with_routes_silences_and_inhibition(
    inputs: list[Input], hushes: list[AddSilence], data: st.DataObject
) -> None:
    ends = rule(alert="Ends", events="bridge.silence_expiring", by=["silence", "alerts"])
    plain = setup(*RULES, ends, route=TREE)
    targets = {**plain.routing.targets, "pager": (Target("pager/slack/0"),)}
    routing = msgspec.structs.replace(plain.routing, targets=targets, mutes=MUTES)
    mixed = sorted([*inputs, *hushes], key=lambda given_: given_.at)

    check_splits(msgspec.structs.replace(plain, routing=routing), mixed, mixed[-1].at + 400 * SECOND, data)


def check_splits(wanted: Setup, inputs: Sequence[Input], until: int, data: st.DataObject) -> None:
    whole = in_one_go(wanted, inputs, until)
    stage = Stage(setup_=wanted, sighted=False)
    rest: list[Input] = list(inputs)
    while rest:
        size = data.draw(st.integers(1, max(1, len(rest))))
        batch, rest = rest[:size], rest[size:]
        stage.play(*batch)
        tick: bool = data.draw(st.booleans())
        if rest and tick:
            # A tick between two events: any instant up to the next one.
            gap = max(0, rest[0].at - stage.engine.watch.t)
            stage.engine.advance(stage.engine.watch.t + data.draw(st.integers(0, gap)))
            stage.collect()
    for _ in range(data.draw(st.integers(0, 5))):
        stage.engine.advance(data.draw(st.integers(stage.engine.watch.t, max(stage.engine.watch.t, until))))
        stage.collect()
    stage.engine.advance(until)

    assert decided(stage.collect()) == decided(whole)


@settings(max_examples=25, deadline=None)
@given(inputs=streams(), data=st.data())
async def test_a_restart_in_no_time_changes_nothing(
    tmp_path_factory: pytest.TempPathFactory, inputs: list[Input], data: st.DataObject
) -> None:
    kept: list[Rule] = [each for each in RULES if not (each.type == "any" and each.alert == "Once")]
    wanted = setup(*kept, route={"group_by": ["alertname"], "group_wait": "1s", "group_interval": "3s"})
    until = inputs[-1].at + 400 * SECOND
    whole = in_one_go(wanted, inputs, until)
    path = tmp_path_factory.mktemp("restart") / "state.db"
    place = data.draw(st.integers(1, len(inputs)))

    stage = Stage(setup_=wanted, sighted=False)
    for given_ in inputs[:place]:
        stage.play(given_)
    store = await Store.open(path)
    for commit in stage.commits:
        await store.commit(commit)
    await store.close()
    blind = stage.engine.watch.blind
    store = await Store.open(path)
    snapshot = await store.load()
    await store.close()
    assert snapshot is not None
    stage.engine = Engine(wanted, stage.engine.watch.t)
    stage.engine.restore(snapshot, stage.engine.watch.t)
    if not blind:
        stage.play(Sight(stage.engine.watch.t))
    stage.play(*inputs[place:])
    stage.engine.advance(until)

    assert decided(stage.collect()) == decided(whole)
