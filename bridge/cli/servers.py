"""`nats-alert-bridge servers`"""

import asyncio
import difflib
import os
import sys
from pathlib import Path

import click
import msgspec
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.json import JSON
from rich.table import Table
from rich.text import Text

from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.cli.span import span
from bridge.clock import SystemClock
from bridge.config import load
from bridge.configuration import settings
from bridge.errors import BridgeError
from bridge.shown import Number
from bridge.source.connection import Connection
from bridge.source.gather import Answer
from bridge.source.settings import Limits, Settings
from bridge.source.survey import Seen, Survey, Use, call, survey
from bridge.source.visit import visit
from bridge.text import one_line
from bridge.values import SECOND, format_duration

COLUMNS = ("name", "cluster", "version", "uptime", "conns", "slow", "cpu", "memory", "jetstream", "health")
WIDE = 10_000
"""Columns; no table needs as many."""
RIGHT = ("uptime", "conns", "slow", "cpu", "memory")


@click.command()
@click.argument("server", required=False, metavar="[NAME|ID]")
@click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
@click.option("--json", "as_json", is_flag=True, help="For programs: everything, sizes in bytes, spans in seconds.")
@click.option("--timeout", callback=span, default="5s", show_default=True, metavar="DURATION", help="For the answers.")
def servers(server: str | None, path: Path | None, as_json: bool, timeout: int) -> None:
    """Show all servers of the NATS system, or the statistics of one.

    Connects as `run` does and asks all servers. The exit code is 1 if fewer answer than they count themselves (a
    crashed one is counted for some minutes), or if one says that it is not healthy.
    """
    path = path or default_file()
    where = settings(load(path, os.environ), path, os.environ)
    within = timeout / SECOND
    if server is not None:
        _print_one(asyncio.run(_one(where, within, server)))
        return
    seen = asyncio.run(_all(where, within))
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(seen)).decode())
    else:
        _print_all(seen)
    sys.exit(0 if seen.well else 1)


async def _all(where: Settings, within: float) -> Survey:
    async with visit(where, Limits(), SystemClock()) as nats:
        return await survey(nats, within)


async def _one(where: Settings, within: float, wanted: str) -> Answer:
    async with visit(where, Limits(), SystemClock()) as nats:
        return await _find(nats, within, wanted)


async def _find(nats: Connection, within: float, wanted: str) -> Answer:
    answers = await call(nats, within)
    if wanted in answers:
        return answers[wanted]
    found = [answer for answer in answers.values() if answer.server.name == wanted]
    if len(found) == 1:
        return found[0]
    if found:
        ids = ", ".join(sorted(answer.server.id for answer in found))
        raise BridgeError(f"{len(found)} servers are named {wanted!r}; give one of their ids: {ids}")
    names = sorted({answer.server.name for answer in answers.values()})
    near = difflib.get_close_matches(wanted, names, n=3, cutoff=0.5)
    known = (
        f"did you mean {' or '.join(map(repr, near))}?" if near else f"there are {', '.join(map(one_line, names[:20]))}"
    )
    raise BridgeError(f"no server {wanted!r} among the {len(answers)} that answered; {known}")


def _print_one(answer: Answer) -> None:
    text = msgspec.json.format(answer.body).decode()
    console = Console()
    if console.is_terminal:
        console.print(JSON(text))
    else:
        click.echo(text)


def _print_all(seen: Survey) -> None:
    table = Table(box=SIMPLE_HEAD, pad_edge=False, show_edge=False, padding=(0, 1), collapse_padding=True)
    for column in COLUMNS:
        table.add_column(column, justify="right" if column in RIGHT else "left", no_wrap=True)
    for server in seen.servers:
        table.add_row(*map(Text, _cells(server)), _health(server))
    # A terminal that is too narrow breaks lines where it must; no name is cut.
    width = Console(width=WIDE).measure(table).maximum
    console = Console(highlight=False, width=max(width, Console().width))
    console.print(table, crop=False)
    for server in seen.servers:
        if server.trouble:
            console.print(Text(f"{server.name}: {server.trouble}"), soft_wrap=True)
    answered = f"{len(seen.servers)} of {seen.expected} servers answered"
    missing = f"; {seen.missing} missing: crashed, hanging or cut off" if seen.missing else ""
    console.print(Text(answered + missing), soft_wrap=True)


def _cells(server: Seen) -> list[str]:
    uptime = "?" if server.uptime is None else format_duration(round(server.uptime) * SECOND)
    return [
        one_line(server.name),
        one_line(server.cluster) or "-",
        server.version,
        uptime,
        str(server.connections),
        str(server.slow_consumers),
        f"{server.cpu:.0f}%",
        _bytes(server.memory),
        _used(server.jetstream.storage) if server.jetstream else "off",
    ]


def _health(server: Seen) -> Text:
    return Text(server.health, style={"ok": "green", "ill": "bold red", "unknown": "yellow"}[server.health])


def _used(use: Use) -> str:
    return _bytes(use.used) if use.limit is None else f"{_bytes(use.used)}/{_bytes(use.limit)}"


def _bytes(size: float) -> str:
    return str(Number(size, "bytes"))
