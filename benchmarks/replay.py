"""How fast a recording is replayed under a hundred rules: lines of a file in, changes and messages out."""

import gc
import json
import sys
import tempfile
import time
from itertools import chain
from pathlib import Path

from benchmarks.cpu import CLIENTS, RULES
from benchmarks.figure import Figure, Scale
from benchmarks.payloads import Storm, storm
from benchmarks.process import Process
from benchmarks.rules import Wanted, rules, write
from benchmarks.stage import START, STEP
from bridge.config import load
from bridge.configuration import setup
from bridge.recording import read
from bridge.replay import Playback
from bridge.values import SECOND

TIMES = 3
"""Each time with an engine that knows nothing."""


def replay(_: Path, scale: Scale) -> list[Figure]:
    """The loop of the command by itself, and beside it the command from exec to its last line."""
    with tempfile.TemporaryDirectory() as home:
        config = write(Path(home), Wanted(rules(RULES)))
        recording = Path(home) / "recording.jsonl"
        _record(recording, scale.recording)
        with Process(Path(home) / "loop", "benchmarks.replay", str(recording), str(config)) as process:
            loop = float(process.wait_for("seconds: ").split()[1])
        began = time.monotonic()
        arguments = ["replay", str(recording), "--config", str(config), "--format", "json"]
        with Process(Path(home) / "command", "bridge", *arguments) as process:
            process.wait_for(" lines, ")
            whole = time.monotonic() - began
    figure = Figure(
        what=f"replay of {scale.recording} lines, {RULES} rules of which 3 ask for the event",
        measured=scale.recording / loop,
        unit="events/s",
        target=150_000,
        at_least=True,
        detail=f"wall time of the loop over the file's lines, best of {TIMES}; the whole command with its start takes "
        f"{whole:.1f} s: {_rate(scale.recording, whole)}",
    )
    return [figure]


def _rate(events: int, seconds: float) -> str:
    return f"{events / seconds:,.0f} events/s".replace(",", " ")


def _record(path: Path, events: int) -> None:
    with path.open("w") as file:
        for number, (subject, data) in enumerate(storm(Storm(0, events, CLIENTS), "last")):
            at = (START + number * STEP) / SECOND
            file.write(json.dumps({"at": at, "subject": subject, "headers": {}, "data": data.decode()}) + "\n")


def main(recording: Path, config: Path) -> None:
    """In a process of its own."""
    made = setup(load(config, {}))
    gc.freeze()
    taken = []
    for _ in range(TIMES):
        began = time.perf_counter()
        with recording.open("rb") as file:
            inputs = read(file, recording.name)
            first = next(inputs)
            playback = Playback(made, first.at)
            for _change in chain(playback.play(chain((first,), inputs)), playback.end()):
                pass
        taken.append(time.perf_counter() - began)
    print("seconds:", min(taken), flush=True)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]))
