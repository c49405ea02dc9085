"""What the database tells people, as structs that are JSON of the API as well. All times are aware, in UTC."""

from datetime import datetime
from typing import Any

import msgspec


class Telling(msgspec.Struct, frozen=True):
    """The latest message about an alert to one destination."""

    destination: str
    message: str
    state: str
    """`pending`, `delivered` or `dead`."""
    at: datetime
    """When that was so: delivered, given up, or fixed and under way since."""
    detail: str = ""
    attempts: int = 0


class Grouped(msgspec.Struct, frozen=True):
    """A group that an alert is told with, to one receiver."""

    id: str
    receiver: str
    due: datetime | None
    """When it is looked at next; null: once something changes."""
    muted: str
    """What keeps this receiver from hearing of the alert now; empty if nothing does."""
    untold: list[str]
    """Destinations that no message has told of the alert yet; before the group's first message, the receiver."""


class Firing(msgspec.Struct, frozen=True, kw_only=True):
    """An alert that fires or is pending."""

    id: str
    """Empty while it is pending."""
    name: str
    state: str
    labels: dict[str, str]
    since: datetime
    value: float | None
    count: int
    reason: str = ""
    muted: str = ""
    """What keeps a receiver from hearing of it now; `groups` says which. Empty if nothing does."""
    told: list[Telling] = []
    groups: list[Grouped] = []


class Held(msgspec.Struct, frozen=True):
    """An alert as a message holds it."""

    id: str
    state: str
    labels: dict[str, str]
    summary: str


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """A message to one destination, from when it was fixed on."""

    id: str
    destination: str
    receiver: str
    status: str
    reason: str
    reminder: int
    group_labels: dict[str, str]
    state: str
    """`pending`, `delivered` or `dead`."""
    created: datetime
    renewed: datetime | None
    """When it was fixed anew, for the last time, as there was more to tell and nobody had it yet."""
    due: datetime
    expires: datetime
    settled: datetime | None
    attempts: int
    detail: str
    """Why it is dead."""
    alerts: list[Held]


class Try(msgspec.Struct, frozen=True, kw_only=True, tag="attempt", tag_field="kind"):
    """One attempt to deliver a message."""

    at: datetime
    message: str
    destination: str
    status: int | None
    seconds: float
    trouble: str
    """Empty: it was taken. Else `transient`, `rejected` or `refused`."""
    detail: str


class Turn(msgspec.Struct, frozen=True, kw_only=True, tag="change", tag_field="kind"):
    """An alert fired, was resolved, or happened."""

    at: datetime
    alert: str
    name: str
    state: str
    labels: dict[str, str]
    value: float | None
    count: int
    reason: str


class Fixed(msgspec.Struct, frozen=True, kw_only=True, tag="message", tag_field="kind"):
    """The content of a message was fixed."""

    at: datetime
    message: Message


class Ended(msgspec.Struct, frozen=True, kw_only=True, tag="dead", tag_field="kind"):
    """A message was given up."""

    at: datetime
    message: str
    destination: str
    detail: str


class Quieted(msgspec.Struct, frozen=True, kw_only=True, tag="muted", tag_field="kind"):
    """An alert was not told, though it should have been."""

    at: datetime
    alert: str
    name: str
    labels: dict[str, str]
    receiver: str
    reason: str


Entry = Turn | Fixed | Try | Ended | Quieted


class Silenced(msgspec.Struct, frozen=True, kw_only=True):
    """A silence."""

    id: str
    state: str
    """`pending`, `active` or `expired`."""
    matchers: list[str]
    starts_at: datetime
    ends_at: datetime | None
    time_intervals: list[str]
    comment: str
    created_by: str
    created_at: datetime
    expire_on_resolve: bool
    declared: bool
    expired: str


def encode(answer: Any) -> bytes:
    """As JSON."""
    return msgspec.json.encode(answer)
