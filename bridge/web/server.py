"""Listens. What hinders it is said, and the alerting goes on without it."""

import asyncio
import contextlib
import logging
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from uvicorn.protocols.http.h11_impl import H11Protocol

from bridge.clock import Clock
from bridge.config.names import is_loopback, split_listen
from bridge.config.schema import Http
from bridge.store.told import encode
from bridge.web.api import Api, Bridge
from bridge.web.guard import HEADERS_MAX, Guard

LOG = logging.getLogger(__name__)

CONNECTIONS_MAX = 64
LIFETIME = 20.0
"""Seconds after which a connection takes no further request, so that none is held by who sends nothing."""

GRACE = 15.0
"""Seconds that are left to a request that is under way then: longer than a command may take."""

AGAIN = 10.0
"""Seconds between two tries to listen."""


class Web:
    """Serves the API of a bridge where the rules file wants it."""

    def __init__(self, bridge: Bridge, clock: Clock, http: Http | None, external_url: str) -> None:
        self._bridge = bridge
        self._clock = clock
        self._wanted = http, external_url
        self._changed = asyncio.Event()
        self.trouble = ""
        """Why nobody is heard, though the rules file wants it; empty while all is well."""

    def reconfigure(self, http: Http | None, external_url: str) -> None:
        """The rules file was read anew."""
        if (http, external_url) != self._wanted:
            self._wanted = http, external_url
            self._changed.set()

    async def run(self) -> None:
        """Until it is cancelled."""
        while True:
            self._changed.clear()
            self.trouble = ""
            http, external_url = self._wanted
            if http is None:
                await self._changed.wait()
            elif (listener := self._listen(http.listen)) is not None:
                await self._serve(listener, http, external_url)
            else:
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(self._changed.wait(), AGAIN)

    def _listen(self, address: str) -> socket.socket | None:
        """None: it is not possible now; that is said once."""
        host, port = split_listen(address)
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((host, port))
            listener.listen(CONNECTIONS_MAX)
        except OSError as error:
            listener.close()
            trouble = f"cannot listen on {address}: {error.strerror}"
            if trouble != self.trouble:
                LOG.warning(
                    "%s; commands such as `silence` do not reach this bridge, all else works; it is tried again every "
                    "%g s. Set another http.listen, or http: null",
                    trouble,
                    AGAIN,
                )
            self.trouble = trouble
            return None
        listener.setblocking(False)
        return listener

    async def _serve(self, listener: socket.socket, http: Http, external_url: str) -> None:
        server = _Server(_config(self._application(http, external_url)))
        serving = asyncio.create_task(server.serve(sockets=[listener]), name="web")
        changed = asyncio.create_task(self._changed.wait())
        LOG.info("commands are heard on http://%s", http.listen)
        try:
            await asyncio.wait((serving, changed), return_when=asyncio.FIRST_COMPLETED)
        finally:
            changed.cancel()
            server.should_exit = True
            for connection in list(server.server_state.connections):
                connection.shutdown()
            await serving

    def _application(self, http: Http, external_url: str) -> Guard:
        host, _ = split_listen(http.listen)
        hosts = {host, "localhost", "127.0.0.1", "::1", *filter(None, [urlsplit(external_url).hostname])}
        token = http.auth.token.reveal() if http.auth else None
        application = Starlette(
            routes=Api(self._bridge).routes, exception_handlers={404: _unknown, 405: _unknown, 500: _failed}
        )
        return Guard(application, hosts if is_loopback(host) else (), token)


class _Server(uvicorn.Server):
    """Signals are the program's own."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Connection(H11Protocol):
    """One that does not last, whatever the other side does."""

    def connection_made(self, transport: Any) -> None:
        super().connection_made(transport)
        if len(self.connections) > CONNECTIONS_MAX:
            transport.abort()
            return
        loop = asyncio.get_running_loop()
        self._timers = [loop.call_later(LIFETIME, self._end), loop.call_later(LIFETIME + GRACE, transport.abort)]

    def connection_lost(self, exc: Exception | None) -> None:
        for timer in getattr(self, "_timers", ()):
            timer.cancel()
        super().connection_lost(exc)

    def _end(self) -> None:
        if not self.transport.is_closing():
            self.shutdown()


def _config(application: Guard) -> uvicorn.Config:
    return uvicorn.Config(
        application,
        http=_Connection,
        ws="none",
        lifespan="off",
        loop="none",
        log_config=None,
        access_log=False,
        proxy_headers=False,
        server_header=False,
        h11_max_incomplete_event_size=HEADERS_MAX,
        limit_concurrency=CONNECTIONS_MAX,
        timeout_graceful_shutdown=1,
    )


async def _unknown(request: Request, error: Exception) -> Response:
    return Response(encode({"error": "there is nothing here; see the README"}), 404, media_type="application/json")


async def _failed(request: Request, error: Exception) -> Response:
    LOG.error("a request failed path=%s: %s: %s", request.url.path, type(error).__name__, error)
    return Response(encode({"error": "this failed; the log says why"}), 500, media_type="application/json")
