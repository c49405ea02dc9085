"""The keys of a test file. Names of fields, alerts and receivers are checked apart, since they need the rules."""

from typing import Annotated, Any, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from bridge.events.checking import check_event
from bridge.options import FilePath, Options
from bridge.values import Duration, Quantity

COUNT_MAX = 100_000
"""Repetitions of one event."""

State = Literal["firing", "pending", "resolved", "event"]
STATES: tuple[State, ...] = ("firing", "pending", "resolved", "event")


class Occurrence(Options):
    """Something that happens, once or again and again: an event, a raw message, or a span in which nothing is heard."""

    at: Duration
    """Since the beginning of the test, as all instants of it."""
    event: Annotated[str, AfterValidator(check_event)] | None = None
    fields: dict[str, Any] = {}
    """Field of the event → its value, or a list of values for one repetition after the other."""
    subject: Annotated[str, Field(min_length=1)] | None = None
    data: Any = ""
    """The payload of a raw message: text, or what becomes JSON."""
    blind: Duration | None = None
    """For how long NATS is not heard."""
    count: Annotated[int, Field(ge=1, le=COUNT_MAX)] | None = None
    every: Duration = 0

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [key for key in ("event", "subject", "blind") if getattr(self, key) is not None]
        if len(kinds) != 1:
            raise ValueError(
                "this is an `event`, a `subject` with a raw message, or `blind`; write exactly one of them"
            )
        for key, kind in _BELONGS.items():
            if key in self.model_fields_set and kinds[0] not in kind:
                raise ValueError(f"{key!r} means nothing beside {kinds[0]!r}; remove it")
        return self


_BELONGS = {
    "fields": ("event",),
    "data": ("subject",),
    "count": ("event", "subject"),
    "every": ("event", "subject"),
}


def _named(value: object) -> object:
    return {"alert": value} if isinstance(value, str) else value


class ExpectedAlert(Options):
    """An alert that must be there. What is not said about it may be anything."""

    alert: str
    labels: dict[str, str] = {}
    value: Quantity | None = None
    annotations: dict[str, str] = {}


Expected = Annotated[ExpectedAlert, BeforeValidator(_named)]
"""An alert, or just its name."""


class Expectation(Options):
    """What must be true at an instant, everything that happens or is due at that very instant included.

    A state that is named lists all alerts in it, none if the list is empty; one that is not named is not looked at.
    """

    at: Duration
    firing: list[Expected] | None = None
    pending: list[Expected] | None = None
    resolved: list[Expected] | None = None
    event: list[Expected] | None = None
    messages: dict[str, Annotated[int, Field(ge=0)]] | None = None
    """Receiver, or one of its destinations → messages since the beginning; who is not named got none."""

    @model_validator(mode="after")
    def _something(self) -> Self:
        if not self.model_fields_set - {"at"}:
            raise ValueError(f"nothing is expected; write one of {', '.join(STATES)}, messages")
        for key in self.model_fields_set:
            if getattr(self, key) is None:
                raise ValueError(f"{key!r} is empty; write [] for none, or remove it")
        return self

    def alerts(self, state: State) -> list[ExpectedAlert] | None:
        """What must be in this state; None: it does not matter."""
        found: list[ExpectedAlert] | None = getattr(self, state)
        return found


class RuleTest(Options):
    """One story, told to the rules from their beginning on, and what must come of it."""

    name: Annotated[str, Field(min_length=1)]
    events: list[Occurrence] | None = None
    recording: FilePath | None = None
    alerts: Annotated[list[str], Field(min_length=1)] | None = None
    """The only ones that the test looks at."""
    expect: Annotated[list[Expectation], Field(min_length=1)]

    @model_validator(mode="after")
    def _one_source(self) -> Self:
        if (self.events is None) == (self.recording is None):
            raise ValueError("a test has either `events` or a `recording`; write one of them")
        return self


class RuleTests(Options):
    """A file of tests of one rules file."""

    rules: FilePath
    tests: Annotated[list[RuleTest], Field(min_length=1)]
