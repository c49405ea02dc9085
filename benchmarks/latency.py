"""How long one alert takes on an idle bridge: from the event's publication until its POST is at the receiver.

Both ends are processes of this machine and read the same monotonic clock. In between lie the nats-server, the rules
and a commit that is synced to disk.
"""

import json
import sqlite3
import tempfile
import time
from contextlib import closing
from pathlib import Path
from statistics import median

from benchmarks.cpu import RULES
from benchmarks.figure import Figure, Profile, Scale, p99
from benchmarks.lane import Lane, sink, whole
from benchmarks.payloads import marker
from benchmarks.process import Process
from benchmarks.profile import table
from benchmarks.publisher import Publisher
from benchmarks.rules import Wanted, rules

REST = 0.02
"""Seconds after each POST, so that the outcome of the last one is on disk before the next event."""


def one_alert(binary: Path, scale: Scale) -> list[Figure]:
    """One event at a time; each raises an alert of its own, which waits for no group."""
    with sink() as (receiver, hook), whole(binary, Wanted(rules(RULES), hook)) as lane:
        taken = _singles(lane, receiver, scale)
    what = "event published → POST arrives, one alert, durable"
    detail = f"{scale.singles} alerts, one at a time, {min(taken):.1f} to {max(taken):.1f} ms; {_bare_commit(scale)}"
    return [
        Figure(what=f"{what}: median", measured=median(taken), unit="ms", target=5, detail=detail),
        Figure(what=f"{what}: p99", measured=p99(taken), unit="ms", target=25, detail=detail),
    ]


def profile_alerts(binary: Path, scale: Scale) -> Profile:
    """The program's main thread while it tells them."""
    with tempfile.TemporaryDirectory() as home:
        written = Path(home) / "profile"
        with sink() as (receiver, hook), whole(binary, Wanted(rules(RULES), hook), written) as lane:
            _singles(lane, receiver, scale)
            lane.process.stop()
        return table("the program that tells one alert at a time, its start included", str(written), scale.singles)


def _singles(lane: Lane, receiver: Process, scale: Scale) -> list[float]:
    """Milliseconds of each."""
    taken = []
    with Publisher(lane.server.port, "bridge", "bench") as publisher:
        for number in range(scale.singles):
            event = marker(number, f"single-{number}.")
            published = time.monotonic_ns()
            publisher.publish([event])
            arrived = json.loads(receiver.wait_for(f"single-{number}."))["at"]
            taken.append((arrived - published) / 1e6)
            time.sleep(REST)
    return taken


def _bare_commit(scale: Scale) -> str:
    """What this disk takes for the least that is durable: one row, synchronous=FULL."""
    taken = []
    with tempfile.TemporaryDirectory() as home, closing(sqlite3.connect(Path(home) / "bare.db")) as database:
        database.execute("PRAGMA journal_mode = WAL")
        database.execute("PRAGMA synchronous = FULL")
        database.execute("CREATE TABLE bare (n INTEGER)")
        for number in range(scale.singles):
            began = time.perf_counter()
            database.execute("INSERT INTO bare VALUES (?)", (number,))
            database.commit()
            taken.append((time.perf_counter() - began) * 1000)
    return f"a bare commit of SQLite takes {median(taken):.1f} ms here, p99 {p99(taken):.1f}"
