"""Many connections to a nats-server, as cheap as they can be: sockets that log in and do nothing else."""

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from bridge.demo.nats_server import NatsServer


@contextmanager
def crowd(server: NatsServer, size: int, user: str = "app", password: str = "p") -> Iterator[list[socket.socket]]:
    """So many clients that are logged in."""
    hello = f'CONNECT {{"verbose":false,"user":"{user}","pass":"{password}"}}\r\nPING\r\n'.encode()
    with ExitStack() as stack:
        members = []
        for _ in range(size):
            member = stack.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=30))
            member.sendall(hello)
            members.append(member)
        for member in members:
            heard = b""
            while b"PONG\r\n" not in heard:
                heard += member.recv(4096)
        yield members
