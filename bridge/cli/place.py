"""Where the rules file is, if nobody says so."""

import os
from pathlib import Path

import click

VARIABLE = "NATS_ALERT_BRIDGE_CONFIG"
DEFAULT = Path("/etc/nats-alert-bridge/rules.yaml")

FILE = click.Path(path_type=Path)


def default_file() -> Path:
    """$NATS_ALERT_BRIDGE_CONFIG, else the place for services."""
    return Path(os.environ.get(VARIABLE) or DEFAULT)
