"""The engine agrees with a naive oracle that keeps all events and counts everything anew at every instant."""

from collections.abc import Callable, Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs import Blind, Input, Sight
from bridge.rule import Rule
from bridge.values import SECOND
from tests.core import oracle
from tests.core.oracle import Model, Number, Oracle, Step, Told
from tests.core.stage import START, Stage, disconnected, goodbye, login_failed, rule, statsz

UNTIL = 2000 * SECOND
WITHIN = 10 * SECOND

# Multiples of the windows and holds below, a microsecond to either side, and times that match nothing.
PAUSES = st.sampled_from(
    [
        0,
        0,
        1,
        333_333,
        4_999_999,
        5_000_000,
        5_000_001,
        9_999_999,
        10_000_000,
        10_000_001,
        20_000_000,
        40_000_000,
        90_000_000,
    ]
)
SIGHTS = ["blind", "sight"]
Played = list[tuple[int, str, int, int]]
"""(pause before it in microseconds, what happens, two numbers for it)."""


def played(*kinds: str) -> st.SearchStrategy[Played]:
    """Streams of these happenings, each three times as likely as a change of sight."""
    step = st.tuples(PAUSES, st.sampled_from([*kinds * 3, *SIGHTS]), st.integers(0, 9), st.integers(0, 3))
    return st.lists(step, min_size=1, max_size=30)


SPANS = st.sampled_from([0, 1, 5_000_000, 10_000_000, 12_345_678])

Make = Callable[[float, int, tuple[str, int, int]], tuple[Input, object] | None]
"""(seconds, place in the stream, what happens) → the input for the engine and the same for the model."""


def both(given_: Played, make: Make) -> tuple[list[Input], list[Step]]:
    """One stream, as inputs and as steps of the oracle."""
    now, inputs, steps = START, list[Input]([Sight(START)]), list[Step]()
    for place, (pause, kind, *numbers) in enumerate(given_):
        now += pause
        if kind == "blind":
            inputs.append(Blind(now))
            steps.append(Step(now, "blind"))
        elif kind == "sight":
            inputs.append(Sight(now))
            steps.append(Step(now, "sight"))
        elif made := make((now - START) / SECOND, place, (kind, numbers[0], numbers[1])):
            inputs.append(made[0])
            steps.append(Step(now, "event", made[1]))
    return inputs, steps


def decided(tested: Rule, inputs: Sequence[Input], labels: dict[str, str] | None = None) -> list[Told]:
    stage = Stage(tested, sighted=False).play(*inputs)
    stage.engine.advance(START + UNTIL)
    changes = [change for _, change in sorted(stage.collect().changes.items())]
    wanted = {"alertname": "A", **(labels or {})}
    tallies = [(change, change.facts.tally) for change in changes if change.facts.labels == wanted]
    return [
        Told(change.at, change.state, tally.value or 0.0, tally.peak or 0.0, tally.count) for change, tally in tallies
    ]


def predicted(model: Model, steps: Sequence[Step], for_: int, keep: int) -> list[Told]:
    return Oracle(model, START, for_, keep).play(steps, START + UNTIL)


def spans(for_: int, keep: int) -> dict[str, str]:
    return {"for_": f"{for_}us", "keep_firing_for": f"{keep}us"}


