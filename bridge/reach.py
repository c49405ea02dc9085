"""Whom an alert with certain labels reaches at an instant, and what keeps it from that: for people who edit routes."""

from collections.abc import Iterable, Mapping

import msgspec

from bridge.alert import identity
from bridge.builtin import builtin_rules
from bridge.muting import Muting
from bridge.route import Backoff, Tree
from bridge.routing import Routing

Labels = Mapping[str, str]


class Reach(msgspec.Struct, frozen=True):
    """One route that takes the alert. Spans in microseconds."""

    receiver: str
    route: str
    """The matchers from the first route down."""
    group_key: str
    group_labels: dict[str, str]
    group_wait: int
    group_interval: int
    repeat_interval: int
    repeat_backoff: Backoff | None
    muted: str
    """Why nobody is told then; empty if somebody is."""
    could_be_muted: tuple[str, ...]
    """Inhibition that would mute it while such alerts fire."""


def reach(routing: Routing, labels: Labels, at: int, firing: Iterable[Labels] = ()) -> list[Reach]:
    """In the order of the routes. `firing`: the other alerts that fire then."""
    own = any(labels.get("alertname") == rule.alert for rule in builtin_rules(()))
    muting = Muting()
    for other in firing:
        muting.begun(identity(other), other)
    muting.configure(routing.mutes, at)
    why = muting.of_alert(labels, own, at)
    possible = () if own or why else tuple(muting.possible_sources(labels))
    found = []
    for node in Tree(routing.route).root.match(labels):
        place = node.place(labels, own)
        found.append(
            Reach(
                receiver=node.receiver,
                route=node.key,
                group_key=place.key,
                group_labels=place.labels,
                group_wait=place.wait,
                group_interval=node.group_interval,
                repeat_interval=node.repeat_interval,
                repeat_backoff=node.repeat_backoff,
                muted=("" if own else muting.of_time(node.mute, node.active, at)) or why,
                could_be_muted=possible,
            )
        )
    return found
