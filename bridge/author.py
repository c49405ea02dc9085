"""What a message says: a group's content, as one destination is told it."""

from collections.abc import Callable

import msgspec

from bridge.alert import Facts
from bridge.cursor import Content
from bridge.group import Group
from bridge.notification import AlertView, Notification, State


class Living(msgspec.Struct, frozen=True):
    """How the outbox sees alerts: those of now by identity, and how one of them is shown."""

    facts: Callable[[str], Facts]
    """Identity → what a firing alert is like now."""
    view: Callable[[Facts, State, str, int], AlertView]


class Author:
    """Writes notifications."""

    def __init__(self, living: Living, external_url: str) -> None:
        self._living = living
        self._external_url = external_url

    def write(self, id: str, group: Group, destination: str, receiver: str, content: Content, at: int) -> Notification:
        """A message whose content has a reason. `receiver`: who is told, be it instead of the group's own."""
        assert content.reason is not None
        firing = [self._firing(name, group.firing[name], at) for name in content.firing]
        ended = [
            self._living.view(change.facts, change.state, change.alert, at)
            for change in (*content.events, *content.resolved)
        ]
        return Notification(
            id=id,
            status="firing" if firing else "event" if content.events else "resolved",
            reason=content.reason,
            receiver=receiver,
            destination=destination,
            instead_of=group.standins.get(destination, ""),
            group_key=group.key,
            group_labels=group.labels,
            alerts=sorted(firing, key=lambda alert: alert.starts_at) + ended,
            reminder=group.cursor(destination).reminders + 1 if content.reason == "reminder" else 0,
            created_at=at,
            external_url=self._external_url,
        )

    def standing(self, group: Group, destination: str, at: int) -> list[AlertView]:
        """What fires and a destination was told of, as it is now."""
        told = group.cursors[destination].told if destination in group.cursors else {}
        return [
            self._firing(name, each.alert, at)
            for name, each in told.items()
            if each.arrived and group.firing.get(name) == each.alert
        ]

    def _firing(self, name: str, alert: str, at: int) -> AlertView:
        return self._living.view(self._living.facts(name), "firing", alert, at)
