"""`nats-alert-bridge record`"""

import asyncio
import os
from pathlib import Path

import click

from bridge import log
from bridge.capture import Capture
from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.cli.span import span
from bridge.clock import SystemClock
from bridge.config import Loaded, load
from bridge.configuration import polls, settings, setup
from bridge.engine import Engine
from bridge.errors import RecordingError
from bridge.events import EVENT_TYPES
from bridge.events.families import subscriptions
from bridge.recorder import Recorder
from bridge.subject import overlap
from bridge.values import SECOND

REQUESTS = "$SYS.REQ.>"
"""Some of them hold credentials, and to those who ask, whoever listens seems to be somebody who answers."""


@click.command()
@click.option("--out", type=FILE, required=True, help="The recording; a file that is there is not touched.")
@click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
@click.option("--subject", "subjects", multiple=True, help="Only this subject or pattern; more than one may be given.")
@click.option("--for", "duration", callback=span, metavar="DURATION", help="End after so long, such as 30s or 2h.")
def record(out: Path, path: Path | None, subjects: tuple[str, ...], duration: int | None) -> None:
    """Write down what NATS says, for replay and tests, until SIGTERM, Ctrl-C or --for.

    Connects as `run` does, listens to every event that the bridge knows and to the subjects of the rules, and asks
    servers for what the rules want of them; with --subject it only listens, and to nothing else.
    Credentials do not get into the file, and text that strangers chose is cleaned.
    """
    for subject in subjects:
        _check(subject)
    path = path or default_file()
    loaded = load(path, os.environ)
    log.configure(loaded.config.log.format, loaded.config.log.level)
    recorded = asyncio.run(_record(loaded, path, out, subjects, duration))
    if recorded is None:
        out.unlink()  # it is ours, and empty: the next try may have its name
        raise RecordingError(str(out), 0, "NATS was not heard, so nothing was recorded; `doctor` says why")
    click.echo(f"{out}: {recorded} events")


async def _record(loaded: Loaded, path: Path, out: Path, only: tuple[str, ...], duration: int | None) -> int | None:
    """Returns the number of events; None if NATS was never heard."""
    recorder = Recorder(out, setup(loaded).names, append=False)
    engine = Engine(setup(loaded), SystemClock().now())
    known = _known(loaded.config.nats.imports)
    capture = Capture(recorder, SystemClock(), () if only else known - engine.subjects)
    wants = frozenset() if only else engine.polls
    seconds = None if duration is None else duration / SECOND
    subjects = only or sorted(known | {rule.rule.subject for rule in loaded.rules if rule.rule.subject})
    await capture.run(settings(loaded, path), subjects, polls(loaded, wants), seconds)
    return recorder.events if capture.heard else recorder.events or None


def _known(imports: str) -> frozenset[str]:
    return subscriptions((kind.name for kind in EVENT_TYPES.values() if not kind.responder), imports)


def _check(subject: str) -> None:
    tokens = subject.split(".")
    if subject.split() != [subject] or "" in tokens or ">" in tokens[:-1]:
        raise click.UsageError(
            f"--subject {subject!r} is no subject; write names joined by dots, '*', or '>' at the end"
        )
    if overlap(subject, REQUESTS):
        raise click.UsageError(f"--subject {subject!r} takes in {REQUESTS}, which is not recorded; name less")
