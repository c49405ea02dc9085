"""The rule type `new_value`."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal, cast

from pydantic import Field, ValidationInfo, field_validator

from bridge.events.checking import check_field
from bridge.instant import Instant
from bridge.state import SEPARATOR, Memory, Sample, State, short
from bridge.values import DAY, HOUR, Duration
from bridge.watched import Names


class Known(State):
    """An alert that stays for a while: how many values were known at its latest event."""

    values: float = 0.0


class NewValue(Instant):
    """The combination of `fields` was never seen before, for its combination of `by`.

    For `learn_for` after the rule was loaded first it only learns. What was not seen for `forget_after` is forgotten,
    and new again. `value` is the number of values known. Without `keep_firing_for` and `resolve_on` each new value is
    told once.
    """

    remembering: ClassVar[bool] = True
    begins: ClassVar[bool] = True
    gauge: ClassVar[bool] = True
    meaning: ClassVar[tuple[str, ...]] = ("fields",)
    summary: ClassVar[str] = "never seen before ({{ value }} known)"

    type: Literal["new_value"]
    fields: Annotated[Names, Field(min_length=1)]
    learn_for: Duration = 24 * HOUR
    forget_after: Duration = Field(90 * DAY, gt=0)
    limit: int = Field(100_000, ge=1, le=10_000_000)

    @field_validator("fields")
    @classmethod
    def _check_fields(cls, paths: list[str], info: ValidationInfo) -> list[str]:
        for path in paths:
            check_field(path, info.data.get("events", []))
        if len(set(paths)) < len(paths):
            raise ValueError("a field stands twice; remove one")
        return paths

    @property
    def text_fields(self) -> Sequence[str]:
        return self.fields

    @property
    def remember_for(self) -> int:
        return self.forget_after

    def memory_of(self, by: str, series: str, sample: Sample) -> str:
        return short(f"{by}{SEPARATOR}{sample.text}" if self.by else sample.text)

    def compare(self, memory: Memory, sample: Sample, begun_w: int) -> Sample | None:
        seen, memory.known = memory.known, True
        if seen or sample.w - begun_w < self.learn_for:
            return None
        return Sample(sample.t, sample.w, None, sample.tops, sample.latest)

    def new(self, no: int, key: str) -> Known:
        return Known(no, key)

    def add(self, state: State, sample: Sample) -> None:
        cast("Known", state).values = sample.number or 0.0

    def value(self, state: State, t: int, w: int) -> float:
        return cast("Known", state).values

    def dump(self, state: State) -> Any:
        return cast("Known", state).values

    def load(self, state: State, dumped: Any) -> None:
        cast("Known", state).values = dumped
