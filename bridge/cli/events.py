"""`nats-alert-bridge events`"""

import os
from pathlib import Path

import click
import msgspec
from rich.console import Console

from bridge.cli.catalogue import everything, one, plain
from bridge.cli.decoding import Decoding
from bridge.cli.place import FILE
from bridge.config import rehearse
from bridge.configuration import setup
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.checking import check_event
from bridge.recording import read


@click.command()
@click.argument("name", required=False)
@click.option(
    "--decode",
    "recording",
    type=click.Path(exists=True, dir_okay=False, allow_dash=True),
    metavar="FILE|-",
    help="Print each message of a recording as rules see it, a JSON object a line.",
)
@click.option("--config", "path", type=FILE, help="With --decode: the rules file, for nats.imports and nats.accounts.")
def events(name: str | None, recording: str | None, path: Path | None) -> None:
    """List the events that rules can watch; with NAME, all about one: subjects, fields, and a sample.

    With --decode the lines have `type`, `at` (seconds since 1970), `subject` and `payload`, without credentials. What
    the catalogue does not know has no `type` and can be watched by `subject`; a `note` says so, and why a message is
    no event.
    """
    if recording and name:
        raise click.UsageError("an event's NAME and --decode do not go together; leave one out")
    if path and not recording:
        raise click.UsageError("--config is for --decode; add that, or leave it out")
    if recording:
        _decode(recording, setup(rehearse(path, os.environ)).names if path else Names())
        return
    console = plain(Console())
    if name is None:
        console.print(everything())
        return
    try:
        console.print(one(EVENT_TYPES[check_event(name)]))
    except ValueError as error:
        raise click.UsageError(str(error)) from None


def _decode(recording: str, names: Names) -> None:
    name = "standard input" if recording == "-" else recording
    decoding = Decoding(names)
    with click.open_file(recording, "rb") as file:
        for line in decoding.lines(read(file, name)):
            click.echo(msgspec.json.encode(line).decode())
    counts = ", ".join(f"{number} {what}" for what, number in decoding.counts.items())
    click.echo(f"{name}: {counts or 'no messages'}", err=True)
    for subject, number in decoding.unknown:
        click.echo(f"{name}: unknown, {number} ×: {subject}", err=True)
    if not names.imports and any(_looks_imported(subject) for subject, _ in decoding.unknown):
        hint = "some look like imported JetStream events; give a rules file with nats.imports by --config"
        click.echo(f"{name}: {hint}", err=True)


def _looks_imported(subject: str) -> bool:
    return ".ADVISORY." in subject or ".METRIC." in subject
