"""Strangers choose names: ten million distinct ones, under a rule of each type that can group by them."""

import json
import time
from collections import Counter
from pathlib import Path

from benchmarks.figure import MB, Figure, Scale
from benchmarks.lane import sink, whole
from benchmarks.process import Process
from benchmarks.rules import MARKER_RULE, Rule, Wanted
from bridge.rules import RULE_TYPES

COMES = {"events": "client.connect"}
GOES = {"events": "client.disconnect"}
BY_NAME = {**GOES, "by": ["client.name"], "where": ["account.name = APP"]}

RULES: dict[str, Rule] = {
    "any": {**BY_NAME, "keep_firing_for": "1d"},
    "frequency": {**BY_NAME, "count": 20, "within": "1d"},
    "increase": {**BY_NAME, "field": "sent.msgs", "within": "1d"},
    "threshold": {**BY_NAME, "field": "client.rtt", "above": "1h"},
    "flatline": {**BY_NAME, "within": "1d"},
    "state": {**BY_NAME, "matching": ["reason = None"]},
    "aggregate": {**BY_NAME, "field": "sent.msgs", "fn": "max", "above": -1, "at_least": 10, "within": "1d"},
    "change": {**BY_NAME, "field": "reason", "keep_firing_for": "1d"},
    "new_value": {**GOES, "where": ["account.name = APP"], "fields": ["client.name"], "learn_for": "1d"},
    "cardinality": {**BY_NAME, "field": "client.host", "above": 100, "within": "1d"},
    "spike": {**BY_NAME, "factor": 1000, "within": "1d"},
    "ratio": {**BY_NAME, "matching": ["reason = Client Closed"], "above": "10%", "at_least": 10, "within": "1d"},
    "not_followed_by": {**BY_NAME, "then": COMES, "match": ["client.name"], "within": "1d"},
}
"""Of every type one, so that each name would be a combination, a series or a value of its own."""

FIRING = [name for name in ("any", "frequency", "aggregate", "cardinality", "ratio") if name in RULE_TYPES]
"""Those whose condition holds for what is past the limit, taken together."""


QUIET = 1.0
"""Seconds without a message after which all have been told."""


def names(binary: Path, scale: Scale) -> list[Figure]:
    """Memory at its highest, and the alerts that stand for what was too much: one of each rule that counts."""
    made: list[Rule] = [MARKER_RULE]
    made += [{"alert": f"Flood-{name}", "type": name, **RULES[name]} for name in RULE_TYPES]
    with sink() as (receiver, hook), whole(binary, Wanted(made, hook, "alertname")) as lane:
        began = time.monotonic()
        lane.fill(scale.names, scale.names, "all-named")
        rate = scale.names / (time.monotonic() - began)
        peak = lane.process.peak
        _rest(receiver)
        full = Counter(_overflows(receiver))
    what = f"{scale.names} distinct client names under a rule of each of {len(RULE_TYPES)} types"
    return [
        Figure(
            what=f"{what}: most memory",
            measured=peak / MB,
            unit="MB",
            target=300,
            detail=f"greatest resident set (VmHWM) of the whole bridge; default limits; {rate:.0f} events/s",
        ),
        Figure(
            what="the same: rules with one overflow alert",
            measured=sum(full[f"Flood-{name}"] == 1 for name in FIRING),
            target=len(FIRING),
            at_least=True,
            detail=f"of {', '.join(FIRING)}; all overflow alerts: "
            + ", ".join(f"{times} × {name}" for name, times in sorted(full.items())),
        ),
    ]


def _rest(receiver: Process) -> None:
    """Until nothing more is told."""
    before = -1
    while len(receiver.lines) > before:
        before = len(receiver.lines)
        time.sleep(QUIET)


def _overflows(receiver: Process) -> list[str]:
    """The names of the alerts that stood for what was past a limit, each of them once."""
    told = (alert for line in receiver.lines[1:] for alert in json.loads(line)["alerts"])
    fired = {alert["id"]: alert["labels"] for alert in told}
    return [labels["alertname"] for labels in fired.values() if "overflow" in labels]
