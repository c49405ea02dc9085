"""Clients that misbehave. They speak NATS by hand, as no library would stop reading or fail on purpose."""

import json
import socket
import time
from types import TracebackType
from typing import Self

import httpx

from bridge.demo.nats_server import NatsServer
from bridge.errors import BridgeError

STRANGER = "127.0.0.66"
"""Where the failed logins come from: all of 127/8 is this machine."""

_TIMEOUT = 5.0
_THROWN_OUT_WITHIN = 15.0
_CHUNK = 64 * 1024


class RawClient:
    """A connection to a server, with a login sent. A context manager. Raises BridgeError."""

    def __init__(
        self, server: NatsServer, user: str, password: str, *, name: str, source: str = "127.0.0.1", buffer: int = 0
    ) -> None:
        """`source` is the address that the server sees, `buffer` the bytes that the system keeps unread (0: many)."""
        self._socket = socket.socket()
        try:
            if buffer:
                self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, buffer)
            self._socket.settimeout(_TIMEOUT)
            self._socket.bind((source, 0))
            self._socket.connect(("127.0.0.1", server.port))
            self._read_line()
            login = {"user": user, "pass": password, "name": name, "lang": "demo", "version": "1", "verbose": False}
            self.send(f"CONNECT {json.dumps(login)}\r\nPING\r\n".encode())
            self.answer = self._read_line()
            """`PONG`, or the server's word for why not."""
        except OSError as error:
            self._socket.close()
            raise BridgeError(f"the demo's client {name} cannot talk to {server.url}: {error}") from error

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Raises OSError, TimeoutError among them."""
        self._socket.sendall(data)

    def _read_line(self) -> str:
        line = b""
        while not line.endswith(b"\n"):
            if not (piece := self._socket.recv(1)):
                raise ConnectionError("the server closed the connection")
            line += piece
        return line.decode(errors="replace").strip()


def fail_logins(server: NatsServer, count: int) -> None:
    """So many logins with a wrong password."""
    for number in range(count):
        user = ("admin", "root", "nats", "admin", "test")[number % 5]
        with RawClient(server, user, f"guess-{number}", name="", source=STRANGER) as client:
            if "Authorization Violation" not in client.answer:
                raise BridgeError(f"a wrong password was answered with {client.answer!r}")


def come_and_go(server: NatsServer, login: tuple[str, str], name: str) -> None:
    """A client that connects and leaves in good order."""
    with RawClient(server, *login, name=name):
        pass


def stop_reading(server: NatsServer, login: tuple[str, str], name: str) -> float:
    """A client subscribes and never reads, while another publishes, until the server has thrown it out.

    Returns the seconds that this took.
    """
    began = time.monotonic()
    with (
        RawClient(server, *login, name=name, buffer=4096) as reader,
        RawClient(server, *login, name="orders") as writer,
    ):
        message = b"PUB reports %d\r\n%s\r\n" % (_CHUNK, b"." * _CHUNK)
        try:
            reader.send(b"SUB reports 1\r\n")
            while _slow_consumers(server) == 0:
                if time.monotonic() - began > _THROWN_OUT_WITHIN:
                    raise BridgeError(f"{server.name} did not throw out a client that reads nothing")
                for _ in range(32):
                    writer.send(message)
        except OSError as error:
            raise BridgeError(f"the demo's client orders cannot publish to {server.url}: {error}") from error
    return time.monotonic() - began


def _slow_consumers(server: NatsServer) -> int:
    """That the server has counted since its start."""
    try:
        answer = httpx.get(f"{server.monitor_url}/varz", timeout=_TIMEOUT, trust_env=False)
    except httpx.HTTPError as error:
        raise BridgeError(f"{server.name} does not answer on {server.monitor_url}: {error}") from error
    return int(answer.json()["slow_consumers"])
