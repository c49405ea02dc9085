"""The rule type `aggregate`."""

import math
from array import array
from collections.abc import Sequence
from typing import ClassVar, Literal, Self

from pydantic import Field, PrivateAttr, ValidationInfo, field_validator, model_validator

from bridge.coarse import Part, draw, passes, quantile
from bridge.counting import Counting, window_of
from bridge.event import Kind
from bridge.limit import Limit, limit_of
from bridge.rule import check_limit
from bridge.state import Sample, State
from bridge.values import Quantity
from bridge.watched import NumberField
from bridge.window import Span

QUANTILES = ("p50", "p95", "p99")

Function = Literal["avg", "sum", "min", "max", "p50", "p95", "p99"]


class Aggregate(Counting):
    """A function of all numbers that came in `field` within `within` is above or below a limit.

    `fn` is `avg`, `sum`, `min`, `max`, or one of `p50`, `p95`, `p99`: the smallest of the numbers that at least 50, 95
    or 99 percent of them do not exceed. Numbers of all series of a combination count together. It takes `at_least` so
    many of them (1); without any it does not hold. Numbers that leave the window can begin and end it. `value` is the
    result.
    """

    summary: ClassVar[str] = "{{ value }} in {{ within }} (limit {{ limit }})"
    meaning: ClassVar[tuple[str, ...]] = ("field",)

    type: Literal["aggregate"]
    field: NumberField
    fn: Function
    above: Quantity | None = None
    below: Quantity | None = None
    at_least: int = Field(1, ge=1, le=1_000_000)

    _limit: Limit = PrivateAttr(default=Limit(True, 0.0, ""))

    @field_validator("above", "below")
    @classmethod
    def _check_unit(cls, limit: Quantity | None, info: ValidationInfo) -> Quantity | None:
        if "field" in info.data:
            check_limit(limit, info.data["field"], info.data.get("events", []))
        return limit

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        self._limit = limit_of(self.above, self.below)
        return self

    def span(self) -> Span:
        return Span(self.within, keep=draw)

    @property
    def threshold_text(self) -> str:
        return self._limit.text

    @property
    def number_fields(self) -> list[str]:
        return [self.field]

    def measure(self, numbers: list[float | None]) -> float | None:
        return numbers[0]

    def value_kind(self, field_kind: Kind) -> Kind:
        return field_kind

    def worse(self, a: float, b: float) -> float:
        return self._limit.worse(a, b)

    def add(self, state: State, sample: Sample) -> None:
        window = window_of(state)
        window.add(sample.t, sample.number, sample.tops or None)
        window.latest = sample.latest

    def holds(self, state: State, t: int, w: int) -> bool:
        window = window_of(state)
        if not window.count or window.count < self.at_least:
            return False
        if self.fn in QUANTILES and (parts := window.parts_at(t)):
            return passes(parts, int(self.fn[1:]), self._limit)
        return self._limit.is_passed(self.value(state, t, w))

    def value(self, state: State, t: int, w: int) -> float:
        window = window_of(state)
        if parts := window.parts_at(t):
            return _of_parts(self.fn, parts)
        if numbers := window.numbers_at(t):
            return _of_numbers(self.fn, numbers)
        return state.alert.tally.value or 0.0 if state.alert else 0.0


def _of_numbers(fn: Function, numbers: "array[float]") -> float:
    match fn:
        case "avg":
            return math.fsum(numbers) / len(numbers)
        case "sum":
            return math.fsum(numbers)
        case "min":
            return min(numbers)
        case "max":
            return max(numbers)
        case "p50" | "p95" | "p99":
            rank = -(-int(fn[1:]) * len(numbers) // 100)
            return sorted(numbers)[rank - 1]


def _of_parts(fn: Function, parts: Sequence[Part]) -> float:
    match fn:
        case "avg":
            return math.fsum(part.total for part in parts) / sum(part.count for part in parts)
        case "sum":
            return math.fsum(part.total for part in parts)
        case "min":
            return min(part.least for part in parts)
        case "max":
            return max(part.most for part in parts)
        case "p50" | "p95" | "p99":
            return quantile(parts, int(fn[1:]))
