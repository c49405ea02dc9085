"""The rules files that are measured. No rule but `Marker` fires while it is measured."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from benchmarks.payloads import MARKER

ASKING = 3

Rule = dict[str, Any]


def asking(limit: int) -> list[Rule]:
    """Three rules, each with an equality, that let every event through and count it; none is ever full."""
    ours = {"events": "client.disconnect", "type": "frequency", "within": "2h"}
    where = ["account.name = APP"]
    return [
        {"alert": "PerClient", "by": ["client.name"], "count": 5000, "limit": limit, "where": where, **ours},
        {"alert": "PerHost", "by": ["client.host"], "count": 100_000, "where": where, **ours},
        {
            "alert": "PerReason",
            "by": ["account.name", "reason"],
            "count": 1_000_000,
            "where": [*where, 'client.kind = "Client"', 'reason != "Server Shutdown"'],
            **ours,
        },
    ]


def rules(count: int, limit: int = 1000) -> list[Rule]:
    """So many: three that ask for every event, one that tells the markers, and the rest for other accounts."""
    told = {"alert": "Marker", "events": "client.disconnect", "where": [f"account.name = {MARKER}"]}
    return [
        *asking(limit),
        {**told, "by": ["client.name"]},
        *(
            {
                "alert": f"Other{number}",
                "events": "client.disconnect",
                "where": [f"account.name = tenant-{number}"],
                "type": "frequency",
                "count": 5,
                "within": "1m",
                "by": ["client.name"],
            }
            for number in range(count - ASKING - 1)
        ),
    ]


def write(directory: Path, rules: Sequence[Rule], hook: str, nats: str = "", log: str = "info") -> Path:
    """A rules file, whose every alert is told at once and by itself to `hook`."""
    configuration: Mapping[str, object] = {
        "nats": {"servers": [nats or "nats://127.0.0.1:4222"], "user": "bridge", "password": "bench"},
        "storage": {"path": str(directory / "state.db")},
        "log": {"format": "logfmt", "level": log},
        "receivers": [{"name": "sink", "webhook_configs": [{"url": hook}]}],
        "route": {"receiver": "sink", "group_by": ["..."], "group_wait": "0", "group_interval": "1s"},
        "rules": list(rules),
    }
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump(configuration))
    return path
