"""What servers tell only when asked: all of them, every interval, and who does not answer."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec.structs import replace
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy
from nats.js.errors import APIError

from bridge.clock import SystemClock
from bridge.demo.nats_cluster import run_cluster
from bridge.source.settings import Polls, Settings
from bridge.source.supervisor import Source
from tests.conftest import StartServer
from tests.source.crowd import crowd
from tests.source.heard import ACCOUNTS, QUICK, Heard, client, run, settings_for, stopped
from tests.source.test_gather import JETSTREAM
from tests.waiting import eventually

HEALTH = Polls(wants=frozenset({"server.healthz"}), interval=0.3, timeout=4)


def _polls(*wants: str, interval: float = 60.0) -> Polls:
    return Polls(wants=frozenset(wants), interval=interval, timeout=5)


def _bodies(heard: Heard, end: str) -> list[Any]:
    """Of the messages whose subject ends so."""
    found = [call for call in heard.heard_on("$SYS.REQ.SERVER.") if str(call[0]).endswith(f".{end}")]
    return [msgspec.json.decode(bytes(data)) for _, data in found if isinstance(data, bytes)]


def _names(heard: Heard, end: str) -> list[str]:
    return [str(body["server"]["name"]) for body in _bodies(heard, end)]


async def test_all_servers_are_asked_again_and_again(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with run(settings_for(servers[0]), polls=HEALTH) as it:
            await eventually(lambda: it.heard.sees)
            await eventually(lambda: _names(it.heard, "HEALTHZ").count("s3") >= 3, within=30)
            assert set(_names(it.heard, "HEALTHZ")) == {"s1", "s2", "s3"}
            assert all(body["data"]["status"] == "ok" for body in _bodies(it.heard, "HEALTHZ"))
            assert not it.heard.tales("server_no_answer")


async def test_a_server_that_hangs_is_told_and_told_again_when_it_answers(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with run(settings_for(servers[0]), polls=HEALTH) as it:
            await eventually(lambda: len(it.heard.tales("server_answered")) == 3, within=30)
            at = next(server for server in servers if it.heard.server_id in server.log)
            other = next(server for server in servers if server is not at)
            with stopped(other):
                await eventually(lambda: it.heard.tales("server_no_answer"), within=30)
                known = len(_names(it.heard, "HEALTHZ"))
                await eventually(lambda: len(_names(it.heard, "HEALTHZ")) > known + 3, within=30)
                assert {_name(tale) for tale in it.heard.tales("server_no_answer")} == {other.name}
                assert len(it.heard.tales("server_answered")) == 3
            await eventually(lambda: len(it.heard.tales("server_answered")) == 4, within=30)
            assert _name(it.heard.tales("server_answered")[-1]) == other.name


def _name(tale: dict[str, Any]) -> str:
    return str(tale["server"]["name"])


@pytest.mark.parametrize("how", ["stop", "kill", "restart"])
async def test_a_planned_stop_is_no_silence_and_a_crash_is(nats_binary: Path, how: str) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with run(settings_for(servers[0]), polls=HEALTH) as it:
            await eventually(lambda: len(it.heard.tales("server_answered")) == 3, within=30)
            at = next(server for server in servers if it.heard.server_id in server.log)
            other = next(server for server in servers if server is not at)
            known = len(_names(it.heard, "HEALTHZ"))
            getattr(other, how)()
            if how == "kill":
                tale = (await eventually(lambda: it.heard.tales("server_no_answer"), within=30))[0]
                assert (_name(tale), tale["requests"]) == (other.name, "HEALTHZ, STATSZ")
            else:
                await eventually(lambda: len(_names(it.heard, "HEALTHZ")) > known + 8, within=30)
                assert not it.heard.tales("server_no_answer")


async def test_nothing_is_asked_that_no_rule_wants(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    asked: list[tuple[str, str]] = []

    async def note(message: Msg) -> None:
        asked.append((message.reply.split(".")[0], message.subject))

    def of(who: str) -> list[str]:
        return [subject for sender, subject in asked if sender == who]

    async with client(server) as witness:
        await witness.subscribe("$SYS.REQ.>", cb=note)
        await witness.flush()
        idle, busy = (replace(settings_for(server), inbox_prefix=prefix) for prefix in ("IDLE", "BUSY"))
        async with run(idle) as it, _another(busy, HEALTH):
            await eventually(lambda: it.heard.sees)
            await eventually(lambda: of("BUSY").count("$SYS.REQ.SERVER.PING.HEALTHZ") >= 4, within=30)
            assert of("IDLE") == ["$SYS.REQ.SERVER.PING"]
            it.source.poll(_polls("server.varz"))
            await eventually(lambda: _bodies(it.heard, "VARZ"))
            it.source.poll(replace(HEALTH, wants=frozenset()))
            count = len(of("BUSY"))
            await eventually(lambda: len(of("BUSY")) >= count + 6, within=30)
            assert of("IDLE").count("$SYS.REQ.SERVER.PING.VARZ") == 1


@asynccontextmanager
async def _another(settings: Settings, polls: Polls) -> AsyncIterator[None]:
    """A second bridge at the same time."""
    task = asyncio.create_task(Source(settings, SystemClock(), Heard(), (), QUICK, polls=polls).run())
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_connections_beyond_a_page_are_an_event_each(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    with crowd(server, 1100):
        async with run(settings_for(server), polls=_polls("poll.connection")) as it:
            items = await eventually(lambda: _of_app(it.heard) if len(_of_app(it.heard)) >= 1100 else [], within=30)
            assert len({item["data"]["cid"] for item in items}) == len(items) == 1100
            assert {item["server"]["name"] for item in items} == {"nats"}


def _of_app(heard: Heard) -> list[Any]:
    return [body for body in _bodies(heard, "CONNECTION") if body["data"]["account"] == "APP"]


async def test_streams_and_consumers_of_all_accounts_are_an_event_each(start_server: StartServer) -> None:
    server = start_server(JETSTREAM)
    for user in "abc":
        async with client(server, user, "p") as other:
            await _make(other, 1)
    async with run(settings_for(server), polls=_polls("poll.stream", "poll.consumer", "server.jsz")) as it:
        streams = await eventually(lambda: _bodies(it.heard, "STREAM"), within=30)
        consumers = await eventually(lambda: _bodies(it.heard, "CONSUMER"), within=30)
        assert sorted((item["data"]["account"], item["data"]["name"]) for item in streams) == [
            ("A", "S"),
            ("B", "S"),
            ("C", "S"),
        ]
        assert {item["data"]["stream_name"] for item in consumers} == {"S"}
        assert [item["data"]["num_pending"] for item in consumers] == [1, 1, 1]
        assert "consumer_detail" not in streams[0]["data"]
        assert [body["data"]["streams"] for body in await eventually(lambda: _bodies(it.heard, "JSZ"))] == [3]


async def _make(js: Client, replicas: int) -> None:
    """A stream with a message, and a consumer."""
    await js.jetstream().add_stream(name="S", subjects=["s.>"], num_replicas=replicas)
    await js.jetstream().publish("s.a", b"x", timeout=10)
    await js.jetstream().add_consumer("S", durable_name="C", ack_policy=AckPolicy.EXPLICIT)


async def test_of_a_replicated_stream_only_the_leader_tells(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3, JETSTREAM) as servers:
        async with client(servers[0], "a", "p") as other:
            await eventually(lambda: _made(other), within=30)
            info = await other.jetstream().stream_info("S")
            consumer = await other.jetstream().consumer_info("S", "C")
        async with run(settings_for(servers[0]), polls=_polls("poll.stream", "poll.consumer", interval=0.3)) as it:
            await eventually(lambda: len(_bodies(it.heard, "CONSUMER")) >= 3, within=30)
            assert info.cluster
            assert consumer.cluster
            assert set(_names(it.heard, "STREAM")) == {info.cluster.leader}
            assert set(_names(it.heard, "CONSUMER")) == {consumer.cluster.leader}
            replicas = _bodies(it.heard, "STREAM")[-1]["data"]["cluster"]["replicas"]
            assert {replica["name"] for replica in replicas} == {"s1", "s2", "s3"} - {info.cluster.leader}


async def _made(js: Client) -> bool:
    """As soon as the cluster has a leader."""
    try:
        await _make(js, 3)
    except (APIError, TimeoutError):
        return False
    return True


async def test_accounts_and_routes_are_an_event_each(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 2, JETSTREAM) as servers:
        async with (
            client(servers[0], "a", "p"),
            run(settings_for(*servers), polls=_polls("poll.account", "poll.route")) as it,
        ):
            accounts = await eventually(lambda: _accounts(it.heard), within=30)
            assert accounts["s1", "A"]["client_connections"] == 1
            assert accounts["s2", "A"]["client_connections"] == 0
            assert {account for _, account in accounts} == {"SYS", "A", "B", "C", "$G"}
            assert set(_names(it.heard, "ROUTE")) == {"s1", "s2"}
            assert all(body["data"]["rid"] for body in _bodies(it.heard, "ROUTE"))


def _accounts(heard: Heard) -> dict[tuple[str, str], Any]:
    found = {(body["server"]["name"], body["data"]["account_name"]): body["data"] for body in _bodies(heard, "ACCOUNT")}
    return found if len(found) == 10 else {}


async def test_what_the_user_may_not_ask_is_told_once(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server, user="noping", password="p"), polls=HEALTH) as it:
        await eventually(lambda: len(it.heard.tales("permission_denied")) >= 2, within=30)
        assert {tale["denied"] for tale in it.heard.tales("permission_denied")} == {
            "$SYS.REQ.SERVER.PING",
            "$SYS.REQ.SERVER.PING.HEALTHZ",
        }
        assert not it.heard.tales("server_no_answer")


async def test_polls_go_on_after_a_reconnect(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), polls=_polls("server.varz")) as it:
        [first] = await eventually(lambda: _bodies(it.heard, "VARZ"))
        server.restart()
        second = (await eventually(lambda: _bodies(it.heard, "VARZ")[1:], within=30))[0]
        assert first["server"]["id"] != second["server"]["id"]
        assert not it.heard.tales("server_no_answer")


async def test_a_whole_answer_is_handed_on_as_it_came(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), polls=_polls("server.varz", "server.healthz")) as it:
        [varz] = await eventually(lambda: _bodies(it.heard, "VARZ"))
        [health] = await eventually(lambda: _bodies(it.heard, "HEALTHZ"))
        assert varz["data"]["connections"] == 1
        assert varz["server"]["seq"] > 0
        assert health["data"]["status"] == "ok"
