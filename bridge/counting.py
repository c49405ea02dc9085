"""What the types that slide a window have in common: a state that is a window."""

from collections.abc import Iterable
from functools import cached_property
from typing import Any, ClassVar, cast

from pydantic import Field

from bridge.rule import Rule
from bridge.state import State, Texts
from bridge.values import Duration
from bridge.window import Span, Window


class Counting(Rule):
    """Sliding is theirs, the condition is the type's."""

    counting: ClassVar[bool] = True
    steady: ClassVar[bool] = True

    within: Duration = Field(gt=0)

    @cached_property
    def windows(self) -> Span:
        """What its windows have in common."""
        return self.span()

    def span(self) -> Span:
        """How long and how exact they are."""
        return Span(self.within)

    def new(self, no: int, key: str) -> Window:
        return Window(no, key, span=self.windows)

    def slide(self, state: State, t: int, w: int) -> str:
        window_of(state).slide(t)
        return ""

    def exact(self, state: State) -> bool:
        return window_of(state).exact

    def due(self, state: State) -> int:
        return window_of(state).oldest_leaves()

    def idle(self, state: State, t: int, w: int) -> bool:
        return not window_of(state).count

    def window(self, state: State) -> tuple[int, int, int, Iterable[Texts]]:
        window = window_of(state)
        return window.count, window.first, window.last, window.tops

    def latest(self, state: State) -> Texts:
        return window_of(state).latest

    def dump(self, state: State) -> Any:
        return window_of(state).dump()

    def load(self, state: State, dumped: Any) -> None:
        window_of(state).load(dumped)

    def shift(self, state: State, by: int) -> None:
        window_of(state).shift(by)


def window_of(state: State) -> Window:
    """A state of a Counting rule is a window."""
    return cast("Window", state)  # asked several times for each event: no isinstance
