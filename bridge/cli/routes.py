"""`nats-alert-bridge routes`"""

import os
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.text import Text
from rich.tree import Tree as Drawing

from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.clock import SystemClock
from bridge.config import rehearse
from bridge.configuration import setup
from bridge.label_matchers import write
from bridge.reach import Reach, reach
from bridge.route import Branch, Node, Tree
from bridge.ruletest.report import make_console
from bridge.setup import Setup
from bridge.values import parse_moment, write_duration

Labels = dict[str, str]
_ELSEWHERE = "of silences only the file's are known here; those of the running bridge: nats-alert-bridge silence list"
_SPANS = ("group_wait", "group_interval", "repeat_interval")


@click.group()
def routes() -> None:
    """Where alerts go: show the routes, or ask them."""


_config = click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")


@routes.command()
@_config
def show(path: Path | None) -> None:
    """Draw the routes, each with what it does not have from the one above."""
    wanted = _setup(path)
    root = Tree(wanted.routing.route).root
    drawing = Drawing(_line(root, wanted.routing.route), guide_style="")
    _grow(drawing, root, wanted.routing.route)
    make_console(sys.stdout).print(drawing)


@routes.command()
@click.argument("labels", nargs=-1, required=True, metavar="LABEL=VALUE…")
@click.option("--at", "moment", metavar="TIME", help="When, such as 2026-12-24T18:00:00Z.  [default: now]")
@click.option(
    "--firing",
    multiple=True,
    metavar="LABEL=VALUE,…",
    help="Another alert that fires then. Can be given several times.",
)
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@_config
def test(
    labels: tuple[str, ...], moment: str | None, firing: tuple[str, ...], as_json: bool, path: Path | None
) -> None:
    """Say who is told of an alert with these labels, together with what, and what mutes it.

    The labels that the rules file puts on every alert are added. It needs no bridge that runs, so of silences only
    those of the file are known here.
    """
    at = SystemClock().now() if moment is None else _moment(moment)
    wanted = _setup(path)
    common = dict(wanted.labels)
    alert = {**common, **_labels(labels)}
    others = [{**common, **_labels(other.split(","))} for other in firing]
    found = reach(wanted.routing, alert, at, others)
    click.echo(_json(found, alert, at) if as_json else _text(found, alert, at))
    click.echo(_ELSEWHERE, err=True)


def _setup(path: Path | None) -> Setup:
    return setup(rehearse(path or default_file(), os.environ))


def _labels(written: Iterable[str]) -> Labels:
    labels: Labels = {}
    for each in written:
        name, equals, value = each.partition("=")
        if not equals or not name.strip():
            raise click.UsageError(f"{each!r} is no label; write for example severity=critical")
        if name.strip() in labels:
            raise click.UsageError(f"the label {name.strip()!r} is given twice; keep one")
        labels[name.strip()] = value.strip().strip('"')
    return labels


def _moment(written: str) -> int:
    try:
        return parse_moment(written)
    except ValueError as error:
        raise click.UsageError(f"--at: {error}") from error


# -- an answer --------------------------------------------------------------------------------------------------


def _json(found: list[Reach], labels: Labels, at: int) -> str:
    fields: dict[str, Any] = {
        "receivers": [each.receiver for each in found],
        "at": _time(at),
        "labels": labels,
        "routes": [_fields(each) for each in found],
    }
    return msgspec.json.encode(fields).decode()


def _fields(each: Reach) -> dict[str, Any]:
    fields = msgspec.structs.asdict(each)
    backoff = each.repeat_backoff
    return {
        **fields,
        **{key: write_duration(fields[key]) for key in _SPANS},
        "repeat_backoff": backoff and {"factor": backoff.factor, "max": write_duration(backoff.max)},
        "muted": each.muted or None,
    }


def _text(found: list[Reach], labels: Labels, at: int) -> str:
    shown = ", ".join(f'{name}="{value}"' for name, value in labels.items())
    lines = [f"{{{shown}}} at {_time(at)}"]
    for each in found:
        spans = (write_duration(span) for span in (each.group_wait, each.group_interval, each.repeat_interval))
        lines += [
            f"  {each.receiver}" + (f"  MUTED: {each.muted}" if each.muted else ""),
            f"    route  {each.route}",
            "    group  {}".format(each.group_key.removeprefix(each.route).lstrip(":")),
            "    told   after {}, then every {} if there is news, reminders every {}".format(*spans) + _slower(each),
        ]
        lines += [f"    muted  while {source} fires" for source in each.could_be_muted]
    return "\n".join(lines)


def _slower(each: Reach) -> str:
    if (backoff := each.repeat_backoff) is None:
        return ""
    return f", each {backoff.factor:g} times as late, up to {write_duration(max(backoff.max, each.repeat_interval))}"


def _time(at: int) -> str:
    moment = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at)
    return moment.isoformat(timespec="seconds").replace("+00:00", "Z")


# -- the tree ---------------------------------------------------------------------------------------------------


def _grow(drawing: Drawing, node: Node, branch: Branch) -> None:
    for child, below in zip(node.children, branch.routes, strict=True):
        _grow(drawing.add(_line(child, below)), child, below)


def _line(node: Node, branch: Branch) -> Text:
    """Matchers, receiver, and what is said here."""
    line = Text.assemble(write(branch.matchers) if branch.matchers else "every alert", " → ", (node.receiver, "bold"))
    said = [f"group_by: [{', '.join(branch.group_by)}]"] if branch.group_by is not None else []
    said += [f"{key}: {write_duration(span)}" for key in _SPANS if (span := getattr(branch, key)) is not None]
    if branch.repeat_backoff:
        backoff = branch.repeat_backoff
        said.append(f"repeat_backoff: {{factor: {backoff.factor:g}, max: {write_duration(backoff.max)}}}")
    for key in ("mute_time_intervals", "active_time_intervals"):
        if names := getattr(branch, key):
            said.append(f"{key}: [{', '.join(names)}]")
    if branch.continue_:
        said.append("continue")
    return line.append(f"  {', '.join(said)}" if said else "", "dim")
