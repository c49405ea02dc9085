"""A group of alerts that are told together, and up to where each destination has been told."""

from bisect import bisect_left
from collections.abc import Callable, Iterable

import msgspec

from bridge.alert import copied, identity
from bridge.cursor import Before, Change, Content, Cursor, Reason, Told
from bridge.notification import OWN_GROUP, Notification
from bridge.route import Node
from bridge.values import NEVER

CHANGES_MAX = 10_000
"""Changes of a group that wait for the slowest of its destinations; beyond that the oldest are only in the history."""


class Group(msgspec.Struct):
    """Its alerts that fire (identity → id of the episode), the changes that not all were told of, its next tick."""

    id: str
    key: str
    labels: dict[str, str]
    receiver: str
    route: str
    """Id of its node in the tree."""
    due: int
    """The next tick at which there can be something to tell; NEVER if only a change can bring that."""
    ticked: int = 0
    """The latest tick, from which the next ones are counted; 0: there was none."""
    firing: dict[str, str] = {}
    changes: list[Change] = []
    cursors: dict[str, Cursor] = {}

    muted: dict[str, str] = {}
    """Identity → why it was not told at the latest tick, though it fires or has changed."""
    standins: dict[str, str] = {}
    """Destinations of a fallback → whom they stand in for here."""

    @property
    def own(self) -> bool:
        """Its alerts are about the bridge itself."""
        return self.key.startswith(OWN_GROUP)

    def content(self, destination: str, send_resolved: bool, remind: Callable[[Cursor], bool]) -> Content:
        """What `destination` should be told now; without a reason: nothing. `remind`: it is time for a reminder."""
        cursor = self.cursor(destination)
        changes = [change for change in self.changes if self._concerns(change, destination, cursor)]
        firing = [name for name in self.firing if name not in self.muted]
        fresh = any(not _is_known(cursor.told.get(name), self.firing[name]) for name in firing)
        ended = self._resolved(changes, cursor) if send_resolved else []
        resolved = [change for change in ended if change.identity not in self.muted]
        held = [change.n for change in ended if change.identity in self.muted and change.identity in cursor.told]
        events = [each for each in changes if each.state == "event" and each.identity not in self.muted]
        reason: Reason | None = None
        if fresh or events:
            reason = "new alerts" if cursor.last else "first"
        elif resolved:
            reason = "resolved" if cursor.last else "first"
        elif firing and cursor.last and remind(cursor):
            reason = "reminder"
        heard = [*(self.firing[name] for name in firing), *(each.alert for each in (*events, *resolved))]
        return Content(reason, firing, _merge(events), resolved, held, self._owed_and_muted(cursor), heard)

    def ends(self, destination: str, send_resolved: bool) -> Content:
        """The same for one that is to hear of nothing but the ends of what it was told, and of what it is owed."""
        cursor = self.cursor(destination)
        changes = [change for change in self.changes if self._concerns(change, destination, cursor)]
        owed = [name for name, alert in self.firing.items() if alert in cursor.owed and name not in self.muted]
        events = [each for each in changes if each.state == "event" and each.alert in cursor.owed]
        mine = [
            change
            for change in (self._resolved(changes, cursor) if send_resolved else [])
            if change.identity in cursor.told or change.alert in cursor.owed
        ]
        content = Content(None, [], [], [], [], self._owed_and_muted(cursor))
        events = [each for each in events if each.identity not in self.muted]
        content.events = _merge(events)
        content.resolved = [change for change in mine if change.identity not in self.muted]
        content.heard = [each.alert for each in (*events, *content.resolved)]
        content.held = [change.n for change in mine if change.identity in self.muted]
        if owed or content.events:
            known = [name for name, alert in self.firing.items() if _has_heard(cursor.told.get(name), alert)]
            told = {*owed, *known}
            content.firing = [name for name in self.firing if name in told and name not in self.muted]
            content.heard += [self.firing[name] for name in content.firing]
            content.reason = "new alerts" if cursor.last else "first"
        elif content.resolved:
            content.reason = "resolved" if cursor.last else "first"
        return content

    def cursor(self, destination: str) -> Cursor:
        return self.cursors.setdefault(destination, Cursor())

    @property
    def newest(self) -> int:
        return max((change.n for change in self.changes), default=0)

    def begin(self, destination: str, row: str, at: int, content: Content) -> Before:
        """A message was fixed for a destination. Returns what `reopened` needs."""
        cursor = self.cursor(destination)
        before = Before(cursor.held, cursor.owed, cursor.heard, cursor.last, cursor.reminders)
        cursor.held, cursor.owed = content.held, content.owed
        cursor.row, cursor.row_upto, cursor.last, cursor.waiting = row, max(self.newest, cursor.upto), at, False
        cursor.heard = {*cursor.heard, *content.heard} if destination in self.standins else set()
        cursor.reminders = cursor.reminders + 1 if content.reason == "reminder" else 0
        for change in self.changes:
            change.frozen = True
        return before

    def reopened(self, destination: str, before: Before) -> Cursor:
        """A destination's cursor as if the message that is under way to it had never been fixed."""
        cursor = self.cursor(destination)
        return msgspec.structs.replace(
            cursor,
            row="",
            row_upto=0,
            waiting=False,
            held=before.held,
            owed=before.owed | cursor.owed,
            heard=before.heard,
            last=before.last,
            reminders=before.reminders,
        )

    def next_tick(self, after: int, interval: int) -> int:
        """The first tick that does not come before an instant."""
        return self.ticked + max(1, -(-(after - self.ticked) // interval)) * interval

    def wake(self, after: int, node: Node) -> int:
        """The first tick from `after` on that can have something to tell if nothing more changes; NEVER if none can.

        That is a change that no message holds, the end of what mutes an alert, a reminder, or the end of the group.
        """
        cursors, interval = self.cursors.values(), node.group_interval
        untold = any((self.newest > each.covered or each.owed) and not each.waiting for each in cursors)
        if self.over or self.muted or untold:
            return self.next_tick(after, interval)
        if not self.firing:
            # One-offs have no end that would keep their messages apart.
            idle = any(not (each.row or each.waiting) for each in cursors)
            apart = idle and any(each.state == "event" and each.at > self.ticked - interval for each in self.changes)
            return self.next_tick(after, interval) if apart else NEVER
        reminder = min((each.last + node.repeat_after(each.reminders) for each in cursors), default=0)
        return self.next_tick(max(after, reminder), interval)

    def skip(self, destination: str, content: Content) -> None:
        """A tick at which there was nothing to tell: no change so far concerns this destination, but for those held."""
        cursor = self.cursor(destination)
        cursor.upto, cursor.waiting = max(cursor.upto, self.newest), False
        cursor.held, cursor.owed = content.held, content.owed
        open_ = self._open(destination, cursor)
        cursor.told = {name: told for name, told in cursor.told.items() if name in open_}

    def settle(self, destination: str, notification: Notification, arrived: bool) -> None:
        """A message was delivered or is dead: both move the cursor, but only an arrived one told of a firing."""
        cursor = self.cursor(destination)
        cursor.row, cursor.upto = "", max(cursor.upto, cursor.row_upto)
        ended = {identity(alert.labels) for alert in notification.alerts if alert.state == "resolved"}
        earlier, open_ = cursor.told, self._open(destination, cursor) - ended
        cursor.told = {
            name: Told(told.alert, told.arrived, latest=False) for name, told in earlier.items() if name in open_
        }
        for alert in notification.alerts:
            if alert.state == "firing":
                name = identity(alert.labels)
                knew = name in earlier and earlier[name].alert == alert.id and earlier[name].arrived
                cursor.told[name] = Told(alert.id, arrived or knew)

    def restart(self) -> None:
        """Nothing fires, and all was told to those who take it: ticks begin anew with what comes now."""
        self.ticked = 0
        for cursor in self.cursors.values():
            if not cursor.row and not cursor.waiting:
                cursor.last = 0

    def sleep(self) -> None:
        """It is over; only what its receivers remember is kept, so that they can go on from there."""
        self.ticked = 0
        kept = {key: cursor for key, cursor in self.cursors.items() if cursor.memory}
        self.cursors = {key: Cursor(upto=cursor.upto, memory=cursor.memory) for key, cursor in kept.items()}

    def arrive(self, destination: str, notification: Notification, arrived: bool) -> None:
        """A message that the cursor was past already: what it told of a firing is known there now."""
        told = self.cursor(destination).told
        for alert in notification.alerts if arrived else ():
            name = identity(alert.labels)
            if alert.state == "firing" and name in told and told[name].alert == alert.id:
                told[name] = msgspec.structs.replace(told[name], arrived=True)

    def prune(self) -> list[int]:
        """Drop the changes that every destination is past. Returns their numbers."""
        upto = min((cursor.upto for cursor in self.cursors.values()), default=self.newest)
        held = {n for cursor in self.cursors.values() for n in cursor.held}
        owed = {alert for cursor in self.cursors.values() for alert in cursor.owed}
        past = [each for each in self.changes if each.n <= upto]
        told = {each.n for each in past if each.n not in held and each.alert not in owed}
        if told:
            self.changes = [change for change in self.changes if change.n not in told]
        if heard := [cursor for cursor in self.cursors.values() if cursor.heard]:
            left = {change.alert for change in self.changes}
            for cursor in heard:
                cursor.heard &= left
        return sorted(told)

    def supersede(self, identity: str) -> list[int]:
        """It fires again: what became of it before needs no telling any more. Returns the numbers of these changes."""
        old = [change.n for change in self.changes if change.identity == identity and change.state != "event"]
        if old:
            self.changes = [change for change in self.changes if change.n not in old]
        return old

    def merge_events(self) -> tuple[list[int], list[Change]]:
        """Equal one-offs that every destination will be told of in the same message become one.

        Returns the numbers of those that are no more, and the changes that count them now.
        """
        edges = {cursor.upto for cursor in self.cursors.values()}
        edges |= {cursor.row_upto for cursor in self.cursors.values() if cursor.row}
        ordered = sorted(edges)
        debts = [ids for each in self.cursors.values() for ids in (each.owed, each.heard) if ids]
        kept: dict[tuple[str, int, tuple[bool, ...]], Change] = {}
        gone: list[int] = []
        counting: dict[int, Change] = {}
        for change in self.changes:
            if change.state != "event" or not change.frozen:
                continue
            apart = tuple([change.alert in ids for ids in debts]) if debts else ()
            place = change.identity, bisect_left(ordered, change.n), apart
            if earlier := kept.get(place):
                change.facts.tally.precede(earlier.facts.tally)
                gone.append(earlier.n)
                counting.pop(earlier.n, None)
                counting[change.n] = change
            kept[place] = change
        if gone:
            self.changes = [change for change in self.changes if change.n not in gone]
        return gone, list(counting.values())

    def lost(self, destination: str, notification: Notification) -> list[str]:
        """The ids of alerts that a destination would know of by a message that it will never take."""
        cursor = self.cursor(destination)
        names = {identity(alert.labels) for alert in notification.alerts}
        ids = {alert.id for alert in notification.alerts}
        firing = [
            alert.id
            for alert in notification.alerts
            if alert.state == "firing" and not _has_heard(cursor.told.get(identity(alert.labels)), alert.id)
        ]
        ended = [
            change.alert
            for change in self.changes
            if change.state != "firing" and change.n <= cursor.row_upto
            if change.alert in ids or (change.state == "event" and change.identity in names)
            if self._concerns(change, destination, cursor)
        ]
        return [*firing, *ended]

    def owe(self, destination: str, alerts: Iterable[str]) -> None:
        """A destination is to be told of alerts that somebody else will never be told of, unless it was already."""
        cursor = self.cursor(destination)
        known = {told.alert for name, told in cursor.told.items() if told.arrived and name in self.firing}
        cursor.owed |= set(alerts) - cursor.heard - known

    def shed(self) -> list[int]:
        """A destination was not told for too long: the oldest changes are told to nobody. Returns their numbers."""
        if len(self.changes) <= CHANGES_MAX:
            return []
        old = [change.n for change in self.changes[: len(self.changes) - CHANGES_MAX * 3 // 4]]
        self.changes = self.changes[len(old) :]
        return old

    def holds(self, alert: str) -> bool:
        """It fires, or there is something to tell of it."""
        return alert in self.firing.values() or any(change.alert == alert for change in self.changes)

    @property
    def over(self) -> bool:
        """Nothing fires, nothing is untold, nothing is under way."""
        return not self.firing and not self.changes and not any(cursor.row for cursor in self.cursors.values())

    @property
    def asleep(self) -> bool:
        """Nothing is left of it but what its receivers remember."""
        return not self.ticked and self.over

    def _concerns(self, change: Change, destination: str, cursor: Cursor) -> bool:
        """The destination has not been told of it yet."""
        untold = change.n > cursor.upto or change.n in cursor.held or change.alert in cursor.owed
        return untold and destination not in change.past

    def _open(self, destination: str, cursor: Cursor) -> set[str]:
        """The alerts of which there is more to tell, be it of a later episode: they fire, or their end waits."""
        ends = (each for each in self.changes if each.state == "resolved")
        return {*self.firing, *(each.identity for each in ends if self._concerns(each, destination, cursor))}

    def _owed_and_muted(self, cursor: Cursor) -> set[str]:
        if not (cursor.owed and self.muted):
            return set()
        muted = {alert for name, alert in self.firing.items() if name in self.muted}
        muted |= {change.alert for change in self.changes if change.identity in self.muted}
        return cursor.owed & muted

    def _resolved(self, changes: list[Change], cursor: Cursor) -> list[Change]:
        """Ended alerts of which the destination knows, or which fired and ended since its last message.

        What it knows may be an earlier episode, whose end it was not told because the alert had fired again.
        """
        begun = {change.alert for change in changes if change.state == "firing"}
        ended: dict[str, Change] = {}
        for change in changes:
            if change.state != "resolved" or change.identity in self.firing:
                continue
            told = cursor.told.get(change.identity)
            if change.alert in begun or change.alert in cursor.owed or (told and told.arrived):
                ended[change.identity] = change
        return list(ended.values())


def _merge(events: list[Change]) -> list[Change]:
    """Equal one-offs become one line with a count."""
    merged: dict[str, Change] = {}
    for event in events:
        if known := merged.get(event.identity):
            known.facts.tally.merge(event.facts.tally)
        else:
            merged[event.identity] = msgspec.structs.replace(event, facts=copied(event.facts))
    return list(merged.values())


def _has_heard(told: Told | None, alert: str) -> bool:
    return told is not None and told.alert == alert and told.arrived


def _is_known(told: Told | None, alert: str) -> bool:
    return told is not None and told.alert == alert and told.latest


class _Stored(msgspec.Struct, array_like=True):
    """What the store has of a group. What older versions did not have yet stands at the end."""

    key: str
    labels: dict[str, str]
    receiver: str
    ticked: int
    cursors: dict[str, Cursor]
    route: str = ""
    muted: dict[str, str] = {}
    standins: dict[str, str] = {}


def dump(group: Group) -> bytes:
    """A group for the store: all but what its alerts and changes tell."""
    return msgspec.json.encode(
        _Stored(
            group.key,
            group.labels,
            group.receiver,
            group.ticked,
            group.cursors,
            group.route,
            group.muted,
            group.standins,
        )
    )


def load(id: str, due: int, body: bytes) -> Group:
    """As `dump` left it; without a route, if there was only one then. Raises msgspec.DecodeError."""
    was = msgspec.json.decode(body, type=_Stored)
    loaded = Group(id, was.key, was.labels, was.receiver, was.route, due, was.ticked)
    loaded.cursors, loaded.muted, loaded.standins = was.cursors, was.muted, was.standins
    return loaded
