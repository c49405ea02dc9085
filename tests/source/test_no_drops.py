"""nats-py drops what its own queues cannot hold, 524 288 messages of a subscription by default; none waits there."""

import asyncio
import inspect
import json
import socket
import time

import pytest
from nats.aio.client import Client

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, Heard, run, settings_for
from tests.waiting import eventually

MESSAGES = 64 * 200
LIMIT = 10
"""Of a subscription's queue, in the place of nats-py's default: what comes with one read is more."""


def publish(server: NatsServer) -> None:
    """With headers, so that nats-py's own parser takes them."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=60) as line:
        options = {"verbose": False, "user": "sys", "pass": "s3cret-pass", "headers": True}
        line.sendall(f"CONNECT {json.dumps(options)}\r\n".encode())
        one = b"HPUB ev.a 18 20\r\nNATS/1.0\r\na: b\r\n\r\n{}\r\n"
        for _ in range(MESSAGES // 64):
            line.sendall(one * 64)
        line.sendall(b"PING\r\n")
        heard = b""
        while b"PONG" not in heard:
            heard += line.recv(65_536)
            assert b"-ERR" not in heard, heard


def count(heard: Heard) -> int:
    return sum(call[0] == "message" and call[1] == "ev.a" for call in heard.calls)


async def test_the_client_library_drops_nothing_however_short_its_queues(
    start_server: StartServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    defaults = dict(inspect.signature(Client.subscribe).parameters)
    short = tuple(
        LIMIT if name == "pending_msgs_limit" else parameter.default
        for name, parameter in defaults.items()
        if parameter.default is not inspect.Parameter.empty
    )
    monkeypatch.setattr(Client.subscribe, "__defaults__", short)
    server = start_server(ACCOUNTS)
    # Overlapping ones take the long way, too.
    async with run(settings_for(server), ["ev.*", "*.a"]) as it:
        await eventually(lambda: it.heard.sees)
        sending = asyncio.create_task(asyncio.to_thread(publish, server))
        await asyncio.sleep(0)
        _stand_still()
        await sending
        await eventually(lambda: count(it.heard) == MESSAGES, within=20)
        assert [call[0] for call in it.heard.calls if call[0] != "message"] == ["own", "sight"]


def _stand_still() -> None:
    """No task runs for a while; that is the point."""
    time.sleep(0.5)
