"""The bridge subscribes to what its rules need and to nothing else, also after a reload, which loses nothing of a rule
that stays."""

import asyncio
import json
import threading
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines, states
from tests.program.program import Program
from tests.program.rules import BURST, RISING, SLOW, rules_file
from tests.program.storm import Storm
from tests.program.trouble import SERVER, Peer
from tests.sink import Sink
from tests.source.heard import client
from tests.waiting import eventually

DISCONNECT = "$SYS.ACCOUNT.*.DISCONNECT"
AUTH_ERROR = "$SYS.SERVER.*.CLIENT.AUTH.ERR"
STATSZ = "$SYS.SERVER.*.STATSZ"
CONNS = "$SYS.ACCOUNT.*.SERVER.CONNS"

CONNECTIONS = """\
- alert: Connections
  events: account.connections
  by: [account.name]
"""
RAW = """\
- alert: Raw
  subject: 'app.*.failed'
"""
RAW_DISCONNECT = """\
- alert: RawDisconnect
  subject: '$SYS.ACCOUNT.APP.DISCONNECT'
"""
NOTHING = """\
- alert: Dropped
  events: bridge.events_dropped
"""


LAST = """\
- alert: Last
  events: client.disconnect
  where: ['client.name = last']
"""
STAYS = """\
- alert: Stays
  events: client.disconnect
  where: ['client.name = client']
  type: frequency
  count: 1
  within: 2h
  resolve_on: {events: client.disconnect, where: ['client.name = last'], match: []}
"""


async def subscriptions(server: NatsServer) -> set[str]:
    """Those of the bridge, as the server counts them; the subjects of answers to its own requests left out."""
    async with client(server) as asking:
        answer = await asking.request(
            "$SYS.REQ.SERVER.PING.CONNZ", json.dumps({"subscriptions": True}).encode(), timeout=5
        )
    connections = json.loads(answer.data)["data"]["connections"]
    (mine,) = [each for each in connections if each.get("name", "").startswith("nats-alert-bridge ")]
    found = mine.get("subscriptions_list") or []
    assert len(found) == mine["subscriptions"]
    inboxes = [subject for subject in found if subject.startswith("_INBOX.")]
    assert len(inboxes) <= 1
    return set(found) - set(inboxes)


NEEDED: list[tuple[str, set[str]]] = [
    (NOTHING, set()),
    (BURST, {AUTH_ERROR}),
    (BURST + SLOW + RISING, {AUTH_ERROR, DISCONNECT, STATSZ}),
    (SLOW + CONNECTIONS, {DISCONNECT, CONNS}),
    (RAW, {"app.*.failed"}),
    # The second one is a part of the first.
    (SLOW + RAW_DISCONNECT, {DISCONNECT}),
    (NOTHING, set()),
]


async def test_the_server_knows_of_the_subscriptions_that_the_rules_need_and_of_no_other(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """From the start on, and after each reload."""
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, NOTHING))
    await program.hears()
    for reloads, (rules, subjects) in enumerate(NEEDED):
        if reloads:
            program.write(rules_file(server.url, sink.url, rules))
            program.hang_up()
            await eventually(partial(_reloaded, program, reloads))
        assert await subscriptions(server) == subjects


async def test_without_a_rule_on_them_no_message_about_connections_of_accounts_comes(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """Each login makes the server publish two to four of them, besides what the rules want."""
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, BURST + SLOW + LAST))
    await program.hears()
    for number in range(20):
        with Peer(server, name="last" if number == 19 else ""):
            pass
    await eventually(lambda: lines(sink.requests, "Last"))
    assert program.stop() == 0
    # Their disconnects, and the answer to the PING.
    assert program.lines[-1].endswith("stopped received=21 dropped=0")


@asynccontextmanager
async def flowing(storm: Storm, pause: float) -> AsyncIterator[None]:
    """More and more events, in steps of so many seconds."""
    stop = threading.Event()

    def flow() -> None:
        while not stop.wait(pause):
            storm.publish(20)

    task = asyncio.create_task(asyncio.to_thread(flow))
    try:
        yield
    finally:
        stop.set()
        await task


FLOW = 100
"""Events between two reloads, at least."""

RELOADS = [
    SLOW,
    SLOW + BURST,
    RAW_DISCONNECT,
    RISING + CONNECTIONS + RAW_DISCONNECT,
    NOTHING,
    SLOW + RAW_DISCONNECT.replace("APP", "*"),
]
"""What else the files say: subjects come and go, one that overlaps that of the rule that stays among them."""


async def test_reloads_under_a_stream_of_events_lose_and_double_none_of_a_rule_that_stays(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, STAYS))
    await program.hears()
    with Storm(server, size=400) as storm:
        async with flowing(storm, pause=0.002):
            for number, others in enumerate(RELOADS * 2, 1):
                program.write(rules_file(server.url, sink.url, STAYS + others))
                program.hang_up()
                await eventually(partial(_flows_on, program, storm, number), within=20)
        storm.publish(1, name="last")
        await eventually(lambda: "resolved" in states(sink.requests, "Stays"), within=20)
    (told,) = [line for line in lines(sink.requests, "Stays") if line.state == "resolved"]
    # The last one has ended the alert.
    assert told.value == storm.sent - 1 >= 12 * FLOW
    assert len(program.said("connected to nats://")) == 1


def _flows_on(program: Program, storm: Storm, reloads: int) -> bool:
    """After so many reloads, and with events between them."""
    return _reloaded(program, reloads) and storm.sent >= reloads * FLOW


def _reloaded(program: Program, times: int) -> bool:
    return len(program.said("reloaded rules=")) == times
