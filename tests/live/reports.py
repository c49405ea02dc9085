"""Servers that report often: who waits for STATSZ waits for 10 s, or 30 s before 2.10.21."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from ssl import SSLContext

import nats
from nats.errors import Error as NatsError

from bridge.demo.nats_server import NatsServer
from tests.program.rules import PASSWORD
from tests.program.trouble import PING


@asynccontextmanager
async def frequent_reports(servers: Sequence[NatsServer], tls: SSLContext | None = None) -> AsyncIterator[None]:
    """Somebody in the system account asks all servers for a report four times a second, through one that runs."""
    client = await nats.connect(
        [server.url for server in servers],
        user="sys",
        password=PASSWORD,
        max_reconnect_attempts=-1,
        reconnect_time_wait=0.1,
        error_cb=_ignore,
        connect_timeout=1,
        tls=tls,
    )

    async def ask() -> None:
        while True:
            with suppress(NatsError):
                await client.publish(PING)
                await client.flush(1)
            await asyncio.sleep(0.25)

    task = asyncio.create_task(ask())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})
        await client.close()


async def _ignore(_: Exception) -> None:
    """Servers go, as the test wants."""
