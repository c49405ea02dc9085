"""The scalars that operators write: durations, quantities with units, secrets.

Inside the program a time is an int of microseconds since the epoch and a duration an int of microseconds: exact at the
edges of windows, where floats are not.
"""

import re
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

_UNITS = {"w": WEEK, "d": DAY, "h": HOUR, "m": MINUTE, "s": SECOND, "ms": MILLISECOND, "us": MICROSECOND, "µs": MICROSECOND}
_DURATION = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|us|µs|[wdhms]))+")
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|us|µs|[wdhms])")
_BYTES = {"B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40}
_QUANTITY = re.compile(r"(-?\d+(?:\.\d+)?)\s*(%|[KMGT]i?B|B)?")


def parse_duration(text: object) -> int:
    """`1m30s` → 90 000 000. Raises ValueError with the fix for a bare number."""
    if text == 0 or text == "0":
        return 0
    if isinstance(text, int | float) and not isinstance(text, bool):
        raise ValueError(f"a duration needs a unit; write {text}s or {text}m")
    if not isinstance(text, str) or not _DURATION.fullmatch(text):
        hint = f"; write {text}s or {text}m" if isinstance(text, str) and text.isdigit() else ""
        raise ValueError(f"{text!r} is not a duration{hint or '; write for example 30s, 1m30s, 2h, 7d'}")
    total = sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
    if total > 100 * 365 * DAY:
        raise ValueError(f"{text!r} is longer than 100 years")
    return round(total)


def format_duration(micros: int) -> str:
    """90 000 000 → `1m30s`; at most the two largest parts, so that people can read it."""
    if micros < 0:
        return "-" + format_duration(-micros)
    if micros < SECOND:
        return f"{round(micros / MILLISECOND)}ms" if micros else "0s"
    seconds = round(micros / SECOND)
    parts = []
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60), ("s", 1)):
        count, seconds = divmod(seconds, size)
        if count or parts:
            parts.append(f"{count}{unit}")
    return "".join(part for part in parts[:2] if not part.startswith("0"))


Duration = Annotated[int, BeforeValidator(parse_duration), PlainSerializer(format_duration)]
"""Microseconds; written `30s`, `1m30s`, `2h`, `7d`, `1w` or `0`."""


class Quantity(msgspec.Struct, frozen=True):
    """A limit: a number in the unit of its kind. `kind` is `number`, `percent`, `bytes` or `seconds`."""

    value: float
    kind: str
    text: str

    def __str__(self) -> str:
        return self.text

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(parse_quantity)


def parse_quantity(text: object) -> Quantity:
    """`90%`, `8GiB`, `500ms`, `30d`, `3` → a Quantity. Raises ValueError."""
    if isinstance(text, Quantity):
        return text
    if isinstance(text, bool) or not isinstance(text, str | int | float):
        raise ValueError(f"{text!r} is not a number; write for example 3, 90%, 8GiB or 500ms")
    written = str(text).strip()
    if match := _QUANTITY.fullmatch(written):
        number, unit = float(match[1]), match[2]
        if unit == "%":
            return Quantity(number, "percent", written)
        return Quantity(number * _BYTES[unit], "bytes", written) if unit else Quantity(number, "number", written)
    negative = written.startswith("-")
    if _DURATION.fullmatch(written.removeprefix("-")):
        seconds = parse_duration(written.removeprefix("-")) / SECOND
        return Quantity(-seconds if negative else seconds, "seconds", written)
    raise ValueError(f"{written!r} is not a number; write for example 3, 90%, 8GiB or 500ms")


class Secret:
    """Text that is never shown: `str`, `repr` and serialisation give `***`; `reveal()` gives it to the one who sends it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

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
        raise ValueError("a secret is text and not empty")
    return Secret(text.strip())
