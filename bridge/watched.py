"""Events that a rule names, its own and others that it listens to, and whether they have what it wants of them."""

from collections.abc import Iterable, Sequence
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo

from bridge.events.checking import check_event, check_field, check_number
from bridge.matcher import Matcher
from bridge.options import Options


def _as_list(value: object) -> object:
    return [value] if isinstance(value, str) else value


Names = Annotated[list[str], BeforeValidator(_as_list)]
"""One name, or a list of them."""

EventNames = Annotated[list[Annotated[str, AfterValidator(check_event)]], BeforeValidator(_as_list)]
"""One event type, or a list of them."""


def _check_matcher(matcher: Matcher, info: ValidationInfo) -> Matcher:
    check_matcher(matcher, info.data.get("events", []))
    return matcher


Matchers = list[Annotated[Matcher, AfterValidator(_check_matcher)]]
"""Matchers on fields that the events beside them have. Each is checked by itself, so that all errors are told."""


def _check_path(path: str, info: ValidationInfo) -> str:
    check_field(path, info.data.get("events", []))
    return path


FieldNames = list[Annotated[str, AfterValidator(_check_path)]]
"""Fields that one of the events beside them has, each checked by itself."""


def _check_number(path: str, info: ValidationInfo) -> str:
    check_number(path, info.data.get("events", []))
    return path


NumberField = Annotated[str, AfterValidator(_check_number)]
"""A field of the events beside it that measures."""


class Watched(Options):
    """Other events that a rule listens to."""

    events: EventNames = Field(min_length=1)
    where: Matchers = []


class Ending(Watched):
    """`resolve_on`: another event ends the alert at once and empties its state."""

    match: list[str] | None = None


def check_matcher(matcher: Matcher, events: Sequence[str]) -> None:
    """It names a field that the events have, and a limit in its unit. Raises ValueError."""
    field = check_field(matcher.field, events)
    if matcher.op in ("<", "<=", ">", ">="):
        matcher.compile(check_number(matcher.field, events) if events else "any")
    else:
        matcher.compile(field.kind if field else "any")


def check_named(key: str, watched: Watched, fields: Iterable[str], advice: str) -> None:
    """Each of these events has all the fields, else it could never name a combination. Raises ValueError."""
    for name in watched.events:
        for path in fields:
            try:
                check_field(path, [name])
            except ValueError as error:
                raise ValueError(f"the event {name} of `{key}` has no field {path!r}; {advice}") from error
