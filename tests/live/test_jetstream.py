"""JetStream: a stream without a majority, messages that nobody can work off, requests that fail."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path

import nats
import pytest
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import ConsumerConfig
from nats.js.errors import NotFoundError

from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.live.conftest import StartWatch
from tests.live.reports import frequent_reports
from tests.live.watch import LOGIN
from tests.program.rules import PASSWORD
from tests.waiting import eventually

BOTH = ["firing", "resolved"]

TENANTS = """
accounts {
  SYS {
    users: [{user: sys, password: "s3cret-pass"}]
    imports: [{stream: {account: APP, subject: "$JS.EVENT.>"}, to: "acct.APP.>"}]
  }
  APP {
    jetstream: enabled
    users: [{user: app, password: p}]
    exports: [{stream: "$JS.EVENT.>", accounts: [SYS]}]
  }
}
system_account: SYS
"""
"""The system account hears what concerns APP as well, and part of that twice."""

ACCOUNTS = f"{TENANTS}\njetstream: enabled\n"

IMPORTS = f"{LOGIN}, imports: 'acct.*.'"


@asynccontextmanager
async def jetstream(server: NatsServer) -> AsyncIterator[JetStreamContext]:
    """Of a user of APP."""
    client = await nats.connect(server.url, user="app", password="p", allow_reconnect=False)
    try:
        yield client.jetstream(timeout=10)
    finally:
        await client.close()


@asynccontextmanager
async def elections(server: NatsServer) -> AsyncIterator[set[str]]:
    """The ids of all that streams tell of new leaders, whatever way they come."""
    heard = set[str]()

    async def hear(message: Msg) -> None:
        heard.add(json.loads(message.data)["id"])

    client = await nats.connect(server.url, user="sys", password=PASSWORD, allow_reconnect=False)
    try:
        for start in ("$JS.EVENT", "acct.APP"):
            await client.subscribe(f"{start}.ADVISORY.STREAM.LEADER_ELECTED.>", cb=hear)
        await client.flush()
        yield heard
        await client.flush()
    finally:
        await client.close()


@pytest.mark.parametrize("nats_binary", ["newest", pytest.param("distribution", marks=pytest.mark.long)], indirect=True)
async def test_a_stream_without_a_majority_is_told_once_until_it_has_one(
    nats_binary: Path, start_watch: StartWatch
) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with jetstream(servers[0]) as js:
            await eventually(lambda: has_meta_leader(js), within=20)
            info = await js.add_stream(name="ORDERS", subjects=["orders.>"], num_replicas=3)
        assert info.cluster
        leader = next(server for server in servers if server.name == info.cluster.leader)
        watch = await start_watch(leader.url, "jetstream.yaml", IMPORTS)
        async with elections(leader) as elected:
            others = [server for server in servers if server is not leader]
            for server in others:
                server.kill()
            lost = await watch.fires("StreamQuorumLost", within=60)
            assert lost.summary == "The stream ORDERS (APP) has no majority and takes no messages"
            for server in others:
                server.start()
            await watch.resolves("StreamQuorumLost", within=60)
            async with jetstream(leader) as js:
                await js.publish("orders.one", timeout=10)
                assert (await js.stream_info("ORDERS")).state.messages == 1
            await watch.counts(len(elected), "LeaderElected")
        await watch.ends_well()
    assert watch.by("StreamQuorumLost", "account_name", "stream") == {"APP ORDERS": BOTH}
    assert watch.counted("LeaderElected", "account_name", "stream") == {"APP ORDERS": len(elected)}


async def has_meta_leader(js: JetStreamContext) -> bool:
    with suppress(nats.errors.Error):
        return bool(await js.account_info())
    return False


async def test_messages_that_are_given_up_are_one_alert(start_server: StartServer, start_watch: StartWatch) -> None:
    server = start_server(ACCOUNTS, name="n1")
    watch = await start_watch(server.url, "jetstream.yaml", IMPORTS)
    async with jetstream(server) as js:
        await js.add_stream(name="JOBS", subjects=["jobs"])
        for _ in range(3):
            await js.publish("jobs", b"poison")
        work = await js.pull_subscribe("jobs", "worker", config=ConsumerConfig(max_deliver=2, ack_wait=0.5))

        async def all_are_given_up() -> bool:
            # Servers before 2.10 notice only when somebody asks for more.
            with suppress(TimeoutError):
                await work.fetch(3, timeout=0.2)
            return len(watch.told("GivenUp")) == 3

        await eventually(all_are_given_up, within=20)
        await watch.resolves("MessagesGivenUp")
    await watch.ends_well()
    assert watch.counted("GivenUp", "account_name", "stream", "consumer", "stream_seq") == {
        f"APP JOBS worker {seq}": 1 for seq in (1, 2, 3)
    }
    assert watch.by("MessagesGivenUp", "account_name", "stream", "consumer") == {"APP JOBS worker": BOTH}
    assert watch.told("MessagesGivenUp")[-1].summary == "3 in all"


async def test_requests_that_fail_are_counted_and_named(start_server: StartServer, start_watch: StartWatch) -> None:
    server = start_server(ACCOUNTS, name="n1")
    watch = await start_watch(server.url, "jetstream.yaml", IMPORTS)
    async with frequent_reports([server]), jetstream(server) as js:
        for _ in range(10):
            with pytest.raises(NotFoundError):
                await js.stream_info("MISSING")
        await watch.fires("ApiErrors")
        await watch.resolves("ApiErrors")
    await watch.ends_well()
    assert watch.by("ApiErrors", "server_name") == {"n1": BOTH}
    assert watch.told("ApiErrors")[-1].peak == "10"
    assert watch.counted("ApiError", "account_name", "error_description") == {"APP stream not found": 10}
