"""Scatter and gather: a request to all servers of the system, or to one, and all of their answers, page by page.

Over one connection of nats-py, with one inbox for all requests:

    gathered = await gatherer.ask(request("VARZ"), within=5)             # from all: gathered.answers[server id]
    gathered = await gatherer.ask(request("VARZ", server_id), within=5)  # from one
    async for answer in gatherer.pages(Paged("CONNZ", "connections", {"state": 1}), within=5):
        for item in answer.items: ...

All have answered when `expected` have, else as many as STATSZ counts (`active_servers`: a crashed one too, for some
minutes), else when nothing came for `quiet` seconds after the answer of `least` servers. `within` bounds it.
"""

import asyncio
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from typing import Any

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from bridge.source.frames import Take

PING_SUBJECT = "$SYS.REQ.SERVER.PING"
"""All servers answer with their STATSZ, 2.9.10 as 2.15.1. Below it lie all other endpoints."""

PAGE = 1024
"""Items that are asked for at once: the servers' own page of connections. Those of JSZ are accounts, and servers before
2.10.28 and 2.11.2 put them in order from the second page on only (nats-server pull request 6794)."""
_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


class Origin(msgspec.Struct, frozen=True):
    """Which server answers."""

    id: str
    name: str = ""
    ver: str = ""
    cluster: str = ""


class _Error(msgspec.Struct):
    description: str = ""


class _Statsz(msgspec.Struct):
    active_servers: int = 0


class _Body(msgspec.Struct):
    server: Origin
    data: msgspec.Raw = msgspec.Raw()
    statsz: msgspec.Raw = msgspec.Raw()
    error: _Error | None = None


class Answer(msgspec.Struct, frozen=True, kw_only=True):
    """What one server said. `body` is all of it, as it came."""

    server: Origin
    body: bytes
    error: str = ""
    """Why there is no answer to the question, in the server's words."""
    content: msgspec.Raw = msgspec.Raw()
    """The JSON of its `data` or `statsz`."""
    items: list[Any] = []
    """Of one page."""

    @property
    def data(self) -> Any:
        """The content; None if there is none."""
        return msgspec.json.decode(self.content) if self.content else None


class Gathered:
    """The answers to one request, by the id of the server; the latest if one answers twice."""

    def __init__(self, each: Callable[[Answer], None] | None = None) -> None:
        self.answers: dict[str, Answer] = {}
        self.nobody = False
        """No server listens to such requests: too old, no such id, or this is not the system account."""
        self.denied = False
        """The user may not ask this."""
        self.news = asyncio.Event()
        self._each = each

    def take(self, answer: Answer) -> None:
        self.answers[answer.server.id] = answer
        if self._each is not None:
            self._each(answer)


class Paged(msgspec.Struct, frozen=True):
    """A list that comes in pages: an endpoint, the name of the list in its data, and other options."""

    endpoint: str
    items: str
    options: dict[str, object] = {}
    limit: int = PAGE


