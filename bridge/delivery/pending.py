"""Rows that wait for their try, and which of them goes first."""

import msgspec

from bridge.commit import OutboxRow
from bridge.delivery.gate import Gate


class Pending(msgspec.Struct, order=True):
    """A row that waits. The order of the fields is the order of rows: what is ready first, then the older."""

    ready: int
    created: int
    id: str
    row: OutboxRow
    step: int = 0
    """Rungs of the ladder taken since the process began."""
    hastened: bool = False
    """The destination's return has brought it forward once."""
    stale: bool = False
    """It has waited through trouble, so that there may be more to tell by now."""
    began: int = 0
    """When its latest request went out; 0 if there was none yet."""
    sent: int = 0
    """Requests of its latest try."""
    gate: Gate | None = None
    """That its latest request had to pass."""


def rank(row: OutboxRow) -> int:
    """In the queue of a chat: ends and what goes on with a message come first, reminders last."""
    if row.notification.reason == "reminder":
        return 2
    return 0 if row.memory or row.notification.status == "resolved" else 1
