"""A connection for one command: it asks and leaves, and nothing that it hears goes anywhere."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

from bridge.clock import Clock
from bridge.errors import SourceError
from bridge.source.connection import Connection
from bridge.source.reports import Reports
from bridge.source.servers import Servers
from bridge.source.settings import Limits, Settings
from bridge.source.sink import Sink


@asynccontextmanager
async def visit(
    settings: Settings, limits: Limits, clock: Clock, sink: Sink | None = None
) -> AsyncIterator[Connection]:
    """The first of the configured servers that lets the bridge in. Raises SourceError as the last one refuses it, and
    ValueError for an address that is none."""
    connection = await _open(settings, limits, clock, sink or Nobody())
    try:
        yield connection
    finally:
        await connection.close()


async def _open(settings: Settings, limits: Limits, clock: Clock, sink: Sink) -> Connection:
    servers = Servers(settings)
    refused: SourceError | None = None
    while (target := servers.due(now := asyncio.get_running_loop().time())) is not None:
        connection = Connection(target, settings, limits, sink, clock, Reports(sink, clock, limits))
        try:
            await connection.open()
            return connection
        except SourceError as error:
            refused = error
            servers.failed(target, error, now + limits.connect * len(servers.addresses))
            await connection.close()
        except BaseException:
            await connection.close()
            raise
    assert refused is not None
    raise refused


class Nobody(Sink):
    """Hears nothing."""

    @property
    def crowded(self) -> bool:
        return False

    async def room(self) -> None:
        """There always is."""

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        pass

    def own(self, server_id: str, client_id: int) -> None:
        pass

    def sight(self, at: int) -> None:
        pass

    def blind(self, at: int) -> None:
        pass

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        pass
