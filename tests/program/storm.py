"""A server that does not exist and tells of many disconnects: numbered as a real one numbers its messages, with an
answer for those who ask all servers how they are."""

import json
import re
import socket
from collections.abc import Iterator
from itertools import count, islice
from threading import Thread
from typing import Self

from bridge.demo.nats_server import NatsServer
from tests.program.rules import PASSWORD

BATCH = 64
"""Messages written at once."""


class Storm:
    """A connection of the system account that publishes such events, as fast as the server takes them.

    A context manager. It stays open as long as somebody counts: the ends of its connections are events.
    """

    def __init__(self, server: NatsServer, size: int) -> None:
        """`size`: bytes of each message."""
        self.sent = 0
        self.answered = 0
        """To how many questions how it is."""
        self._size = size
        self._numbers = count(1)
        self._socket = _connected(server)
        self.flush()
        self._asked = _connected(server)
        self._asked.settimeout(None)
        self._asked.sendall(b"SUB $SYS.REQ.SERVER.PING 1\r\n")
        self._answering = Thread(target=self._answer)

    def __enter__(self) -> Self:
        self._answering.start()
        # From now on the others count it among the servers, and whoever asks all of them waits for its answer.
        data = json.dumps({"server": _origin(next(self._numbers)), "statsz": {"active_servers": 2}}).encode()
        self._socket.sendall(b"PUB $SYS.SERVER.STORM.STATSZ %d\r\n%b\r\n" % (len(data), data))
        self.flush()
        return self

    def __exit__(self, *_: object) -> None:
        self._asked.shutdown(socket.SHUT_RDWR)
        self._answering.join()
        self._asked.close()
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

    def _answer(self) -> None:
        heard = b""
        while part := self._asked.recv(65_536):
            *whole, heard = (heard + part).split(b"\r\n")
            for line in whole:
                if line == b"PING":
                    self._asked.sendall(b"PONG\r\n")
                elif asked := re.fullmatch(rb"MSG \S+ 1 (\S+) \d+", line):
                    body = {"server": _origin(next(self._numbers)), "statsz": {"active_servers": 2}}
                    data = json.dumps(body).encode()
                    self._asked.sendall(b"PUB %b %d\r\n%b\r\n" % (asked[1], len(data), data))
                    self.answered += 1

    def _messages(self, messages: int, name: str) -> Iterator[bytes]:
        for number in islice(self._numbers, messages):
            body = {
                "type": "io.nats.server.advisory.v1.client_disconnect",
                "id": f"storm{number:017}",
                "server": _origin(number),
                "client": {"id": number, "acc": "APP", "kind": "Client", "name": name, "host": "10.0.0.1"},
                "reason": "Client Closed",
            }
            data = json.dumps(body).encode().ljust(self._size)
            assert len(data) == self._size
            yield b"PUB $SYS.ACCOUNT.APP.DISCONNECT %d\r\n%b\r\n" % (len(data), data)


def _origin(number: int) -> dict[str, object]:
    return {"name": "storm", "id": "STORM", "ver": "2.15.1", "seq": number}


def _connected(server: NatsServer) -> socket.socket:
    connected = socket.create_connection(("127.0.0.1", server.port), timeout=60)
    options = {"verbose": False, "pedantic": False, "user": "sys", "pass": PASSWORD, "name": "storm"}
    connected.sendall(f"CONNECT {json.dumps(options)}\r\n".encode())
    return connected
