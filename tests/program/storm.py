"""A server that does not exist and tells of many disconnects: numbered as a real one numbers its messages."""

import json
import socket
from collections.abc import Iterator
from itertools import count, islice
from typing import Self

from bridge.demo.nats_server import NatsServer
from tests.program.rules import PASSWORD

BATCH = 64
"""Messages written at once."""


class Storm:
    """A connection of the system account that publishes such events, as fast as the server takes them.

    A context manager. It stays open as long as somebody counts: its own end is an event.
    """

    def __init__(self, server: NatsServer, size: int) -> None:
        """`size`: bytes of each message."""
        self.sent = 0
        self._size = size
        self._numbers = count(1)
        self._socket = socket.create_connection(("127.0.0.1", server.port), timeout=60)
        options = {"verbose": False, "pedantic": False, "user": "sys", "pass": PASSWORD, "name": "storm"}
        self._socket.sendall(f"CONNECT {json.dumps(options)}\r\n".encode())
        self.flush()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._socket.close()

    def publish(self, messages: int, name: str = "client") -> None:
        """Disconnects of clients with this name. Returns once the server has taken them."""
        waiting = self._messages(messages, name)
        while batch := list(islice(waiting, BATCH)):
            self._socket.sendall(b"".join(batch))
            self.sent += len(batch)
        self.flush()

    def flush(self) -> None:
        self._socket.sendall(b"PING\r\n")
        heard = b""
        while b"PONG\r\n" not in heard:
            part = self._socket.recv(65_536)
            heard += part
            assert part, "the server has hung up"
            assert b"-ERR" not in heard, heard
            if b"PING\r\n" in part:
                self._socket.sendall(b"PONG\r\n")

    def _messages(self, messages: int, name: str) -> Iterator[bytes]:
        for number in islice(self._numbers, messages):
            body = {
                "type": "io.nats.server.advisory.v1.client_disconnect",
                "id": f"storm{number:017}",
                "server": {"name": "storm", "id": "STORM", "ver": "2.15.1", "seq": number},
                "client": {"id": number, "acc": "APP", "kind": "Client", "name": name, "host": "10.0.0.1"},
                "reason": "Client Closed",
            }
            data = json.dumps(body).encode().ljust(self._size)
            assert len(data) == self._size
            yield b"PUB $SYS.ACCOUNT.APP.DISCONNECT %d\r\n%b\r\n" % (len(data), data)
