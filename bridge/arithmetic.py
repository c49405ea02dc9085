"""Arithmetic of templates: with numbers only, of bounded size, and units are kept."""

import operator
from collections.abc import Callable, Mapping
from typing import Any

from jinja2 import Undefined

from bridge.errors import TemplateError
from bridge.shown import Fields, Moment, Number, Span, show

NUMBER_MAX = 10**15
"""Larger whole numbers are refused: their cost grows with their length."""

OPERATORS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
}


def compute(op: str, left: Any, right: Any) -> float:
    """`peak - limit` of bytes is bytes, a moment minus a moment a duration. Raises TemplateError, ArithmeticError."""
    kind = _result_kind(op, kind_of(left), kind_of(right))
    result = OPERATORS[op](left, right)
    if isinstance(result, int):
        if abs(result) > NUMBER_MAX:
            raise TemplateError("a number grows too large; compute with smaller ones")
        return result
    return measure(result, kind, approximate(left) or approximate(right))


def negate(value: Any) -> float:
    kind = kind_of(value)
    return -value if isinstance(value, int) else measure(-value, kind, approximate(value))


def kind_of(value: Any) -> str:
    """A number's kind, or `moment`. Raises TemplateError for what is no number."""
    match value:
        case Number():
            return value.kind
        case Span():
            return "seconds"
        case Moment():
            return "moment"
        case bool():
            pass
        case int() | float():
            return "number"
    raise TemplateError(f"{noun(value)} is no number; compute with numbers only")


def measure(result: float, kind: str, approximate: bool) -> float:
    if kind == "moment":
        return Moment(result)
    return Number(result, kind, approximate)


def approximate(value: Any) -> bool:
    return isinstance(value, Number) and value.approximate


def noun(value: Any) -> str:
    """What a value is, for an error."""
    match value:
        case Undefined():
            return "an undefined value"
        case str():
            return f"the text {value[:50]!r}"
        case int() | float():
            return f"the number {show(value)}"
        case list() | tuple():
            return "a list"
        case Fields() | Mapping():
            return "an object" if value else "an absent field"
        case _:
            return f"a {type(value).__name__}"


def _result_kind(op: str, left: str, right: str) -> str:
    if left == right == "moment":
        kind = {"-": "seconds"}.get(op)
    elif "moment" in (left, right):
        kind = "moment" if op in "+-" and left == "moment" and right in ("seconds", "number") else None
    elif left == right:
        kind = "number" if op in ("/", "//") else left
    elif right == "number":
        kind = left
    elif left == "number":
        kind = right if op in "+-*" else "number"
    else:
        kind = None
    if kind is None:
        raise TemplateError(f"{left} {op} {right} has no meaning; compute with numbers of one unit")
    return kind
