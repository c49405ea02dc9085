"""The rules files that are measured. No rule but `Marker` fires while it is measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from benchmarks.payloads import MARKER

ASKING = 3

Rule = dict[str, Any]


MARKER_RULE: Rule = {
    "alert": "Marker",
    "events": "client.disconnect",
    "where": [f"account.name = {MARKER}"],
    "by": ["client.name"],
}
"""Tells each of the few clients that mark a place in the storm."""


def rules(count: int, limit: int = 1000) -> list[Rule]:
    """So many: three that ask for every event, one for the markers, and the rest for other accounts."""
    return [*_asking(limit), MARKER_RULE, *(_other(number) for number in range(count - ASKING - 1))]


def _asking(limit: int) -> list[Rule]:
    """Each has an equality, lets every event through and counts it; none is ever full, and none fires."""
    ours = {"events": "client.disconnect", "type": "frequency", "within": "2h", "count": 100_000}
    where = ["account.name = APP"]
    return [
        {"alert": "PerClient", "by": ["client.name"], "limit": limit, "where": where, **ours},
        {"alert": "PerHost", "by": ["client.host"], "where": where, **ours},
        {
            "alert": "PerReason",
            "by": ["client.host", "reason"],
            "limit": 10_000,
            "where": [*where, 'client.kind = "Client"', 'reason != "Server Shutdown"'],
            **ours,
        },
    ]


def _other(number: int) -> Rule:
    return {
        "alert": f"Other{number}",
        "events": "client.disconnect",
        "where": [f"account.name = tenant-{number}"],
        "type": "frequency",
        "count": 5,
        "within": "1m",
        "by": ["client.name"],
    }


class Wanted(NamedTuple):
    """What a rules file is to say. Every alert is told at once, to `hook`."""

    rules: Sequence[Rule]
    hook: str = "http://127.0.0.1:9/"
    group_by: str = "..."
    level: str = "info"
    """Of the log."""


def write(directory: Path, wanted: Wanted, nats: str = "nats://127.0.0.1:4222") -> Path:
    """A rules file in this directory, with the database beside it."""
    configuration: Mapping[str, object] = {
        "nats": {"servers": [nats], "user": "bridge", "password": "bench"},
        "storage": {"path": str(directory / "state.db")},
        "log": {"format": "logfmt", "level": wanted.level},
        "receivers": [{"name": "sink", "webhook_configs": [{"url": wanted.hook}]}],
        "route": {"receiver": "sink", "group_by": [wanted.group_by], "group_wait": "0", "group_interval": "1s"},
        "rules": list(wanted.rules),
    }
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return path
