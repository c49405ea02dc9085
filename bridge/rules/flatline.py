"""The rule type `flatline`."""

import re
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from bridge.event import Kind
from bridge.events import EVENT_TYPES
from bridge.rule import Rule
from bridge.state import Sample, State, Texts
from bridge.values import DAY, MINUTE, NEVER, SECOND, Duration, parse_duration, write_duration
from bridge.watched import Watched, check_named

PERIODIC = "server.statsz"
"""The event that comes at an interval of its own."""

INTERVAL_MAX = 30 * SECOND
"""The longest of these intervals: of servers before 2.10.21, and taken for what was not heard yet."""

_INTERVALS = re.compile(r"(\d+) intervals?")


class Silence(State):
    """A combination that was heard once. Instants are in watched time."""

    heard: int = 0
    """The same in receive time, for people."""
    heard_w: int = 0
    interval: int = 0
    """The usual interval of its series; 0 if that is not asked for."""
    planned_w: int = -1
    """When an event of `unless` announced the silence; -1 if none did."""
    latest: Texts = ()
    """What templates read from the latest event."""


class Unless(Watched):
    """A planned silence: not told for that long, then told as planned but not back."""

    for_: Duration = Field(15 * MINUTE, alias="for")


def _parse_within(value: object) -> object:
    """A duration, or minus the number of intervals."""
    if isinstance(value, str) and (match := _INTERVALS.fullmatch(value.strip())):
        if not 1 <= int(match[1][:6]) <= 1000:
            raise ValueError("a number of intervals is from 1 to 1000")
        return -int(match[1])
    if not (within := parse_duration(value)):
        raise ValueError("`within` cannot be 0; write for example 40s")
    return within


def _check_expected(expected: dict[str, str], info: ValidationInfo) -> dict[str, str]:
    by = info.data.get("by", expected)
    if expected.keys() != set(by):
        wanted = f"write {{{', '.join(f'{path}: …' for path in by)}}}"
        raise ValueError(f"an entry of `expect` has a value for each field of `by` and for no other; {wanted}")
    return expected


Expected = Annotated[dict[str, str], AfterValidator(_check_expected)]
"""A combination: field of `by` → value."""


class Flatline(Rule):
    """A combination that was seen before, or is named in `expect`, has been silent for `within`.

    `within: 3 intervals` follows the usual interval of the series. `unless` names events that announce a silence;
    `forget_after` ends the alert about something that will not come back. `value` is the length of the silence.
    """

    summary: ClassVar[str] = "silent for {{ value }}"
    meaning: ClassVar[tuple[str, ...]] = ()

    type: Literal["flatline"]
    within: Annotated[int, BeforeValidator(_parse_within)]
    expect: list[Expected] = []
    unless: Unless | None = None
    forget_after: Duration = 7 * DAY

    @field_validator("within")
    @classmethod
    def _check_intervals(cls, within: int, info: ValidationInfo) -> int:
        events = info.data.get("events", [])
        if within < 0 and (info.data.get("subject") or not all(map(_is_periodic, events))):
            raise ValueError(
                f"only {PERIODIC} and what is polled come at intervals that are known; write a duration, for example 2m"
            )
        return within

    @field_validator("unless")
    @classmethod
    def _check_unless(cls, unless: Unless | None, info: ValidationInfo) -> Unless | None:
        if unless is not None:
            check_named("unless", unless, info.data.get("by", []), "name events that have it, or remove it from `by`")
        return unless

    @model_validator(mode="after")
    def _check_forget_after(self) -> Self:
        within = max(self.within, self.intervals * INTERVAL_MAX)
        if self.forget_after <= within:
            raise ValueError(
                f"`forget_after` ({write_duration(self.forget_after)}) must be longer than `within`, here "
                f"{write_duration(within)}; write a longer one, for example {write_duration(2 * within)}"
            )
        return self

    @property
    def intervals(self) -> int:
        """How many usual intervals of the series; 0 if `within` is a duration."""
        return max(0, -self.within)

    @property
    def within_text(self) -> str:
        return f"{self.intervals} intervals" if self.intervals else super().within_text

    @property
    def forgets(self) -> bool:
        return True

    @property
    def threshold_text(self) -> str:
        return self.within_text

    def value_kind(self, field_kind: Kind) -> Kind:
        return "seconds"

    def new(self, no: int, key: str) -> Silence:
        return Silence(no, key)

    def add(self, state: State, sample: Sample) -> None:
        silence = _silence(state)
        silence.heard, silence.heard_w, silence.planned_w = sample.t, sample.w, -1
        silence.latest = sample.latest
        if sample.number is not None:
            silence.interval = round(sample.number * SECOND)

    def remark(self, state: State) -> str:
        return "planned, but not back" if _silence(state).planned_w >= 0 else ""

    def plan(self, state: State, w: int) -> None:
        """An event of `unless` announced that it goes silent."""
        _silence(state).planned_w = w

    def holds(self, state: State, t: int, w: int) -> bool:
        return w >= self._begins(_silence(state))

    def value(self, state: State, t: int, w: int) -> float:
        return (w - _silence(state).heard_w) / SECOND

    def due_w(self, state: State) -> int:
        silence = _silence(state)
        lasts = state.alert is not None and state.alert.gone_w is None
        return min(NEVER if lasts else self._begins(silence), silence.heard_w + self.forget_after)

    def idle(self, state: State, t: int, w: int) -> bool:
        """It will not come back."""
        return w >= _silence(state).heard_w + self.forget_after

    def latest(self, state: State) -> Texts:
        return _silence(state).latest

    def window(self, state: State) -> tuple[int, int, int, tuple[()]]:
        heard = _silence(state).heard
        return 1, heard, heard, ()

    def shift(self, state: State, by: int) -> None:
        _silence(state).heard += by

    def sleep(self, state: State, by: int) -> None:
        silence = _silence(state)
        silence.heard_w += by
        silence.planned_w += by if silence.planned_w >= 0 else 0

    def dump(self, state: State) -> Any:
        silence = _silence(state)
        return [silence.heard, silence.heard_w, silence.interval, silence.planned_w, silence.latest]

    def load(self, state: State, dumped: Any) -> None:
        silence = _silence(state)
        silence.heard, silence.heard_w, silence.interval, silence.planned_w, latest = dumped
        silence.latest = tuple(latest)

    def _begins(self, silence: Silence) -> int:
        """The instant from which the silence is told."""
        within = self.within if self.within > 0 else self.intervals * silence.interval
        if not within:
            return NEVER
        begins = silence.heard_w + within
        if silence.planned_w >= 0 and self.unless:
            return max(begins, silence.planned_w + self.unless.for_)
        return begins


def _is_periodic(event: str) -> bool:
    return event == PERIODIC or (event in EVENT_TYPES and bool(EVENT_TYPES[event].poll))


def _silence(state: State) -> Silence:
    assert isinstance(state, Silence)
    return state
