"""`nats-alert-bridge run`"""

import asyncio
import os
import sys
from pathlib import Path

import click

from bridge import log
from bridge.app import App
from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.config import load


@click.command()
@click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
@click.option("--record", "recording", type=FILE, help="Write all that the rules are told to this file as well.")
def run(path: Path | None, recording: Path | None) -> None:
    """Run the service until SIGTERM. SIGHUP reads the rules anew."""
    path = path or default_file()
    loaded = load(path, os.environ)
    log.configure(loaded.config.log.format, loaded.config.log.level)
    sys.exit(asyncio.run(App(path, os.environ, loaded, recording).run()))
