"""The program and its commands."""

import sys

import click

from bridge import __version__
from bridge.cli.check import check
from bridge.cli.demo import demo
from bridge.cli.run import run
from bridge.errors import BridgeError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nats-alert-bridge", message="%(prog)s %(version)s")
def program() -> None:
    """Tells people what a NATS system says about itself: rules in YAML, alerts in Slack and by webhook.

    Exit codes: 0 fine, 1 the configuration or the job failed, 2 wrong usage.
    """


for command in (run, check, demo):
    program.add_command(command)


def run_program() -> None:
    """An error of ours is one line (or one for each problem), without a traceback."""
    try:
        program(prog_name="nats-alert-bridge")
    except BridgeError as error:
        click.echo(str(error), err=True)
        sys.exit(1)
