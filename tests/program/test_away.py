"""What was missed is told, and never less than it was: connections come and go while the bridge does not listen."""

import re
from pathlib import Path

from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines
from tests.program.relay import Relay
from tests.program.rules import rules_file
from tests.program.trouble import SERVER, Peer
from tests.sink import Sink
from tests.waiting import eventually

LOGINS = 20

MOST = 10 * LOGINS + 50
"""Numbers that a server gives away for so many logins and all else in a few seconds; 2.9.10 takes 8 for each."""

AWAY = """\
- alert: Gone
  events: [client.connect, client.disconnect]
  where: ['client.name = marker']
- alert: Away
  events: bridge.away
  by: [from]
  annotations:
    summary: '{{ event.messages }}|{{ event.servers }}|{{ event.missed }}'
"""
"""Of one login there are at least two messages: the rules want CONNECT and DISCONNECT."""


def log_in(server: NatsServer, times: int = LOGINS, name: str = "") -> None:
    """And out again."""
    for _ in range(times):
        with Peer(server, name=name):
            pass


async def is_told(sink: Sink, times: int = 1) -> tuple[int, str, str]:
    """The bound of messages, of each server, and the sentence, of the latest absence."""
    await eventually(lambda: len(lines(sink.requests, "Away")) >= times, within=20)
    bound, servers, sentence = lines(sink.requests, "Away")[-1].summary.split("|")
    return int(bound), servers, sentence


async def has_heard(server: NatsServer, sink: Sink, times: int = 1) -> None:
    """The bridge has the events of a login now, and so the server's latest numbers."""
    log_in(server, 1, name="marker")
    await eventually(lambda: sum(line.count for line in lines(sink.requests, "Gone")) >= times)


def at_most(server: str, told: str) -> int:
    """What is told of one server."""
    found = re.search(rf"(?:^|; ){server}: (?:new, )?at most (\d+)", told)
    assert found, told
    return int(found[1])


async def test_a_connection_that_was_cut(start_server: StartServer, start_bridge: StartBridge, sink: Sink) -> None:
    server = start_server(SERVER)
    async with Relay(server) as relay:
        program = start_bridge(rules_file(relay.url, sink.url, AWAY))
        await program.hears()
        await has_heard(server, sink)
        await relay.cut()
        await program.says("lost the connection")
        log_in(server)
        await relay.mend()
        bound, servers, sentence = await is_told(sink)
    assert 2 * LOGINS <= at_most("nats", servers) == bound <= MOST
    assert sentence == f"at most {bound} messages of nats were missed"


async def test_a_bridge_that_was_stopped_or_killed(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, AWAY))
    for times, end in enumerate((program.stop, program.kill), 1):
        await program.hears(times)
        await has_heard(server, sink, times)
        end()
        log_in(server)
        program.start()
        bound, servers, _ = await is_told(sink, times)
        assert 2 * LOGINS <= at_most("nats", servers) == bound <= MOST


async def test_a_bridge_that_is_killed_in_the_midst_of_events(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """What it had heard but not yet on disk is heard by nobody: it counts as missed."""
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, AWAY))
    await program.hears()
    await has_heard(server, sink)
    log_in(server)
    program.kill()
    log_in(server)
    program.start()
    bound, _, _ = await is_told(sink)
    assert 2 * LOGINS <= bound <= 2 * MOST


async def test_a_server_that_was_restarted(start_server: StartServer, start_bridge: StartBridge, sink: Sink) -> None:
    """Nobody knows what its last process sent to nobody; the new one counts from 1 on."""
    server = start_server(SERVER)
    async with Relay(server) as relay:
        program = start_bridge(rules_file(relay.url, sink.url, AWAY))
        await program.hears()
        await relay.cut()
        log_in(server)
        server.restart()
        log_in(server)
        await relay.mend()
        bound, servers, sentence = await is_told(sink)
    assert servers == f"nats: restarted, at most {bound} since then, unknown before"
    assert bound >= 2 * LOGINS
    assert sentence == f"at most {bound} messages of nats were missed; how many of nats is not known"


async def test_several_servers(nats_binary: Path, start_bridge: StartBridge, sink: Sink) -> None:
    with run_cluster(nats_binary, 3, SERVER) as servers:
        program = start_bridge(rules_file(servers[0].url, sink.url, AWAY))
        await program.hears()
        assert program.stop() == 0
        log_in(servers[0], 5)
        log_in(servers[1], 10)
        servers[2].kill()
        program.start()
        bound, told, _ = await is_told(sink)
    assert at_most("s1", told) >= 10
    assert at_most("s2", told) >= 20
    assert at_most("s1", told) + at_most("s2", told) == bound <= 200
    assert told.endswith("; s3: not heard since, unknown")
