"""One request to all the servers of a cluster whose servers do not hand it on to each other."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec

from bridge.clock import Clock
from bridge.errors import Trouble
from bridge.receiver import Reply, Request, is_page
from bridge.values import MINUTE, Secret

log = logging.getLogger(__name__)

ASIDE = MINUTE
"""How long one that does not take requests is left alone while others do: else each would wait for it to time out."""


class _Answer(NamedTuple):
    url: Secret
    reply: Reply | Trouble

    @property
    def taken(self) -> bool:
        return isinstance(self.reply, Reply) and 200 <= self.reply.status < 300 and not is_page(self.reply)


class Peers:
    """All get the request at the same time, and it is taken if one of them takes it."""

    def __init__(self, clock: Clock, send: Callable[[Request], Awaitable[Reply]]) -> None:
        self._clock = clock
        self._send = send
        self._aside: dict[Secret, int] = {}
        """Those that did not take the last one, and until when nobody asks them."""

    async def send(self, request: Request) -> Reply:
        """The reply of one that took it, else of the first that replied. Raises the first Trouble, if none did."""
        urls = (request.url, *request.peers)
        now = self._clock.now()
        asked = [url for url in urls if self._aside.get(url, 0) <= now] or list(urls)
        answers = await asyncio.gather(*(self._ask(request, url) for url in asked))
        best = min(answers, key=lambda answer: (not answer.taken, isinstance(answer.reply, Trouble)))
        self._note(urls, answers, best)
        if isinstance(best.reply, Trouble):
            raise best.reply
        return best.reply

    async def _ask(self, request: Request, url: Secret) -> _Answer:
        try:
            return _Answer(url, await self._send(msgspec.structs.replace(request, url=url, peers=())))
        except Trouble as trouble:
            return _Answer(url, trouble)

    def _note(self, urls: tuple[Secret, ...], answers: list[_Answer], best: _Answer) -> None:
        """Say once of each peer that it does not take what others take, and once that it does again."""
        for url, reply in answers:
            number = f"peer={urls.index(url) + 1}/{len(urls)}"  # URLs are secrets
            if _Answer(url, reply).taken:
                if self._aside.pop(url, None) is not None:
                    log.info("a peer takes alerts again %s", number)
            elif best.taken:
                if url not in self._aside:
                    what = reply if isinstance(reply, Trouble) else f"HTTP {reply.status}"
                    log.warning(
                        "a peer does not take alerts, the others do; asking again every minute %s: %s", number, what
                    )
                self._aside[url] = self._clock.now() + ASIDE
