"""The rule type `threshold`."""

from typing import Any, ClassVar, Literal, Self

import msgspec
from pydantic import PrivateAttr, ValidationInfo, field_validator, model_validator

from bridge.event import Kind
from bridge.events import EVENT_TYPES
from bridge.latest import Latest, Measured, Measurement
from bridge.limit import Limit, limit_of
from bridge.rule import check_limit
from bridge.state import SEPARATOR, Sample, State
from bridge.values import Quantity
from bridge.watched import Names, NumberField


class Levels(Measured):
    """The series of one combination, and which of them, or of their sums, are past the limit."""

    past: set[str] = set()


class Threshold(Latest):
    """The number in `field` is above or below a limit.

    It begins with a measurement past the limit and ends with one that is no longer past `clear` (the limit itself, if
    left out), or when there is no data any more. `of: f` compares 100 × field ÷ f, `per: f` compares field ÷ f;
    `sum_over` adds up series first. Over several series any of them counts, and `value` is the worst.
    """

    measuring: ClassVar[bool] = True
    summary: ClassVar[str] = "{{ value }} (limit {{ limit }})"
    meaning: ClassVar[tuple[str, ...]] = ("field", "of", "per", "sum_over")

    type: Literal["threshold"]
    field: NumberField
    of: NumberField | None = None
    per: NumberField | None = None
    above: Quantity | None = None
    below: Quantity | None = None
    clear: Quantity | None = None
    sum_over: Names = []

    _limit: Limit = PrivateAttr(default=Limit(True, 0.0, ""))

    @field_validator("above", "below", "clear")
    @classmethod
    def _check_unit(cls, limit: Quantity | None, info: ValidationInfo) -> Quantity | None:
        if info.data.get("of"):
            check_limit(limit, "", info.data.get("events", []), "percent")
        elif not info.data.get("per") and "field" in info.data:
            check_limit(limit, info.data["field"], info.data.get("events", []))
        return limit

    @field_validator("sum_over")
    @classmethod
    def _check_sum_over(cls, paths: list[str], info: ValidationInfo) -> list[str]:
        by = info.data.get("by", [])
        known = {path for name in info.data.get("events", []) for path in EVENT_TYPES[name].series or by} or set(by)
        for path in paths:
            if path not in known:
                names = f"write one of {', '.join(sorted(known))}" if known else "name it in `by`, or remove it"
                raise ValueError(f"{path!r} is no field that tells its series apart; {names}")
        return paths

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        self._limit = limit_of(self.above, self.below)
        if self.of and self.per:
            raise ValueError("`of` and `per` exclude each other; remove one")
        if self.clear and self._limit.is_passed(self.clear.value):
            side = "at or below `above`" if self.above else "at or above `below`"
            raise ValueError(f"`clear` is on the wrong side of the limit; choose a number {side}")
        return self

    @property
    def threshold_text(self) -> str:
        return self._limit.text

    @property
    def number_fields(self) -> list[str]:
        other = self.of or self.per
        return [self.field, other] if other else [self.field]

    def measure(self, numbers: list[float | None]) -> float | None:
        if len(numbers) == 1:
            return numbers[0]
        number, other = numbers
        if number is None or other is None or other <= 0:
            return None
        return (100 if self.of else 1) * number / other

    def value_kind(self, field_kind: Kind) -> Kind:
        if self.of:
            return "percent"
        return "number" if self.per else field_kind

    def worse(self, a: float, b: float) -> float:
        return self._limit.worse(a, b)

    def new(self, no: int, key: str) -> Levels:
        return Levels(no, key, series={}, lapsed={}, past=set())

    def add(self, state: State, sample: Sample) -> None:
        levels = _levels(state)
        levels.measure(sample)
        self._judge(levels, self._group(sample.series))

    def settle(self, state: State) -> None:
        levels = _levels(state)
        levels.past &= {self._group(name) for name in levels.series}
        for group in list(levels.past):
            self._judge(levels, group)

    def holds(self, state: State, t: int, w: int) -> bool:
        return bool(_levels(state).past)

    def value(self, state: State, t: int, w: int) -> float:
        sums = self._sums(_levels(state)).values()
        if not sums:
            return state.alert.tally.value or 0.0 if state.alert else 0.0
        return max(sums) if self._limit.above else min(sums)

    def rejudge(self, state: State) -> None:
        levels = _levels(state)
        for group in {self._group(name) for name in levels.series}:
            self._judge(levels, group)

    def dump(self, state: State) -> Any:
        levels = _levels(state)
        return [levels.series, sorted(levels.past), levels.lapsed]

    def load(self, state: State, dumped: Any) -> None:
        levels = _levels(state)
        levels.series = msgspec.convert(dumped[0], dict[str, Measurement])
        levels.past = set(dumped[1])
        levels.lapsed = msgspec.convert(dumped[2] if len(dumped) > 2 else {}, dict[str, Measurement])

    def _judge(self, levels: Levels, group: str) -> None:
        total = self._sums(levels, group)[group]
        clear = self.clear.value if self.clear else self._limit.value
        edge = clear if group in levels.past else self._limit.value
        if total > edge if self._limit.above else total < edge:
            levels.past.add(group)
        else:
            levels.past.discard(group)

    def _sums(self, levels: Levels, only: str | None = None) -> dict[str, float]:
        sums: dict[str, float] = {}
        for name, measurement in levels.series.items():
            group = self._group(name)
            if only is None or group == only:
                sums[group] = sums.get(group, 0.0) + measurement.number
        return sums

    def _group(self, series: str) -> str:
        """The series without the fields that `sum_over` adds up. Its parts are written `field=value`."""
        if not self.sum_over:
            return series
        return SEPARATOR.join(part for part in series.split(SEPARATOR) if part.split("=", 1)[0] not in self.sum_over)


def _levels(state: State) -> Levels:
    assert isinstance(state, Levels)
    return state
