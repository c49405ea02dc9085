"""Who should answer: the servers that have answered before and have not said that they stop."""

import logging
from collections.abc import Iterable

import msgspec

from bridge.clock import Clock
from bridge.source.gather import Origin
from bridge.source.sink import Sink

_log = logging.getLogger("bridge.source")

SERVERS_MAX = 1000
"""Servers that are known at once; of more nobody expects an answer."""


class _Member(msgspec.Struct):
    server: Origin
    usual: set[str] = set()
    """What it has answered before."""
    now: set[str] = set()
    """What it has answered in this round."""
    settled: bool = False
    """That it answers was told."""
    silent: bool = False
    """That it does not was told."""

    @property
    def lacking(self) -> set[str]:
        return self.usual - self.now


class Roster:
    """Servers by their names. A round of questions begins, answers are heard, and the round is over."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self._sink, self._clock = sink, clock
        self._members: dict[str, _Member] = {}
        self._left: dict[str, None] = {}
        """Ids of processes that have said that they stop; they may answer for a while."""
        self._asked: set[str] = set()

    @property
    def expected(self) -> int:
        """Servers that are likely to answer."""
        return sum(not member.silent for member in self._members.values())

    def begin(self, requests: Iterable[str]) -> None:
        """A round: these are asked."""
        self._asked = set(requests)
        for member in self._members.values():
            member.now = set()
            member.usual &= self._asked

    def hear(self, server: Origin, request: str) -> bool:
        """An answer came, whatever it says. False: this server is not expected to answer any more."""
        if server.id in self._left:
            return False
        name = server.name or server.id
        member = self._members.get(name)
        if member is None:
            if len(self._members) >= SERVERS_MAX:
                return True
            member = self._members[name] = _Member(server)
        if member.server.id != server.id:
            # Another process, perhaps of another version.
            member.server, member.usual, member.now = server, set(), set()
        member.now.add(request)
        member.usual.add(request)
        return True

    def knows(self, server: Origin, request: str) -> bool:
        """Whether it has ever answered this."""
        member = self._members.get(server.name or server.id)
        return member is None or request in member.usual

    def leave(self, server_id: str) -> None:
        """It says that it stops."""
        self._left[server_id] = None
        while len(self._left) > SERVERS_MAX:
            del self._left[next(iter(self._left))]
        for name, member in list(self._members.items()):
            if member.server.id == server_id:
                self._forget(name, "has stopped as planned")

    def excuse(self, requests: Iterable[str]) -> None:
        """These could not be asked."""
        not_asked = set(requests)
        for member in self._members.values():
            member.usual -= not_asked

    def lacking(self) -> list[tuple[Origin, set[str]]]:
        """Who did not answer what, in this round."""
        return [(member.server, member.lacking) for member in self._members.values() if member.lacking]

    def end(self, gone: bool) -> None:
        """The round is over. `gone`: as many have answered as the system counts, so whoever did not has left while
        nobody listened."""
        for name, member in list(self._members.items()):
            if not member.lacking:
                self._settle(member)
            elif gone and not member.now:
                self._forget(name, "has left the system")
            else:
                self._miss(member)

    def dissolve(self) -> None:
        """Nobody is asked any more."""
        for name in list(self._members):
            self._forget(name, "is not asked any more")

    def _miss(self, member: _Member) -> None:
        """Told in every round, so that the alert lasts; logged if it is news."""
        requests = ", ".join(sorted(request or "STATSZ" for request in member.lacking))
        reason = f"no answer to {requests}"
        if not member.silent:
            _log.warning("server %s (%s) gives %s", member.server.name, member.server.id, reason)
        member.silent, member.settled = True, False
        self._tell("server_no_answer", member.server, reason=reason, requests=requests)

    def _settle(self, member: _Member) -> None:
        """It answers everything. Told the first time too: an alert may be from before the bridge's start."""
        if not member.settled:
            if member.silent:
                _log.info("server %s (%s) answers again", member.server.name, member.server.id)
            member.silent, member.settled = False, True
            self._tell("server_answered", member.server)

    def _forget(self, name: str, how: str) -> None:
        member = self._members.pop(name)
        if member.silent:
            _log.warning("server %s (%s) %s", name, member.server.id, how)
            self._tell("server_answered", member.server)

    def _tell(self, event_name: str, server: Origin, **fields: object) -> None:
        self._sink.told(event_name, {"server": msgspec.to_builtins(server), **fields}, self._clock.now())
