"""What was missed while NATS was not heard: an upper bound, from the servers' own numbering of their messages."""

from datetime import UTC, datetime
from typing import Any

from bridge.event import Event, clean
from bridge.values import SECOND, format_duration

SERVERS_MAX = 1000
"""Servers whose numbers are remembered; beyond that nothing is said about the rest."""


class Absence:
    """Knows the last number of each server's process, and counts over a gap.

    Answers to other people's requests consume numbers as well, so what is counted is a bound: at most so many.
    """

    def __init__(self) -> None:
        self.heard: dict[str, tuple[str, int]] = {}
        """Server id → its name and its latest number."""
        self.unnamed: list[str] = []
        """Servers that go by their id, since nobody has read the list."""
        self._before: dict[str, tuple[str, int]] | None = None
        self._first: dict[str, int] = {}

    def hear(self, event: Event) -> None:
        """Note the number of an event that came."""
        id = event.server_id
        if self._before is not None and id not in self._first:
            self._first[id] = event.server_seq
        known = self.heard.get(id)
        if known is not None:
            self.heard[id] = known[0], event.server_seq
        elif len(self.heard) < SERVERS_MAX:
            name = _name(event)
            self.heard[id] = name, event.server_seq
            if name == id:
                self.unnamed.append(id)

    def begin(self) -> None:
        """A gap begins; a gap within a gap is part of it."""
        if self._before is None:
            self._before, self._first = dict(self.heard), {}

    def end(self, since: int, to: int) -> dict[str, Any]:
        """The gap is over: what the event `bridge.away` tells."""
        before, self._before = self._before or {}, None
        missed: dict[str, int] = {}
        unknown: list[str] = []
        for id, (name, last) in before.items():
            if id in self._first:
                missed[name] = missed.get(name, 0) + max(0, self._first[id] - last - 1)
            else:
                unknown.append(name)
                self.heard.pop(id, None)
        told = [f"{name}: at most {count}" for name, count in sorted(missed.items())]
        told += [f"{name}: restarted or silent, unknown" for name in sorted(set(unknown) - missed.keys())]
        return {
            "from": _show(since),
            "to": _show(to),
            "seconds": (to - since) / SECOND,
            "span": format_duration(to - since),
            "messages": sum(missed.values()),
            "servers": "; ".join(told),
        }


def _name(event: Event) -> str:
    server = event.body.get("server") if isinstance(event.body, dict) else event.body.server
    name = server.get("name") if isinstance(server, dict) else getattr(server, "name", None)
    return clean(name) if isinstance(name, str) else event.server_id


def _show(at: int) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"
