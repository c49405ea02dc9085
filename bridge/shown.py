"""Values as people read them in templates: numbers with their unit, spans, moments, rankings, and an event's fields."""

import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Self

import msgspec

from bridge.values import SECOND, format_duration, format_number

TEXT_MAX = 16_384
"""Characters of any one text; what is longer is cut and ends with …."""

ITEMS_MAX = 1000
"""Items of a list that a template sees."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Number(float):
    """A measure in the unit of its kind: number, percent, bytes, seconds, or time (the span until a moment)."""

    __slots__ = ("approximate", "kind")
    kind: str
    approximate: bool

    def __new__(cls, value: float, kind: str = "number", approximate: bool = False) -> Self:
        number = super().__new__(cls, value)
        number.kind = "seconds" if kind == "time" else kind
        number.approximate = approximate
        return number

    def __str__(self) -> str:
        return ("≈" if self.approximate else "") + _with_unit(float(self), self.kind)

    def __repr__(self) -> str:
        return f"Number({float(self)!r}, {self.kind!r}, {self.approximate!r})"


class Span(float):
    """A duration in seconds; prints as `12m30s`."""

    __slots__ = ()

    def __str__(self) -> str:
        return _with_unit(float(self), "seconds")


class Moment(float):
    """An instant in unix seconds; prints as `2026-11-23 15:44:25 UTC`."""

    __slots__ = ()

    def __str__(self) -> str:
        return f"{self.date():%Y-%m-%d %H:%M:%S} UTC"

    def date(self) -> datetime:
        """In UTC. Raises ValueError where no calendar reaches."""
        try:
            return _EPOCH + timedelta(seconds=float(self))
        except (OverflowError, ValueError) as error:
            raise ValueError(f"{float(self)} is outside of every calendar") from error


class Ranking(tuple[tuple[str, int], ...]):
    """The most frequent values and their counts, the most frequent first; prints as `alice (12), bob (3)`."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(f"{text or '(none)'} ({count})" for text, count in self)


class Fields:
    """Labels, or the fields of an event, read as `x.client.name`, `x["client.name"]` or both mixed.

    Takes nested mappings and flat ones with dotted names. What is absent prints as "", and so does all below it.
    """

    __slots__ = ("_at", "_values")

    def __init__(self, values: Mapping[str, object], at: str = "") -> None:
        self._values = values
        self._at = at

    def get(self, name: str) -> object:
        """The field with that name or dotted path: a scalar, a list, or Fields for an object and for what is absent."""
        path = f"{self._at}.{name}" if self._at else name
        match _walk(self._values, path):
            case None:
                return Fields(self._values, path)
            case Mapping() as below:
                return Fields(below)
            case list() | tuple() as items if not isinstance(items, Ranking):
                return items[:ITEMS_MAX]
            case value:
                return value

    @property
    def absent(self) -> bool:
        return bool(self._at)

    def __str__(self) -> str:
        return "" if self.absent else _json(self._values)

    def __len__(self) -> int:
        return 0 if self.absent else len(self._values)

    def __iter__(self) -> Iterator[str]:
        return iter(() if self.absent else self._values)

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and _walk(self._values, f"{self._at}.{name}" if self._at else name) is not None

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Fields):
            return self.absent == other.absent and (self.absent or self._values == other._values)
        return self.absent and other == ""

    def __hash__(self) -> int:
        return hash("") if self.absent else hash(frozenset(self._values))

    def __lt__(self, other: object) -> bool:
        raise TypeError("an absent field is no number; ask first whether it is there: {% if x and x > 1 %}")

    __gt__ = __le__ = __ge__ = __lt__


def show(value: object) -> str:
    """Any value as text in a message, at most TEXT_MAX characters. Raises ValueError for integers of absurd length."""
    match value:
        case str():
            return cut(value)
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case Number() | Span() | Moment() | Ranking() | Fields():
            return cut(str(value))
        case float():
            return format_number(value)
        case Mapping():
            return cut(_json(value))
        case Sequence():
            return join(value)
        case _:
            return cut(str(value))


def join(items: Sequence[object] | Iterator[object], between: str = ", ") -> str:
    """The items' texts, one after the other; reads no further than TEXT_MAX characters."""
    parts: list[str] = []
    length = 0
    for item in items:
        parts.append(show(item))
        length += len(parts[-1]) + len(between)
        if length > TEXT_MAX:
            break
    return cut(between.join(parts))


def cut(text: str, limit: int = TEXT_MAX) -> str:
    """The text, or as much of its beginning as `limit` characters allow and …."""
    return text if len(text) <= limit else text[: limit - 1] + "…"


def _with_unit(number: float, kind: str) -> str:
    if not math.isfinite(number):
        return str(number)
    match kind:
        case "percent":
            return _rounded(number, 1) + "%"
        case "bytes":
            return _bytes(number)
        case "seconds":
            return format_duration(round(number * SECOND))
        case _:
            return _rounded(number, 2)


def _rounded(number: float, digits: int) -> str:
    """So many decimals at most; more where a small number would be lost, fewer where they say nothing."""
    if number.is_integer():
        return format_number(number)
    if abs(number) < 1:
        return f"{number:.3g}"
    return format_number(round(number, digits if abs(number) < 1000 else 1))


def _bytes(number: float) -> str:
    size = abs(number)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        # Rounded first, so that 1048575 is 1 MiB and not 1024 KiB.
        if round(size, 1) < 1024 or unit == "TiB":
            return f"{'-' if number < 0 else ''}{format_number(round(size, 1))} {unit}"
        size /= 1024
    raise AssertionError


def _walk(values: Mapping[str, object], path: str) -> object:
    if path in values:
        return values[path]
    head, _, rest = path.partition(".")
    below = values.get(head)
    return _walk(below, rest) if rest and isinstance(below, Mapping) else None


def _json(values: Mapping[str, object]) -> str:
    return msgspec.json.encode(values, enc_hook=str).decode()
