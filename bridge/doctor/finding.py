"""One line of a doctor's report."""

from typing import Literal

import msgspec

Level = Literal["ok", "warning", "FAILED"]


class Finding(msgspec.Struct, frozen=True):
    """`what` says what was looked at and, unless it is ok, what to do."""

    level: Level
    what: str

    def __str__(self) -> str:
        return f"{self.level:<8}{self.what}"


def ok(what: str) -> Finding:
    return Finding("ok", what)


def warning(what: str) -> Finding:
    return Finding("warning", what)


def failed(what: str) -> Finding:
    return Finding("FAILED", what)


def some(names: list[str]) -> str:
    """The first of them."""
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def count(number: int, noun: str) -> str:
    """`1 server`, `2 servers`."""
    return f"{number} {noun}" + ("" if number == 1 else "s")
