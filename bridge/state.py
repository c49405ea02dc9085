"""What a rule knows of one combination, what else it remembers, and what it takes from one event."""

import hashlib
from typing import Any

import msgspec

from bridge.alert import Alert
from bridge.values import NEVER

Texts = tuple[str, ...]

SEPARATOR = "\x1f"
"""Between the parts of a key: cleaned text does not hold it."""

KEY_MAX = 96
"""Characters of a key that lasts as it is."""


def short(key: str) -> str:
    """A key that nobody reads, for something of which there can be many: strangers cannot make it long."""
    if len(key) <= KEY_MAX:
        return key
    # Cleaned text does not hold the first character either. 16 bytes: nobody finds two names with the same.
    return "\x1e" + hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


class State(msgspec.Struct, gc=False):
    """One combination. There can be millions, so the garbage collector does not follow them: they hold no cycles.

    `filed` and `filed_w` are where the calendars will look at it next.
    """

    no: int
    key: str
    order: int = 0
    """Which evaluation it belongs to."""
    alert: Alert | None = None
    filed: int = NEVER
    filed_w: int = NEVER
    stored: bool = False
    """It has a row on disk."""
    dirty: bool = False
    """That row, if there is one, is older than the journal."""


class Memory(State):
    """What a rule remembers besides its combinations: the last measurement of a series, a value that was seen."""

    known: Any = None
    """The type's own."""
    heard_w: int = 0
    """When it was refreshed last, in watched time."""


class Sample(msgspec.Struct, gc=False):
    """What a rule takes from one event. `t` and `w` are the instant in receive time and in watched time."""

    t: int
    w: int
    number: float | None = None
    tops: Texts = ()
    """The fields that `top` ranks."""
    latest: Texts = ()
    """The fields that templates read from the latest event."""
    series: str = ""
    text: str = ""
    """What the rule's type reads as text."""
