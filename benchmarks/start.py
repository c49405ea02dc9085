"""How long a start takes that finds a hundred thousand combinations in its database."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

from benchmarks.cpu import RULES
from benchmarks.figure import Figure, Profile, Scale
from benchmarks.lane import SERVER, Lane
from benchmarks.process import Process
from benchmarks.profile import table
from benchmarks.rules import Wanted, rules, write
from bridge.demo.nats_server import NatsServer

TIMES = 2
"""Events of each combination."""


def start(binary: Path, scale: Scale) -> list[Figure]:
    """After a clean stop; beside that, a start without a database, and one after a kill in the middle of a storm."""
    with tempfile.TemporaryDirectory() as home, NatsServer(binary, SERVER) as server:
        place = Path(home)
        write(place, Wanted(rules(RULES, limit=2 * scale.stored)), server.url)
        with _program(place) as (process, empty):
            _fill(Lane(server, process), scale)
            process.stop()
        taken = []
        for _ in range(scale.starts):
            with _program(place) as (process, seconds):
                taken.append(seconds)
                process.stop()
        with _program(place) as (process, _):
            _fill(Lane(server, process), scale)
            process.kill()
        with _program(place) as (process, killed):
            process.stop()
    detail = (
        f"from exec to the line that it has started, median of {scale.starts}, longest {max(taken):.2f} s, after a "
        f"clean stop; {killed:.2f} s after a SIGKILL within a storm, {empty:.2f} s without a database"
    )
    what = f"start with {scale.stored} stored combinations of {TIMES} events"
    return [Figure(what=what, measured=median(taken), unit="s", target=2, detail=detail)]


def profile_start(binary: Path, scale: Scale) -> Profile:
    """The program's main thread, from its beginning to a stop once it has started."""
    with tempfile.TemporaryDirectory() as home, NatsServer(binary, SERVER) as server:
        place = Path(home)
        write(place, Wanted(rules(RULES, limit=2 * scale.stored)), server.url)
        with _program(place) as (process, _):
            _fill(Lane(server, process), scale)
            process.stop()
        with _program(place, "cProfile", "-o", str(place / "profile"), "-m") as (process, _):
            process.stop()
        return table("a start that finds combinations, and a stop", str(place / "profile"), scale.stored)


@contextmanager
def _program(place: Path, *under: str) -> Iterator[tuple[Process, float]]:
    """The bridge, and the seconds until it had started."""
    began = time.monotonic()
    with Process(place / "log", *under, "bridge", "run", "--config", str(place / "rules.yaml")) as process:
        process.wait_for("started rules=")
        seconds = time.monotonic() - began
        process.wait_for("connected to")
        yield process, seconds


def _fill(lane: Lane, scale: Scale) -> None:
    lane.fill(scale.stored * TIMES, scale.stored, "stored")
