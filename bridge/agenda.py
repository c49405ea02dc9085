"""When states want to be looked at: two calendars, one for receive time and one for watched time, in one order."""

from collections.abc import Callable
from typing import Protocol

from bridge.calendar import Calendar
from bridge.state import State
from bridge.values import NEVER
from bridge.watch import Watch


class Clocked(Protocol):
    """Whoever knows when its states are due."""

    def due(self, state: State) -> int:
        """In receive time."""

    def due_w(self, state: State) -> int:
        """In watched time."""

    def pass_time(self, state: State) -> None:
        """One of these instants has come."""


class Agenda:
    """`owner` gives the evaluation of a state by its number; None: the state is no more."""

    def __init__(self, watch: Watch, owner: Callable[[int], Clocked | None]) -> None:
        self._watch = watch
        self._owner = owner
        self._received: Calendar[State] = Calendar(self._due, _order, _mark)
        self._watched: Calendar[State] = Calendar(self._due_w, _order, _mark_w)

    def file(self, state: State, due: int, due_w: int) -> bool:
        """The state wants to be looked at, at these instants. Whether one of them is earlier than what was known."""
        sooner = due < state.filed
        if sooner:
            self._received.file(state, due)
        if due_w < state.filed_w:
            self._watched.file(state, due_w)
            sooner = True
        return sooner

    @property
    def next_due(self) -> int:
        """No state is due before this instant, in t; it may be a little too early. NEVER if none is."""
        watched = NEVER if self._watch.blind else self._watched.next()
        return min(self._received.next(), self._watch.instant(watched) if watched < NEVER else NEVER)

    def peek(self, before: int) -> tuple[int, Callable[[], None]] | None:
        """The first state that is due strictly before an instant: by (instant, rule, key). When, and what to do."""
        watch = self._watch
        received = self._received.peek(before)
        watched = None if watch.blind else self._watched.peek(before - watch.lost)
        if watched is not None:
            instant = watch.instant(watched[0])
            if received is None or (instant, watched[1]) < (received[0], received[1]):
                return instant, lambda: self._pass_time(self._watched, watched[2])
        if received is not None:
            return received[0], lambda: self._pass_time(self._received, received[2])
        return None

    def _pass_time(self, calendar: Calendar[State], state: State) -> None:
        calendar.pop()
        if (owner := self._owner(state.order)) is not None:
            owner.pass_time(state)

    def _due(self, state: State) -> int:
        owner = self._owner(state.order)
        return owner.due(state) if owner is not None else NEVER

    def _due_w(self, state: State) -> int:
        owner = self._owner(state.order)
        return owner.due_w(state) if owner is not None else NEVER


def _order(state: State) -> tuple[int, str]:
    return state.order, state.key


def _mark(state: State, instant: int) -> None:
    state.filed = instant


def _mark_w(state: State, instant: int) -> None:
    state.filed_w = instant
