"""Text on its way out: whatever it holds, it can be encoded, and shows as what it is."""

import re
import unicodedata
from typing import Any

import msgspec

_SURROGATE = re.compile("[\ud800-\udfff]")

_MAY_COMBINE = re.compile("[\u0300-\u1fff\u20d0-\u20ff\u2c00-\uffff\U00010000-\U0001efff\U000e0000-\U0010ffff]")
"""All combining marks are among these, and the punctuation and pictures of our own words are not."""

MARKS_MAX = 3
"""Combining marks in a row that are kept; no writing system in use needs more, and towers of them hide other lines."""


def encodable(text: str) -> str:
    """Lone surrogates become U+FFFD: UTF-8 has no form for them, and encoders refuse the whole message."""
    return _SURROGATE.sub("\ufffd", text)


def sound(mapping: dict[str, Any]) -> dict[str, Any]:
    """The same, down to its last list, with all text encodable."""
    return {encodable(name): _sound(item) for name, item in mapping.items()}


def json_bytes(mapping: dict[str, Any]) -> bytes:
    """As JSON, with all text encodable. Nearly all is: to look at each piece of it first costs more than the rest."""
    try:
        return msgspec.json.encode(mapping)
    except UnicodeEncodeError:
        return msgspec.json.encode(sound(mapping))


def _sound(value: Any) -> Any:
    match value:
        case str():
            return encodable(value)
        case dict():
            return sound(value)
        case list():
            return [_sound(item) for item in value]
        case _:
            return value


def lines(text: str) -> str:
    """Text of several lines, without control, direction and invisible characters (ANSI sequences lose their ESC)."""
    if text.isascii() and text.isprintable():
        return text.strip()
    text = encodable(text).replace("\r\n", "\n").replace("\r", "\n").replace("\t", " ")
    if _MAY_COMBINE.search(text):
        text = _without_towers(text)
    return "".join(char for char in text if char.isprintable() or char in "\n\u00a0").strip()


def one_line(text: str) -> str:
    """The same on one line: `⏎` stands where a line ended, so that nobody can forge a second one."""
    return "⏎".join(lines(text).split("\n"))


def cut(text: str, limit: int) -> str:
    """At most `limit` characters; `…` at the end says that there were more."""
    return text if len(text) <= limit else text[: limit - 1].rstrip() + "…"


def _without_towers(text: str) -> str:
    kept, marks = [], 0
    for char in text:
        marks = marks + 1 if unicodedata.combining(char) else 0
        if marks <= MARKS_MAX:
            kept.append(char)
    return "".join(kept)