@settings(max_examples=120, deadline=None)
@given(stream=played("a", "b"), count=st.integers(1, 4), for_=SPANS, keep=SPANS)
def test_frequency(stream: Played, count: int, for_: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        return login_failed(seconds, host=what[0], number=place), what[0]

    tested = rule(
        events="client.auth_error",
        type="frequency",
        count=count,
        within="10s",
        by=["client.host"],
        **spans(for_, keep),
    )
    inputs, steps = both(stream, make)

    for host in "ab":
        mine = [step for step in steps if step.kind != "event" or step.what == host]
        model = oracle.Frequency(within=WITHIN, count=count)
        assert decided(tested, inputs, {"client_host": host}) == predicted(model, mine, for_, keep)


@settings(max_examples=120, deadline=None)
@given(stream=played("s", "t"), above=st.integers(0, 6), for_=SPANS, keep=SPANS)
def test_increase(stream: Played, above: int, for_: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        server, number, process = what[0], what[1], f"{what[0]}{what[2] // 2}"
        late = what[2] == 3
        seq = place + 1 if late else place + 1000
        return statsz(seconds, server, process, seq, slow_consumers=number), Number(server, number, process, seq)

    tested = rule(
        events="server.statsz",
        type="increase",
        field="statsz.slow_consumers",
        above=above,
        within="10s",
        **spans(for_, keep),
    )
    inputs, steps = both(stream, make)

    assert decided(tested, inputs) == predicted(oracle.Increase(within=WITHIN, above=above), steps, for_, keep)


@settings(max_examples=120, deadline=None)
@given(stream=played("s", "s", "t", "gone"), above=st.integers(2, 7), below=st.integers(0, 2), for_=SPANS, keep=SPANS)
def test_threshold(stream: Played, above: int, below: int, for_: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        kind, number, which = what
        if kind == "gone":
            server = "st"[which % 2]
            return goodbye(seconds, server, f"P{place}"), Number(server, None)
        return statsz(seconds, kind, kind, place + 1, connections=number), Number(kind, number)

    tested = rule(
        events="server.statsz",
        type="threshold",
        field="statsz.connections",
        above=above,
        clear=above - below,
        **spans(for_, keep),
    )
    inputs, steps = both(stream, make)
    model = oracle.Threshold(above=above, clear=above - below)

    assert decided(tested, inputs) == predicted(model, steps, for_, keep)


@settings(max_examples=120, deadline=None)
@given(stream=played("s", "t", "gone"), patience=st.sampled_from([5, 15]), for_=SPANS, keep=SPANS)
def test_flatline(stream: Played, patience: int, for_: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        kind, _, which = what
        if kind == "gone":
            server = "st"[which % 2]
            return goodbye(seconds, server, f"P{place}"), (server, "goodbye")
        return statsz(seconds, kind, kind, place + 1), (kind, "heard")

    tested = rule(
        events="server.statsz",
        type="flatline",
        within="10s",
        by=["server.name"],
        unless={"events": "server.shutdown", "for": f"{patience}s"},
        forget_after="100s",
        **spans(for_, keep),
    )
    inputs, steps = both(stream, make)

    for server in "st":
        mine = [
            step._replace(what=step.what[1]) if isinstance(step.what, tuple) else step
            for step in steps
            if not isinstance(step.what, tuple) or step.what[0] == server
        ]
        model = oracle.Flatline(within=WITHIN, patience=patience * SECOND, forget_after=100 * SECOND)
        expected = predicted(model, mine, for_, keep)
        told = decided(tested, inputs, {"server_name": server})
        assert [(each.at, each.state) for each in told] == [(each.at, each.state) for each in expected]


@settings(max_examples=100, deadline=None)
@given(stream=played("x", "y"), keep=st.sampled_from([1, 5_000_000, 10_000_000]))
def test_any_kept(stream: Played, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        return disconnected(seconds, what[0], number=place), what[0]

    inputs, steps = both(stream, make)
    tested = rule(events="client.disconnect", by=["client.name"], keep_firing_for=f"{keep}us")
    for name in "xy":
        expected = kept(steps, name, keep)
        told = decided(tested, inputs, {"client_name": name})
        assert [(each.at, each.state, each.value) for each in told] == expected


def kept(steps: Sequence[Step], name: str, keep: int) -> list[tuple[int, str, float]]:
    """It fires with an event and until `keep` of watched time after the latest."""
    told: list[tuple[int, str, float]] = []
    count, ends, lost, blind_since = 0, 0, 0, 0
    for step in [*steps, Step(START + UNTIL, "sight")]:
        if count and not blind_since and ends + lost < step.at:
            told.append((ends + lost, "resolved", float(count)))
            count = 0
        match step.kind:
            case "blind":
                blind_since = blind_since or step.at
            case "sight":
                lost, blind_since = lost + (step.at - blind_since if blind_since else 0), 0
            case _ if step.what == name:
                count += 1
                ends = (blind_since or step.at) - lost + keep
                if count == 1:
                    told.append((step.at, "firing", 1.0))
    if count and ends + lost < START + UNTIL:
        told.append((ends + lost, "resolved", float(count)))
    return told


@pytest.mark.parametrize("seconds", [9.999999, 10.0, 10.000001])
def test_the_oracle_itself_knows_the_edge_of_a_window(seconds: float) -> None:
    """A window is open at its old end: (t - within, t]."""
    model = oracle.Frequency(within=WITHIN, count=2)
    steps = [Step(START, "event"), Step(START + round(seconds * SECOND), "event")]

    assert bool(predicted(model, steps, 0, 0)) is (seconds < 10)
