"""Matchers: `field op value`, what a rule asks of an event's fields. Compiled once, asked for every event, total."""

import math
import operator
import re
from collections.abc import Callable
from typing import Any

import msgspec
import re2
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bridge.values import Quantity, format_number, parse_quantity

Holds = Callable[[str | float | None], bool]
"""Whether a field's value satisfies a matcher; None is an absent field."""

PATTERN_MEMORY = 1 << 20
"""Bytes that one compiled pattern may use; beyond it RE2 matches slower, still in linear time."""

ANSWERS_MAX = 1024
"""Distinct values whose answer a pattern remembers: RE2 costs 4 µs a match, a dict 0.1."""

ANSWERED_LENGTH_MAX = 1024
"""Longer texts are matched anew, so that what is remembered stays below 4 MB a pattern."""

_MATCHER = re.compile(r"""\s*([^\s=!<>~"'{},]+)\s*([=!<>~]+)\s*(.*?)\s*""", re.DOTALL)
_QUOTED = re.compile(r'"((?:[^"\\]|\\.)*)"', re.DOTALL)
_ESCAPE = re.compile(r'\\([n"\\])')
_NUMBER = re.compile(r"[+-]?[0-9]+(?:\.[0-9]+)?(?:[eE][+-]?[0-9]+)?")

_TEXT_OPS = ("=", "!=", "=~", "!~")
_ORDER: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_OPS = (*_TEXT_OPS, *_ORDER)
_NEIGHBOURS = {"==": "=", "=>": ">=", "=<": "<=", "<>": "!=", "~": "=~", "~=": "=~", "!==": "!=", "!": "!="}
"""Operators of other languages, and what they are called here."""

_FITS = {
    "number": ("number",),
    "percent": ("percent",),
    "bytes": ("bytes", "number"),
    "seconds": ("seconds",),
    "time": ("seconds",),
    "text": ("number",),
    "any": ("number", "percent", "bytes", "seconds"),
}
"""The kind of a field → the kinds of quantity that it can be compared with."""

_EXPECTED = {
    "number": "a plain number; write for example 20",
    "percent": "a percentage; write for example 90%",
    "bytes": "a number of bytes; write for example 8GiB",
    "seconds": "a duration; write for example 500ms or 30s",
    "time": "a moment, compared as the span until it; write for example 30d",
    "text": "text, of which only plain numbers are compared; write for example 20",
}


class Matcher(msgspec.Struct, frozen=True):
    """One condition on one field; `value` is without quotes."""

    field: str
    op: str
    value: str

    @classmethod
    def parse(cls, text: str) -> "Matcher":
        """Read `field op value`. Raises ValueError, also for a pattern or number that can never work."""
        match = _MATCHER.fullmatch(text)
        if not match:
            raise ValueError(f"{text!r} is not a matcher; write field = value, the operator one of {' '.join(_OPS)}")
        field, op, written = match.groups()
        if op not in _OPS:
            raise ValueError(f"{text!r}: there is no operator {op}; {_operator_hint(op)}")
        matcher = cls(field, op, _unquote(written))
        if op in ("=~", "!~"):
            _pattern(matcher.value)
        elif op in _ORDER:
            parse_quantity(matcher.value)
        return matcher

    def compile(self, kind: str) -> Holds:
        """The fast form for a field of this kind: text, number, percent, bytes, seconds, time or any.

        Raises ValueError if the unit of a number does not fit the kind.
        """
        match self.op:
            case "=":
                return _equal(self.value)
            case "!=":
                return _unequal(self.value)
            case "=~" | "!~":
                return _matches(self.value, wanted=self.op == "=~")
            case _:
                return _compares(_ORDER[self.op], check_unit(parse_quantity(self.value), kind))

    def __str__(self) -> str:
        escaped = self.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
        return f'{self.field} {self.op} "{escaped}"'

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.to_string_ser_schema(when_used="always")
        )


def check_pattern(pattern: str) -> None:
    """Raises ValueError unless it is a regular expression."""
    _pattern(pattern)


def check_unit(quantity: Quantity, kind: str) -> float:
    """The limit as a number in the field's own unit (percent, bytes, seconds). Raises ValueError if it does not fit.

    0 is the same in every unit and needs none.
    """
    if quantity.kind in _FITS[kind] or (quantity.kind == "number" and quantity.value == 0):
        return quantity.value
    raise ValueError(f"{quantity.text!r} does not fit, the field is {_EXPECTED[kind]}")


