"""The rule type `increase`."""

from typing import ClassVar, Literal

import msgspec
from pydantic import ValidationInfo, field_validator

from bridge.counting import Counting, window_of
from bridge.event import Kind
from bridge.rule import check_limit
from bridge.state import SEPARATOR, Memory, Sample, State
from bridge.values import Quantity
from bridge.watched import NumberField


class Increase(Counting):
    """The number in `field` has grown by more than `above` within `within`, added over all series.

    Restarts are seen (a new process, or a smaller number where none is known) and count from zero. The first
    measurement of a series is no step. `value` is the sum of the steps.
    """

    summary: ClassVar[str] = "grew by {{ value }} in {{ within }}"
    meaning: ClassVar[tuple[str, ...]] = ("field",)
    serial: ClassVar[bool] = True
    remembering: ClassVar[bool] = True

    type: Literal["increase"]
    field: NumberField
    above: Quantity = Quantity(0.0, "number", "0")

    @field_validator("above")
    @classmethod
    def _check_above(cls, above: Quantity, info: ValidationInfo) -> Quantity:
        if above.value and "field" in info.data:
            check_limit(above, info.data["field"], info.data.get("events", []))
        return above

    @property
    def threshold_text(self) -> str:
        return self.above.text

    @property
    def number_fields(self) -> list[str]:
        return [self.field]

    def measure(self, numbers: list[float | None]) -> float | None:
        return numbers[0]

    def value_kind(self, field_kind: Kind) -> Kind:
        return field_kind

    def compare(self, memory: Memory, sample: Sample, begun_w: int) -> Sample | None:
        process, _, digits = sample.text.rpartition(SEPARATOR)
        number, seq = sample.number or 0.0, int(digits or 0)
        known, memory.known = memory.known, [number, seq, process]
        if known is None:
            return None
        earlier, last_seq, last_process = known
        if process and process == last_process:
            if seq and seq <= last_seq:
                memory.known = known
                return None  # It is late.
            step = number - earlier
        elif process:
            step = number
        else:
            step = number - earlier if number >= earlier else number
        return msgspec.structs.replace(sample, number=step, text="") if step else None

    def add(self, state: State, sample: Sample) -> None:
        window = window_of(state)
        window.add(sample.t, sample.number, sample.tops or None)
        window.latest = sample.latest

    def holds(self, state: State, t: int, w: int) -> bool:
        window = window_of(state)
        return window.count > 0 and window.total > self.above.value

    def value(self, state: State, t: int, w: int) -> float:
        return window_of(state).total_at(t)
