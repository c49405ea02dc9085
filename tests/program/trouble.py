"""Those who make the trouble: clients by hand, which can do what libraries do not let them do."""

import json
import socket
from ssl import SSLContext
from types import TracebackType
from typing import Any, Self

from bridge.demo.nats_server import NatsServer, wait_until
from tests.operator_mode import User

SERVER = """
accounts {
  SYS { users: [{user: sys, password: "s3cret-pass"}] }
  APP { users: [{user: app, password: p}] }
}
system_account: SYS
"""

SMALL = SERVER + 'max_payload: 64KB\nmax_pending: 1MB\nwrite_deadline: "100ms"\n'
"""A server that throws out who reads slowly, soon."""

PING = "$SYS.REQ.SERVER.PING"
"""Without a reply subject it makes every server publish its STATSZ at once."""


class Peer:
    """A connection to a server. A context manager. `user` is a name, or one of operator mode."""

    def __init__(
        self,
        server: NatsServer,
        user: str | User = "app",
        password: str = "p",
        name: str = "",
        tls: SSLContext | None = None,
    ) -> None:
        self._socket = socket.socket()
        self._socket.settimeout(5)
        # What the kernel takes for a client that does not read is not pending in the server.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self._socket.connect(("127.0.0.1", server.port))
        self._reader = self._socket.makefile("rb")
        self.info: dict[str, Any] = json.loads(self._reader.readline().removeprefix(b"INFO "))
        if tls:
            self._socket = tls.wrap_socket(self._socket, server_hostname="127.0.0.1")
            self._reader.close()
            self._reader = self._socket.makefile("rb")
        login = user.answer(self.info["nonce"]) if isinstance(user, User) else {"user": user, "pass": password}
        greeting = {**login, "name": name, "verbose": False, "pedantic": False, "lang": "hand"}
        self._send(b"CONNECT " + json.dumps(greeting).encode() + b"\r\nPING\r\n")

    def __enter__(self) -> Self:
        assert self._reader.readline() == b"PONG\r\n"
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        self._reader.close()
        self._socket.close()

    def subscribe(self, subject: str) -> None:
        """Returns once the server knows; nothing is read after that."""
        self._send(f"SUB {subject} 1\r\nPING\r\n".encode())
        assert self._reader.readline() == b"PONG\r\n"

    def publish(self, subject: str, data: bytes = b"") -> None:
        """Returns once the server has taken it."""
        self._send(f"PUB {subject} {len(data)}\r\n".encode() + data + b"\r\nPING\r\n")
        while (line := self._reader.readline()) != b"PONG\r\n":
            assert line == b"PING\r\n", line

    def ask(self, subject: str, data: bytes = b"") -> Any:
        """The answer to a request, as JSON."""
        self._send(f"SUB answer 2\r\nPUB {subject} answer {len(data)}\r\n".encode() + data + b"\r\n")
        while not (line := self._reader.readline()).startswith(b"MSG "):
            assert line == b"PING\r\n", line
        data = self._reader.read(int(line.split()[-1]) + 2)
        self._send(b"UNSUB 2\r\n")
        return json.loads(data)

    def read_to_end(self) -> bytes:
        """Until the server hangs up."""
        try:
            return self._reader.read()
        except ConnectionError:
            return b""

    def _send(self, data: bytes) -> None:
        self._socket.sendall(data)


def fail_login(server: NatsServer, name: str = "", times: int = 1) -> None:
    """Logins with a wrong password; returns once the server has refused them."""
    for _ in range(times):
        peer = Peer(server, password="wrong", name=name)
        assert b"Authorization Violation" in peer.read_to_end()
        peer.close()


def throw_out(server: NatsServer, *names: str) -> None:
    """Clients with these names stop reading until the server throws them out as slow consumers."""
    slow = [Peer(server, name=name).__enter__() for name in names]
    for peer in slow:
        peer.subscribe("flood")
    with Peer(server, name="publisher") as publisher:
        assert wait_until(lambda: _flood(publisher) and not _listens(server, names), 10)
    for peer in slow:
        peer.close()


def slow_consumers(server: NatsServer) -> int:
    """The server's own counter."""
    with Peer(server, "sys", "s3cret-pass") as sys:
        return int(sys.ask(f"$SYS.REQ.SERVER.{sys.info['server_id']}.VARZ")["data"]["slow_consumers"])


def report(server: NatsServer) -> None:
    """The server publishes its STATSZ now, not at its next turn."""
    with Peer(server, "sys", "s3cret-pass") as sys:
        sys.publish(PING)


def _flood(publisher: Peer) -> bool:
    for _ in range(20):
        publisher.publish("flood", bytes(60_000))
    return True


def _listens(server: NatsServer, names: tuple[str, ...]) -> bool:
    with Peer(server, "sys", "s3cret-pass") as sys:
        answer = sys.ask(f"$SYS.REQ.SERVER.{sys.info['server_id']}.CONNZ")
        return any(client.get("name") in names for client in answer["data"]["connections"])
