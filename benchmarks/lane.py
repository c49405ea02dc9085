"""A nats-server of its own with one process that listens to it, which is fed in rounds."""

import re
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from benchmarks.payloads import ALERT_EVERY, Storm, storm
from benchmarks.process import Failed, Process
from benchmarks.publisher import Publisher
from benchmarks.rules import Wanted, write
from bridge.demo.nats_server import NatsServer

SERVER = """
accounts {
  SYS { users: [ {user: bridge, password: bench} ] }
}
system_account: SYS
"""


REST = 5.0
"""Seconds of rest after which a message has been lost that did not come."""

PORTION = 50_000
DROPPED = re.compile(r"dropped (\d+) messages")


class Cost(NamedTuple):
    """Of one round: seconds of CPU while it was heard, of CPU since the round before, and of wall time."""

    cpu: float
    between: float
    wall: float


class Lane:
    """What is measured, and where it hears from. Both have a default configuration."""

    def __init__(self, server: NatsServer, process: Process) -> None:
        self.server = server
        self.process = process
        self.published = 0
        self._before = process.cpu

    def play(self, events: int, clients: int, end: str, alert_every: int = ALERT_EVERY) -> Cost:
        """Publish so many events as fast as the server takes them, until the process has said that the last one came.

        `end` is what it says then, and what the last client is called. Raises Failed if a message was lost: there was
        less work than is counted.
        """
        wanted = Storm(self.published, events, clients, alert_every)
        self.published += events
        with Publisher(self.server.port, "bridge", "bench") as publisher:
            began, before = time.monotonic(), self.process.cpu
            publisher.publish(storm(wanted, end))
            self.process.wait_for(end, REST)
            wall, after = time.monotonic() - began, self.process.cpu
        cost = Cost(after - before, before - self._before, wall)
        self._before = after
        if lost := self.lost():
            raise Failed(f"{lost} messages were lost on the way")
        return cost

    def fill(self, events: int, clients: int, end: str) -> None:
        """The same with pauses: what comes before a measurement."""
        for part in range(0, events, PORTION):
            self.play(min(PORTION, events - part), clients, f"{end}-{part}.")

    def lost(self) -> int:
        """Messages that the bridge says it has dropped. Raises Failed if the server gave up on it."""
        if "Slow Consumer" in self.server.log:
            raise Failed("the nats-server dropped a consumer that was too slow")
        return sum(int(match[1]) for line in self.process.lines if (match := DROPPED.search(line)))


@contextmanager
def bare(binary: Path, events: int) -> Iterator[Lane]:
    """The reference, for rounds of so many events each."""
    with tempfile.TemporaryDirectory() as home, NatsServer(binary, SERVER) as server:
        arguments = ["benchmarks.bare", server.url, "$SYS.ACCOUNT.*.DISCONNECT", str(events)]
        with Process(Path(home) / "log", *arguments) as process:
            process.wait_for("connected")
            yield Lane(server, process)


@contextmanager
def whole(binary: Path, wanted: Wanted, profile: Path | None = None) -> Iterator[Lane]:
    """The bridge with these rules, its database on disk. `profile`: under cProfile, which writes there at a stop."""
    under = ["cProfile", "-o", str(profile), "-m"] if profile else []
    with tempfile.TemporaryDirectory() as home, NatsServer(binary, SERVER) as server:
        path = write(Path(home), wanted, server.url)
        with Process(Path(home) / "log", *under, "bridge", "run", "--config", str(path)) as process:
            process.wait_for("connected to")
            yield Lane(server, process)


@contextmanager
def sink() -> Iterator[tuple[Process, str]]:
    """A receiver, and the URL for it."""
    with tempfile.TemporaryDirectory() as home, Process(Path(home) / "log", "benchmarks.sink") as process:
        port = process.wait_for("listening").rpartition(" ")[2]
        yield process, f"http://127.0.0.1:{port}/"
