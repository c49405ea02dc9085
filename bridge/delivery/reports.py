"""What a worker tells the main loop, and asks of it."""

from typing import Any, Protocol

from bridge.commit import Attempt, OutboxRow, Settled


class Reports(Protocol):
    """What a worker tells the main loop. Where nothing else is said, it returns at once; nothing waits for a commit."""

    def attempted(self, attempt: Attempt) -> None:
        """A try has ended."""

    def postponed(self, row: OutboxRow) -> None:
        """The row's new values, to be stored. The worker keeps the row; it is not put again."""

    def settled(self, settled: Settled) -> None:
        """The row is delivered or dead; the worker has forgotten it."""

    def refused(self, destination: str, detail: str) -> None:
        """The destination takes nothing from us; told once, until `recovered`, be it of a later worker.

        Not told of messages about the bridge itself: they would only beget more of them.
        """

    def recovered(self, destination: str) -> None:
        """A destination that refused takes messages again."""

    async def remember(self, row_id: str, memory: dict[str, Any]) -> None:
        """Return when it is committed; the next request depends on it."""

    async def renew(self, row_id: str) -> OutboxRow:
        """Return the row as it is to be told now, when that is committed. Never, if it ends elsewhere meanwhile."""
