"""The engine agrees with naive oracles on types that hold an event against others."""

from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs import Input
from bridge.values import SECOND
from tests.core import oracle_pairs
from tests.core.contest import SPANS, WITHIN, Played, both, decided, played, predicted, spans
from tests.core.oracle import Step
from tests.core.oracle_pairs import Said, changes, news
from tests.core.stage import START, disconnected, login_failed, rule, statsz
from tests.core.test_oracle import kept

KEEPS = st.sampled_from([1, 5_000_000, 10_000_000])


@pytest.mark.parametrize("by_user", [False, True])
@settings(max_examples=150, deadline=None)
@given(
    stream=played("ask", "ask", "answer"),
    or_before=st.sampled_from([0, 5_000_000, 10_000_000]),
    for_=SPANS,
    keep=SPANS,
)
def test_not_followed_by(by_user: bool, stream: Played, or_before: int, for_: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        kind, number, server = what[0], what[1], f"n{what[2]}"
        user, said = "ab"[number % 2], Said(kind == "ask", "ab"[number % 2], server)
        if said.asks:
            return login_failed(seconds, user=user, number=place, server=server), said
        return disconnected(seconds, user, number=place, server=server, client_id=1), said

    tested = rule(
        events="client.auth_error",
        type="not_followed_by",
        then={"events": "client.disconnect"},
        match={"client.user": "client.name"},
        within="10s",
        or_before=f"{or_before}us",
        by=["client.user"] if by_user else [],
        **spans(for_, keep),
    )
    acts, steps = both(stream, make)

    for user in "ab" if by_user else ["ab"]:
        mine = [step for step in steps if not isinstance(step.what, Said) or step.what.whom in user]
        model = oracle_pairs.NotFollowedBy(within=WITHIN, or_before=or_before)
        expected = predicted(model, mine, for_, keep)
        told = decided(tested, acts, {"client_user": user} if by_user else {})
        assert [(each.at, each.state, each.events) for each in told] == [
            (each.at, each.state, each.events) for each in expected
        ]
        # The oracle weighs a microsecond before what happens.
        assert [each.value for each in told] == pytest.approx([each.value for each in expected], abs=2e-6)
        assert [each.peak for each in told] == pytest.approx([each.peak for each in expected], abs=2e-6)


@settings(max_examples=120, deadline=None)
@given(stream=played("s", "t"), keep=KEEPS)
def test_change(stream: Played, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        server, number, process = what[0], what[2], f"{what[0]}{what[1]}"
        return statsz(seconds, server, process, place + 1, connections=number), (server, number)

    tested = rule(events="server.statsz", type="change", field="statsz.connections", keep_firing_for=f"{keep}us")
    acts, steps = both(stream, make)
    told = decided(tested, acts)

    expected = kept(_only(steps, changes(steps)), "it", keep)
    assert [(each.at, each.state, each.value) for each in told] == expected


@settings(max_examples=120, deadline=None)
@given(
    stream=played("v"),
    learn_for=st.sampled_from([0, 1, 5_000_000, 20_000_000]),
    forget_after=st.sampled_from([1, 5_000_000, 40_000_000]),
    keep=KEEPS,
)
def test_new_value(stream: Played, learn_for: int, forget_after: int, keep: int) -> None:
    def make(seconds: float, place: int, what: tuple[str, int, int]) -> tuple[Input, object]:
        return disconnected(seconds, f"c{what[1]}", number=place), what[1]

    tested = rule(
        events="client.disconnect",
        type="new_value",
        fields=["client.name"],
        learn_for=f"{learn_for}us",
        forget_after=f"{forget_after}us",
        keep_firing_for=f"{keep}us",
    )
    acts, steps = both(stream, make)
    told = decided(tested, acts)

    found = news(steps, START, learn_for, forget_after)
    expected = kept(_only(steps, [place for place, _ in found]), "it", keep)
    assert [(each.at, each.state) for each in told] == [(at, state) for at, state, _ in expected]
    assert [each.events for each in told] == [count for _, _, count in expected]
    values, latest = [float(known) for _, known in found], -1
    for each in told:
        latest += each.events - (1 if each.state == "resolved" else 0)
        assert each.value == values[latest]


def _only(steps: Sequence[Step], places: Sequence[int]) -> list[Step]:
    """Changes of sight, and of the events those at these places."""
    events = [step for step in steps if step.kind == "event"]
    wanted = {id(events[place]) for place in places}
    return [
        step._replace(what="it") if step.kind == "event" else step
        for step in steps
        if step.kind != "event" or id(step) in wanted
    ]


def test_the_oracle_itself_knows_who_answers() -> None:
    model = oracle_pairs.NotFollowedBy(within=WITHIN, or_before=5 * SECOND)
    for at, said in enumerate(
        [Said(False, "a", "1"), Said(True, "a", "1"), Said(True, "a", "2"), Said(True, "b", "1")]
    ):
        model.take(at, at, said)

    assert model.unanswered() == [1, 3]
