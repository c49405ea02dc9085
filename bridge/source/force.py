"""What nats-py leaves behind, taken from its inside: its own `close` waits for ever in some states (nats-py 2.16.0).

After a failed TLS handshake it waits for a stream that nobody ends; of a server that hangs it awaits an answer; it does
not await the tasks that it cancels.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Any

from nats.aio.client import Client
from nats.aio.transport import TcpTransport

# nats-py does not tell its stream that it is encrypted; asyncio then warns at each end of one, of nothing that matters.
logging.getLogger("asyncio").addFilter(lambda record: "eof_received() has no effect when using ssl" not in record.msg)


def encrypted(client: Client) -> bool:
    """Whether TLS is up, as far as this side knows."""
    transport = client._transport
    return isinstance(transport, TcpTransport) and transport._io_writer is not transport._bare_io_writer


def reading_error(client: Client) -> Exception | None:
    """What ended its reading. A failed writing says less: TLS has its reasons from the other side."""
    transport = client._transport
    reader = transport._io_reader if isinstance(transport, TcpTransport) else None
    return reader.exception() if reader is not None else None


def forget_siblings(client: Client) -> None:
    """Let it know the servers that its server told of last: it would only ever learn of more (nats-py 2.16.0)."""
    process = client._process_info

    async def process_anew(info: dict[str, Any], initial_connection: bool = False) -> None:
        if info.get("connect_urls"):
            client._server_pool[:] = [server for server in client._server_pool if not server.discovered]
        await process(info, initial_connection)

    client._process_info = process_anew  # type: ignore[method-assign]


def tasks_of(client: Client) -> set[asyncio.Task[Any]]:
    """The tasks that the client runs now."""
    own = (client._reading_task, client._ping_interval_task, client._flusher_task)
    ears = (subscription._wait_for_msgs_task for subscription in client._subs.values())
    return {task for task in (*own, *ears) if task is not None}


def on_reading_end(client: Client, tell: Callable[[asyncio.Task[None]], object]) -> None:
    """Call `tell(task)` when the client has stopped to read; it may still say that it is connected."""
    if client._reading_task is not None:
        client._reading_task.add_done_callback(tell)


async def abort(client: Client) -> None:
    """Close the socket now, without a word to the other side."""
    transport = client._transport
    if isinstance(transport, TcpTransport):
        # With TLS there are two writers: the encrypted one first, so that it knows of its end.
        for writer in (transport._io_writer, transport._bare_io_writer):
            if writer is not None:
                writer.transport.abort()
    elif transport is not None and (session := getattr(transport, "_client", None)) is not None:
        await session.close()
    # The event loop closes the socket one turn after it was told, the one below TLS another turn later.
    for _ in range(3):
        await asyncio.sleep(0)
