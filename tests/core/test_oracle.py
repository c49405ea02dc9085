"""The engine agrees with a naive oracle that keeps all events and counts everything anew at every instant."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs import Input
from bridge.values import SECOND
from tests.core import oracle
from tests.core.contest import SPANS, UNTIL, WITHIN, Played, both, decided, played, predicted, spans
from tests.core.oracle import Number, Step
from tests.core.stage import START, disconnected, goodbye, login_failed, rule, statsz


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
