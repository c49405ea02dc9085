"""What a plain YAML scalar means: the core schema of YAML 1.2 (10.3.2), so that `no`, `12:30` and dates stay text."""

import math
import re

Scalar = str | int | float | bool | None

_NULL = frozenset(("", "~", "null", "Null", "NULL"))
_BOOL = {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)")

_INT_MAX = 2**63 - 1
_DIGITS_MAX = 32
"""Longer runs of digits are not even converted: Python refuses 4300 of them with an error of its own."""


def resolve(text: str) -> Scalar:
    """The value of an unquoted scalar. Raises ValueError for a number that nothing here can hold."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return _integer(text)
    if _FLOAT.fullmatch(text):
        return _real(text)
    return text


def refuse_unusable(text: str) -> None:
    """Raise ValueError for text that no file name, database or message can hold: NUL and lone surrogates."""
    if any(character == "\0" or "\ud800" <= character <= "\udfff" for character in text):
        raise ValueError("the text has characters that cannot be used (NUL or half of a surrogate pair); remove them")


def _integer(text: str) -> int:
    base = {"0o": 8, "0x": 16}.get(text[:2], 10)
    number = int(text[2:] if base != 10 else text, base) if len(text) <= _DIGITS_MAX else _INT_MAX + 1
    if abs(number) > _INT_MAX:
        raise ValueError("the number is too large; quote it if it is meant as text")
    return number


def _real(text: str) -> float:
    number = math.nan if text.lower().endswith((".inf", ".nan")) else float(text)
    if not math.isfinite(number):
        raise ValueError("the number is not finite; write one with digits, or quote it if it is meant as text")
    return number
