"""What a live combination takes, and what a tick over a million of them costs: an engine in a process of its own."""

import cProfile
import json
import os
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure, Profile, Scale, p99
from benchmarks.payloads import Storm
from benchmarks.process import Process, memory_of
from benchmarks.profile import table
from benchmarks.rules import Rule
from benchmarks.stage import START, STEP, batches, engine, play
from bridge.engine import Engine
from bridge.values import HOUR, SECOND

TIMES = 19
"""Events of a full window of `count: 20`: with one more the alert would fire."""

WARM = 70_000
"""Events after which what recognises doubles has its full size."""

WITHIN = 2 * HOUR


def combination(_: Path, scale: Scale) -> list[Figure]:
    """Resident memory before and after, divided by the combinations; journal and checkpoint marks included."""
    full = _child("size", scale.full, TIMES)["bytes"]
    single = _child("size", scale.full, 1)["bytes"]
    detail = (
        f"resident memory ÷ {scale.full} combinations that hold {TIMES} times each, the most that does not fire; "
        f"{single:.0f} bytes with one each"
    )
    what = "memory of a live frequency combination (count 20, no top)"
    return [Figure(what=what, measured=full, unit="bytes", target=600, detail=detail)]


def tick(_: Path, scale: Scale) -> list[Figure]:
    """Steps of a second, while all combinations live and none is due."""
    found = _child("tick", scale.combinations, scale.ticks)
    what = f"a tick with {scale.combinations} live combinations of which none is due"
    detail = (
        f"p99 of {found['quiet']:.0f} steps, of 1 s each; median {found['median']:.4f}, "
        f"longest {found['longest']:.2f} ms"
    )
    moved = (
        f"p99 of {found['busy']:.0f} steps, as the program goes through the seconds for which combinations were filed "
        "first, before later events moved them"
    )
    return [
        Figure(what=what, measured=found["p99"], unit="ms", target=1, detail=detail),
        Figure(what="the same where instants have moved", measured=found["moved"], unit="ms", target=1, detail=moved),
    ]


def profile_ticks(_: Path, scale: Scale) -> Profile:
    """The ticks in which combinations are looked at that are not due."""
    subject, profiler = _filled(scale.combinations), cProfile.Profile()
    _moved(subject, scale.combinations)
    subject.advance(START + WITHIN)
    times = max(1, scale.combinations * STEP // SECOND)
    profiler.enable()
    for _second in range(times):
        subject.advance(subject.watch.t + SECOND)
    profiler.disable()
    return table(f"ticks of an engine with {scale.combinations} live combinations", profiler, times)


def _child(what: str, combinations: int, times: int) -> dict[str, float]:
    arguments = ["benchmarks.memory", what, str(combinations), str(times)]
    with tempfile.TemporaryDirectory() as home, Process(Path(home) / "log", *arguments) as process:
        line = process.wait_for("result: ")
    found: dict[str, float] = json.loads(line.removeprefix("result: "))
    return found


# -- in the child -----------------------------------------------------------------------------------------------


def _rule(limit: int) -> Rule:
    return {
        "alert": "PerClient",
        "events": "client.disconnect",
        "where": ["account.name = APP"],
        "type": "frequency",
        "count": TIMES + 1,
        "within": f"{WITHIN // HOUR}h",
        "by": ["client.name"],
        "limit": limit,
    }


def _size(combinations: int, times: int) -> dict[str, float]:
    warm = engine([_rule(combinations + 1)])
    play(warm, batches(Storm(0, WARM, combinations, alert_every=1)))
    before = memory_of(os.getpid())
    play(warm, batches(Storm(WARM, combinations * times, combinations, alert_every=2**62)))
    return {"bytes": (memory_of(os.getpid()) - before) / combinations}


def _tick(combinations: int, ticks: int) -> dict[str, float]:
    subject = _filled(combinations)
    quiet = _steps(subject, min(ticks, WITHIN // SECOND - 120))
    _moved(subject, combinations)
    subject.advance(START + WITHIN)
    busy = _steps(subject, max(1, combinations * STEP // SECOND))
    return {
        "quiet": len(quiet),
        "median": median(quiet),
        "p99": p99(quiet),
        "longest": max(quiet),
        "busy": len(busy),
        "moved": p99(busy),
    }


def _filled(combinations: int) -> Engine:
    subject = engine([_rule(combinations + 1)])
    play(subject, batches(Storm(0, combinations, combinations, alert_every=2**62)))
    return subject


def _moved(subject: Engine, combinations: int) -> None:
    """Every combination gets one more event, so that none is empty when the first has left its window."""
    play(subject, batches(Storm(combinations, combinations, combinations, alert_every=2**62)))


def _steps(subject: Engine, seconds: int) -> list[float]:
    """Milliseconds of each step in which the program would let so much time pass, a second at once."""
    taken = []
    for _ in range(seconds):
        to, reached = subject.watch.t + SECOND, False
        while not reached:
            began = time.perf_counter()
            reached = subject.step(to)
            taken.append((time.perf_counter() - began) * 1000)
    return taken


def main(what: str, combinations: int, times: int) -> None:
    found = _size(combinations, times) if what == "size" else _tick(combinations, times)
    print("result:", json.dumps(found), flush=True)


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
