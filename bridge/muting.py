"""Why an alert is not told now, though it changed: a silence, another alert, or the time."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from bridge.alert import Alert
from bridge.commit import Muted
from bridge.group import Group
from bridge.inhibit import Inhibition, InhibitRule
from bridge.label_matchers import Labels
from bridge.route import Node, Tree
from bridge.silence import Silence, Silences
from bridge.text import one_line
from bridge.time_interval import TimeIntervals


class Mutes(msgspec.Struct, frozen=True):
    """What the rules file says about who is not to be told."""

    inhibit_rules: Sequence[InhibitRule] = ()
    time_intervals: Mapping[str, TimeIntervals] = {}
    """By name."""
    silences: Sequence[Silence] = ()
    """Declared ones."""


class Muting:
    """Silences, inhibition and time intervals at work. Alerts about the bridge itself are muted by silences only."""

    def __init__(self) -> None:
        self.silences = Silences()
        self.firing: dict[str, Labels] = {}
        """Identity → labels, of all alerts that fire."""
        self._inhibition = Inhibition(())
        self._intervals: Mapping[str, TimeIntervals] = {}

    def configure(self, mutes: Mutes, at: int) -> None:
        """The rules file was read."""
        self.silences.declare(mutes.silences, mutes.time_intervals, at)
        self._intervals = mutes.time_intervals
        self._inhibition = Inhibition(mutes.inhibit_rules)
        for identity, labels in self.firing.items():
            self._inhibition.begun(identity, labels)

    def begun(self, identity: str, labels: Labels) -> None:
        """It fires."""
        self.firing[identity] = labels
        self._inhibition.begun(identity, labels)

    def ended(self, identity: str, labels: Labels, at: int) -> None:
        if self.firing.pop(identity, None) is not None:
            self._inhibition.ended(identity, labels)
        self.silences.resolved(labels, self.firing.values(), at)

    def forget_firing(self) -> None:
        """All alerts are looked up anew."""
        for identity, labels in self.firing.items():
            self._inhibition.ended(identity, labels)
        self.firing.clear()

    def look(self, group: Group, node: Node, labels_of: Callable[[str], Labels], at: int) -> list[Muted]:
        """What of a group is muted now, by silences, by other alerts or for its route's time. Returns what is so anew.

        `labels_of`: of an alert that fires, by its identity.
        """
        before, group.muted = group.muted, {}
        if self.idle and not node.mute and not node.active:
            return []
        why = "" if group.own else self.of_time(node.mute, node.active, at)
        seen = {name: (alert, labels_of(name)) for name, alert in group.firing.items()}
        for change in group.changes:
            seen.setdefault(change.identity, (change.alert, change.facts.labels))
        anew = []
        for name, (alert, labels) in seen.items():
            if reason := why or self.of_alert(labels, group.own, at):
                group.muted[name] = reason
                if before.get(name) != reason:
                    anew.append(Muted(at, alert, dict(labels), group.id, group.receiver, reason))
        return anew

    def why(self, labels: Labels, node: Node, own: bool, at: int) -> str:
        """Why an alert is muted on a route, "" if it is not."""
        of_time = "" if own else self.of_time(node.mute, node.active, at)
        return of_time or self.of_alert(labels, own, at)

    def places(self, alert: Alert, tree: Tree, at: int) -> dict[str, str]:
        """Why an alert is muted, by the ids of the groups of a tree of routes that it is muted in."""
        whys = {
            place.id: self.why(alert.labels, tree.nodes[place.route], alert.own, at)
            for place in tree.places(alert.labels, alert.own)
        }
        return {id: why for id, why in whys.items() if why}

    def of_alert(self, labels: Labels, own: bool, at: int) -> str:
        """Why an alert is muted, "" if it is not. `own`: it is about the bridge itself."""
        if silence := self.silences.muting(labels, at):
            comment = f" ({one_line(silence.comment)})" if silence.comment else ""
            return f"silence {silence.id}{comment}"
        if not own and (source := self._inhibition.source(labels)) is not None:
            return f"inhibited by {_shown(source)}"
        return ""

    def of_time(self, mute: Iterable[str], active: Sequence[str], at: int) -> str:
        """Why a route tells nobody now: names of time intervals in which it is mute, and in which it is active."""
        for name in mute:
            if self._intervals[name].contains(at):
                return f"mute time interval {name}"
        if active and not any(self._intervals[name].contains(at) for name in active):
            return f"outside of the time intervals {', '.join(active)}"
        return ""

    def possible_sources(self, labels: Labels) -> Iterable[str]:
        """Alerts that would mute one with these labels, if they fired."""
        return self._inhibition.possible_sources(labels)

    @property
    def idle(self) -> bool:
        """There is neither a silence nor inhibition."""
        return not self.silences.known and self._inhibition.idle

    def meant(self, id: str) -> list[Labels]:
        """The alerts that fire and that a silence means, whatever the time is."""
        return [labels for labels in self.firing.values() if self.silences.matches(id, labels)]


def _shown(labels: Labels) -> str:
    own = ", ".join(f'{name}="{text}"' for name, text in sorted(labels.items()) if name != "alertname")
    return labels.get("alertname", "") + (f"{{{own}}}" if own else "")
