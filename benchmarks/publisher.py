"""Publishes by the bare protocol: next to a busy server and the measured process, a client library takes too much."""

import json
import socket
from collections.abc import Iterable
from itertools import islice
from types import TracebackType
from typing import Self

from benchmarks.payloads import Message
from benchmarks.process import PATIENCE, Failed

BATCH = 64
"""Messages written at once."""


class Publisher:
    """One connection to a nats-server on the loopback."""

    def __init__(self, port: int, user: str, password: str) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        options = {"verbose": False, "pedantic": False, "user": user, "pass": password, "name": "benchmark"}
        self._socket.sendall(f"CONNECT {json.dumps(options)}\r\n".encode())
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._socket.close()

    def publish(self, messages: Iterable[Message]) -> None:
        """All of them, as fast as the server takes them; returns once it has them all."""
        waiting = iter(messages)
        while batch := list(islice(waiting, BATCH)):
            self._socket.sendall(
                b"".join(b"PUB %b %d\r\n%b\r\n" % (subject.encode(), len(data), data) for subject, data in batch)
            )
        self.flush()

    def flush(self) -> None:
        """Once the server has taken in all that was sent. Raises Failed if it refuses something."""
        self._socket.sendall(b"PING\r\n")
        heard = b""
        while b"PONG\r\n" not in heard:
            part = self._socket.recv(65_536)
            heard += part
            if not part or b"-ERR" in heard:
                raise Failed(f"the nats-server refuses what is published: {heard[-200:]!a}")
            if b"PING\r\n" in part:
                self._socket.sendall(b"PONG\r\n")
