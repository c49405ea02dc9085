"""Runs the benchmarks, prints a table and writes RESULTS.md."""

from math import nan
from pathlib import Path

import click
from rich.console import Console
from rich.markdown import Markdown

from benchmarks import cpu, latency, memory, names, replay, report, start, storm
from benchmarks.figure import QUICK, Benchmark, Figure, Profile, Scale
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
    "storm": Benchmark("a storm of events", storm.storm, profile),
    "start": Benchmark("a start that finds combinations", start.start, start.profile_start),
    "replay": Benchmark("a recording", replay.replay, profile),
    "names": Benchmark("names without end", names.names),
}
LONG = {"names"}
"""Measured only if asked for: they take half an hour or more."""


@click.command()
@click.argument("wanted", metavar="[NAME…]", nargs=-1, type=click.Choice([*BENCHMARKS, "profile"]))
@click.option("--quick", is_flag=True, help="A little of everything, to see that it runs.")
def main(wanted: tuple[str, ...], quick: bool) -> None:
    """Measure these, or all but the long ones. RESULTS.md is written when all are measured in full."""
    binary, scale = find(), QUICK if quick else Scale()
    console = Console()
    if "profile" in wanted:
        found = profile(binary, scale)
        console.print(Markdown("\n".join([f"# {found.title}", "", *found.rows])))
    chosen = [name for name in BENCHMARKS if name in wanted or not (wanted or name in LONG)]
    figures, profiles = run(chosen, binary, scale, console)
    if figures:
        report.show(figures)
    if not wanted and not quick:
        report.write(report.RESULTS, binary, figures, profiles)


def run(chosen: list[str], binary: Path, scale: Scale, console: Console) -> tuple[list[Figure], list[Profile]]:
    """The figures, and a profile for each benchmark of which one missed its target."""
    figures: list[Figure] = []
    profiles: list[Profile] = []
    for name in chosen:
        benchmark = BENCHMARKS[name]
        with console.status(f"{name}: {benchmark.about}"):
            try:
                mine = benchmark.measure(binary, scale)
            except Failed as error:
                figures.append(Figure(what=f"{name}: {benchmark.about}", measured=nan, target=0, detail=str(error)))
                continue
            figures += mine
            if benchmark.explain and any(figure.met is False for figure in mine):
                profiles.append(benchmark.explain(binary, scale))
    return figures, profiles


if __name__ == "__main__":
    main()
