"""`kill -9` at any moment: what was decided is told, once, and windows go on."""

import asyncio
import random
import re
import threading
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import Line, lines, states
from tests.program.program import Program
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER, fail_login
from tests.sink import Sink
from tests.waiting import eventually

KILLS = 8
"""Of each of two programs."""
NAMES = 250

SUSPECT = """\
- alert: Suspect
  events: client.auth_error
  type: frequency
  count: 1
  within: 1h
  by: [client.name]
"""

FIRED = re.compile(r"alert firing id=(\w+) .*client_name='(\w+)'")


async def test_a_window_goes_on_after_a_kill(start_server: StartServer, start_bridge: StartBridge, sink: Sink) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, BURST.replace("2s", "1m")))
    await program.hears()
    fail_login(server, times=19)
    await asyncio.sleep(0.3)  # waits for nothing: so old must an event be at the kill to be on disk
    program.kill()
    program.start()
    await program.hears(times=2)
    assert not sink.requests
    fail_login(server)
    await eventually(lambda: sink.requests)
    assert program.stop() == 0
    [line] = lines(sink.requests)
    assert (line.state, line.value) == ("firing", 20)


async def test_a_kill_of_what_has_told_all_repeats_nothing(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, BURST))
    await program.hears()
    fail_login(server, times=20)
    await program.says("delivered notification=")
    await asyncio.sleep(0.3)  # waits for nothing: so old must the answer be at the kill to be on disk
    program.kill()
    program.start()
    await eventually(lambda: len(sink.requests) == 2)
    assert program.stop() == 0
    assert states(sink.requests) == ["firing", "resolved"]


async def test_no_kill_loses_or_repeats_an_alert_that_was_decided(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(SERVER)
    with Sink() as one, Sink() as other, stream_of_logins(server):
        bridges = [
            Bridge(Program(tmp_path / "one", rules_file(server.url, one.url, SUSPECT)), one, random.Random(11)),
            Bridge(Program(tmp_path / "other", rules_file(server.url, other.url, SUSPECT)), other, random.Random(12)),
        ]
        await asyncio.gather(*(bridge.kill_often() for bridge in bridges))
        for bridge in bridges:
            bridge.check()


@contextmanager
def stream_of_logins(server: NatsServer) -> Iterator[None]:
    """Failed logins of many names, over and over."""
    end = threading.Event()

    def flow() -> None:
        number = 0
        while not end.wait(0.01):
            fail_login(server, name=f"n{number % NAMES}")
            number += 1

    thread = threading.Thread(target=flow)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


class Bridge:
    """A program, its receiver, and when it is killed."""

    def __init__(self, program: Program, sink: Sink, chance: random.Random) -> None:
        self._program, self._sink, self._chance = program, sink, chance

    async def kill_often(self) -> None:
        program = self._program
        with program:
            for turn in range(1, KILLS + 1):
                await program.hears(times=turn)
                await asyncio.sleep(self._chance.uniform(0, 0.4))  # waits for nothing: the moment is the input
                program.kill()
                program.start()
            assert len(self._decided()) >= KILLS  # else the kills have met nothing
            await eventually(lambda: len(self._sink.requests) >= NAMES and len(self._told()) == NAMES)
            assert await asyncio.to_thread(program.stop) == 0

    def check(self) -> None:
        told = self._told()
        for name, ids in self._decided().items():
            assert ids <= {line.alert for line in told[name]}, name
        for name, mine in told.items():
            assert {line.state for line in mine} == {"firing"}
            assert len({line.alert for line in mine}) == 1, name
            # A message whose answer the kill swallowed comes again, and bears the same id.
            assert len({line.message for line in mine}) == 1, name

    def _told(self) -> dict[str, list[Line]]:
        """What came to the receiver, by name of the client."""
        told = defaultdict(list)
        for line in lines(list(self._sink.requests)):
            told[line.labels["client_name"]].append(line)
        return told

    def _decided(self) -> dict[str, set[str]]:
        """The ids of the alerts of which the log says that they were on disk."""
        ids = defaultdict(set)
        for line in self._program.lines:
            if match := FIRED.search(line):
                ids[match[2]].add(match[1])
        return ids
