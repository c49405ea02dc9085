"""The rule type `change`."""

from collections.abc import Sequence
from typing import ClassVar, Literal

import msgspec
from pydantic import ValidationInfo, field_validator

from bridge.events.checking import check_each
from bridge.instant import Instant
from bridge.state import Memory, Sample


class Change(Instant):
    """The field took another value than at the event before in its series.

    The first sight of a series is no change; what it was is remembered for a week of silence, also over restarts of
    the server. `old` and `new` are the two values, `value` is the number of changes. Without `keep_firing_for` and
    `resolve_on` each change is told once.
    """

    serial: ClassVar[bool] = True
    remembering: ClassVar[bool] = True
    paired: ClassVar[bool] = True
    meaning: ClassVar[tuple[str, ...]] = ("field",)
    summary: ClassVar[str] = "changed from {{ old or 'nothing' }} to {{ new or 'nothing' }}"

    type: Literal["change"]
    field: str

    @field_validator("field")
    @classmethod
    def _check_field(cls, path: str, info: ValidationInfo) -> str:
        check_each(path, info.data.get("events", []), "and would always be a change")
        return path

    @property
    def text_fields(self) -> Sequence[str]:
        return (self.field,)

    def compare(self, memory: Memory, sample: Sample, begun_w: int) -> Sample | None:
        old, memory.known = memory.known, sample.text
        if old is None or old == sample.text:
            return None
        return msgspec.structs.replace(sample, latest=(*sample.latest, old, sample.text), series="", text="")
