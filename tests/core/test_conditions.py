"""The engine agrees with a naive oracle: types that go by a function of many events, their limits edited on the way."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs import Input
from bridge.rule import Rule
from tests.core import conditions
from tests.core.contest import SPANS, WITHIN, Make, Played, both, decided, played, predicted, spans
from tests.core.oracle import Number, Step, Told
from tests.core.stage import START, disconnected, goodbye, login_failed, rule, statsz

SIDES = st.sampled_from(["above", "below"])


def past(side: str, limit: float) -> dict[str, Any]:
    """The key of a limit, as rules and models have it."""
    return {side: limit}


def same(told: Sequence[Told], expected: Sequence[Told]) -> None:
    """Up to what floats lose; where something ends, its value may be that of a microsecond before."""
    assert [(each.at, each.state, each.events) for each in told] == [
        (each.at, each.state, each.events) for each in expected
    ]
    assert [each.value for each in told] == pytest.approx([each.value for each in expected], abs=1.5e-6)
    assert [each.peak for each in told] == pytest.approx([each.peak for each in expected], abs=1.5e-6)


def by_server(steps: Sequence[Step], name: str) -> list[Step]:
    """What concerns the combination of one server. A goodbye or number of another one does not."""
    return [
        step for step in steps if step.kind != "event" or (isinstance(step.what, Number) and step.what.series == name)
    ]


@settings(max_examples=150, deadline=None)
@given(stream=played("s", "s", "t", "gone"), by=st.booleans(), for_=SPANS, keep=SPANS)
def test_state(stream: Played, by: bool, for_: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        kind, number, which = what
        if kind == "gone":
            server = "st"[which % 2]
            return goodbye(seconds, server, f"P{place}"), Number(server, None)
        return statsz(seconds, kind, kind, place + 1, connections=number), Number(kind, number > 4)

    keys: dict[str, Any] = {"events": "server.statsz", "type": "state", "matching": ["statsz.connections > 4"]}
    tested = rule(**keys, by=["server.name"] if by else [], **spans(for_, keep))
    acts, steps = both(stream, make)

    if not by:
        same(decided(tested, acts), predicted(conditions.State(), steps, for_, keep))
        return
    for server in "st":
        mine = by_server(steps, server)
        same(decided(tested, acts, {"server_name": server}), predicted(conditions.State(), mine, for_, keep))


@settings(max_examples=200, deadline=None)
@given(
    stream=played("s", "t", "s", "t", "edit"),
    fn=st.sampled_from(["avg", "sum", "min", "max", "p50", "p95", "p99"]),
    side=SIDES,
    at_least=st.integers(1, 3),
    for_=SPANS,
    keep=SPANS,
)
def test_aggregate(stream: Played, fn: str, side: str, at_least: int, for_: int, keep: int) -> None:
    def limited(limit: int) -> Rule:
        keys: dict[str, Any] = {"events": "server.statsz", "type": "aggregate", "field": "statsz.connections", "fn": fn}
        return rule(**keys, within="10s", at_least=at_least, **{side: limit}, **spans(for_, keep))

    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input | Rule, object]:
        kind, number, _ = what
        if kind == "edit":
            return limited(number), {side: number}
        return statsz(seconds, kind, kind, place + 1, connections=number), Number(kind, number)

    acts, steps = both(stream, make)
    model = conditions.Aggregate(within=WITHIN, fn=fn, at_least=at_least, **past(side, 5))

    same(decided(limited(5), acts), predicted(model, steps, for_, keep))


@settings(max_examples=150, deadline=None)
@given(stream=played("a", "b", "a", "b", "edit"), side=SIDES, at_least=st.integers(1, 3), for_=SPANS, keep=SPANS)
def test_ratio(stream: Played, side: str, at_least: int, for_: int, keep: int) -> None:
    def limited(limit: int) -> Rule:
        keys: dict[str, Any] = {"events": "client.disconnect", "type": "ratio", "matching": ["client.name = a"]}
        return rule(**keys, within="10s", at_least=at_least, **{side: f"{limit}%"}, **spans(for_, keep))

    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input | Rule, object]:
        kind, number, _ = what
        if kind == "edit":
            return limited(10 * number + 5), {side: 10 * number + 5}
        return disconnected(seconds, kind, number=place), Number("", kind == "a")

    acts, steps = both(stream, make)
    model = conditions.Ratio(within=WITHIN, at_least=at_least, **past(side, 50))

    same(decided(limited(50), acts), predicted(model, steps, for_, keep))


def attempts(rules: dict[int, tuple[Rule, object]]) -> Make:
    """Failed logins from hosts; by an edit another rule of these."""

    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input | Rule, object] | None:
        kind, number, _ = what
        if kind == "edit":
            return rules[number % len(rules)]
        return login_failed(seconds, host=kind, number=place), kind

    return make


@settings(max_examples=200, deadline=None)
@given(
    stream=played("a", "b", "a", "a", "b", "edit"),
    down=st.booleans(),
    at_least=st.integers(1, 3),
    by=st.booleans(),
    for_=SPANS,
    keep=SPANS,
)
def test_spike(stream: Played, down: bool, at_least: int, by: bool, for_: int, keep: int) -> None:
    def limited(factor: float) -> Rule:
        keys: dict[str, Any] = {"events": "client.auth_error", "type": "spike", "factor": factor, "within": "10s"}
        direction = "down" if down else "up"
        hosts = ["client.host"] if by else []
        return rule(**keys, at_least=at_least, direction=direction, by=hosts, **spans(for_, keep))

    factors = [1.5, 2, 3]
    acts, steps = both(stream, attempts({n: (limited(each), {"factor": each}) for n, each in enumerate(factors)}))
    for host in "ab" if by else [""]:
        model = conditions.Spike(within=WITHIN, factor=2, at_least=at_least, down=down, begun_w=START)
        mine = [step for step in steps if step.kind != "event" or step.what == host or not by]
        told = decided(limited(2), acts, {"client_host": host} if by else {})

        same(told, predicted(model, mine, for_, keep))


@settings(max_examples=200, deadline=None)
@given(
    stream=played("a", "b", "c", "a", "b", "edit"),
    side=SIDES,
    by=st.booleans(),
    for_=SPANS,
    keep=SPANS,
)
def test_cardinality(stream: Played, side: str, by: bool, for_: int, keep: int) -> None:
    def limited(limit: int) -> Rule:
        keys: dict[str, Any] = {"events": "client.auth_error", "type": "cardinality", "field": "client.host"}
        return rule(**keys, within="10s", by=["server.name"] if by else [], **{side: limit}, **spans(for_, keep))

    acts, steps = both(stream, attempts({n: (limited(n + 1), {side: n + 1}) for n in range(3)}))
    model = conditions.Cardinality(within=WITHIN, since_w=None if by else START, **past(side, 2))

    same(decided(limited(2), acts, {"server_name": "n1"} if by else {}), predicted(model, steps, for_, keep))
