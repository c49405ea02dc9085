"""`nats-alert-bridge run`"""

import asyncio
import os
from pathlib import Path

import click

from bridge import config
from bridge.app import App
from bridge.cli.log import configure
from bridge.cli.place import FILE, default_file


@click.command()
@click.option("--config", "path", type=FILE, help="The rules file.  [default: $NATS_ALERT_BRIDGE_CONFIG, else /etc/…]")
def run(path: Path | None) -> None:
    """Run the service until SIGTERM. SIGHUP reads the rules anew."""
    path = path or default_file()
    loaded = config.load(path, os.environ)
    configure(loaded.config.log.format, loaded.config.log.level)
    asyncio.run(App(path, os.environ).run())
