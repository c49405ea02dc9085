"""Tables for people, in local time; on a pipe as wide as they need."""

import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.table import Table
from rich.text import Text

from bridge.text import one_line
from bridge.values import SECOND, format_duration, format_number

WIDE = 10_000
"""Columns; no table needs as many."""

STYLES = {
    "firing": "bold red",
    "dead": "bold red",
    "rejected": "red",
    "refused": "red",
    "transient": "yellow",
    "pending": "yellow",
    "muted": "dim",
    "expired": "dim",
    "resolved": "green",
    "delivered": "green",
    "active": "bold",
}
"""Of words that say how something is."""


def show(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Prints a table; a cell that is a known word has its colour."""
    table = Table(*columns, box=SIMPLE_HEAD, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(one_line(cell), style=STYLES.get(cell.partition(" ")[0], "")) for cell in row))
    console = Console(file=sys.stdout, highlight=False)
    if not console.is_terminal:
        console.width = WIDE
    console.print(table)


def moment(at: datetime, zone: bool = False) -> str:
    """Local, to the second; `zone`: with the name of its zone."""
    local = at.astimezone()
    return f"{local:%Y-%m-%d %H:%M:%S}" + (f" {local:%Z}" if zone else "")


def clock(at: datetime) -> str:
    """Local, to the second; with the date, unless that is today."""
    local = at.astimezone()
    return (
        f"{local:%H:%M:%S}" if local.date() == datetime.now(UTC).astimezone().date() else f"{local:%Y-%m-%d %H:%M:%S}"
    )


def zone() -> str:
    """The name of the local one."""
    return f"{datetime.now(UTC).astimezone():%Z}"


def ago(at: datetime) -> str:
    """How long ago, or in how long."""
    span = round((datetime.now(UTC) - at).total_seconds()) * SECOND
    return f"{format_duration(span)} ago" if span >= 0 else f"in {format_duration(-span)}"


def shown(name: str, labels: Mapping[str, str]) -> str:
    """An alert as Prometheus writes it."""
    own = ", ".join(f'{label}="{text}"' for label, text in sorted(labels.items()) if label != "alertname")
    return name + (f"{{{own}}}" if own else "")


def number(value: float | None) -> str:
    return "" if value is None else format_number(round(value, 3))
