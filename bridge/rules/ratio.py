"""The rule type `ratio`."""

from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from bridge.counting import Counting, window_of
from bridge.event import Kind
from bridge.limit import Limit, limit_of
from bridge.matcher import Matcher, check_unit
from bridge.state import Sample, State
from bridge.values import Quantity
from bridge.watched import Matchers


class Ratio(Counting):
    """Of the events within `within`, the share that `matching` lets through is above or below a percentage.

    All of `matching` must let an event through (written like `where`). It takes `at_least` so many events (10). `value`
    is the share in percent.
    """

    summary: ClassVar[str] = "{{ value }} in {{ within }} (limit {{ limit }})"
    meaning: ClassVar[tuple[str, ...]] = ("matching",)

    type: Literal["ratio"]
    matching: Matchers = Field(min_length=1)
    above: Quantity | None = None
    below: Quantity | None = None
    at_least: int = Field(10, ge=1, le=1_000_000)

    _limit: Limit = PrivateAttr(default=Limit(True, 0.0, ""))

    @field_validator("above", "below")
    @classmethod
    def _check_percentage(cls, limit: Quantity | None, info: ValidationInfo) -> Quantity | None:
        if limit is None:
            return None
        if limit.kind != "number":
            check_unit(limit, "percent")
        if not (0 <= limit.value < 100 if info.field_name == "above" else 0 < limit.value <= 100):
            raise ValueError(f"no share is {info.field_name} {limit.text}, or each is; write for example 5%")
        return limit

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        self._limit = limit_of(self.above, self.below)
        return self

    @property
    def threshold_text(self) -> str:
        return self._limit.text.removesuffix("%").rstrip() + "%"

    @property
    def marks(self) -> Sequence[Matcher]:
        return self.matching

    def value_kind(self, field_kind: Kind) -> Kind:
        return "percent"

    def worse(self, a: float, b: float) -> float:
        return self._limit.worse(a, b)

    def add(self, state: State, sample: Sample) -> None:
        window = window_of(state)
        window.add(sample.t, sample.number, sample.tops or None)
        window.latest = sample.latest

    def holds(self, state: State, t: int, w: int) -> bool:
        count = window_of(state).count
        return count >= self.at_least and self._limit.is_passed(self.value(state, t, w))

    def value(self, state: State, t: int, w: int) -> float:
        window = window_of(state)
        if count := window.count_at(t):
            return 100 * window.total_at(t) / count
        return state.alert.tally.value or 0.0 if state.alert else 0.0
