"""`nats-alert-bridge silence`"""

import getpass
import time
from datetime import UTC, datetime
from pathlib import Path

import click

from bridge.cli.asking import CONFIG, JSON, asked, matchers, print_json
from bridge.cli.remote import CommandError, command, find
from bridge.cli.span import span
from bridge.cli.table import ago, moment, show, zone
from bridge.store.history import read_silences
from bridge.store.told import Silenced
from bridge.values import MICROSECOND, SECOND


def _instant(context: click.Context, option: click.Parameter, given: str | None) -> int | None:
    """A time of the clock on the wall, or one with its zone, in microseconds."""
    if given is None:
        return None
    now = datetime.now(UTC).astimezone()
    try:
        if len(given) <= len("12:30:00"):
            given = f"{now:%Y-%m-%d}T{given}"
        return round(datetime.fromisoformat(given).astimezone().timestamp() * SECOND)
    except ValueError:
        what = f"{given!r} is no time; write for example 18:30, 2026-12-24T18:30 or 2026-12-24T18:30Z"
        raise click.BadParameter(what, context, option) from None


@click.group()
def silence() -> None:
    """Who must not hear of which alerts for a while."""


@silence.command()
@click.argument("labels", nargs=-1, required=True, callback=matchers, metavar="LABEL=VALUE…")
@click.option("--for", "duration", callback=span, metavar="DURATION", help="From now on, such as 2h.")
@click.option("--until", callback=_instant, metavar="TIME", help="18:30, 2026-12-24T18:30, or with a zone.")
@click.option("--comment", default="", help="Why; it stands beside what was muted.")
@click.option("--created-by", default=getpass.getuser, help="Who.  [default: you]")
@click.option("--expire-on-resolve", is_flag=True, help="It ends when the last alert that it mutes is resolved.")
@CONFIG
def add(
    labels: tuple[str, ...],
    duration: int | None,
    until: int | None,
    comment: str,
    created_by: str,
    expire_on_resolve: bool,
    path: Path | None,
) -> None:
    """Mute alerts whose labels match, from now on, and print the id of the silence.

    LABEL=VALUE, or another matcher such as 'severity=~"warning|info"'; all must hold.
    """
    if (duration is None) == (until is None):
        raise click.UsageError("a silence needs an end: write --for 2h, or --until 18:30")
    now = time.time_ns() // (1000 * MICROSECOND)
    wanted = {
        "matchers": list(labels),
        "ends_at": now + duration if duration is not None else until,
        "comment": comment,
        "created_by": created_by,
        "expire_on_resolve": expire_on_resolve,
    }
    done = command(find(path), "/silences", wanted)
    click.echo(done["id"])
    click.echo(f"it mutes {done['mutes']} of the alerts that fire now", err=True)


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
    click.echo(f"  until    {_end(each)}")
    click.echo(f"  by       {each.created_by or 'the rules file' if each.declared else each.created_by}")
    if each.comment:
        click.echo(f"  comment  {each.comment}")
    if each.expire_on_resolve:
        click.echo("  ends when the last alert that it mutes is resolved")


@silence.command()
@click.argument("id")
@CONFIG
def expire(id: str, path: Path | None) -> None:
    """End a silence now. The beginning of its id is enough."""
    whole = _one(path, id).id
    command(find(path), f"/silences/{whole}/expire", {"by": getpass.getuser()})
    click.echo(f"expired: {whole}")


def _all(path: Path | None) -> list[Silenced]:
    now = time.time_ns() // (1000 * MICROSECOND)
    return asked(path, "/silences", (), lambda database: read_silences(database, now), list[Silenced])


def _one(path: Path | None, id: str) -> Silenced:
    found = [each for each in _all(path) if each.id.startswith(id)]
    if len(found) != 1:
        raise CommandError(f"there is no silence {id}, or more than one begins so; `silence list --expired` shows all")
    return found[0]


def _row(each: Silenced) -> list[str]:
    by = "the rules file" if each.declared and not each.created_by else each.created_by
    comment = f"{each.comment} ({each.expired})" if each.expired else each.comment
    return [each.id, each.state, ", ".join(each.matchers), _end(each), by, comment]


def _end(each: Silenced) -> str:
    within = f"within {', '.join(each.time_intervals)}" if each.time_intervals else ""
    ends = f"{moment(each.ends_at)}, {ago(each.ends_at)}" if each.ends_at else ""
    return "; ".join(filter(None, (ends, within))) or "never"
