"""Which connections ended while the bridge did not listen, as far as servers remember them: a report, never events.

CONNZ has the last 10 000 closed connections of each server (`max_closed_clients`), the latest first with `sort: stop`,
on 2.9.10 as on 2.15.1.
"""

import asyncio
import logging
from collections import Counter

import msgspec

from bridge.clock import Clock
from bridge.errors import SourceError
from bridge.event import clean, parse_time
from bridge.source.connection import Connection
from bridge.source.gather import PAGE, Answer, Gathered, request
from bridge.source.sink import Sink

SUBJECT = request("CONNZ")

WITHIN = 5.0
"""Seconds for all pages of all servers; people wait for what is told of the gap."""

REMEMBERED = 10_000
"""What a server keeps by default; where all of them ended in the gap, there may have been more."""

SHOWN = 5
"""Reasons, and accounts, that are told by name."""

_log = logging.getLogger("bridge.source")


class _Ended(msgspec.Struct):
    cid: int = 0
    stop: str = ""
    reason: str = ""
    name: str = ""
    lang: str = ""
    authorized_user: str = ""
    account: str = ""


class _Connz(msgspec.Struct):
    now: str = ""
    connections: list[_Ended] = []


class Missed:
    """Asks after a gap, if the rules want to know of disconnects."""

    def __init__(self, sink: Sink, clock: Clock) -> None:
        self.wanted = False
        self._sink, self._clock = sink, clock
        self._since: int | None = None

    def begin(self, at: int) -> None:
        """Nothing was heard after this instant; a gap within a gap is part of it."""
        if self._since is None:
            self._since = at

    async def tell(self, connection: Connection) -> None:
        """The gap is over: ask the servers, and tell the sink what they remember of it."""
        since, self._since = self._since, None
        if since is None or not self.wanted:
            return
        census = _Census(since, self._clock.now(), connection.name)
        try:
            why = await self._ask(connection, census)
        except SourceError:
            return  # The next gap has begun, and what was missed in this one is told without it.
        fields: dict[str, object] = {"ended": why} if why else census.fields(connection.active)
        _log.info("%s", fields["ended"])
        self._sink.told("disconnects_missed", fields, self._clock.now())

    async def _ask(self, connection: Connection, census: "_Census") -> str:
        """All pages. Returns why nothing can be said. Raises Unreachable."""
        loop = asyncio.get_running_loop()
        end, offset = loop.time() + WITHIN, 0
        while (left := end - loop.time()) > 0:
            asked = self._clock.now()
            options = {"state": 1, "sort": "stop", "auth": True, "offset": offset, "limit": PAGE}
            gathered = await connection.ask(SUBJECT, options, within=left, optional=True)
            if offset == 0 and not gathered.answers:
                return _why(gathered)
            if census.take(gathered, asked, self._clock.now()):
                return ""
            offset += PAGE
        census.cut_short = True
        return ""


class _Census:
    """Counts those that ended in the gap, each once."""

    def __init__(self, since: int, to: int, own_name: str) -> None:
        self.cut_short = False
        """There are more than were counted."""
        self._since, self._to, self._own_name = since, to, own_name
        self._seen: dict[str, set[int]] = {}
        self._done: set[str] = set()
        self._reasons: Counter[str] = Counter()
        self._accounts: Counter[str] = Counter()

    def take(self, gathered: Gathered, asked: int, answered: int) -> bool:
        """The same page of each server. Returns whether it was the last one for all of them."""
        for id, answer in gathered.answers.items():
            if id not in self._done and not self._take_page(id, answer, asked, answered):
                self._done.add(id)
        return gathered.answers.keys() <= self._done

    def fields(self, active: int) -> dict[str, object]:
        """What is told, of a system with so many servers; 0: nobody knows."""
        count = self._reasons.total()
        ended = f"{'at least ' if self.cut_short else ''}{count or 'nobody'} disconnected meanwhile"
        if count:
            ended += f": {_top(self._reasons)}"
        if len(self._seen) < active:
            ended += f" ({len(self._seen)} of {active} servers answered)"
        return {
            "disconnects": count,
            "reasons": _top(self._reasons),
            "accounts": _top(self._accounts),
            "ended": ended,
        }

    def _take_page(self, id: str, answer: Answer, asked: int, answered: int) -> bool:
        """Whether there may be more on the next page."""
        try:
            page = msgspec.json.decode(answer.content, type=_Connz)
        except (msgspec.DecodeError, RecursionError):
            return False
        seen = self._seen.setdefault(id, set())
        ahead = _ahead(parse_time(page.now), asked, answered)
        within = True
        for ended in page.connections:
            stop = parse_time(ended.stop)
            within = stop is not None and stop - ahead >= self._since
            if within and stop is not None and stop - ahead <= self._to and ended.cid not in seen:
                seen.add(ended.cid)
                self._count(ended)
        self.cut_short = self.cut_short or (within and len(seen) >= REMEMBERED)
        return within and len(page.connections) >= PAGE

    def _count(self, ended: _Ended) -> None:
        if ended.name == self._own_name or _never_logged_in(ended):
            return
        self._reasons[clean(ended.reason) or "no reason given"] += 1
        self._accounts[clean(ended.account) or "no account"] += 1


def _never_logged_in(ended: _Ended) -> bool:
    return ended.account in ("", "$G") and not ended.authorized_user and not ended.lang


def _ahead(now: int | None, asked: int, answered: int) -> int:
    """How far a server's clock is ahead of ours, in microseconds, as far as an answer can tell."""
    if now is None or asked <= now <= answered:
        return 0
    return now - asked if now < asked else now - answered


def _why(gathered: Gathered) -> str:
    what = "who disconnected meanwhile is not known"
    if gathered.denied:
        return f"{what}: the bridge may not publish to {SUBJECT}; allow it in permissions.publish of its user"
    if gathered.nobody:
        return f"{what}: no server takes requests on {SUBJECT}"
    return f"{what}: no server answered {SUBJECT} within {WITHIN:g} s"


def _top(counts: Counter[str]) -> str:
    told = [f"{text} {count}" for text, count in counts.most_common(SHOWN)]
    rest = counts.total() - sum(count for _, count in counts.most_common(SHOWN))
    return ", ".join([*told, *([f"others {rest}"] if rest else [])])
