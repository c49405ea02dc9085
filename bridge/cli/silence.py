"""`nats-alert-bridge silence`"""

import getpass
import time
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from datetime import time as clock_time
from pathlib import Path
from typing import Any

import click
import msgspec

from bridge.cli.asking import CONFIG, JSON, asked, matchers, print_json
from bridge.cli.remote import CommandError, Place, command, consult, find
from bridge.cli.span import span
from bridge.cli.table import ago, moment, show, shown, zone
from bridge.store.history import read_silences
from bridge.store.told import Silenced
from bridge.values import MICROSECOND, SECOND

DAY = timedelta(days=1)

NAMED_MAX = 5
"""Alerts that a sentence names."""


def _instant(context: click.Context, option: click.Parameter, given: str | None) -> int | None:
    """In microseconds: a time of the clock on the wall, the next one if it has no date; or one with its zone."""
    if given is None:
        return None
    now = datetime.now(UTC).astimezone()
    try:
        if len(given) > len("12:30:00"):
            return round(datetime.fromisoformat(given).astimezone().timestamp() * SECOND)
        today = datetime.combine(now.date(), clock_time.fromisoformat(given)).astimezone()
        then = today if today > now else datetime.combine(now.date() + DAY, today.time()).astimezone()
        return round(then.timestamp() * SECOND)
    except ValueError:
        what = f"{given!r} is no time; write for example 18:30, 2026-12-24T18:30 or 2026-12-24T18:30Z"
        raise click.BadParameter(what, context, option) from None


@click.group()
def silence() -> None:
    """Who must not hear of which alerts for a while."""


_labels = click.argument("labels", nargs=-1, callback=matchers, metavar="[ALERT] [LABEL=VALUE…]")
_for = click.option(
    "--for", "duration", callback=span, metavar="DURATION", help="For so long, from now or from --from on, such as 2h."
)
_until = click.option(
    "--until", callback=_instant, metavar="TIME", help="The next 18:30, 2026-12-24T18:30, or with a zone."
)
_intervals = click.option(
    "--time-interval",
    "intervals",
    multiple=True,
    metavar="NAME",
    help="Mute only within this one of the rules file's time_intervals, again and again. Can be given several times.",
)


@silence.command()
@_labels
@_for
@_until
@click.option("--from", "start", callback=_instant, metavar="TIME", help="When it begins.  [default: now]")
@_intervals
@click.option("--comment", default="", help="Why; it stands beside what was muted.")
@click.option("--created-by", default=getpass.getuser, help="Who.  [default: you]")
@click.option("--expire-on-resolve", is_flag=True, help="It ends when the last alert that it mutes is resolved.")
@CONFIG
def add(
    labels: tuple[str, ...],
    duration: int | None,
    until: int | None,
    start: int | None,
    intervals: tuple[str, ...],
    comment: str,
    created_by: str,
    expire_on_resolve: bool,
    path: Path | None,
) -> None:
    """Mute alerts whose labels match; print the id of the silence, and what it mutes at once.

    All must hold: LABEL=VALUE, or another matcher such as 'severity=~"warning|info"'. A bare name is that of an alert.
    With --time-interval it recurs, and needs no end.
    """
    if not labels:
        raise click.UsageError("say which alerts: write for example AuthErrorBurst client_host=10.0.0.9")
    end = _end_of(duration, until, start)
    if end is None and not intervals:
        raise click.UsageError("a silence needs an end: write --for 2h, --until 18:30, or a --time-interval NAME")
    wanted = {
        "matchers": labels,
        "starts_at": start,
        "ends_at": end,
        "time_intervals": intervals,
        "comment": comment,
        "created_by": created_by,
        "expire_on_resolve": expire_on_resolve,
    }
    done = command(find(path), "/silences", wanted)
    click.echo(done["id"])
    click.echo(_effect(done), err=True)


@silence.command()
@click.argument("id")
@_labels
@_for
@_until
@_intervals
@click.option("--comment", help="Why.")
@click.option("--expire-on-resolve/--no-expire-on-resolve", default=None, help="Whether it ends with the last alert.")
@CONFIG
def update(
    id: str,
    labels: tuple[str, ...],
    duration: int | None,
    until: int | None,
    intervals: tuple[str, ...],
    comment: str | None,
    expire_on_resolve: bool | None,
    path: Path | None,
) -> None:
    """Change a silence that has not ended; it keeps its id, and what is not named stays.

    The beginning of its id is enough. Matchers and time intervals take the place of all those before.
    """
    given = {
        "matchers": labels or None,
        "ends_at": _end_of(duration, until),
        "time_intervals": intervals or None,
        "comment": comment,
        "expire_on_resolve": expire_on_resolve,
    }
    wanted = {name: value for name, value in given.items() if value is not None}
    if not wanted:
        raise click.UsageError("say what is to change: for example --for 2h, or --comment TEXT")
    place = find(path)
    before = _now(place, id)
    done = command(place, f"/silences/{before.id}", wanted)
    after = _now(place, before.id)
    click.echo(f"updated: {after.id}" if done["changed"] else f"nothing to change: {after.id}")
    for name in done["changed"]:
        click.echo(f"  {_SAID[name]:<13} {_said(before, name)} → {_said(after, name)}")
    click.echo(_effect(done), err=True)


