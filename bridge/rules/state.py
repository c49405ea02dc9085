"""The rule type `state`."""

from collections.abc import Sequence
from typing import Any, ClassVar, Literal

import msgspec
from pydantic import Field

from bridge.event import Kind
from bridge.latest import Latest, Measured, Measurement
from bridge.matcher import Matcher
from bridge.state import Sample
from bridge.state import State as Combination
from bridge.values import SECOND
from bridge.watched import Matchers


class Standing(Measured):
    """The series of one combination, and since when which of them match, in watched time."""

    since: dict[str, int] = {}


class State(Latest):
    """The latest event of a series matches.

    It begins with an event that all of `matching` let through (written like those of `where`) and ends with the first
    of the same series that they do not, or when there is no data any more. Over several series any of them counts.
    `value` is for how long it has been so, by the series that matches longest.
    """

    summary: ClassVar[str] = "{{ limit }} for {{ value }}"
    meaning: ClassVar[tuple[str, ...]] = ("matching",)

    type: Literal["state"]
    matching: Matchers = Field(min_length=1)

    @property
    def marks(self) -> Sequence[Matcher]:
        return self.matching

    @property
    def threshold_text(self) -> str:
        return ", ".join(str(matcher) for matcher in self.matching)

    def value_kind(self, field_kind: Kind) -> Kind:
        return "seconds"

    def new(self, no: int, key: str) -> Standing:
        return Standing(no, key, series={}, lapsed={}, since={})

    def add(self, state: Combination, sample: Sample) -> None:
        standing = _standing(state)
        standing.measure(sample)
        if sample.number:
            standing.since.setdefault(sample.series, sample.w)
        else:
            standing.since.pop(sample.series, None)

    def settle(self, state: Combination) -> None:
        standing = _standing(state)
        standing.since = {name: w for name, w in standing.since.items() if name in standing.series}

    def holds(self, state: Combination, t: int, w: int) -> bool:
        return bool(_standing(state).since)

    def value(self, state: Combination, t: int, w: int) -> float:
        since = _standing(state).since
        return (w - min(since.values())) / SECOND if since else 0.0

    def sleep(self, state: Combination, by: int) -> None:
        super().sleep(state, by)
        standing = _standing(state)
        standing.since = {name: w + by for name, w in standing.since.items()}

    def dump(self, state: Combination) -> Any:
        standing = _standing(state)
        return [standing.series, standing.since, standing.lapsed]

    def load(self, state: Combination, dumped: Any) -> None:
        standing = _standing(state)
        standing.series = msgspec.convert(dumped[0], dict[str, Measurement])
        standing.since = msgspec.convert(dumped[1], dict[str, int])
        standing.lapsed = msgspec.convert(dumped[2] if len(dumped) > 2 else {}, dict[str, Measurement])


def _standing(state: Combination) -> Standing:
    assert isinstance(state, Standing)
    return state
