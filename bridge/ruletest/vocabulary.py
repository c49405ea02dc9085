"""The names that tests of a rules file can use: its alerts, their labels and annotations, and its receivers."""

from collections.abc import Collection, Mapping

import msgspec

from bridge.config import Loaded
from bridge.events.accounts import Names
from bridge.rule import label_of
from bridge.setup import Setup


class Vocabulary(msgspec.Struct, frozen=True):
    """What one rules file speaks of."""

    names: Names
    labels: Mapping[str, frozenset[str]]
    """By the name of the alert, `alertname` left out."""
    annotations: Mapping[str, frozenset[str]]
    """The same; those of a message, so without `resolved`."""
    receivers: Collection[str]
    """Receivers, and the keys of their destinations."""


def vocabulary(loaded: Loaded, setup: Setup) -> Vocabulary:
    """The names in a configuration, of which `setup` are the rules that tests run."""
    labels: dict[str, set[str]] = {}
    annotations: dict[str, set[str]] = {}
    for placed in setup.rules:
        rule = placed.rule
        own = {*rule.labels, *map(label_of, rule.by), *setup.labels, *({"overflow"} if rule.counting else ())}
        labels.setdefault(rule.alert, set()).update(own)
        annotations.setdefault(rule.alert, set()).update(rule.templates.keys() - {"resolved"})
    return Vocabulary(
        names=setup.names,
        labels={alert: frozenset(names) for alert, names in labels.items()},
        annotations={alert: frozenset(names) for alert, names in annotations.items()},
        receivers=[*setup.routing.targets, *loaded.config.destinations],
    )
