"""A sink that writes down what it is given, and a source that runs as long as a test needs it."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator, Collection, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import msgspec
import nats
from msgspec.structs import replace
from nats.aio.client import Client

from bridge.clock import SystemClock
from bridge.demo.nats_server import NatsServer
from bridge.source.settings import Limits, Polls, Settings
from bridge.source.supervisor import Source
from bridge.values import Secret
from tests.waiting import eventually

ACCOUNTS = """
accounts {
  SYS {
    users: [
      {user: sys, password: "s3cret-pass"}
      {user: nosub, password: p, permissions: {subscribe: {deny: ["$SYS.ACCOUNT.*.CONNECT"]}}}
      {user: oneapp, password: p, permissions: {subscribe: ["$SYS.*.APP.*", "_INBOX.>"]}}
      {user: noping, password: p, permissions: {publish: {deny: ["$SYS.REQ.>"]}}}
      {user: noinbox, password: p, permissions: {subscribe: ["$SYS.>", "ev.>"]}}
    ]
  }
  APP { users: [{user: app, password: p}] }
}
system_account: SYS
"""

QUICK = Limits(connect=3, answer=1, probe=0.2, roll_call=1, quiet=0.2, grace=0.3, told_every=0.05, move=0.1)

CALM = replace(QUICK, grace=60)
"""Nobody is told of a server that takes a moment to let somebody in."""


class Heard:
    """All calls, in order."""

    def __init__(self) -> None:
        self.calls: list[tuple[object, ...]] = []

    @property
    def crowded(self) -> bool:
        return False

    async def room(self) -> None:
        """There always is."""

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        self.calls += [("message", subject, data, at) for subject, data in heard]

    def own(self, server_id: str, client_id: int) -> None:
        self.calls.append(("own", server_id, client_id))

    def sight(self, at: int) -> None:
        self.calls.append(("sight", at))

    def blind(self, at: int) -> None:
        self.calls.append(("blind", at))

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        self.calls.append(("told", event_name, fields, at))

    @property
    def sees(self) -> bool:
        """Whether it has sight now."""
        turns = [call[0] for call in self.calls if call[0] in ("sight", "blind")]
        return bool(turns) and turns[-1] == "sight"

    @property
    def server_id(self) -> str:
        """Of the server that it was connected to first."""
        return str(next(call[1] for call in self.calls if call[0] == "own"))

    def heard_on(self, start: str = "") -> list[tuple[object, object]]:
        """Subject and data of the messages whose subject begins so."""
        return [(call[1], call[2]) for call in self.calls if call[0] == "message" and str(call[1]).startswith(start)]

    def tales(self, event_name: str) -> list[dict[str, object]]:
        """The fields of what was told under this name."""
        return [call[2] for call in self.calls if call[:2] == ("told", event_name) and isinstance(call[2], dict)]

    def at(self, kind: str) -> int:
        """The time of the last call of this kind."""
        return next(int(str(call[-1])) for call in reversed(self.calls) if call[0] == kind)


class Run(msgspec.Struct):
    """A source at work."""

    source: Source
    heard: Heard
    task: asyncio.Task[None]


def settings_for(*servers: NatsServer, user: str = "sys", password: str = "s3cret-pass") -> Settings:
    return settings_at(*(server.url for server in servers), user=user, password=password)


def settings_at(*urls: str, user: str = "sys", password: str = "s3cret-pass") -> Settings:
    return Settings(servers=urls, user=user, password=Secret(password), file="rules.yaml")


@asynccontextmanager
async def run(
    settings: Settings,
    subjects: Collection[str] = ("ev.>",),
    limits: Limits = QUICK,
    polls: Polls = Polls(),  # noqa: B008 - it is frozen
) -> AsyncIterator[Run]:
    """Runs a source, and makes sure that it leaves nothing behind."""
    others = asyncio.all_tasks()
    sockets = count_sockets()
    heard = Heard()
    source = Source(settings, SystemClock(), heard, subjects, limits, polls=polls)
    task = asyncio.create_task(source.run())
    try:
        yield Run(source, heard, task)
    finally:
        task.cancel()
        await asyncio.wait({task})
    # What listens in the test itself ends a moment after its last client, and so do encrypted websockets.
    at_once = len(others) == 1 and not any(url.startswith("wss:") for url in settings.servers)
    within = 0 if at_once else 10
    await eventually(lambda: asyncio.all_tasks() == others and count_sockets() == sockets, within)


@asynccontextmanager
async def client(server: NatsServer, user: str = "sys", password: str = "s3cret-pass") -> AsyncIterator[Client]:
    """Somebody else, who publishes."""
    other = await nats.connect(server.url, user=user, password=password, allow_reconnect=False)
    try:
        yield other
    finally:
        await other.close()


@contextmanager
def stopped(server: NatsServer) -> Iterator[None]:
    """It hangs: its process gets no time."""
    os.kill(server.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.pid, signal.SIGCONT)


def count_sockets() -> int:
    count = 0
    for link in Path("/proc/self/fd").iterdir():
        try:
            count += str(link.readlink()).startswith("socket:")
        except FileNotFoundError:
            # The listing's own descriptor.
            continue
    return count
