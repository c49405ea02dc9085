"""The scalars that operators write: durations, quantities with units, secrets.

Inside the program a time is an int of microseconds since the epoch and a duration an int of microseconds: exact at the
edges of windows, where floats are not.
"""

import math
import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any, NewType

import msgspec
from pydantic import BeforeValidator, GetCoreSchemaHandler, PlainSerializer
from pydantic_core import CoreSchema, core_schema

Instant = NewType("Instant", int)
"""Microseconds since 1970-01-01 UTC."""

MICROSECOND = 1
MILLISECOND = 1000
SECOND = 1_000_000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE
DAY = 24 * HOUR
WEEK = 7 * DAY

NEVER = 2**63 - 1
"""An instant that does not come."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_UNITS = {
    "w": WEEK,
    "d": DAY,
    "h": HOUR,
    "m": MINUTE,
    "s": SECOND,
    "ms": MILLISECOND,
    "us": MICROSECOND,
    "µs": MICROSECOND,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|us|µs|[wdhms])")
_DURATION = re.compile(rf"(?:{_PART.pattern})+")
_BYTES = {
    "B": 1,
    "KB": 10**3,
    "MB": 10**6,
    "GB": 10**9,
    "TB": 10**12,
    "KiB": 2**10,
    "MiB": 2**20,
    "GiB": 2**30,
    "TiB": 2**40,
}
_QUANTITY = re.compile(r"(-?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?)\s*(%|[KMGT]i?B|B)?")
_QUANTITY_HINT = "write for example 3, 90%, 8GiB or 500ms"


def parse_duration(text: object) -> int:
    """`1m30s` → 90 000 000. Raises ValueError with the fix for a bare number."""
    if isinstance(text, int | float) and not isinstance(text, bool):
        if text == 0:
            return 0
        raise ValueError(f"a duration needs a unit; write {text}s or {text}m")
    if text == "0":
        return 0
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        bare = isinstance(text, str) and text.isascii() and text.isdigit()
        hint = f"write {text}s or {text}m" if bare else "write for example 30s, 1m30s, 2h, 7d"
        raise ValueError(f"{_quoted(text)} is not a duration; {hint}")
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if total > 100 * 365 * DAY:
        raise ValueError(f"{_quoted(text)} is longer than 100 years; write a shorter duration")
    return round(total)


def format_duration(micros: int) -> str:
    """90 000 000 → `1m30s`, for people: the two largest parts, rounded; a decimal below ten seconds."""
    if micros < 0:
        return "-" + format_duration(-micros)
    if 0 < micros < MILLISECOND:
        return f"{micros}us"
    if 0 < micros < SECOND - MILLISECOND // 2:
        return f"{round(micros / MILLISECOND)}ms"
    if micros < 10 * SECOND:
        return f"{micros / SECOND:.1f}".removesuffix(".0") + "s"
    seconds = round(micros / SECOND)
    parts: list[str] = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return "".join(part for part in parts[:2] if not part.startswith("0"))


def write_duration(micros: int) -> str:
    """The exact text that `parse_duration` reads back: 5 400 500 000 → `1h30m500ms`. For durations of 0 or more."""
    parts: list[str] = []
    for unit in ("d", "h", "m", "s", "ms", "us"):
        count, micros = divmod(micros, _UNITS[unit])
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


Duration = Annotated[int, BeforeValidator(parse_duration), PlainSerializer(write_duration)]
"""Microseconds; written `30s`, `1m30s`, `2h`, `7d`, `1w` or `0`."""


def format_number(number: float) -> str:
    """The plain form, exact: 9.0 → `9`, 1.5 → `1.5`."""
    return str(int(number)) if number.is_integer() and abs(number) < 1e15 else repr(float(number))


def parse_moment(text: object) -> int:
    """`2026-12-24T18:00:00+01:00` → microseconds since the epoch. Raises ValueError with the fix."""
    example = "write for example 2026-12-24T18:00:00Z, or +01:00 in the place of Z"
    try:
        moment = datetime.fromisoformat(text) if isinstance(text, str) else None
    except ValueError:
        moment = None
    if moment is None:
        raise ValueError(f"{_quoted(text)} is no moment; {example}")
    if moment.tzinfo is None:
        raise ValueError(f"{_quoted(text)} does not say in which time zone; {example}")
    return (moment - _EPOCH) // timedelta(microseconds=1)


Moment = Annotated[int, BeforeValidator(parse_moment)]
"""Microseconds since the epoch; written as RFC 3339."""


class Quantity(msgspec.Struct, frozen=True):
    """A limit: a number in the unit of its kind. `kind` is `number`, `percent`, `bytes` or `seconds`."""

    value: float
    kind: str
    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            parse_quantity, serialization=core_schema.to_string_ser_schema(when_used="always")
        )


def parse_quantity(text: object) -> Quantity:
    """`90%`, `8GiB`, `500ms`, `30d`, `3` → a Quantity. Raises ValueError."""
    if isinstance(text, Quantity):
        return text
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f"{_quoted(text)} is not a number; {_QUANTITY_HINT}")  # noqa: TRY004 - for pydantic
    written = format_number(text) if isinstance(text, float) else str(text).strip()
    value, kind = _measure(written)
    if not math.isfinite(value):
        raise ValueError(f"{_quoted(text)} is too large; write a smaller number")
    return Quantity(value, kind, written)


def _measure(written: str) -> tuple[float, str]:
    if match := _QUANTITY.fullmatch(written):
        number, unit = float(match[1]), match[2]
        if unit == "%":
            return number, "percent"
        return (number * _BYTES[unit], "bytes") if unit else (number, "number")
    span = written.removeprefix("-")
    if _DURATION.fullmatch(span):
        seconds = parse_duration(span) / SECOND
        return (-seconds if written.startswith("-") else seconds), "seconds"
    raise ValueError(f"{_quoted(written)} is not a number; {_QUANTITY_HINT}")


def _quoted(text: object) -> str:
    """What was written, short enough for one line of an error."""
    shown = repr(text)
    return shown if len(shown) <= 60 else shown[:59] + "…"


class Secret:
    """Text that is never shown: `str`, `repr` and serialisation give `***`; `reveal()` is for the one who sends it."""

    __slots__ = ("_text", "file")

    def __init__(self, text: str, file: Path | None = None) -> None:
        """`file` is where it was read from, for those who want to know whether it has changed there."""
        self._text, self.file = text, file

    def reveal(self) -> str:
        return self._text

    def __repr__(self) -> str:
        return "***"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _secret, serialization=core_schema.plain_serializer_function_ser_schema(lambda _: "***")
        )


def _secret(text: object) -> Secret:
    if isinstance(text, Secret):
        return text
    if not isinstance(text, str) or not text.strip():
        raise ValueError("a secret is text and not empty; put it in quotes")
    return Secret(text.strip())
