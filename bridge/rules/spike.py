"""The rule type `spike`."""

from collections.abc import Iterable
from typing import ClassVar, Literal, cast

from pydantic import Field, field_validator

from bridge.counting import Counting
from bridge.state import Sample, State, Texts
from bridge.values import NEVER, format_number
from bridge.window import EXACT_MAX, PARTS, Span, Window


class Pair(Window):
    """Two windows, one after the other, as one of double length."""

    begun_w: int = 0
    """Since when the rule watches, in watched time."""
    watched: bool = False
    """It has watched both windows in full, as far as time has passed."""
    now: int = 0
    """How far time has passed, in receive time."""


class Spike(Counting):
    """There are `factor` times as many events within `within` as there were within the same span before.

    With `direction: down` there are so many times fewer. The span before must hold at least one event, and the larger
    of both `at_least` so many (10). Nothing is told before the rule has watched two full spans. `value` is the ratio of
    both counts, which also changes as events leave them.
    """

    summary: ClassVar[str] = "{{ value }} × as many events in {{ within }} as before"
    begins: ClassVar[bool] = True

    type: Literal["spike"]
    factor: float = Field(gt=1, le=1_000_000)
    at_least: int = Field(10, ge=1, le=1_000_000)
    direction: Literal["up", "down"] = "up"

    @field_validator("factor", mode="before")
    @classmethod
    def _take_whole(cls, factor: object) -> object:
        return float(factor) if type(factor) is int and abs(factor) < 2**53 else factor

    def span(self) -> Span:
        return Span(2 * self.within, 2 * EXACT_MAX, 2 * PARTS)

    @property
    def looks_back(self) -> int:
        return 2 * self.within

    @property
    def threshold_text(self) -> str:
        return format_number(self.factor)

    def worse(self, a: float, b: float) -> float:
        return max(a, b) if self.direction == "up" else min(a, b)

    def new(self, no: int, key: str) -> Pair:
        return Pair(no, key, span=self.windows)

    def begin(self, state: State, begun_w: int, w: int) -> None:
        pair = _pair(state)
        pair.begun_w, pair.watched = begun_w, w >= begun_w + self.looks_back

    def slide(self, state: State, t: int, w: int) -> str:
        pair = _pair(state)
        pair.slide(t)
        pair.now, pair.watched = t, w >= pair.begun_w + self.looks_back
        return ""

    def add(self, state: State, sample: Sample) -> None:
        pair = _pair(state)
        pair.add(sample.t, texts=sample.tops or None)
        pair.latest = sample.latest

    def holds(self, state: State, t: int, w: int) -> bool:
        pair = _pair(state)
        if w < pair.begun_w + self.looks_back:
            return False
        now, before = self._counts(pair, t)
        if not before or max(now, before) < self.at_least:
            return False
        return now / before >= self.factor if self.direction == "up" else not now or before / now >= self.factor

    def value(self, state: State, t: int, w: int) -> float:
        now, before = self._counts(_pair(state), t)
        if before:
            return now / before
        return state.alert.tally.value or 0.0 if state.alert else 0.0

    def due(self, state: State) -> int:
        """When the next event leaves one of both windows."""
        pair = _pair(state)
        leaving = ((pair.first_after(pair.now - span), span) for span in (self.within, self.looks_back))
        return min(at + span if at < NEVER else NEVER for at, span in leaving)

    def due_w(self, state: State) -> int:
        pair = _pair(state)
        return NEVER if pair.watched else pair.begun_w + self.looks_back

    def window(self, state: State) -> tuple[int, int, int, Iterable[Texts]]:
        pair = _pair(state)
        begin = pair.now - self.within
        count = pair.count_after(begin)
        return (count, pair.first_after(begin), pair.last, pair.tops_after(begin)) if count else (0, 0, 0, ())

    def _counts(self, pair: Pair, t: int) -> tuple[int, int]:
        """Of the window at an instant, and of the one before it."""
        now = pair.count_after(t - self.within)
        return now, pair.count_after(t - self.looks_back) - now


def _pair(state: State) -> Pair:
    return cast("Pair", state)
