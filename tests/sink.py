"""An HTTP server that answers by script and keeps what it received; in a thread of its own, so all can ask it."""

import asyncio
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Self

import msgspec

from tests.waiting import PATIENCE

HANDSHAKE = b"\x16"
"""What TLS begins with. A sink without TLS takes it for a request, of the method `TLS`, and answers by script."""

Answer = Callable[[asyncio.StreamWriter], Awaitable[None]]
"""Writes an answer, or does to the connection what it is made for."""


class Received(msgspec.Struct, frozen=True):
    """A request; `at` is in seconds of `time.monotonic`, header names in lower case."""

    at: float
    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def answer(status: int = 200, body: bytes = b"ok", after: float = 0.0, **headers: str) -> Answer:
    """A whole answer, `after` seconds. Underscores in the names of headers stand for hyphens."""
    lines = [f"HTTP/1.1 {status} Answer", f"Content-Length: {len(body)}"]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    return raw("\r\n".join([*lines, "", ""]).encode() + body, after)


def raw(data: bytes, after: float = 0.0) -> Answer:
    """These bytes, HTTP or not."""

    async def write(writer: asyncio.StreamWriter) -> None:
        await asyncio.sleep(after)
        writer.write(data)
        await writer.drain()

    return write


def hang() -> Answer:
    """Nothing at all, for longer than any test waits."""
    return raw(b"", after=3600)


def trickle(data: bytes, pause: float) -> Answer:
    """One byte after the other, each `pause` seconds later."""

    async def write(writer: asyncio.StreamWriter) -> None:
        for byte in data:
            writer.write(bytes([byte]))
            await writer.drain()
            await asyncio.sleep(pause)

    return write


def flood(head: bytes, chunk: bytes, times: int) -> Answer:
    """`head`, then a chunk many times, for as long as the other side takes them."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(head)
        for _ in range(times):
            writer.write(chunk)
            await writer.drain()
            await asyncio.sleep(0)

    return write


def cut(data: bytes = b"") -> Answer:
    """These bytes, and the end of the connection."""

    async def write(writer: asyncio.StreamWriter) -> None:
        writer.write(data)
        writer.close()

    return write


def reset() -> Answer:
    """A reset of the connection in the place of an answer."""

    async def write(writer: asyncio.StreamWriter) -> None:
        linger = struct.pack("ii", 1, 0)
        writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        writer.transport.abort()

    return write


class Sink:
    """Listens on a free port of the loopback while it is entered. Answers with `script`, then with `then` for ever."""

    def __init__(self, *script: Answer, then: Answer | None = None, tls: ssl.SSLContext | None = None) -> None:
        self.then = then or answer()
        self.requests: list[Received] = []
        self.connections = 0
        """Connections that were made, TLS included."""
        self.open = 0
        """Requests without a whole answer so far."""
        self.most_open = 0
        self.port = 0
        self._script = list(script)
        self._tls = tls
        self._listening = threading.Event()
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="sink")

    def __enter__(self) -> Self:
        self._thread.start()
        assert self._listening.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._end.set)
        self._thread.join()

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}/hook"

    def script(self, *answers: Answer) -> None:
        """Give these next, after what is left of an earlier script."""
        self._script.extend(answers)

    def wait_for(self, count: int, within: float = PATIENCE) -> list[Received]:
        """The requests, once there are so many. For tests without an event loop."""
        deadline = time.monotonic() + within
        while len(self.requests) < count:
            assert time.monotonic() < deadline, f"{len(self.requests)} requests within {within} s, not {count}"
            time.sleep(0.01)
        return list(self.requests)

    async def _serve(self) -> None:
        self._loop, self._end = asyncio.get_running_loop(), asyncio.Event()
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0, ssl=self._tls)
        self.port = server.sockets[0].getsockname()[1]
        self._listening.set()
        await self._end.wait()
        # A connection that was just accepted gets its task first, which closes it when it is cancelled; asyncio leaves
        # one open whose server closes before that.
        for _ in range(10):
            await asyncio.sleep(0)
        server.close()

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            while (request := await _read(reader)) is not None:
                await self._take(request, writer)
        except (ConnectionError, asyncio.CancelledError):
            writer.transport.abort()  # The other side has gone, as some tests want, or the test has ended.
        else:
            writer.close()

    async def _take(self, request: Received, writer: asyncio.StreamWriter) -> None:
        self.requests.append(request)
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            await (self._script.pop(0) if self._script else self.then)(writer)
        finally:
            self.open -= 1


async def _read(reader: asyncio.StreamReader) -> Received | None:
    try:
        begin = await reader.readexactly(1)
        if begin == HANDSHAKE:
            return Received(time.monotonic(), "TLS", "", {}, begin + await reader.read(65_536))
        head = begin + await reader.readuntil(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").rstrip().split("\r\n")
        headers = {name.lower(): text.strip() for name, _, text in (line.partition(":") for line in lines)}
        body = await reader.readexactly(int(headers.get("content-length", 0)))
    except asyncio.IncompleteReadError:
        return None
    method, path, _ = first.split(" ")
    return Received(time.monotonic(), method, path, headers, body)
