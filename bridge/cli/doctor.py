"""`nats-alert-bridge doctor`"""

import asyncio
import os
import sys
from pathlib import Path

import click

from bridge import doctor as diagnosis
from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.config import rehearse
from bridge.doctor.needs import Needs
from bridge.text import one_line


@click.command()
@click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
@click.option(
    "--permissions",
    is_flag=True,
    help="Print the least permissions that the rules need: no secret need exist yet.",
)
def doctor(path: Path | None, permissions: bool) -> None:
    """Try all that the bridge depends on, and say what is wrong and what to do.

    A line for each check: the rules files, the NATS servers, login, account, permissions, imports, versions, whether
    events come, the database, and whether the receivers can be reached. Nothing is changed and no message is sent; the
    bridge may run meanwhile. Exit code 1 if anything failed.
    """
    path = path or default_file()
    if permissions:
        click.echo(diagnosis.permissions(Needs(rehearse(path, os.environ))), nl=False)
    elif not asyncio.run(_examine(path)):
        sys.exit(1)


async def _examine(path: Path) -> bool:
    """Print all findings. Returns whether none is a failure."""
    fine = True
    async for finding in diagnosis.examine(path, os.environ):
        click.echo(one_line(str(finding)))
        fine = fine and finding.level != "FAILED"
    return fine
