"""The program and its commands."""

import sys
import traceback
from collections.abc import Iterator

import click

from bridge import __version__
from bridge.cli.alerts import alerts
from bridge.cli.check import check
from bridge.cli.demo import demo
from bridge.cli.doctor import doctor
from bridge.cli.events import events
from bridge.cli.forget import forget
from bridge.cli.history import history
from bridge.cli.outbox import outbox
from bridge.cli.record import record
from bridge.cli.replay import replay
from bridge.cli.routes import routes
from bridge.cli.run import run
from bridge.cli.send_test import send_test
from bridge.cli.servers import servers
from bridge.cli.silence import silence
from bridge.cli.test import test
from bridge.errors import BridgeError


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="nats-alert-bridge", message="%(prog)s %(version)s")
def program() -> None:
    """Tells people what a NATS system says about itself: rules in YAML, alerts in Slack and by webhook.

    Exit codes: 0 fine, 1 the configuration or the job failed, 2 wrong usage.
    """


for command in (
    run,
    check,
    doctor,
    test,
    replay,
    record,
    routes,
    send_test,
    servers,
    events,
    demo,
    alerts,
    history,
    silence,
    outbox,
    forget,
):
    program.add_command(command)


def run_program() -> None:
    """Run what the command line says. What fails is said on standard error, and the exit code is 1."""
    try:
        program(prog_name="nats-alert-bridge")
    except Exception as error:  # noqa: BLE001 - the top of the program: whatever it is ends it, and is said
        click.echo(last_words(error), err=True)
        sys.exit(1)


def last_words(error: Exception) -> str:
    """An error of ours is one line, or one for each problem; all else is a bug, and its traceback follows."""
    leaves = list(_leaves(error))
    ours = [str(leaf) for leaf in leaves if isinstance(leaf, BridgeError)]
    bugs = [leaf for leaf in leaves if not isinstance(leaf, BridgeError)]
    return "\n".join([*dict.fromkeys(ours), *map(_bug, bugs[:1])])


def _leaves(error: BaseException) -> Iterator[BaseException]:
    """The errors in a group, however deep: tasks that fail together raise one."""
    if isinstance(error, BaseExceptionGroup):
        for inner in error.exceptions:
            yield from _leaves(inner)
    else:
        yield error


def _bug(error: BaseException) -> str:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    trace = "".join(traceback.format_exception(error)).rstrip()
    return f"this is a bug of nats-alert-bridge {__version__}: {what}; please report it with the lines below\n{trace}"
