"""A network between two servers that can go dead without a word: nothing passes, and nobody hangs up."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress


class Link:
    """Passes connections on to a port of the loopback."""

    def __init__(self, target: int) -> None:
        self.port = 0
        self._target = target
        self._passing = asyncio.Event()
        self._ends: set[asyncio.Task[None]] = set()

    def go_dead(self) -> None:
        """For the connections that there are; later ones work."""
        self._passing.clear()
        self._passing = asyncio.Event()
        self._passing.set()

    async def accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            there, back = await asyncio.open_connection("127.0.0.1", self._target)
            passing = self._passing
            for source, target in ((reader, back), (there, writer)):
                task = asyncio.create_task(_pass(source, target, passing))
                self._ends.add(task)
                task.add_done_callback(self._ends.discard)

    async def close(self) -> None:
        for task in (ends := list(self._ends)):
            task.cancel()
        await asyncio.gather(*ends, return_exceptions=True)


async def _pass(source: asyncio.StreamReader, target: asyncio.StreamWriter, passing: asyncio.Event) -> None:
    try:
        while data := await source.read(65_536):
            await passing.wait()
            target.write(data)
            await target.drain()
        await passing.wait()
    except ConnectionError:
        pass
    finally:
        target.transport.abort()


@asynccontextmanager
async def link_to(target: int) -> AsyncIterator[Link]:
    link = Link(target)
    link.go_dead()  # nobody is connected, and who comes passes
    server = await asyncio.start_server(link.accept, "127.0.0.1", 0)
    link.port = server.sockets[0].getsockname()[1]
    try:
        yield link
    finally:
        server.close()
        await link.close()
