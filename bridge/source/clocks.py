"""The servers' clocks against ours, by the times in STATSZ.

What a server says may have waited, on its way and in queues, so its age proves nothing. Two things do: a time that lies
ahead of ours, and one that lies before a moment when we had asked and heard all that the server had sent until then.
"""

from collections.abc import Callable

import msgspec

from bridge.event import clean, parse_time
from bridge.values import SECOND

_SERVERS_MAX = 10_000
_SKEWED_AGAIN = 300 * SECOND
"""Between two words about the same server."""

Tell = Callable[[str, float, int], None]
"""Of a server's name, the seconds that its clock is ahead (before: negative), and when that was seen."""


class _Server(msgspec.Struct):
    id: str = ""
    name: str = ""
    time: str = ""


class _Statsz(msgspec.Struct):
    server: _Server


class Clocks:
    """`limit` is in seconds; all other times are microseconds since the epoch, of our clock."""

    def __init__(self, limit: float, tell: Tell) -> None:
        self._limit, self._tell = limit, tell
        self._asked = 0
        self._told: dict[str, int] = {}
        self._decode = msgspec.json.Decoder(_Statsz).decode

    def drained(self, asked: int) -> None:
        """What is heard from now on was not sent before `asked`."""
        self._asked = asked

    def hear(self, data: bytes, at: int) -> None:
        """A STATSZ, or an answer to the PING, of any server."""
        try:
            server = self._decode(data).server
        except (msgspec.DecodeError, RecursionError):
            return
        time = parse_time(server.time)
        # asked after we heard it: our own clock was set back meanwhile
        if time is None or not 0 < self._asked <= at:
            return
        ahead = (time - at) / SECOND if time > at else min(0.0, (time - self._asked) / SECOND)
        if abs(ahead) > self._limit:
            self._skewed(clean(server.name or server.id), ahead, at)

    def _skewed(self, server: str, ahead: float, at: int) -> None:
        if at - self._told.get(server, -_SKEWED_AGAIN) < _SKEWED_AGAIN or (
            server not in self._told and len(self._told) >= _SERVERS_MAX
        ):
            return
        self._told[server] = at
        self._tell(server, ahead, at)
