"""A sink that is slower than the server: the server waits, nothing is lost, and nobody takes the pause for an end."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import msgspec
from nats.aio.client import Client

from bridge.clock import SystemClock
from bridge.source.supervisor import Source
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, QUICK, client, settings_for
from tests.waiting import eventually

MESSAGES = 80_000
SIZE = 1000
"""All of them are more than the 64 MB that a nats-server lets wait for one client."""

ENOUGH = 2000
"""Messages from which on the sink is crowded."""

ONE_READ = 32_768 // SIZE
"""Messages that nats-py hands over at once, at most."""


class Slow:
    """A sink whose messages wait until somebody works on them. It keeps their first 8 bytes."""

    def __init__(self) -> None:
        self.waiting: list[bytes] = []
        self.done: list[bytes] = []
        self.most = 0
        self.turns: list[str] = []
        self._eased = asyncio.Event()

    @property
    def crowded(self) -> bool:
        return len(self.waiting) >= ENOUGH

    async def room(self) -> None:
        while self.crowded:
            self._eased.clear()
            await self._eased.wait()

    def work(self, count: int) -> None:
        self.done += self.waiting[:count]
        del self.waiting[:count]
        self._eased.set()

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        self.waiting += [data[:8] for subject, data in heard if subject.startswith("ev.")]
        self.most = max(self.most, len(self.waiting))

    def own(self, server_id: str, client_id: int) -> None:
        self.turns.append("own")

    def sight(self, at: int) -> None:
        self.turns.append("sight")

    def blind(self, at: int) -> None:
        self.turns.append("blind")

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        self.turns.append(event_name)


async def publish(client: Client, count: int, padding: bytes = b"") -> None:
    for number in range(count):
        await client.publish("ev.a", b"%08d" % number + padding)
    await client.flush(30)


async def work_slowly(sink: Slow) -> None:
    """As an engine that takes 2 ms for 100 messages."""
    while True:
        await asyncio.sleep(0.002)
        sink.work(100)


@asynccontextmanager
async def listening(source: Source) -> AsyncIterator[None]:
    task = asyncio.create_task(source.run())
    yield
    task.cancel()
    await asyncio.wait({task}, timeout=2)
    assert task.done()


async def test_a_storm_waits_at_the_server_in_order_and_without_a_reconnect(start_server: StartServer) -> None:
    server, sink = start_server(ACCOUNTS), Slow()
    source = Source(settings_for(server), SystemClock(), sink, ["ev.>"], QUICK)
    async with listening(source), client(server) as other:
        await eventually(lambda: "sight" in sink.turns)
        engine = asyncio.create_task(work_slowly(sink))
        await publish(other, MESSAGES, b"x" * (SIZE - 8))
        await eventually(lambda: len(sink.done) == MESSAGES, within=30)
        engine.cancel()
        assert sink.done == [b"%08d" % number for number in range(MESSAGES)]
        assert ENOUGH <= sink.most < ENOUGH + 2 * ONE_READ
        assert sink.turns == ["own", "sight"]


async def test_a_pause_is_no_dead_server(start_server: StartServer) -> None:
    """It lasts longer than the server has for a sign of life."""
    limits = msgspec.structs.replace(QUICK, answer=1, probe=0.05, patience=10)
    server, sink = start_server(ACCOUNTS), Slow()
    async with listening(Source(settings_for(server), SystemClock(), sink, ["ev.>"], limits)), client(server) as other:
        await eventually(lambda: "sight" in sink.turns)
        await publish(other, 2 * ENOUGH)
        await eventually(lambda: sink.crowded)
        over = time.monotonic() + 1.5
        await eventually(lambda: time.monotonic() > over)
        assert sink.turns == ["own", "sight"]
        sink.work(ENOUGH)
        await eventually(lambda: len(sink.waiting) + len(sink.done) == 2 * ENOUGH)
        assert sink.turns == ["own", "sight"]


async def test_a_sink_that_never_has_room_is_given_everything_all_the_same(start_server: StartServer) -> None:
    """Or the server would cut the connection, and nobody could say what was lost."""
    limits = msgspec.structs.replace(QUICK, patience=0.1)
    server, sink = start_server(ACCOUNTS), Slow()
    async with listening(Source(settings_for(server), SystemClock(), sink, ["ev.>"], limits)), client(server) as other:
        await eventually(lambda: "sight" in sink.turns)
        await publish(other, 5 * ENOUGH)
        await eventually(lambda: len(sink.waiting) == 5 * ENOUGH)
        assert sink.turns == ["own", "sight"]


async def test_after_the_sink_had_room_it_is_waited_for_again(start_server: StartServer) -> None:
    limits = msgspec.structs.replace(QUICK, patience=0.3)
    server, sink = start_server(ACCOUNTS), Slow()
    async with listening(Source(settings_for(server), SystemClock(), sink, ["ev.>"], limits)), client(server) as other:
        await eventually(lambda: "sight" in sink.turns)
        for _ in range(2):
            begun = time.monotonic()
            await publish(other, 2 * ENOUGH)
            await eventually(lambda: len(sink.waiting) == 2 * ENOUGH)
            assert time.monotonic() - begun >= 0.3
            sink.work(2 * ENOUGH)


async def test_it_ends_at_once_while_it_waits(start_server: StartServer) -> None:
    limits = msgspec.structs.replace(QUICK, patience=60)
    server, sink = start_server(ACCOUNTS), Slow()
    async with client(server) as other:
        async with listening(Source(settings_for(server), SystemClock(), sink, ["ev.>"], limits)):
            await eventually(lambda: "sight" in sink.turns)
            await publish(other, 2 * ENOUGH)
            await eventually(lambda: sink.crowded)
        assert sink.turns == ["own", "sight", "blind"]