def _validate(written: object) -> Matcher:
    if isinstance(written, Matcher):
        return written
    if not isinstance(written, str):
        what = f"a matcher is text, not {type(written).__name__}"
        raise ValueError(f"{what}; write for example 'client.kind = Client'")  # noqa: TRY004 - pydantic collects ValueError only
    return Matcher.parse(written)


def _operator_hint(op: str) -> str:
    if op in _NEIGHBOURS:
        return f"write {_NEIGHBOURS[op]}"
    return f"use one of {' '.join(_OPS)}, and put the value in double quotes if it begins with such a sign"


def _unquote(written: str) -> str:
    if not written.startswith('"'):
        return written
    match = _QUOTED.fullmatch(written)
    if not match:
        raise ValueError(f'{written!r} is not one quoted text; end it with ", and write \\" for a quote inside')
    # As in Alertmanager, any other backslash stays, so that "\d+" is the pattern it looks like.
    return _ESCAPE.sub(lambda escape: "\n" if escape[1] == "n" else escape[1], match[1])


def _plain(value: str | float | None) -> str:
    """A value as text matchers see it."""
    match value:
        case None:
            return ""
        case str():
            return value
        case bool():
            return "true" if value else "false"
        case int():
            return str(value)
        case _:
            return format_number(value)


def _equal(wanted: str) -> Holds:
    def holds(value: str | float | None) -> bool:
        return value == wanted if type(value) is str else _plain(value) == wanted

    return holds


def _unequal(unwanted: str) -> Holds:
    def holds(value: str | float | None) -> bool:
        return value != unwanted if type(value) is str else _plain(value) != unwanted

    return holds


def _matches(pattern: str, wanted: bool) -> Holds:
    matches = _pattern(pattern)
    answers: dict[str, bool] = {}

    def holds(value: str | float | None) -> bool:
        text = value if type(value) is str else _plain(value)
        answer = answers.get(text)
        if answer is None:
            # As bytes, because RE2 cannot encode a lone surrogate and events must never raise here.
            answer = (matches(text.encode("utf-8", "replace")) is not None) is wanted
            if len(text) <= ANSWERED_LENGTH_MAX:
                if len(answers) >= ANSWERS_MAX:
                    answers.clear()
                answers[text] = answer
        return answer

    return holds


def _compares(compare: Callable[[float, float], bool], limit: float) -> Holds:
    def holds(value: str | float | None) -> bool:
        if type(value) is float:
            return compare(value, limit)
        if value is None:
            return False
        if isinstance(value, str):
            return bool(_NUMBER.fullmatch(value)) and math.isfinite(float(value)) and compare(float(value), limit)
        return compare(value, limit)

    return holds


def _pattern(pattern: str) -> Callable[[bytes], object | None]:
    """The whole of a text (UTF-8) must match; None: it does not. Raises ValueError."""
    options = re2.Options()
    options.max_mem = PATTERN_MEMORY
    options.never_capture = True
    options.log_errors = False  # else RE2 writes to stderr itself
    try:
        compiled: Callable[[bytes], object | None] = re2.compile(pattern, options).fullmatch
    except (re2.error, UnicodeEncodeError) as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {_reason(error)}") from error
    return compiled


def _reason(error: Exception) -> str:
    if not isinstance(error, re2.error):
        return "it holds half a character; write it as UTF-8"
    reason = error.args[0].decode("utf-8", "replace") if isinstance(error.args[0], bytes) else str(error)
    return f"{reason}; {_pattern_hint(reason)}"


def _pattern_hint(reason: str) -> str:
    if re.search(r"\(\?<?[=!]|\(\?<$", reason):
        return "lookarounds do not exist here; use a second matcher with !~"
    if re.search(r"escape sequence: \\[0-9]|\(\?P$", reason):
        return "backreferences do not exist here; write the alternatives out"
    if "no argument for repetition operator" in reason:
        return "write .* for any text"
    if "repetition size" in reason or "too large" in reason:
        return "write a smaller repetition"
    return r"mend it, and put \ before a sign that stands for itself"