_SAID = {
    "matchers": "mutes",
    "ends_at": "until",
    "time_intervals": "within",
    "comment": "comment",
    "expire_on_resolve": "on resolve",
}


def _said(each: Silenced, name: str) -> str:
    match getattr(each, name):
        case datetime() as moment_:
            return moment(moment_, zone=True)
        case list() as names:
            return ", ".join(names) or "any time"
        case bool() as ends:
            return "ends" if ends else "stays"
        case text:
            return repr(text) if text else "none"


def _end_of(duration: int | None, until: int | None, start: int | None = None) -> int | None:
    """`start`: None for one that begins, or began, before now."""
    if duration is not None and until is not None:
        raise click.UsageError("--for and --until both say when it ends; keep one")
    if duration is None:
        return until
    return (time.time_ns() // (1000 * MICROSECOND) if start is None else start) + duration


def _effect(done: Mapping[str, Any]) -> str:
    """What a silence does at once, from the bridge's answer."""
    if not done["mutes"]:
        return "no alert that fires now has such labels; `nats-alert-bridge alerts` shows those that there are"
    count = "1 alert that fires" if done["mutes"] == 1 else f"{done['mutes']} alerts that fire"
    named = [shown(labels.get("alertname", ""), labels) for labels in done["alerts"][:NAMED_MAX]]
    more = f", and {done['mutes'] - len(named)} more" if done["mutes"] > len(named) else ""
    when = "it mutes" if done["active"] else "its time is not now; within it, it mutes"
    return f"{when} {count} now: {', '.join(named)}{more}"


@silence.command("list")
@click.option("--expired", is_flag=True, help="Those that have ended, too.")
@CONFIG
@JSON
def list_(expired: bool, path: Path | None, as_json: bool) -> None:
    """Show the silences that there are, declared ones too."""
    found = [each for each in _all(path) if expired or each.state != "expired"]
    if as_json:
        print_json("silences", found)
    elif found:
        show(["id", "state", "matchers", f"ends ({zone()})", "by", "comment"], map(_row, found))
    else:
        click.echo("there is no silence")


@silence.command("show")
@click.argument("id")
@CONFIG
@JSON
def show_(id: str, path: Path | None, as_json: bool) -> None:
    """Show one silence. The beginning of its id is enough."""
    each = _one(path, id)
    if as_json:
        print_json("silence", each)
        return
    click.echo(f"{each.id}: {each.state}" + (f", {each.expired}" if each.expired else ""))
    click.echo(f"  mutes    {', '.join(each.matchers)}")
    click.echo(f"  from     {moment(each.starts_at, zone=True)}, {ago(each.starts_at)}")
    click.echo(f"  until    {_end(each, zone=True)}")
    click.echo(f"  by       {each.created_by or 'the rules file' if each.declared else each.created_by}")
    if each.comment:
        click.echo(f"  comment  {each.comment}")
    if each.expire_on_resolve:
        click.echo("  ends when the last alert that it mutes is resolved")


@silence.command()
@click.argument("ids", nargs=-1, required=True, metavar="ID…")
@CONFIG
def expire(ids: tuple[str, ...], path: Path | None) -> None:
    """End silences now. The beginning of an id is enough."""
    place = find(path)
    for whole in [_now(place, id).id for id in ids]:
        command(place, f"/silences/{whole}/expire", {"by": getpass.getuser()})
        click.echo(f"expired: {whole}")


def _all(path: Path | None) -> list[Silenced]:
    now = time.time_ns() // (1000 * MICROSECOND)
    return asked(path, "/silences", (), lambda database: read_silences(database, now), list[Silenced])


def _now(place: Place, id: str) -> Silenced:
    """One of the running bridge."""
    answer = msgspec.json.decode(consult(place, "/silences"), type=dict[str, list[Silenced]])
    return _found(answer["silences"], id)


def _one(path: Path | None, id: str) -> Silenced:
    return _found(_all(path), id)


def _found(silences: Sequence[Silenced], id: str) -> Silenced:
    found = [each for each in silences if each.id.startswith(id)]
    if len(found) != 1:
        what = f"{len(found)} silences begin with" if found else "there is no silence"
        raise CommandError(f"{what} {id}; `nats-alert-bridge silence list --expired` shows all")
    return found[0]


def _row(each: Silenced) -> list[str]:
    by = "the rules file" if each.declared and not each.created_by else each.created_by
    comment = f"{each.comment} ({each.expired})" if each.expired else each.comment
    return [each.id, each.state, ", ".join(each.matchers), _end(each), by, comment]


def _end(each: Silenced, zone: bool = False) -> str:
    within = f"within {', '.join(each.time_intervals)}" if each.time_intervals else ""
    ends = f"{moment(each.ends_at, zone)}, {ago(each.ends_at)}" if each.ends_at else ""
    return "; ".join(filter(None, (ends, within))) or "never"
