"""`nats-alert-bridge outbox`"""

import getpass
from collections.abc import Sequence
from pathlib import Path

import click
import msgspec

from bridge.cli.asking import CONFIG, JSON, LIMIT, asked, print_json
from bridge.cli.remote import CommandError, Silent, ask, command, consult, find, notice
from bridge.cli.table import ago, moment, show, shown, zone
from bridge.renewals import row_of
from bridge.store.history import read_message, read_outbox
from bridge.store.told import Message, Try

IDS_MAX = 10_000


class Shown(msgspec.Struct):
    """What the API says of one message."""

    message: Message
    attempts: list[Try]


@click.group()
def outbox() -> None:
    """Messages that wait for their destinations, and those that nobody got."""


@outbox.command("list")
@click.option("--dead", is_flag=True, help="Those that were given up, with the reason.")
@click.option("--delivered", is_flag=True, help="Those that arrived.")
@click.option("--destination", default="", help="Only for this one, such as ops/slack/0.")
@LIMIT
@CONFIG
@JSON
def list_(dead: bool, delivered: bool, destination: str, limit: int, path: Path | None, as_json: bool) -> None:
    """Show messages: those that wait, unless told otherwise."""
    states = [state for state, wanted in (("dead", dead), ("delivered", delivered)) if wanted] or ["pending"]
    found = _list(path, states, destination, limit)
    if as_json:
        print_json("messages", found)
    elif found:
        show(["id", "destination", "state", f"fixed ({zone()})", "", "tries", "about", "detail"], map(_row, found))
        if len(found) == limit:
            click.echo(f"only the newest {limit} are shown; --limit shows more", err=True)
    else:
        what = f"no message for {destination}" if destination else "no message"
        click.echo(f"{what} waits" if states == ["pending"] else f"{what} is {' or '.join(states)}")


@outbox.command("show")
@click.argument("id")
@CONFIG
@JSON
def show_(id: str, path: Path | None, as_json: bool) -> None:
    """Show one message: its alerts and every attempt. The beginning of its id is enough."""
    found = _find(path, id)
    if as_json:
        click.echo(msgspec.json.format(msgspec.json.encode(found)).decode())
        return
    message = found.message
    click.echo(f"{message.id} to {message.destination}: {message.status} ({message.reason}), {message.state}")
    renewed = f", and anew {moment(message.renewed)}" if message.renewed else ""
    click.echo(f"fixed {moment(message.created, zone=True)}, {ago(message.created)}{renewed}; {_fate(message)}")
    for alert in message.alerts:
        name = shown(alert.labels.get("alertname", ""), alert.labels)
        click.echo(f"  {alert.state}  {name}  {alert.summary}  {alert.id}")
    if found.attempts:
        show([f"tried ({zone()})", "outcome", "status", "seconds", "detail"], map(_attempt, found.attempts))


@outbox.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--destination", default="", help="All that wait for this one; with --dead, all that it never got.")
@click.option("--dead", is_flag=True, help="With --destination: those that were given up.")
@CONFIG
def retry(ids: tuple[str, ...], destination: str, dead: bool, path: Path | None) -> None:
    """Try messages now, be they waiting or dead.

    A dead one keeps its id and its text, and is tried for the whole of `delivery.give_up_after` again.
    """
    _command(path, "retry", _named(path, ids, destination, "dead" if dead else "pending"))


@outbox.command()
@click.argument("ids", nargs=-1, metavar="[ID…]")
@click.option("--destination", default="", help="All that wait for this one.")
@CONFIG
def drop(ids: tuple[str, ...], destination: str, path: Path | None) -> None:
    """Give messages up that wait: they end as dead, "dropped by" whoever you are."""
    _command(path, "drop", _named(path, ids, destination, "pending"))


def _command(path: Path | None, what: str, ids: Sequence[str]) -> None:
    done = command(find(path), f"/outbox/{what}", {"ids": list(ids), "by": getpass.getuser()})
    (touched,) = done.values()
    for id in touched:
        click.echo(f"{'due now' if what == 'retry' else 'dropped'}: {id}")
    left = [id for id in ids if id not in touched]
    if left:
        hint = "it was delivered" if what == "retry" else "it does not wait"
        raise CommandError(f"nothing was done with {', '.join(left)}: {hint}, or there is no such message")


def _named(path: Path | None, ids: tuple[str, ...], destination: str, state: str) -> list[str]:
    """The whole ids of what was named."""
    if bool(ids) == bool(destination):
        raise click.UsageError("name messages by their ids, or all of one --destination")
    if destination:
        query = _query([state], destination, IDS_MAX)
        answer = msgspec.json.decode(consult(find(path), "/outbox", query), type=dict[str, list[Message]])
        found = [message.id for message in answer["messages"]]
        if not found:
            raise CommandError(f"no message of {destination} is {state}; `outbox list` shows what there is")
        return found
    place = find(path)
    return [msgspec.json.decode(consult(place, _path(id)), type=Shown).message.id for id in ids]


def _list(path: Path | None, states: Sequence[str], destination: str, limit: int) -> list[Message]:
    query = _query(states, destination, limit)
    return asked(path, "/outbox", query, lambda file: read_outbox(file, states, destination, limit), list[Message])


def _query(states: Sequence[str], destination: str, limit: int) -> list[tuple[str, str]]:
    return [("state", state) for state in states] + [("destination", destination), ("limit", str(limit))]


def _path(id: str) -> str:
    row = row_of(id)
    if not row.isalnum():
        raise CommandError(f"{id!r} is no id of a message; `nats-alert-bridge outbox list` shows them")
    return f"/outbox/{row}"


def _find(path: Path | None, id: str) -> Shown:
    place, where = find(path), _path(id)
    try:
        return msgspec.json.decode(ask(place, where), type=Shown)
    except Silent as silent:
        found = read_message(place.at.database, row_of(id))
        if found is None:
            raise CommandError(f"there is no message {id}, or more than one begins so") from None
        click.echo(notice(place, silent), err=True)
        return Shown(*found)


def _row(message: Message) -> list[str]:
    names = ", ".join(dict.fromkeys(alert.labels.get("alertname", "") for alert in message.alerts))
    about = f"{message.status}: {names}"
    return [
        message.id,
        message.destination,
        message.state,
        moment(message.created),
        ago(message.created),
        str(message.attempts),
        about,
        _fate(message),
    ]


def _fate(message: Message) -> str:
    match message.state:
        case "pending":
            return f"next try {ago(message.due)}, given up {ago(message.expires)}"
        case "dead":
            return message.detail
        case _:
            return f"delivered {moment(message.settled)}" if message.settled else message.state


def _attempt(each: Try) -> list[str]:
    status = "" if each.status is None else str(each.status)
    return [moment(each.at), each.trouble or "delivered", status, f"{each.seconds:.3f}", each.detail]
