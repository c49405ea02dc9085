"""Where the time of an event goes, by function: cProfile over the engine, fed with the same payloads."""

import cProfile
import pstats
from pathlib import Path

from benchmarks.figure import Profile, Scale
from benchmarks.payloads import Storm
from benchmarks.process import ROOT
from benchmarks.rules import rules
from benchmarks.stage import batches, engine, play

TOP = 25
WAITING = "method 'poll' of 'select.epoll'"
"""What is no work."""


def profile(_: Path, scale: Scale) -> Profile:
    """The hundred rules of the first figure."""
    return _events("the engine, 100 rules of which 3 ask for the event", 100, 1000, scale)


def profile_rules(_: Path, scale: Scale) -> Profile:
    return _events(f"the engine, {scale.rules} rules of which 3 ask for the event", scale.rules, 1000, scale)


def profile_combinations(_: Path, scale: Scale) -> Profile:
    title = f"the engine, {scale.combinations} live combinations"
    return _events(title, 100, scale.combinations, scale)


def _events(title: str, count: int, combinations: int, scale: Scale) -> Profile:
    subject, profiler = engine(rules(count, limit=2 * combinations)), cProfile.Profile()
    play(subject, batches(Storm(0, combinations, combinations)))
    given = list(batches(Storm(combinations, scale.profiled, combinations)))
    profiler.runcall(play, subject, iter(given))
    return table(title, profiler, scale.profiled)


def table(title: str, profiler: cProfile.Profile | str, times: int) -> Profile:
    """Functions by their own time, as rows of a Markdown table. `profiler`: or the file that one
    has written. `times`: what calls are divided by."""
    stats = pstats.Stats(profiler)
    found: dict[tuple[str, int, str], tuple[int, int, float, float, object]] = stats.stats  # type: ignore[attr-defined]
    for waiting in [place for place in found if WAITING in place[2]]:
        del found[waiting]
    total = sum(own for _, _, own, _, _ in found.values())
    rows = ["| own time | with what it calls | calls | function |", "|---:|---:|---:|---|"]
    for place, (_, calls, own, cumulative, _) in sorted(found.items(), key=lambda item: -item[1][2])[:TOP]:
        rows.append(f"| {own / total:.1%} | {cumulative / total:.1%} | {calls / times:.2f} | `{_name(*place)}` |")
    return Profile(title, rows)


def _name(file: str, line: int, function: str) -> str:
    """Without the directories of this machine."""
    if file == "~":
        return function.strip("<>")
    path = Path(file)
    shown = path.relative_to(ROOT) if path.is_relative_to(ROOT) else Path(*path.parts[-2:])
    return f"{shown}:{line} {function}"
