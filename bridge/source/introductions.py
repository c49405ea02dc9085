"""Asks servers what accounts are called, each once; later again if none of them knows."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from bridge.errors import SourceError
from bridge.events.introductions import ANY, answer, name_in, request
from bridge.source.connection import Connection

PAUSE = 0.1
"""Seconds between two requests: each goes to all servers."""

WITHIN = 5.0
"""Seconds for an answer."""

RETRY, RETRY_MAX = 60.0, 86_400.0
"""Seconds until an account that no server knows is asked for again; each time twice as long, up to a day."""

WAITING_MAX = 10_000
"""Accounts whose name is asked for; those on top keep their ids."""

_log = logging.getLogger("bridge.source")


class Introductions:
    """Outlives connections: it knows whom nobody knew."""

    def __init__(self) -> None:
        self._due: dict[str, float] = {}
        """When to ask for whom, by the loop's clock."""
        self._patience: dict[str, float] = {}
        """How long to wait after the next failure, of those that have failed."""
        self._refused = False
        """That it is not allowed was told."""
        self._more = asyncio.Event()

    def want(self, ids: Iterable[str]) -> None:
        """Ask for these accounts too."""
        for id in ids:
            if len(self._due) < WAITING_MAX:
                self._due.setdefault(id, 0.0)
        self._more.set()

    async def run(self, nats: Connection) -> None:
        """As long as the connection works, which it ends if it does not."""
        try:
            while True:
                await self._ask(nats, await self._next())
        except SourceError as error:
            nats.end(error.reason)

    async def _next(self) -> str:
        loop = asyncio.get_running_loop()
        while True:
            self._more.clear()
            id = min(self._due, key=self._due.__getitem__, default="")
            wait = self._due[id] - loop.time() if id else None
            if wait is not None and wait <= 0:
                return id
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(wait):
                    await self._more.wait()

    async def _ask(self, nats: Connection, id: str) -> None:
        subject = request(id)
        # A server that has nobody of the account does not know it, so the first answer may not be the one.
        gathered = await nats.ask(subject, within=WITHIN, expected=max(1, nats.active), optional=True)
        names = [name for each in gathered.answers.values() if (name := name_in(each.body))]
        if names:
            self._due.pop(id)
            self._patience.pop(id, None)
            self._refused = False
            nats.take([(subject, answer(names[0]))])
        elif gathered.denied:
            self._refuse()
            await asyncio.sleep(RETRY)
        else:
            patience = self._patience.get(id, RETRY)
            self._patience[id] = min(2 * patience, RETRY_MAX)
            self._due[id] = asyncio.get_running_loop().time() + patience
            _log.debug("no server says what the account %s is called; asking again in %g s", id, patience)
        await asyncio.sleep(PAUSE)

    def _refuse(self) -> None:
        if not self._refused:
            self._refused = True
            _log.warning(
                "accounts are called by their ids: the bridge may not publish to %s; allow it in permissions.publish "
                "of its user, or write their names under nats.accounts",
                ANY,
            )
