"""`nats-alert-bridge test`"""

import os
import sys
from pathlib import Path

import click

from bridge.cli.place import FILE
from bridge.errors import ConfigError
from bridge.ruletest.report import make_console, report
from bridge.ruletest.suite import read_suite
from bridge.ruletest.trial import try_all


@click.command()
@click.argument("files", nargs=-1, required=True, type=FILE)
def test(files: tuple[Path, ...]) -> None:
    """Run tests of rules files.

    \b
    A test tells what happens, or plays a recording, and what must be
    firing, pending or resolved at which time, and who got how many messages.
    """
    console = make_console(sys.stdout)
    sound = True
    for path in files:
        try:
            suite = read_suite(path, os.environ)
        except ConfigError as error:
            click.echo(str(error), err=True)
            sound = False
            continue
        outcomes = try_all(suite)
        report(suite.file, outcomes, console)
        sound = sound and all(outcome.passed for outcome in outcomes)
    sys.exit(0 if sound else 1)
