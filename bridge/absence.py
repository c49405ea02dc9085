"""What was missed while NATS was not heard: an upper bound, from the servers' own numbering of their messages."""

from collections.abc import Collection
from datetime import UTC, datetime
from typing import Any

from bridge.event import Event, clean
from bridge.values import NEVER, SECOND, format_duration

SERVERS_MAX = 1000
"""Servers whose numbers are remembered; of the rest it is said that nothing is known."""

REPORT_MAX = 10 * SECOND
"""So long after the end of a gap the story of it waits for what servers remember."""

NAMED_MAX = 3
"""Servers that a sentence names."""


class Absence:
    """Knows the last number of each server's process, and counts over a gap.

    Answers to other people's requests consume numbers as well, so what is counted is a bound: at most so many. It is
    not below the truth: a server numbers its messages as it puts them into one queue and sends them in that order
    (nats-server 2.9.10 and 2.15.1), so all that was missed lies between the last number before the gap and the first
    after it. Advisories of JetStream have no number and are not in it. A server that is not heard after the gap, or
    that started anew, is said to be unknown.
    """

    def __init__(self) -> None:
        self.heard: dict[str, tuple[str, int]] = {}
        """Server id → its name and its latest number."""
        self.unnamed: list[str] = []
        """Servers that go by their id, since nobody has read the list."""
        self._away = False
        self._waited_for: set[str] = set()
        """Servers whose next number tells what was missed before it."""
        self._missed: dict[str, int] = {}
        self._met: set[str] = set()
        """Servers that were heard for the first time during the gap: each began to count at 1."""
        self._full = False
        self.untold: dict[str, Any] | None = None
        """The story of the last gap, while it waits for what servers remember."""
        self.due = NEVER
        """When it is told at the latest."""

    def hear(self, event: Event) -> None:
        """Note the number of an event that came."""
        id, seq = event.server_id, event.server_seq
        known = self.heard.get(id)
        if known is None:
            self._meet(id, seq, event)
        elif seq > known[1]:
            if self._waited_for and id in self._waited_for:
                self._waited_for.discard(id)
                self._missed[id] = self._missed.get(id, 0) + seq - known[1] - 1
            self.heard[id] = known[0], seq

    def begin(self) -> None:
        """A gap begins; a gap within a gap is part of it."""
        if not self._away:
            self._away, self._missed, self._met, self._full = True, {}, set(), False
            self._waited_for = set(self.heard)

    def reconnect(self) -> None:
        """A connection begins. What the one before has heard during the gap is not all that was sent until now."""
        if self._away:
            self._waited_for = set(self.heard)

    def end(self, since: int, to: int) -> dict[str, Any]:
        """The gap is over: what the event `bridge.away` tells."""
        gone, self._waited_for, self._away = self._waited_for, set(), False
        unknown = {self.heard.pop(id)[0] for id in gone}
        bounds: dict[str, int] = {}
        for id in self._missed.keys() - gone:
            name = self.heard[id][0]
            bounds[name] = bounds.get(name, 0) + self._missed[id]
        met = {self.heard[id][0] for id in self._met - gone}
        told = [_say(name, bounds.get(name), name in unknown, name in met) for name in sorted(bounds.keys() | unknown)]
        if self._full:
            told.append(f"more than {SERVERS_MAX} servers: of the others, unknown")
        return {
            "from": _show(since),
            "to": _show(to),
            "seconds": (to - since) / SECOND,
            "span": format_duration(to - since),
            "messages": sum(bounds.values()),
            "missed": _sum_up(bounds, unknown),
            "servers": "; ".join(told),
        }

    def hold(self, story: dict[str, Any], at: int) -> None:
        """It is told once more is known of it."""
        self.untold, self.due = story, at + REPORT_MAX

    def release(self) -> dict[str, Any] | None:
        """What is to be told now, if something is."""
        story, self.untold, self.due = self.untold, None, NEVER
        return story

    def _meet(self, id: str, seq: int, event: Event) -> None:
        if len(self.heard) >= SERVERS_MAX:
            self._full = True
            return
        name = _name(event)
        self.heard[id] = name, seq
        if name == id:
            self.unnamed.append(id)
        if self._away:
            self._met.add(id)
            self._missed[id] = max(0, seq - 1)


def _say(name: str, bound: int | None, unknown: bool, met: bool) -> str:
    if bound is None:
        return f"{name}: not heard since, unknown"
    if unknown:
        return f"{name}: restarted, at most {bound} since then, unknown before"
    return f"{name}: {'new, ' if met else ''}at most {bound}"


def _sum_up(bounds: dict[str, int], unknown: Collection[str]) -> str:
    """In a sentence."""
    if not bounds:
        return f"how many messages{_of(unknown)} were missed is not known"
    text = f"at most {sum(bounds.values())} messages{_of(bounds)} were missed"
    return f"{text}; how many{_of(unknown)} is not known" if unknown else text


def _of(names: Collection[str]) -> str:
    if not names:
        return ""
    return f" of {', '.join(sorted(names))}" if len(names) <= NAMED_MAX else f" of {len(names)} servers"


def _name(event: Event) -> str:
    server = event.body.get("server") if isinstance(event.body, dict) else event.body.server
    name = server.get("name") if isinstance(server, dict) else getattr(server, "name", None)
    return clean(name) if isinstance(name, str) else event.server_id


def _show(at: int) -> str:
    return f"{datetime.fromtimestamp(at / SECOND, UTC):%Y-%m-%d %H:%M:%S} UTC"
