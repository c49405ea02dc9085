"""What is told to a destination: fixed when its group is due, and never changed under the same id."""

from typing import Literal

import msgspec

OWN_GROUP = "bridge:"
"""What the keys of groups of alerts about the bridge itself begin with."""

State = Literal["firing", "resolved", "event"]


class AlertView(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One alert as a message shows it, its annotations rendered. Times are microseconds since the epoch."""

    id: str
    """The same for firing, reminders and resolve of one episode; 16 hex digits of identity and start time."""
    state: State
    labels: dict[str, str]
    annotations: dict[str, str] = {}
    starts_at: int
    ends_at: int | None = None
    value: float | None = None
    value_text: str = ""
    """`value` as people read it, with its unit; begins with ≈ where it is not exact."""
    peak_text: str = ""
    count: int = 1
    """Events that made the alert, and all since."""
    first_seen: int = 0
    last_seen: int = 0
    rule_place: str = ""
    """Where its rule stands, as file:line; empty for the bridge's own."""
    reason: str = ""
    """Why it ended or what is special: "no data", "rule changed", "planned, but not back"; mostly empty."""


class Notification(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A message to one destination about one group of alerts."""

    id: str
    """The same on every try: hash of destination, group, newest change and reminder; 16 hex digits. Where a later try
    told more than the first, `-2` and so on follow."""
    status: State
    """`firing` if any alert fires; else `event` if any is a one-off; else `resolved`."""
    reason: Literal["first", "new alerts", "resolved", "reminder"]
    receiver: str
    destination: str
    group_key: str
    group_labels: dict[str, str] = {}
    alerts: list[AlertView]
    """Firing ones first, then one-offs, then resolved ones; each part ordered by start."""
    reminder: int = 0
    covers: dict[str, list[str]] = {}
    """Of a digest, for whose groups there was no room one by one: the id of each, and the ids of its alerts."""
    instead_of: str = ""
    """The destination that cannot be told, where this one is of its fallback."""
    created_at: int
    external_url: str = ""

    @property
    def groups(self) -> int:
        """It tells of so many."""
        return len(self.covers) or 1

    @property
    def about_bridge(self) -> bool:
        """It tells of nothing but the bridge itself: what becomes of it is no news for the bridge's own rules."""
        return self.group_key.startswith(OWN_GROUP)

    @property
    def common_labels(self) -> dict[str, str]:
        """The labels that all alerts share, with the same value."""
        return _common([alert.labels for alert in self.alerts])

    @property
    def common_annotations(self) -> dict[str, str]:
        """The annotations that all alerts share, with the same text."""
        return _common([alert.annotations for alert in self.alerts])


def _common(maps: list[dict[str, str]]) -> dict[str, str]:
    first, *rest = maps
    return {name: text for name, text in first.items() if all(other.get(name) == text for other in rest)}
