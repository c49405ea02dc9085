"""The table, on the terminal and in RESULTS.md."""

import os
import platform
from collections.abc import Sequence
from datetime import UTC, datetime
from math import isnan
from pathlib import Path

from rich.console import Console
from rich.table import Table

from benchmarks.figure import Figure, Profile
from bridge.demo.nats_binary import version_of

RESULTS = Path(__file__).with_name("RESULTS.md")
FOREWORD = """\
# Results

Written by `make bench`; what is measured, and how, stands in the modules beside this file. Events are disconnects of
clients as a nats-server sent them (`tests/corpus`), made distinct, published through a real nats-server with its
defaults. The bridge is the program with its defaults: journal on, synchronous=FULL. CPU is that of the whole process.
"""


def show(figures: Sequence[Figure]) -> None:
    table = Table(title="make bench", show_lines=True)
    for name in ("figure", "measured", "target", "", "how"):
        table.add_column(name, justify="right" if name in ("measured", "target") else "left")
    for figure in figures:
        style = {True: "green", False: "bold red", None: ""}[figure.met]
        table.add_row(figure.what, measured(figure), target(figure), verdict(figure), figure.detail, style=style)
    Console().print(table)


def write(path: Path, binary: Path, figures: Sequence[Figure], profiles: Sequence[Profile]) -> None:
    """The same as Markdown, with the machine and the profiles."""
    lines = [FOREWORD, machine(binary), "", "| figure | measured | target | | how |", "|---|---:|---:|---|---|"]
    for figure in figures:
        # Of a failure, only what it was: the log that follows names places of this machine.
        detail = figure.detail.partition("\n")[0]
        cells = (figure.what, measured(figure), target(figure), verdict(figure), detail)
        lines.append(f"| {' | '.join(cells)} |")
    if profiles:
        lines += ["", "## Where the time goes, for what missed its target"]
    for profile in profiles:
        lines += ["", f"### {profile.title}", "", *profile.rows]
    path.write_text("\n".join(lines) + "\n")


def machine(binary: Path) -> str:
    """What it was measured on."""
    models = [line for line in Path("/proc/cpuinfo").read_text().splitlines() if line.startswith("model name")]
    model = models[0].partition(":")[2].strip() if models else platform.machine()
    return (
        f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, {os.cpu_count()} cores, {model}, {platform.system()} "
        f"{platform.release()}, Python {platform.python_version()}, nats-server {version_of(binary)}"
    )


def measured(figure: Figure) -> str:
    return f"{number(figure.measured)} {figure.unit}".strip()


def target(figure: Figure) -> str:
    if figure.target is None:
        return ""
    return f"{'≥' if figure.at_least else '≤'} {number(figure.target)} {figure.unit}".strip()


def verdict(figure: Figure) -> str:
    return {True: "ok", False: "missed", None: ""}[figure.met]


def number(value: float) -> str:
    """Three digits where there is a fraction."""
    if isnan(value):
        return "–"
    return f"{value:,.0f}".replace(",", " ") if value >= 100 else f"{value:.3g}"
