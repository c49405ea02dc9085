"""While connected, what was received and what was dropped are all that was sent; and when the server cuts off a bridge
that reads too slowly, what is told of the gap is not below the truth."""

import asyncio
import re
import sys
import time
from collections.abc import Callable

import pytest

from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines
from tests.program.program import Program
from tests.program.rules import rules_file
from tests.program.storm import BATCH, Storm
from tests.program.trouble import SERVER, Peer
from tests.sink import Sink
from tests.waiting import eventually

AWAY = """\
- alert: Away
  events: bridge.away
  by: [from]
  annotations:
    summary: '{{ event.servers }}'
"""
BOTH = (
    AWAY
    + """\
- alert: All
  events: [client.connect, client.disconnect]
  type: frequency
  count: 100000
  within: 1h
"""
)
COUNTED = """\
- alert: Last
  events: client.disconnect
  where: ['client.name = last']
- alert: Counted
  events: client.disconnect
  type: frequency
  count: {count}
  within: 2h
"""


async def suspended(program: Program, sending: Callable[[], None], seconds: float) -> None:
    """It is sent while the program does nothing for so long. A server may let the sender wait for the program."""
    program.suspend()
    sent = asyncio.create_task(asyncio.to_thread(sending))
    over = time.monotonic() + seconds
    await eventually(lambda: time.monotonic() > over, within=seconds + 1)
    program.resume()
    await sent


async def received_and_dropped(program: Program, storm: Storm, sink: Sink) -> tuple[int, int]:
    """Once it has read all that was sent."""
    await asyncio.to_thread(storm.publish, 1, "last")
    await eventually(lambda: lines(sink.requests, "Last"), within=60)
    received, dropped = accounts(program)
    return received - storm.answered, dropped


def accounts(program: Program) -> tuple[int, int]:
    """Received and dropped, as the program says at its end; without the server's answers to its PINGs."""
    assert program.stop() == 0
    found = re.search(r"stopped received=(\d+) dropped=(\d+)", program.lines[-1])
    assert found, program.lines[-1]
    return int(found[1]) - len(program.said("connected to nats://")), int(found[2])


@pytest.mark.parametrize(("messages", "seconds"), [(20_000, 1.0), pytest.param(100_000, 5.0, marks=pytest.mark.long)])
async def test_all_that_is_sent_while_the_program_stands_still_is_counted(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink, messages: int, seconds: float
) -> None:
    """At 400 bytes each the server can keep them."""
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, AWAY + COUNTED.format(count=messages + 1)))
    await program.hears()
    with Storm(server, size=400) as storm:
        await suspended(program, lambda: storm.publish(messages), seconds)
        assert await received_and_dropped(program, storm, sink) == (messages + 1, 0)
        assert storm.sent == messages + 1
    # A rule has counted every one of them.
    assert len(lines(sink.requests, "Counted")) == 1
    assert len(program.said("connected to nats://")) == 1


@pytest.mark.long
async def test_what_the_server_cannot_keep_is_counted_or_told(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """100 000 of 800 bytes are more than 64 MiB: it cuts the bridge off, unless it has slowed the sender down."""
    messages = 100_000
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, AWAY + COUNTED.format(count=messages + 1)))
    await program.hears()
    with Storm(server, size=800) as storm:
        # A first one, so that the bridge knows its numbers; it answers the PING after the gap.
        storm.publish(1)
        await suspended(program, lambda: storm.publish(messages), seconds=5)
        await eventually(lambda: lines(sink.requests), within=60)
        received, dropped = await received_and_dropped(program, storm, sink)
        missed = storm.sent - received - dropped
    if len(program.said("connected to nats://")) == 1:
        sys.stdout.write("\nmissed       0  never cut off\n")
        assert missed == 0
        return
    assert missed > 0
    (told,) = [line.summary for line in lines(sink.requests, "Away")]
    (bound,) = [
        int(one.removeprefix("storm: at most ")) for one in told.split("; ") if one.startswith("storm: at most")
    ]
    sys.stdout.write(f"\nmissed {missed:>7}  bound {bound:>7}\n")
    # Its answer to the PING may overtake what it had numbered before, but not written yet.
    assert missed <= bound <= missed + 2 * BATCH


async def test_the_bound_holds_when_the_server_cuts_a_slow_bridge_off(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """Events of the server itself, made large by the names of clients."""
    logins, name = 250, "x" * 30_000
    server = start_server(SERVER + "max_pending: 1MB\nmax_control_line: 64KB\n")
    program = start_bridge(rules_file(server.url, sink.url, BOTH))
    await program.hears()

    def log_in() -> None:
        for _ in range(logins):
            with Peer(server, name=name):
                pass

    await suspended(program, log_in, seconds=1)
    await program.hears(times=2)
    await eventually(lambda: lines(sink.requests, "Away"), within=30)
    (told,) = [line.summary for line in lines(sink.requests, "Away")]
    received, dropped = accounts(program)
    missed = 2 * logins - received - dropped
    bound = int(told.removeprefix("nats: at most "))
    assert 0 < missed <= bound <= 10 * logins + 50