class Gatherer:
    """The requests of one connection. All methods raise nats.errors.Error and OSError."""

    def __init__(self, client: Client, quiet: float, malformed: Take, answered: Callable[[str], None]) -> None:
        """`malformed` gets what is no answer, with the subject of its request; `answered` the subject of each request
        that was taken in."""
        self.active = 0
        """Servers as the answers to the latest PING count them, the largest count; 0: none has come. A server that has
        just started knows few of the others."""
        self._client, self._quiet, self._malformed, self._answered = client, quiet, malformed, answered
        self._inbox = ""
        self._subscription: Subscription | None = None
        self._number = 0
        self._open: dict[str, tuple[str, Gathered]] = {}
        self._decode = msgspec.json.Decoder(_Body).decode

    @property
    def inbox(self) -> str:
        """The pattern that is listened to; "" before the first request."""
        return f"{self._inbox}.*" if self._inbox else ""

    async def ask(
        self,
        subject: str,
        options: dict[str, object] | None = None,
        *,
        within: float,
        expected: int = 0,
        least: int = 1,
        each: Callable[[Answer], None] | None = None,
    ) -> Gathered:
        """Send it, and wait for the answers. `each` is told of all, also of those that come too late."""
        gathered = Gathered(each)
        place = await self._send(subject, options, gathered)
        try:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(within):
                    await self._gather(gathered, expected or (1 if PING_SUBJECT not in subject else 0), least)
        finally:
            if each is None:
                del self._open[place]
        return gathered

    async def pages(self, paged: Paged, *, within: float, to: str = "", least: int = 1) -> AsyncIterator[Answer]:
        """All pages of all servers, or of the one with this id; each answer holds the items of one page.

        An answer with an error, or with a page that is none, is the last of its server. `within` bounds each request.
        A server that falls silent midway just ends: its last page is a full one.
        """
        first = await self.ask(request(paged.endpoint, to), _options(paged, 0), within=within, least=least)
        for answer in list(first.answers.values()):
            offset = 0
            page: Answer | None = answer
            while page is not None:
                page, full = _read(page, paged)
                yield page
                offset += len(page.items)
                page = await self._next(paged, answer.server.id, offset, within) if full else None

    async def _next(self, paged: Paged, server_id: str, offset: int, within: float) -> Answer | None:
        more = await self.ask(request(paged.endpoint, server_id), _options(paged, offset), within=within)
        return more.answers.get(server_id)

    def refuse(self, lowered: str) -> str:
        """The server does not allow this. Returns what was asked for; "" if nothing was."""
        if self.inbox and lowered == self.inbox.lower():
            return self.inbox
        found = ""
        for subject, gathered in self._open.values():
            if subject.lower() == lowered:
                gathered.denied, found = True, subject
                gathered.news.set()
        return found

    async def ask_again(self) -> None:
        """Listen to answers anew, under the old number: the server did not allow it."""
        if self._subscription is not None:
            await self._client._send_subscribe(self._subscription)

    async def _send(self, subject: str, options: dict[str, object] | None, gathered: Gathered) -> str:
        if not self._inbox:
            self._inbox = self._client.new_inbox()
            # Without limits of its own: nats-py would drop what is above them.
            self._subscription = await self._client.subscribe(
                self.inbox, cb=self._hear, pending_msgs_limit=0, pending_bytes_limit=0
            )
        if subject == PING_SUBJECT:
            self.active = 0
        self._number += 1
        place = f"{self._inbox}.{self._number}"
        self._open[place] = subject, gathered
        try:
            await self._client.publish(subject, msgspec.json.encode(options) if options else b"", reply=place)
        except BaseException:
            del self._open[place]
            raise
        return place

    async def _gather(self, gathered: Gathered, expected: int, least: int) -> None:
        while not gathered.nobody and not gathered.denied:
            count, enough = len(gathered.answers), expected or self.active
            if enough and count >= max(enough, least):
                return
            gathered.news.clear()
            try:
                async with asyncio.timeout(self._quiet if count >= least else None):
                    await gathered.news.wait()
            except TimeoutError:
                return

    async def _hear(self, message: Msg) -> None:
        if message.subject not in self._open:
            return
        subject, gathered = self._open[message.subject]
        self._answered(subject)
        status = (message.headers or {}).get("Status")
        if status is not None and not message.data:
            gathered.nobody = gathered.nobody or status == "503"
        elif (answer := self._read(message.data)) is not None:
            gathered.take(answer)
        else:
            self._malformed(subject, message.data)
        gathered.news.set()

    def _read(self, body: bytes) -> Answer | None:
        try:
            read = self._decode(body)
            if read.statsz:
                self.active = max(self.active, msgspec.json.decode(read.statsz, type=_Statsz).active_servers)
        except (msgspec.DecodeError, RecursionError):
            return None
        if not _TOKEN.fullmatch(read.server.id):
            return None
        error = "" if read.error is None else read.error.description or "an error without a description"
        return Answer(server=read.server, body=body, error=error, content=read.statsz or read.data)


def namesakes(servers: Iterable[Origin]) -> list[str]:
    """The names that more than one of them has. A leafnode that shares the system account may be called as its hub is
    (seen with 2.9.10 and 2.15.1)."""
    names = Counter(server.name for server in servers if server.name)
    return sorted(name for name, count in names.items() if count > 1)


def request(endpoint: str = "", server_id: str = "") -> str:
    """The subject to ask on: an endpoint ("" is STATSZ) of all servers, or of the one with this id."""
    if server_id:
        return f"$SYS.REQ.SERVER.{server_id}.{endpoint or 'STATSZ'}"
    return f"{PING_SUBJECT}.{endpoint}" if endpoint else PING_SUBJECT


def _options(paged: Paged, offset: int) -> dict[str, object]:
    return {**paged.options, "limit": paged.limit, "offset": offset}


def _read(page: Answer, paged: Paged) -> tuple[Answer, bool]:
    """With its items, and whether there may be more."""
    try:
        data = page.data
    except (msgspec.DecodeError, RecursionError):
        data = None
    items = data.get(paged.items) if isinstance(data, dict) else None
    if page.error or not isinstance(items, list) or not isinstance(data, dict):
        return page, False
    limit = data.get("limit")
    full = len(items) >= (min(limit, paged.limit) if isinstance(limit, int) and limit > 0 else paged.limit)
    return msgspec.structs.replace(page, items=items), full
