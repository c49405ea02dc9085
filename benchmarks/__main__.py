"""Runs the benchmarks, prints a table and writes RESULTS.md."""

from math import nan
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import cpu, delivery, latency, memory, names, replay, report, start, storm
from benchmarks.figure import QUICK, Benchmark, Explain, Figure, Profile, Scale
from benchmarks.process import Failed
from benchmarks.profile import profile, profile_combinations, profile_rules
from bridge.demo.nats_binary import find

BENCHMARKS = {
    "cpu": Benchmark("an event, beside a bare callback", cpu.against_bare, profile),
    "rules": Benchmark("the same with many rules", cpu.many_rules, profile_rules),
    "combinations": Benchmark("the same with many combinations", cpu.many_combinations, profile_combinations),
    "memory": Benchmark("what a combination takes", memory.combination),
    "tick": Benchmark("what the passing of time costs", memory.tick, memory.profile_ticks),
    "latency": Benchmark("one alert on its way", latency.one_alert, latency.profile_alerts),
    "delivery": Benchmark("many alerts at once", delivery.many_alerts, delivery.profile_many),
    "storm": Benchmark("a storm of events", storm.storm, profile),
    "start": Benchmark("a start that finds combinations", start.start, start.profile_start),
    "replay": Benchmark("a recording", replay.replay, profile),
    "names": Benchmark("names without end", names.names),
}
CONSOLE = Console()

LONG = {"names"}
"""Measured only if asked for: they take half an hour or more."""


@click.command(epilog=f"Names: {', '.join([*BENCHMARKS, 'profile'])}.")
@click.argument("wanted", metavar="[NAME…]", nargs=-1, type=click.Choice([*BENCHMARKS, "profile"]))
@click.option("--all", "everything", is_flag=True, help="All, the long ones too.")
@click.option("--quick", is_flag=True, help="A little of everything, to see that it runs.")
def main(wanted: tuple[str, ...], everything: bool, quick: bool) -> None:
    """Measure what is named, or all but the long ones. RESULTS.md is written unless only some are named."""
    binary, scale = find(), QUICK if quick else Scale()
    if "profile" in wanted:
        found = profile(binary, scale)
        CONSOLE.print(Markdown("\n".join([f"# {found.title}", "", *found.rows])))
    unnamed = set() if wanted else BENCHMARKS.keys() - (set() if everything else LONG)
    figures, profiles = run([name for name in BENCHMARKS if name in {*wanted, *unnamed}], binary, scale)
    if figures:
        report.show(figures)
    if not wanted and not quick:
        report.write(report.RESULTS, binary, figures, profiles)


def run(chosen: list[str], binary: Path, scale: Scale) -> tuple[list[Figure], list[Profile]]:
    """The figures, and profiles for those that missed their target; one that explains several stands there once."""
    figures: list[Figure] = []
    profiles: dict[Explain, Profile] = {}
    for name in chosen:
        about, measure, explain = BENCHMARKS[name]
        with CONSOLE.status(f"{name}: {about}"):
            try:
                mine = measure(binary, scale)
                figures += mine
                if explain and explain not in profiles and any(figure.met is False for figure in mine):
                    profiles[explain] = explain(binary, scale)
            except Failed as error:
                figures.append(Figure(what=f"{name}: {about}", measured=nan, target=0, detail=str(error)))
    return figures, list(profiles.values())


if __name__ == "__main__":
    main()
