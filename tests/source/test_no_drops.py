"""nats-py drops what its own queues cannot hold, 524 288 messages of a subscription by default; none waits there."""

import asyncio
import json
import socket
import time

import pytest

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, Heard, run, settings_for
from tests.waiting import eventually

LIMIT = 512 * 1024
"""nats-py's DEFAULT_SUB_PENDING_MSGS_LIMIT."""


def publish(server: NatsServer, messages: int) -> None:
    """With headers, so that nats-py's own parser takes them."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        options = {"verbose": False, "user": "sys", "pass": "s3cret-pass", "headers": True}
        line.sendall(f"CONNECT {json.dumps(options)}\r\n".encode())
        one = b"HPUB ev.a 18 20\r\nNATS/1.0\r\na: b\r\n\r\n{}\r\n"
        for _ in range(messages // 64):
            line.sendall(one * 64)
        line.sendall(b"PING\r\n")
        heard = b""
        while b"PONG" not in heard:
            heard += line.recv(65_536)
            assert b"-ERR" not in heard, heard


def count(heard: Heard) -> int:
    return sum(call[0] == "message" and call[1] == "ev.a" for call in heard.calls)


@pytest.mark.parametrize("messages", [64 * 100, pytest.param(LIMIT + 64 * 1000, marks=pytest.mark.long)])
async def test_the_client_library_drops_nothing_while_the_program_stands_still(
    start_server: StartServer, messages: int
) -> None:
    server = start_server(ACCOUNTS)
    # Overlapping ones take the long way, too.
    async with run(settings_for(server), ["ev.*", "*.a"]) as it:
        await eventually(lambda: it.heard.sees)
        sending = asyncio.create_task(asyncio.to_thread(publish, server, messages))
        await asyncio.sleep(0)
        _stand_still()
        await sending
        await eventually(lambda: count(it.heard) >= messages, within=60)
        assert count(it.heard) == messages
        assert [call[0] for call in it.heard.calls if call[0] != "message"] == ["own", "sight"]


def _stand_still() -> None:
    """No task runs for a while; that is the point."""
    time.sleep(0.5)
