"""Where the rules file is, if nobody says so."""

import contextlib
import os
from pathlib import Path

import click

from bridge.errors import ConfigError, Problem

VARIABLE = "NATS_ALERT_BRIDGE_CONFIG"
DEFAULT = Path("/etc/nats-alert-bridge/rules.yaml")

FILE = click.Path(path_type=Path)


def default_file() -> Path:
    """$NATS_ALERT_BRIDGE_CONFIG, else the place for services. Raises ConfigError if nobody has put one there."""
    if named := os.environ.get(VARIABLE):
        return Path(named)
    with contextlib.suppress(PermissionError):
        if not DEFAULT.exists():
            what = f"there is no such file; name the rules file on the command line, or by ${VARIABLE}"
            raise ConfigError([Problem(str(DEFAULT), 0, 0, what)])
    return DEFAULT
