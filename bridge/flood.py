"""The short way of events of which nothing but their instant counts: this is where a flood goes through.

It does what the long way does (Evaluation.take), for the two usual cases: no alert and too few events still, or an
alert that fires and goes on. All else takes the long way.
"""

from collections.abc import Callable, Mapping
from functools import partial
from typing import Protocol, cast

from bridge.event import Event
from bridge.home import Home
from bridge.life import OVERFLOW
from bridge.plan import Plan
from bridge.rule import Rule
from bridge.state import State
from bridge.window import NARROW_MAX, Window


class Taker(Protocol):
    """The evaluation whose events these are, and its long way."""

    rule: Rule
    states: dict[str, State]
    home: Home

    def take(self, plan: Plan, event: Event) -> None:
        """The long way."""

    def rise(self, state: State) -> None:
        """An event was taken in, and with it the condition begins to hold."""

    def tell_overflow(self) -> None:
        """There is no room for another combination."""


def is_bare(plan: Plan) -> bool:
    """Whether the rule wants nothing of an event but its instant and its combination."""
    return not (plan.numbers or plan.marks or plan.text or plan.tops or plan.latest)


def short_way(evaluation: Taker, plan: Plan, enough: int) -> Callable[[Event], None]:
    """Takes events for a rule whose condition is `enough` of them in its window. It is one function, since it is asked
    a hundred thousand times a second."""
    states = cast("Mapping[str, Window]", evaluation.states)
    ledger, watch, window = evaluation.home.ledger, evaluation.home.watch, evaluation.rule.new(0, "")
    assert isinstance(window, Window)
    within, capacity, others, limit = window.span.within, window.span.capacity, enough - 1, evaluation.rule.limit
    read_key, entries, long_way = plan.key_reader(), ledger.entries, partial(evaluation.take, plan)

    def take(event: Event) -> None:
        state = states.get(read_key(event) or "")
        if state is None:
            state = states.get(OVERFLOW) if len(states) > limit else None
            if state is None:
                long_way(event)
                return
            evaluation.tell_overflow()
        t = watch.t
        alert, offsets, head, offset = state.alert, state.offsets, state.head, t - state.base
        if alert is None:
            if state.coarse is None:
                try:
                    offsets.append(offset)
                except OverflowError:
                    state.append(t)
                    offsets, head, offset = state.offsets, state.head, t - state.base
                if offsets[head] <= offset - within:
                    state.slide(t)
                    head = state.head
                held = len(offsets) - head
                if held > capacity:
                    state.coarsen()
            else:
                state.slide(t)
                state.add(t)
                held = state.count
            if held >= enough:
                evaluation.rise(state)
                return
        else:
            held = len(offsets) - head
            if (
                alert.gone_w is not None
                or alert.phase == "pending"
                or state.coarse is not None
                or not others <= held < capacity
                or offset > NARROW_MAX
                or (others and offsets[-others] <= offset - within)
            ):
                long_way(event)
                return
            offsets.append(offset)
            if offsets[head] <= offset - within:
                state.slide(t)
            alert.tally.go_on(t, float(len(offsets) - state.head))
        if t != ledger.marked:
            ledger.mark(t)
        entries.append(state.no)
        if not state.dirty:
            ledger.touch(state)

    return take
