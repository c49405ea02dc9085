"""The rule type `frequency`."""

from collections.abc import Callable
from typing import ClassVar, Literal

from pydantic import Field

from bridge.counting import Counting, window_of
from bridge.state import Sample, State
from bridge.values import NEVER
from bridge.window import EXACT_MAX, NARROW_MAX, Span, Window


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

    def add(self, state: State, sample: Sample) -> None:
        window_of(state).add(sample.t, texts=sample.tops or None)

    def holds(self, state: State, t: int, w: int) -> bool:
        return window_of(state).count >= self.count

    def hitter(self) -> Callable[[State, int], bool]:
        within, count, capacity = self.within, self.count, self.windows.capacity

        def hit(state: State, t: int) -> bool:
            window: Window = state  # type: ignore[assignment]  # no cast: it would be a call for each event
            if window.coarse is not None:
                window.slide(t)
                window.add(t)
                return window.count >= count
            offsets, offset = window.offsets, t - window.base
            try:
                offsets.append(offset)
            except OverflowError:
                window.append(t)
                offsets, offset = window.offsets, t - window.base
            if offsets[window.head] <= offset - within:
                window.slide(t)
            held = len(offsets) - window.head
            if held > capacity:
                window.coarsen()
            return held >= count

        return hit

    def carrier(self) -> Callable[[State, int], float]:
        within, others, capacity = self.within, self.count - 1, self.windows.capacity

        def carry(state: State, t: int) -> float:
            window: Window = state  # type: ignore[assignment]  # no cast: it would be a call for each event
            offsets, head, offset = window.offsets, window.head, t - window.base
            held = len(offsets) - head
            if window.coarse is not None or held < others or held >= capacity or offset > NARROW_MAX:
                return -1.0
            begin = offset - within
            if others and offsets[-others] <= begin:
                return -1.0
            offsets.append(offset)
            if offsets[head] <= begin:
                window.slide(t)
                return float(len(offsets) - window.head)
            return float(held + 1)

        return carry

    def value(self, state: State, t: int, w: int) -> float:
        return float(window_of(state).count_at(t))

    def due(self, state: State) -> int:
        window: Window = state  # type: ignore[assignment]  # no cast, as above: calendars ask for millions of them
        offsets = window.offsets
        if offsets and len(offsets) - window.head < self.count:
            return offsets[-1] + window.base + self.within
        falls = window.falls_below(self.count)
        return falls if falls < NEVER else window.empties()
