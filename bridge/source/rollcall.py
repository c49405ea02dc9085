"""The PING after a connect: all servers answer with their STATSZ; outside the system account nobody does."""

import asyncio
import contextlib
import re
from enum import Enum

import msgspec
from nats.aio.client import Client
from nats.aio.msg import Msg

from bridge.source.frames import Take
from bridge.source.settings import Limits

PING_SUBJECT = "$SYS.REQ.SERVER.PING"
"""On 2.9.10 as on 2.15.1."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]+")


class Outcome(Enum):
    """How a roll call ended."""

    ANSWERED = "answered"
    SILENT = "silent"
    OUTSIDE = "outside"
    """Nobody listens to such requests: this is not the system account."""


class _Server(msgspec.Struct):
    id: str


class _Statsz(msgspec.Struct):
    active_servers: int = 0


class _Answer(msgspec.Struct):
    server: _Server
    statsz: _Statsz


class RollCall:
    """One PING, and its answers as long as the connection lasts: late ones are events too."""

    def __init__(self, take: Take) -> None:
        self._take = take
        self._answers = 0
        self._expected = 0
        self._outside = False
        self._news = asyncio.Event()
        self._decode = msgspec.json.Decoder(_Answer).decode

    async def ask(self, client: Client, inbox: str) -> None:
        """Send the PING. Raises nats.errors.Error and OSError."""
        await client.subscribe(inbox, cb=self.hear)
        await client.publish(PING_SUBJECT, b"", reply=inbox)

    async def wait(self, limits: Limits) -> Outcome:
        """Until all servers have answered that the first answer counts; at most `limits.roll_call`.

        That count includes servers that crashed in the last minutes, so the rest gets `limits.quiet` after each answer.
        """
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(limits.roll_call):
                await self._gather(limits.quiet)
        if self._outside:
            return Outcome.OUTSIDE
        return Outcome.ANSWERED if self._answers else Outcome.SILENT

    async def hear(self, message: Msg) -> None:
        status = (message.headers or {}).get("Status")
        if status is not None and not message.data:
            self._outside = self._outside or status == "503"
        else:
            self._note(message.data)
        self._news.set()

    async def _gather(self, quiet: float) -> None:
        await self._news.wait()
        while not self._outside and self._answers < max(self._expected, 1):
            self._news.clear()
            try:
                async with asyncio.timeout(quiet if self._answers else None):
                    await self._news.wait()
            except TimeoutError:
                return

    def _note(self, data: bytes) -> None:
        try:
            answer = self._decode(data)
        except (msgspec.DecodeError, RecursionError):
            return
        if not _TOKEN.fullmatch(answer.server.id):
            return
        self._answers += 1
        self._expected = self._expected or answer.statsz.active_servers
        self._take(f"$SYS.SERVER.{answer.server.id}.STATSZ", data)
