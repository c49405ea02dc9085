"""A line to a server that can be cut, while the server itself works on."""

import asyncio
import contextlib
from types import TracebackType
from typing import Self

from bridge.demo.nats_server import NatsServer, free_port


class Relay:
    """Passes on what goes between clients and one server. A context manager."""

    def __init__(self, server: NatsServer) -> None:
        self._server, self._port = server, free_port()
        self._ear: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()
        self._to_server: set[asyncio.StreamWriter] = set()
        self._pumps: set[asyncio.Task[None]] = set()

    @property
    def url(self) -> str:
        return f"nats://127.0.0.1:{self._port}"

    async def __aenter__(self) -> Self:
        await self.mend()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.cut()

    async def mend(self) -> None:
        """From now on clients may come."""
        self._ear = await asyncio.start_server(self._join, "127.0.0.1", self._port)

    async def cut(self) -> None:
        """No client is connected any more, and none may come."""
        if self._ear is not None:
            self._ear.close()
            self._ear = None
        for writer in self._writers:
            writer.transport.abort()
        self._writers.clear()
        self._to_server.clear()
        for pump in self._pumps:
            pump.cancel()
        if self._pumps:
            await asyncio.wait(self._pumps)

    def inject(self, data: bytes) -> None:
        """To the server, as if each client had sent it."""
        for writer in self._to_server:
            writer.write(data)

    async def _join(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        there, back = await asyncio.open_connection("127.0.0.1", self._server.port)
        self._writers |= {writer, back}
        self._to_server.add(back)
        for source, sink in ((reader, back), (there, writer)):
            pump = asyncio.create_task(_pump(source, sink))
            self._pumps.add(pump)
            pump.add_done_callback(self._pumps.discard)


async def _pump(source: asyncio.StreamReader, sink: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError):
        while data := await source.read(65_536):
            sink.write(data)
            await sink.drain()
    sink.transport.abort()
