"""The filters of templates: ours, and those of Jinja's whose result could grow without a bound."""

import math
import re
from collections.abc import Callable
from datetime import UTC, datetime
from itertools import islice
from typing import Any

import msgspec
from jinja2 import Undefined

from bridge.arithmetic import NUMBER_MAX, approximate, kind_of, measure, noun
from bridge.errors import TemplateError
from bridge.shown import ITEMS_MAX, TEXT_MAX, Fields, Moment, Number, cut, join, show

_DATE_FORMAT = re.compile(r"(?:[^%]|%[aAbBdfHIjmMpSuVyYZz%])*")
"""strftime's, but for the widths of glibc: `%1000000000d`."""


def as_list(value: Any) -> list[Any]:
    """At most ITEMS_MAX items. Raises TemplateError for what is no list."""
    if isinstance(value, Undefined) or not hasattr(value, "__iter__"):
        raise TemplateError(f"{noun(value)} is no list")
    return list(islice(value, ITEMS_MAX))


def missing(value: Any) -> bool:
    """Undefined, or a field that the event does not have."""
    return isinstance(value, Undefined) or (isinstance(value, Fields) and value.absent)


def _default(value: Any, instead: Any = "", boolean: bool = False) -> Any:
    return instead if missing(value) or value == "" or (boolean and not value) else value


def _replace(text: Any, old: Any, new: Any) -> str:
    shown, gone, instead = show(text), show(old), show(new)
    # Counted first: a long replacement of a frequent letter would grow to megabytes before it is cut.
    room = max(0, (2 * len(shown) + 20_000) // max(1, len(instead)))
    return shown.replace(gone, instead, room)


def _truncate(text: Any, length: Any = 255, killwords: Any = False, end: Any = "...", leeway: Any = 5) -> str:
    """As Jinja's, but a length that leaves no room for `end` cuts without it."""
    for limit in (length, leeway):
        if not isinstance(limit, int) or limit < 0:
            raise TemplateError("truncate takes whole numbers of 0 or more")
    shown, tail = show(text), show(end)
    if len(shown) <= length + leeway:
        return shown
    if length < len(tail):
        return shown[:length]
    head = shown[: length - len(tail)]
    return (head if killwords else head.rsplit(" ", 1)[0]) + tail


def _join(items: Any, between: Any = ", ") -> str:
    return join(iter(as_list(items)), show(between))


def _reverse(value: Any) -> Any:
    return value[::-1] if isinstance(value, str) else as_list(value)[::-1]


def _number(value: Any) -> float:
    """A number, also when it is written in a text. Raises TemplateError."""
    if isinstance(value, int | float):
        return value
    try:
        return float(value)
    except (TypeError, ValueError):
        raise TemplateError(f"{noun(value)} is no number") from None


def _int(value: Any, default: int = 0) -> int:
    try:
        number = _number(value)
    except TemplateError:
        return default
    return int(number) if math.isfinite(number) and abs(number) <= NUMBER_MAX else default


def _float(value: Any, default: float = 0.0) -> float:
    try:
        return float(_number(value))
    except TemplateError:
        return default


def _round(value: Any, digits: Any = 0) -> Any:
    if not isinstance(digits, int) or not 0 <= digits <= 15:
        raise TemplateError("round takes from 0 to 15 digits")
    return measure(round(float(_number(value)), digits), kind_of(value), approximate(value))


def _abs(value: Any) -> Any:
    number = abs(_number(value))
    return number if isinstance(number, int) else measure(number, kind_of(value), approximate(value))


def _duration(value: Any) -> Any:
    return value if missing(value) or value == "" else str(Number(_number(value), "seconds", approximate(value)))


def _bytes(value: Any) -> Any:
    return value if missing(value) or value == "" else str(Number(_number(value), "bytes", approximate(value)))


def _date(value: Any, form: str = "%Y-%m-%d %H:%M:%S UTC") -> str:
    """A moment, unix seconds or a server's own time, in UTC."""
    if missing(value) or value == "":
        return ""
    if len(form) > 200 or not _DATE_FORMAT.fullmatch(form):
        raise TemplateError(f"{cut(form)[:50]!r} is no date format; write for example %Y-%m-%d %H:%M")
    moment = datetime.fromisoformat(value) if isinstance(value, str) else Moment(_number(value)).date()
    return (moment.astimezone(UTC) if moment.tzinfo else moment).strftime(form)


def _json(value: Any) -> str:
    """Any value as JSON, a text in its quotes. What is too long loses the ends of texts and lists, but stays JSON."""
    tree = "" if missing(value) else _tree(value)
    for limit in _TEXTS:
        text = msgspec.json.encode(_shortened(tree, limit), enc_hook=show).decode()
        while len(text) > TEXT_MAX and isinstance(tree, list) and limit == _TEXTS[-1] and tree:
            tree = tree[: len(tree) // 2]
            text = msgspec.json.encode(_shortened(tree, limit), enc_hook=show).decode()
        if len(text) <= TEXT_MAX:
            return text
    raise TemplateError(f"it is too long for JSON of {TEXT_MAX} characters; write a part of it")


_TEXTS = (TEXT_MAX, 1024, 64)
"""Characters of each text in JSON, the most that are tried first."""


def _tree(value: Any) -> Any:
    match value:
        case Fields():
            return {name: _tree(value.get(name)) for name in value}
        case dict():
            return {name: _tree(item) for name, item in value.items()}
        case list() | tuple():
            return [_tree(item) for item in value[:ITEMS_MAX]]
        case _:
            return value


def _shortened(tree: Any, limit: int) -> Any:
    match tree:
        case str():
            return cut(tree, limit)
        case dict():
            return {name: _shortened(item, limit) for name, item in tree.items()}
        case list():
            return [_shortened(item, limit) for item in tree]
        case _:
            return tree


OURS: dict[str, Callable[..., Any]] = {
    "replace": _replace,
    "truncate": _truncate,
    "default": _default,
    "d": _default,
    "join": _join,
    "list": as_list,
    "reverse": _reverse,
    "round": _round,
    "int": _int,
    "float": _float,
    "abs": _abs,
    "string": show,
    "duration": _duration,
    "bytes": _bytes,
    "date": _date,
    "json": _json,
}
