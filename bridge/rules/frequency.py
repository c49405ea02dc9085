"""The rule type `frequency`."""

from typing import ClassVar, Literal

from pydantic import Field

from bridge.counting import Counting, window_of
from bridge.state import Sample, State
from bridge.values import NEVER
from bridge.window import EXACT_MAX, Span, Window


class Frequency(Counting):
    """At least `count` events within `within`; it fires with the very event that makes the count.

    `value` is the number of events in the window. It ends when fewer are left.
    """

    summary: ClassVar[str] = "{{ value }} events in {{ within }}"

    type: Literal["frequency"]
    count: int = Field(ge=1, le=1_000_000)

    def span(self) -> Span:
        return Span(self.within, max(EXACT_MAX, self.count))

    @property
    def threshold_text(self) -> str:
        return str(self.count)

    @property
    def enough(self) -> int:
        return self.count

    def add(self, state: State, sample: Sample) -> None:
        window_of(state).add(sample.t, texts=sample.tops or None)

    def holds(self, state: State, t: int, w: int) -> bool:
        return window_of(state).count >= self.count

    def value(self, state: State, t: int, w: int) -> float:
        return float(window_of(state).count_at(t))

    def due(self, state: State) -> int:
        window: Window = state  # type: ignore[assignment]  # no cast, as above: calendars ask for millions of them
        offsets = window.offsets
        if offsets and len(offsets) - window.head < self.count:
            return offsets[-1] + window.base + self.within
        falls = window.falls_below(self.count)
        return falls if falls < NEVER else window.empties()
