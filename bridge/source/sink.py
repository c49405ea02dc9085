"""What takes all that the source hears, and may ask it to hear no more for a while."""

from collections.abc import Sequence
from typing import Protocol


class Room(Protocol):
    """How a sink keeps what waits in it small: what is not read stays with the server, which slows its clients down."""

    @property
    def crowded(self) -> bool:
        """Whether it would be well to wait for `room` before more is read. More is taken all the same."""

    async def room(self) -> None:
        """Return when it is not crowded any more."""


class Sink(Room, Protocol):
    """Takes what the source hears, in order. No other method waits or raises; a sink that raises ends the process.

    Until the first `sight` the bridge is blind. All times are microseconds since the epoch.
    """

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        """Subjects and payloads, in order: event messages, and servers' answers to the PING under the subject of their
        STATSZ."""

    def own(self, server_id: str, client_id: int) -> None:
        """From now on events about this connection are about the bridge itself. Comes before the first message."""

    def sight(self, at: int) -> None:
        """All that was asked for is heard from now on."""

    def blind(self, at: int) -> None:
        """Nothing is heard from now on."""

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        """Something about the bridge itself: the part of an event's name after `bridge.`, and its fields."""
