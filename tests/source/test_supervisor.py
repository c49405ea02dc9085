"""The source with real servers: what it hears, when it sees, and what it says when it does not."""

import asyncio
import logging
import os
import signal
import time
from collections.abc import Sequence

import httpx
import pytest
from msgspec.structs import replace

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.relay import Relay
from tests.source.heard import ACCOUNTS, CALM, client, run, settings_at, settings_for
from tests.waiting import eventually


async def test_sight_begins_when_the_servers_have_answered(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), limits=CALM) as it:
        await eventually(lambda: it.heard.sees)
        assert [call[0] for call in it.heard.calls] == ["own", "message", "sight"]
        [(subject, data)] = it.heard.heard_on()
        server_id = it.heard.calls[0][1]
        assert subject == f"$SYS.SERVER.{server_id}.STATSZ"
        assert b'"statsz"' in bytes(data)  # type: ignore[call-overload]


async def test_the_own_connection_is_told_before_anything_else(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), limits=CALM) as it:
        await eventually(lambda: it.heard.sees)
        connections = httpx.get(f"{server.monitor_url}/connz", trust_env=False).json()
        [own] = connections["connections"]
        assert it.heard.calls[0] == ("own", connections["server_id"], own["cid"])
        assert own["name"] == f"nats-alert-bridge {os.uname().nodename}"


async def test_messages_come_in_order_with_their_time(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it, client(server) as other:
        await eventually(lambda: it.heard.sees)
        before = time.time_ns() // 1000
        for number in range(100):
            await other.publish("ev.a", str(number).encode())
        await eventually(lambda: len(it.heard.heard_on("ev.")) == 100)
        assert [data for _, data in it.heard.heard_on("ev.")] == [str(number).encode() for number in range(100)]
        assert before - 1000 <= it.heard.at("message") <= time.time_ns() // 1000 + 1000


async def test_a_server_that_starts_later_is_found(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    server.kill()
    async with run(settings_for(server)) as it:
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert "Connection refused" in str(tale["reason"])
        assert tale["servers"] == server.url
        assert abs(float(str(tale["since"])) - time.time()) < 5
        server.start()
        await eventually(lambda: it.heard.sees, within=4)
        [tale] = it.heard.tales("nats_reconnected")
        assert 0.3 <= float(str(tale["seconds"])) < 10


async def test_a_killed_server_blinds_at_once_and_is_found_when_it_returns(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        killed = time.monotonic()
        await eventually(lambda: not it.heard.sees)
        assert time.monotonic() - killed < 0.5
        server.start()
        await eventually(lambda: it.heard.sees, within=3)


async def test_short_losses_are_not_told(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), limits=CALM) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        server.start()
        await eventually(
            lambda: [call[0] for call in it.heard.calls if call[0] in ("sight", "blind")][-2:] == ["blind", "sight"]
        )
        assert not [call for call in it.heard.calls if call[0] == "told"]


async def test_the_last_words_of_a_server_come_before_blindness(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), ["$SYS.SERVER.*.SHUTDOWN"]) as it:
        await eventually(lambda: it.heard.sees)
        server.stop()
        await eventually(lambda: not it.heard.sees)
        kinds = [(call[0], str(call[1]).rpartition(".")[2]) for call in it.heard.calls]
        assert kinds.index(("message", "SHUTDOWN")) < [kind for kind, _ in kinds].index("blind")


async def test_a_server_that_hangs_is_given_up(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.sees)
        os.kill(server.pid, signal.SIGSTOP)
        try:
            await eventually(lambda: not it.heard.sees, within=3)
        finally:
            os.kill(server.pid, signal.SIGCONT)
        await eventually(lambda: it.heard.sees, within=4)


@pytest.mark.long
async def test_a_server_that_has_forgotten_what_we_listen_to_is_noticed(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    """It answers every ping, but what it sends to all who listen, every 30 s at least, does not come."""
    server = start_server(ACCOUNTS)
    subjects = ("$SYS.SERVER.*.STATSZ", "ev.>")
    limits = replace(CALM, statistics=35.0)
    async with (
        Relay(server) as relay,
        client(server) as other,
        run(settings_at(relay.url), subjects, limits=limits) as it,
    ):
        await eventually(lambda: it.heard.sees)
        relay.inject(b"".join(b"UNSUB %d\r\n" % number for number in range(1, 10)))
        await eventually(lambda: not it.heard.sees, within=60)
        assert "no statistics of any server came for 35 s" in caplog.text
        await eventually(lambda: it.heard.sees)
        await other.publish("ev.found")
        await eventually(lambda: it.heard.heard_on("ev.found"))


async def test_a_subject_that_is_no_text_costs_a_moment_only(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it, client(server) as other:
        await eventually(lambda: it.heard.sees)
        await publish_poison(server.port)
        await eventually(lambda: not it.heard.sees, within=2)
        await eventually(lambda: it.heard.sees)
        await other.publish("ev.after")
        await eventually(lambda: it.heard.heard_on("ev.after"))


async def test_lost_connections_are_logged_in_one_line(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        await eventually(lambda: it.heard.tales("nats_disconnected"))
    lost = [record for record in caplog.records if "lost the connection" in record.message]
    assert [record.levelno for record in lost] == [logging.WARNING]
    assert "the server closed the connection" in lost[0].message
    assert all(record.exc_info is None and "\n" not in record.message for record in caplog.records)


async def test_a_sink_that_fails_ends_the_source(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:

        def fail(heard: Sequence[tuple[str, bytes]], at: int) -> None:
            raise ZeroDivisionError

        it.heard.messages = fail  # type: ignore[method-assign]
        await eventually(it.task.done)
        error = it.task.exception()
        assert isinstance(error, BaseExceptionGroup)
        assert error.subgroup(ZeroDivisionError)


async def publish_poison(port: int) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    await reader.readline()
    writer.write(b'CONNECT {"user":"sys","pass":"s3cret-pass","verbose":false}\r\nPUB ev.\xff 2\r\nhi\r\nPING\r\n')
    while (await reader.readline()).strip() != b"PONG":
        continue
    writer.close()
    await writer.wait_closed()


async def test_a_cancelled_source_says_goodbye(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.sees)
        it.task.cancel()
        await asyncio.wait({it.task})
        assert not it.heard.sees
        await eventually(lambda: "Client Closed" in closed(server))


def closed(server: NatsServer) -> str:
    return httpx.get(f"{server.monitor_url}/connz?state=closed", trust_env=False).text
