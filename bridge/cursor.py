"""What a group has to tell, what one destination knows of it, and what it should be told next."""

from typing import Literal

import msgspec

from bridge.alert import Facts
from bridge.notification import State

Reason = Literal["first", "new alerts", "resolved", "reminder"]


class Change(msgspec.Struct):
    """One entry of a group's list: an alert fired, ended, or happened (a one-off)."""

    n: int
    identity: str
    alert: str
    state: State
    at: int
    facts: Facts
    """What the alert was like then."""
    key: str = ""
    """Of a one-off: the combination of its rule."""
    frozen: bool = False
    """A message holds it already: an equal one-off begins a new line."""
    copy: bool = False
    """The same change stands in the group of an earlier route as well."""
    past: list[str] = []
    """Destinations that were past it when it came here from another group."""


class Line(msgspec.Struct):
    """Equal one-offs that will be told together: by the id of the group."""

    changes: dict[str, Change] = {}


class Told(msgspec.Struct, array_like=True):
    """An alert that a message held as firing, and whether that message arrived."""

    alert: str
    arrived: bool
    latest: bool = True
    """It was in the latest message as well. Who is muted meanwhile is left out, and told anew afterwards."""


class Cursor(msgspec.Struct):
    """What one destination knows of a group."""

    upto: int = 0
    """The newest change that a settled message covered."""
    told: dict[str, Told] = {}
    last: int = 0
    """When its last message was fixed; 0: never."""
    reminders: int = 0
    row: str = ""
    """The outbox row that is under way; "" if none is."""
    row_upto: int = 0
    held: list[int] = []
    """Ends before `upto` that this destination has to hear of, and that are muted."""
    waiting: bool = False
    """A tick came while a row was under way: the next message is fixed when that is settled."""
    memory: dict[str, object] = {}
    """What the receiver remembered about this group."""
    owed: set[str] = set()
    """Of a stand-in: ids of alerts that somebody else will never be told of, so that this one must be."""
    heard: set[str] = set()
    """Of a stand-in: ids of alerts that it was told of, as long as others wait to be."""

    @property
    def covered(self) -> int:
        """The newest change that a message holds, be it under way."""
        return max(self.upto, self.row_upto) if self.row else self.upto


class Before(msgspec.Struct, frozen=True):
    """Of a cursor: what a message that was fixed has changed there."""

    held: list[int]
    owed: set[str]
    heard: set[str]
    last: int
    reminders: int


class Content(msgspec.Struct):
    """What a message would hold: identities of firing alerts, merged one-offs and ended alerts."""

    reason: Reason | None
    firing: list[str]
    events: list[Change]
    resolved: list[Change]
    held: list[int]
    """Ends that are muted, by their numbers."""
    owed: set[str]
    """Of what is owed, what is muted."""
    heard: list[str] = []
    """All of which it tells: ids of alerts, also of one-offs that are one line in it."""
