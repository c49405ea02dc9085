"""`nats-alert-bridge check`"""

import os
import sys
from pathlib import Path

import click

from bridge import config
from bridge.cli.place import FILE, default_file


@click.command()
@click.argument("files", nargs=-1, type=FILE)
@click.option("--config", "path", type=FILE, help="The rules file, as other commands take it.")
def check(files: tuple[Path, ...], path: Path | None) -> None:
    """Say all that is wrong with rules files, and with those that they name.

    \b
    Without FILES and --config: $NATS_ALERT_BRIDGE_CONFIG,
    else /etc/nats-alert-bridge/rules.yaml
    """
    if files and path:
        raise click.UsageError("FILES and --config do not go together; leave one out")
    paths = files or (path or default_file(),)
    problems = config.check(paths, os.environ)
    for problem in problems:
        click.echo(str(problem), err=True)
    errors = sum(1 for problem in problems if problem.severity == "error")
    if errors:
        sys.exit(1)
    click.echo(f"{', '.join(str(path) for path in paths)}: ok")
