"""A million events as fast as a nats-server with its defaults passes them on."""

import re
import time
from pathlib import Path
from statistics import median

from benchmarks.cpu import CLIENTS, RULES
from benchmarks.figure import MB, Figure, Scale, p99
from benchmarks.lane import Lane, sink, whole
from benchmarks.payloads import marker
from benchmarks.process import Failed, Process
from benchmarks.publisher import Publisher
from benchmarks.rules import Rule, Wanted, rules

ALERTS = 400
"""Alerts within the storm: each has a commit of its own, and one more for its outcome."""


def storm(binary: Path, scale: Scale) -> list[Figure]:
    """An alert that fires with the last event, and not with the one before, has counted them all."""
    made = [*rules(RULES), _all(scale.storm)]
    # The program writes at level debug how long each commit took.
    with sink() as (receiver, hook), whole(binary, Wanted(made, hook, level="debug")) as lane:
        began, before = time.monotonic(), lane.process.cpu
        counted = _count(lane, receiver, scale)
        wall, cpu = time.monotonic() - began, lane.process.cpu - before
        peak, commits = lane.process.peak, _commits(lane)
    rate = f"{scale.storm / wall:,.0f} events/s".replace(",", " ")
    return [
        Figure(
            what=f"{scale.storm} events in one storm: counted",
            measured=counted,
            target=scale.storm,
            at_least=True,
            detail=f"a rule with this count fires with the last event, and not with the one before; {rate}, "
            f"{cpu / scale.storm * 1e6:.1f} µs of CPU an event",
        ),
        Figure(
            what="the same: most memory of the process",
            measured=peak / MB,
            unit="MB",
            target=300,
            detail="its greatest resident set (VmHWM)",
        ),
        Figure(
            what="commit under this flood: p99",
            measured=p99(commits),
            unit="ms",
            target=50,
            detail=f"from the decision to commit until it is on disk; {len(commits)} commits, median "
            f"{median(commits):.1f} ms, longest {max(commits):.1f} ms",
        ),
    ]


def _count(lane: Lane, receiver: Process, scale: Scale) -> int:
    """How many events the bridge has counted. Raises Failed if it has counted one twice."""
    try:
        lane.play(scale.storm - 1, CLIENTS, "last-but-one.", alert_every=max(1, scale.storm // ALERTS))
    except Failed:
        if lost := lane.lost():
            return scale.storm - lost
        raise
    if early := [line for line in receiver.lines if "AllCounted" in line]:
        raise Failed(f"something was counted twice: {early[0]}")
    with Publisher(lane.server.port, "bridge", "bench") as publisher:
        publisher.publish([marker(scale.storm - 1, "last.")])
    receiver.wait_for("AllCounted")
    return scale.storm


def _all(count: int) -> Rule:
    return {
        "alert": "AllCounted",
        "events": "client.disconnect",
        "where": ['client.kind = "Client"'],
        "type": "frequency",
        "count": count,
        "within": "2h",
    }


def _commits(lane: Lane) -> list[float]:
    """Milliseconds from the decision to commit until it is on disk."""
    found = (re.search(r"on disk n=\d+ ms=([\d.]+)", line) for line in lane.process.lines)
    return [float(match[1]) for match in found if match]
