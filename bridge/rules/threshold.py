"""The rule type `threshold`."""

from collections.abc import Collection
from typing import Any, ClassVar, Literal, Self

import msgspec
from pydantic import ValidationInfo, field_validator, model_validator

from bridge.event import Kind
from bridge.events.checking import check_number
from bridge.rule import Names, Rule, check_limit
from bridge.state import Sample, State
from bridge.values import NEVER, SECOND, Quantity

SILENCE_MIN = 90 * SECOND
"""A series that has been silent for three of its intervals, and at least this long, has no measurement any more."""


class Measurement(msgspec.Struct, array_like=True):
    """The latest number of one series. `gap` is its last interval; both times are watched time."""

    number: float
    w: int
    gap: int

    @property
    def stale_w(self) -> int:
        return self.w + max(3 * self.gap, SILENCE_MIN)


class Measured(State):
    """The series of one combination, and which of them are past the limit."""

    series: dict[str, Measurement] = {}
    past: set[str] = set()


class Threshold(Rule):
    """The number in `field` is above or below a limit.

    It begins with a measurement past the limit and ends with one that is no longer past `clear` (the limit itself, if
    left out), or when there is no data any more. `of: f` compares 100 × field ÷ f, `per: f` compares field ÷ f;
    `sum_over` adds up series first. Over several series any of them counts, and `value` is the worst.
    """

    measuring: ClassVar[bool] = True
    serial: ClassVar[bool] = True
    summary: ClassVar[str] = "{{ value }} (limit {{ limit }})"
    meaning: ClassVar[tuple[str, ...]] = ("field", "of", "per", "sum_over")

    type: Literal["threshold"]
    field: str
    of: str | None = None
    per: str | None = None
    above: Quantity | None = None
    below: Quantity | None = None
    clear: Quantity | None = None
    sum_over: Names = []

    @field_validator("field", "of", "per")
    @classmethod
    def _check_field(cls, path: str | None, info: ValidationInfo) -> str | None:
        if path is not None:
            check_number(path, info.data.get("events", []))
        return path

    @field_validator("above", "below", "clear")
    @classmethod
    def _check_unit(cls, limit: Quantity | None, info: ValidationInfo) -> Quantity | None:
        if info.data.get("of"):
            check_limit(limit, "", info.data.get("events", []), "percent")
        elif not info.data.get("per") and "field" in info.data:
            check_limit(limit, info.data["field"], info.data.get("events", []))
        return limit

    @model_validator(mode="after")
    def _check_limits(self) -> Self:
        if (self.above is None) == (self.below is None):
            raise ValueError("a threshold needs either `above` or `below`; write one of them")
        if self.of and self.per:
            raise ValueError("`of` and `per` exclude each other; remove one")
        if self.clear and (self.clear.value > self._limit if self.above else self.clear.value < self._limit):
            side = "at or below `above`" if self.above else "at or above `below`"
            raise ValueError(f"`clear` is on the wrong side of the limit; choose a number {side}")
        return self

    @property
    def threshold_text(self) -> str:
        return (self.above or self.below or Quantity(0, "number", "")).text

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
        return max(a, b) if self.above else min(a, b)

    def new(self, no: int, key: str) -> Measured:
        return Measured(no, key, series={}, past=set())

    def add(self, state: State, sample: Sample) -> None:
        measured = _measured(state)
        last = measured.series.get(sample.series)
        gap = sample.w - last.w if last else 0
        measured.series[sample.series] = Measurement(sample.number or 0.0, sample.w, gap)
        self._judge(measured, self._group(sample.series))

    def slide(self, state: State, t: int, w: int) -> str:
        measured = _measured(state)
        stale = [name for name, measurement in measured.series.items() if measurement.stale_w <= w]
        return "no data" if self._drop(measured, stale) else ""

    def end(self, state: State, series_prefix: str) -> bool:
        measured = _measured(state)
        ended = [name for name in measured.series if name == series_prefix or name.startswith(series_prefix + "\x1f")]
        return self._drop(measured, ended)

    def holds(self, state: State, t: int, w: int) -> bool:
        return bool(_measured(state).past)

    def value(self, state: State, t: int, w: int) -> float:
        sums = self._sums(_measured(state)).values()
        if not sums:
            return state.alert.tally.value or 0.0 if state.alert else 0.0
        return max(sums) if self.above else min(sums)

    def due_w(self, state: State) -> int:
        return min((measurement.stale_w for measurement in _measured(state).series.values()), default=NEVER)

    def idle(self, state: State, t: int, w: int) -> bool:
        return not _measured(state).series

    def sleep(self, state: State, by: int) -> None:
        for measurement in _measured(state).series.values():
            measurement.w += by

    def reset(self, state: State) -> None:
        _measured(state).series.clear()
        _measured(state).past.clear()

    def series(self, state: State) -> Collection[str]:
        return _measured(state).series

    def rejudge(self, state: State) -> None:
        measured = _measured(state)
        for group in {self._group(name) for name in measured.series}:
            self._judge(measured, group)

    def dump(self, state: State) -> Any:
        measured = _measured(state)
        return [measured.series, sorted(measured.past)]

    def load(self, state: State, dumped: Any) -> None:
        measured = _measured(state)
        measured.series = msgspec.convert(dumped[0], dict[str, Measurement])
        measured.past = set(dumped[1])

    @property
    def _limit(self) -> float:
        limit = self.above or self.below
        assert limit is not None
        return limit.value

    def _judge(self, measured: Measured, group: str) -> None:
        total = self._sums(measured, group)[group]
        clear = self.clear.value if self.clear else self._limit
        edge = clear if group in measured.past else self._limit
        if total > edge if self.above else total < edge:
            measured.past.add(group)
        else:
            measured.past.discard(group)

    def _sums(self, measured: Measured, only: str | None = None) -> dict[str, float]:
        sums: dict[str, float] = {}
        for name, measurement in measured.series.items():
            group = self._group(name)
            if only is None or group == only:
                sums[group] = sums.get(group, 0.0) + measurement.number
        return sums

    def _group(self, series: str) -> str:
        """The series without the fields that `sum_over` adds up. A series is written `field=value`, joined by \\x1f."""
        if not self.sum_over:
            return series
        return "\x1f".join(part for part in series.split("\x1f") if part.split("=", 1)[0] not in self.sum_over)

    def _drop(self, measured: Measured, names: list[str]) -> bool:
        for name in names:
            del measured.series[name]
        left = {self._group(name) for name in measured.series}
        measured.past &= left
        return bool(names)


def _measured(state: State) -> Measured:
    assert isinstance(state, Measured)
    return state
