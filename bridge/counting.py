"""What the types that slide a window have in common: a state that is a window."""

from collections.abc import Iterable
from typing import Any, ClassVar

import msgspec
from pydantic import Field

from bridge.rule import Rule, State
from bridge.values import Duration
from bridge.window import EXACT_MAX, Texts, Window


class Windowed(State):
    """A combination whose rule looks at a window."""

    window: Window = msgspec.field(default_factory=lambda: Window(0))


class Counting(Rule):
    """Sliding is theirs, the condition is the type's."""

    counting: ClassVar[bool] = True

    within: Duration = Field(gt=0)

    @property
    def capacity(self) -> int:
        """Entries of a combination that are held singly."""
        return EXACT_MAX

    def new(self, no: int, key: str) -> Windowed:
        return Windowed(no, key, window=Window(self.within, self.capacity))

    def slide(self, state: State, t: int, w: int) -> str:
        window_of(state).slide(t)
        return ""

    def exact(self, state: State) -> bool:
        return window_of(state).exact

    def idle(self, state: State, t: int, w: int) -> bool:
        return not window_of(state).count

    def window(self, state: State) -> tuple[int, int, int, Iterable[Texts]]:
        window = window_of(state)
        return window.count, window.first, window.last, window.tops

    def reset(self, state: State) -> None:
        _replace(state, Window(self.within, self.capacity))

    def dump(self, state: State) -> Any:
        return window_of(state).dump()

    def load(self, state: State, dumped: Any) -> None:
        window = Window(self.within, self.capacity)
        window.load(dumped)
        _replace(state, window)

    def shift(self, state: State, by: int) -> None:
        window_of(state).shift(by)


def window_of(state: State) -> Window:
    """The window of a state that a Counting rule made."""
    window: Window = state.window  # type: ignore[attr-defined]  # asked several times for each event: no isinstance
    return window


def _replace(state: State, window: Window) -> None:
    assert isinstance(state, Windowed)
    state.window = window
