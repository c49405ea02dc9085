"""Messages that are no events: counted, told, never fatal."""

import json

import pytest

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines, states
from tests.program.rules import BURST, RISING, SLOW, rules_file
from tests.program.trouble import SERVER, Peer, fail_login
from tests.sink import Sink
from tests.waiting import eventually

ROOMY = SERVER + "max_payload: 8MB\n"

WATCHFUL = """\
- alert: CpuHigh
  events: server.statsz
  type: threshold
  field: statsz.cpu_per_core
  above: 90%
  by: [server.name]
- alert: Silent
  events: server.statsz
  type: flatline
  within: 3 intervals
  by: [server.name]
  unless: {events: [server.shutdown, server.lameduck]}
- alert: BigReader
  events: client.disconnect
  where: ['sent.bytes > 1GiB', 'client.rtt < 5m', 'client.start > 1s']
  by: [client.name, account.name, client.id]
- alert: Stops
  events: [server.shutdown, server.lameduck]
  by: [server.name, server.ver]
- alert: Anything
  subject: '$SYS.SERVER.*.SOMETHING.NEW'
  by: [data.name]
- alert: BridgeMalformedEvent
  events: bridge.malformed_event
  keep_firing_for: 1s
"""

SUBJECTS = [
    "$SYS.SERVER.X.STATSZ",
    "$SYS.SERVER.X.SHUTDOWN",
    "$SYS.SERVER.X.LAMEDUCK",
    "$SYS.SERVER.X.CLIENT.AUTH.ERR",
    "$SYS.SERVER.X.SOMETHING.NEW",
    "$SYS.ACCOUNT.A.CONNECT",
    "$SYS.ACCOUNT.A.DISCONNECT",
]
LIES: list[object] = [
    None,
    True,
    "12",
    -1,
    1e308,
    10**30,
    [],
    {},
    ["x"],
    {"x": {"y": []}},
    "\0\ud83d\u202e",
    "2026-99-99T00:00:00Z",
]
"""In the place of numbers, texts, times, lists and objects."""
MALFORMED = [
    b"",
    b"{",
    b'{"server":{"id":"X","na',
    b"no JSON",
    b"NaN",
    b'{"statsz":{"cpu":NaN}}',
    b"[" * 100_000,
    b'{"server":' * 50_000,
    b"\xff\xfe\x00",
    b"[]",
    b'"text"',
    b"12",
    b"null",
    b" " * (5 * 1024 * 1024),
]


def event(lie: object) -> bytes:
    """One that says the same everywhere."""
    client = dict.fromkeys(("id", "acc", "name", "user", "kind", "host", "start", "stop", "rtt", "lang"), lie)
    statsz = dict.fromkeys(("start", "cpu", "cores", "slow_consumers", "mem", "connections", "routes"), lie)
    server = dict.fromkeys(("name", "seq", "ver", "cluster", "time"), lie) | {"id": "X"}
    said = {"server": server, "client": client, "statsz": statsz, "reason": lie, "sent": {"bytes": lie, "msgs": lie}}
    return json.dumps(said | server | {"data": {"name": lie}, "id": lie, "timestamp": lie, "type": lie}).encode()


@pytest.fixture
def server(start_server: StartServer) -> NatsServer:
    return start_server(ROOMY)


async def test_messages_that_are_no_events_are_counted_and_harm_nothing(
    server: NatsServer, start_bridge: StartBridge, sink: Sink
) -> None:
    program = start_bridge(rules_file(server.url, sink.url, BURST + SLOW + RISING + WATCHFUL))
    await program.hears()
    with Peer(server, "sys", "s3cret-pass") as peer:
        for subject in SUBJECTS:
            for data in MALFORMED:
                peer.publish(subject, data)
    fail_login(server, times=20)
    await eventually(lambda: states(sink.requests, "AuthErrorBurst") == ["firing", "resolved"])
    await eventually(lambda: "resolved" in states(sink.requests, "BridgeMalformedEvent"))
    assert program.stop() == 0
    ended = [line for line in lines(sink.requests, "BridgeMalformedEvent") if line.state == "resolved"]
    # CONNECT is not asked for by any of these rules, so it is not even read.
    assert sum(line.count for line in ended) == (len(SUBJECTS) - 1) * len(MALFORMED)
    assert len(program.said("malformed messages since the start")) == 1
    assert program.said("messages that the catalogue does not know: ", "$SYS.SERVER.X.SOMETHING.NEW")
    assert not program.said("Traceback")


async def test_lies_in_every_field_harm_nothing(server: NatsServer, start_bridge: StartBridge, sink: Sink) -> None:
    program = start_bridge(rules_file(server.url, sink.url, BURST + SLOW + RISING + WATCHFUL))
    await program.hears()
    with Peer(server, "sys", "s3cret-pass") as peer:
        for subject in SUBJECTS:
            for lie in LIES:
                peer.publish(subject, event(lie))
                peer.publish(
                    subject, json.dumps({"server": {"id": "X", "name": "x"}, "client": lie, "statsz": lie}).encode()
                )
    fail_login(server, times=20)
    await eventually(lambda: "firing" in states(sink.requests, "AuthErrorBurst"))
    assert program.stop() == 0
    assert not program.said("Traceback")
