"""Fallbacks: while a destination is out, those of its receiver's fallback stand in for it, group by group.

A stand-in has a cursor of its own, which begins with what the destination knew: so it is told what the destination was
not. Once that takes messages again, the stand-in hears of the ends of what it was told, and of nothing else.
"""

from collections.abc import Iterator, Mapping, Sequence

import msgspec

from bridge.alert import digest
from bridge.cursor import Cursor
from bridge.group import Group
from bridge.health import Health
from bridge.notification import AlertView, Notification


class Target(msgspec.Struct, frozen=True):
    """A destination of a receiver, as far as the core needs to know it."""

    key: str
    send_resolved: bool = True
    memory_for: int = 0
    """What the receiver remembered about a group is kept this long after the group's end, in microseconds."""
    digest: bool = False
    """People read it: what waits is told in one message once it is too much."""


class StandIns:
    """Who stands in for whom. `targets`: by receiver. `fallbacks`: receiver → receiver; there are no cycles."""

    def __init__(self, targets: Mapping[str, tuple[Target, ...]], fallbacks: Mapping[str, str], health: Health) -> None:
        self._health = health
        self._targets = targets
        self._by_key = {target.key: target for each in targets.values() for target in each}
        receivers = {target.key: receiver for receiver, each in targets.items() for target in each}
        self._fallback = {
            key: targets.get(fallbacks[receiver], ()) for key, receiver in receivers.items() if receiver in fallbacks
        }
        self._receivers = receivers
        self._principals: dict[str, list[str]] = {}
        """Destination → those for which it may have to stand in."""
        for key, others in self._fallback.items():
            for other in others:
                self._principals.setdefault(other.key, []).append(key)

    def keys(self) -> set[str]:
        """Of all destinations."""
        return set(self._by_key)

    def receiver(self, key: str) -> str:
        return self._receivers[key]

    def target(self, key: str) -> Target | None:
        """None: it is gone."""
        return self._by_key.get(key)

    def tells_people(self, key: str) -> bool:
        """Its messages are read, and no program knows them by their ids."""
        target = self._by_key.get(key)
        return target is not None and target.digest

    def of(self, key: str) -> tuple[Target, ...]:
        """The destinations of its fallback."""
        return self._fallback.get(key, ())

    def well(self, key: str) -> Iterator[Target]:
        """Those of its fallback; in place of one that is out, those of its fallback in turn, if it has one."""
        for target in self.of(key):
            if self._health.is_out(target.key) and self.of(target.key):
                yield from self.well(target.key)
            else:
                yield target

    def targets(self, group: Group) -> tuple[Target, ...]:
        """All that are told of a group: those of its receiver, and who stands in for some of them."""
        others = (self._by_key[key] for key in group.standins if key in self._by_key)
        return (*self._targets.get(group.receiver, ()), *others)

    def target_of(self, group: Group, key: str) -> Target | None:
        """None: it is not told of this group."""
        return next((target for target in self.targets(group) if target.key == key), None)

    def memory_for(self, group: Group) -> int:
        """How long what the group's receivers remember is worth keeping."""
        return max((target.memory_for for target in self.targets(group) if group.cursor(target.key).memory), default=0)

    def appoint(self, group: Group, key: str) -> list[Target]:
        """Let others stand in for a destination of a group, if it is out. Returns all who do."""
        return list(self._appoint(group, key)) if self._health.is_out(key) else []

    def bequeath(self, group: Group, key: str, lost: Sequence[str]) -> list[Target]:
        """A destination will never take what it was to be told of these alerts, be it out or not: others are owed it.

        Returns those who are.
        """
        heirs = list(self._appoint(group, key)) if lost else []
        for heir in heirs:
            group.owe(heir.key, lost)
        return [heir for heir in heirs if group.cursor(heir.key).owed]

    def ends_only(self, group: Group, key: str) -> bool:
        """Those it stood in for are well again: the ends of what it was told are all that it is told, but for debts."""
        return key in group.standins and not self._is_needed(group, key)

    def _is_needed(self, group: Group, key: str) -> bool:
        own = self._targets.get(group.receiver, ())
        return any(
            self._health.is_out(each)
            and (any(each == target.key for target in own) or (each in group.standins and self._is_needed(group, each)))
            for each in self._principals.get(key, ())
        )

    def dismiss(self, group: Group) -> None:
        """Those that are gone, and those not needed any more that have been told the ends of all that they were told.

        What others wait to be told, they may be needed for again; it must not be told to them twice then.
        """
        for key in [*group.standins]:
            cursor = group.cursors.get(key)
            if key not in self._by_key or cursor is None:
                del group.standins[key]
                group.cursors.pop(key, None)
            elif self.ends_only(group, key) and not (
                cursor.row or cursor.owed or cursor.heard or (cursor.told and cursor.last)
            ):
                del group.standins[key], group.cursors[key]
        for removed in group.cursors.keys() - {target.key for target in self.targets(group)}:
            del group.cursors[removed]

    def _appoint(self, group: Group, key: str) -> Iterator[Target]:
        for target in self.of(key):
            if self._engage(group, target, key):
                yield target
            if self._health.is_out(target.key):
                yield from self._appoint(group, target.key)

    def _engage(self, group: Group, target: Target, key: str) -> bool:
        """Whether it stands in for a destination; it begins with what that knew."""
        if any(target.key == own.key for own in self._targets.get(group.receiver, ())):
            return False  # It is told of the group anyway.
        known = group.cursor(key)
        if target.key in group.standins:
            group.owe(target.key, known.owed)
        else:
            told = {name: each for name, each in known.told.items() if each.arrived}
            heir = Cursor(known.upto, told, held=list(known.held), owed=set(known.owed))
            group.cursors[target.key] = heir
        group.standins[target.key] = key
        return True


def hand_over(
    notification: Notification, alerts: Sequence[AlertView], row: str, receiver: str, target: Target
) -> Notification:
    """The message of a row to somebody else, with some of its alerts."""
    states = {alert.state for alert in alerts}
    return msgspec.structs.replace(
        notification,
        id=digest(target.key, row),
        receiver=receiver,
        destination=target.key,
        status="firing" if "firing" in states else "event" if "event" in states else "resolved",
        alerts=[*alerts],
        instead_of=notification.instead_of or notification.destination,
    )
