"""`nats-alert-bridge replay`"""

import gc
import os
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import click

from bridge.cli.bar import Bar
from bridge.cli.lines import Show, json_line, text
from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.comparison import Difference, compare
from bridge.config import rehearse
from bridge.configuration import setup
from bridge.inputs import Input
from bridge.recording import read
from bridge.replay import Playback, Sent, Transition
from bridge.setup import Setup

FORMATS: dict[str, Show] = {"text": text, "json": json_line}


@click.command()
@click.argument("recording", type=click.Path(exists=True, dir_okay=False, allow_dash=True), metavar="FILE|-")
@click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
@click.option(
    "--format", "form", type=click.Choice(list(FORMATS)), default="text", show_default=True, help="How lines look."
)
@click.option("--against", "other", type=FILE, help="Another rules file: print only what differs.")
def replay(recording: str, path: Path | None, form: str, other: Path | None) -> None:
    """Run the rules over a recording, at its own times, and print every change of an alert and every message.

    Nothing is sent, and no secret that the rules file names need exist. After the end of the recording what still has
    to be told is told; no alert changes any more, for what was not heard is not known.

    With --against, a line that only the rules of --config lead to begins with "-", and one that only the other rules
    lead to with "+" (in JSON: "only"). No line: no difference.
    """
    path = path or default_file()
    setups = [setup(rehearse(each, os.environ)) for each in ([path, other] if other else [path])]
    # The rules stay as long as the program does: the collector need not look at them again and again.
    gc.freeze()
    show, printed = FORMATS[form], 0
    name = "standard input" if recording == "-" else recording
    with click.open_file(recording, "rb") as file, Bar(file) as bar:
        for happened in _play(read(bar.follow(file), name), setups):
            if (line := show(happened)) is not None:
                printed += 1
                bar.print(line)
    click.echo(f"{name}: {bar.lines} lines, {printed} {'differences' if other else 'changes and messages'}", err=True)


def _play(inputs: Iterator[Input], setups: list[Setup]) -> Iterator[Transition | Sent | Difference]:
    first = next(inputs, None)
    if first is None:
        return
    every = chain((first,), inputs)
    playbacks = [Playback(each, first.at) for each in setups]
    match playbacks:
        case [one]:
            yield from one.play(every)
            yield from one.end()
        case [one, other]:
            yield from compare(every, one, other)
