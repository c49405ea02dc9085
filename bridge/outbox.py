"""Groups and what is told of them: from the changes of alerts to frozen notifications, one at most per destination."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from bridge import group as groups
from bridge.alert import Alert, Facts, copied, digest
from bridge.author import Author, Living
from bridge.commit import ChangeRow, Commit, GroupRow, Muted, OutboxRow, Settled, SilenceRow
from bridge.crowd import DIGEST, WAITING_MAX, Crowds, merge, part
from bridge.group import Change, Content, Cursor, Group, Line
from bridge.health import Health
from bridge.moving import Ground, is_elsewhere, move
from bridge.muting import Mutes, Muting
from bridge.notification import AlertView, Notification
from bridge.roster import Roster
from bridge.route import Node, Route
from bridge.rows import Rows
from bridge.silence import dump as dump_silence
from bridge.standins import StandIns, Target, hand_over


class Routing(msgspec.Struct, frozen=True):
    """Where alerts go."""

    route: Route
    targets: Mapping[str, tuple[Target, ...]]
    """By receiver."""
    give_up_after: int
    fallbacks: Mapping[str, str] = {}
    """Receiver → the one that is told what it cannot be told."""
    external_url: str = ""
    mutes: Mutes = Mutes()


class Outbox:
    """The groups with their ticks, and the rows under way."""

    def __init__(self, routing: Routing, living: Living) -> None:
        self.routing = routing
        self.next_change = 1
        self.muting = Muting()
        self.health = Health()
        self._standins = StandIns(routing.targets, routing.fallbacks, self.health)
        self._rows = Rows()
        self._crowds = Crowds()
        self._alerts: dict[str, Alert] = {}
        """Those that fire, by identity."""
        self._muted: list[Muted] = []
        self._author = Author(living)
        self._roster = Roster(routing.route)
        self._changed: dict[int, tuple[str, Change]] = {}
        self._told: list[int] = []
        self.shed: list[tuple[str, int]] = []
        """Destinations that were not told of so many changes, because too many waited."""

    @property
    def groups(self) -> dict[str, Group]:
        """All there are, by id."""
        return self._roster.groups

    @property
    def rows(self) -> dict[str, OutboxRow]:
        """All messages that are under way, by id."""
        return self._rows.by_id

    # -- changes of alerts --------------------------------------------------------------------------------------

    def begun(self, alert: Alert, facts: Facts, at: int) -> None:
        """An alert fires."""
        self._alerts[alert.identity] = alert
        self.muting.begun(alert.identity, alert.labels)
        for nth, place in enumerate(self._roster.tree.places(alert.labels, alert.own)):
            group = self._roster.at(place, at)
            group.firing[alert.identity] = alert.id
            self._told += group.supersede(alert.identity)
            self._change(group, Change(0, alert.identity, alert.id, "firing", at, facts, copy=nth > 0))

    def ended(self, alert: Alert, facts: Facts, at: int) -> None:
        """A firing alert is resolved."""
        self._alerts.pop(alert.identity, None)
        self.muting.ended(alert.identity, alert.labels, at)
        for nth, place in enumerate(self._roster.tree.places(alert.labels, alert.own)):
            group = self._roster.at(place, at)
            group.firing.pop(alert.identity, None)
            self._change(group, Change(0, alert.identity, alert.id, "resolved", at, facts, copy=nth > 0))

    def happened(self, identity: str, key: str, facts: Facts, own: bool, known: Line | None, at: int) -> Line:
        """A one-off. Equal ones that no message of a group holds yet are one change there."""
        line = Line({})
        for nth, place in enumerate(self._roster.tree.places(facts.labels, own)):
            group = self._roster.at(place, at)
            change = known.changes.get(place.id) if known else None
            if change and not change.frozen:
                change.facts.tally.merge(facts.tally)
                self._changed[change.n] = (group.id, change)
            else:
                own_facts = facts if not nth else copied(facts)  # each counts on by itself
                id = digest(identity, at)
                change = self._change(group, Change(0, identity, id, "event", at, own_facts, key, copy=nth > 0))
            line.changes[place.id] = change
        return line

    def revive(self, alert: Alert, at: int) -> None:
        """A firing alert from the store: its groups know of it."""
        self._alerts[alert.identity] = alert
        self.muting.begun(alert.identity, alert.labels)
        for place in self._roster.tree.places(alert.labels, alert.own):
            self._roster.at(place, at).firing[alert.identity] = alert.id

    # -- ticks --------------------------------------------------------------------------------------------------

    def next_tick(self) -> tuple[int, str] | None:
        """The earliest tick and its group."""
        return self._roster.next_tick()

    def tick(self, id: str, at: int) -> list[Change]:
        """A group is due. Returns the changes that messages hold from now on."""
        group = self.groups[id]
        slept, node = group.asleep, self._roster.node(group)
        frozen: list[Change] = []
        self._mute(group, node, at)
        for target in self._targets(group):
            self._standins.appoint(group, target.key)
        for target in self._targets(group):
            cursor = group.cursor(target.key)
            if cursor.row:
                cursor.waiting = True
            else:
                frozen += self._freeze(group, target, at, lambda cursor: _is_reminded(cursor, node, at))
        group.ticked = at
        self._prune(group)
        self._go_on(group, at, slept)
        return frozen

    def settled(self, outcome: Settled) -> tuple[OutboxRow | None, list[Change]]:
        """A row is delivered or dead. Returns it, and the changes that the next message holds."""
        row = self._rows.settle(outcome)
        if row is None:
            return None, []
        frozen: list[Change] = []
        told = {id: part(row.notification, alerts) for id, alerts in row.notification.covers.items()}
        if told or row.group not in self.groups:
            self._hand_on(row, outcome, None)
        for id, notification in (told or {row.group: row.notification}).items():
            if (group := self.groups.get(id)) is not None:
                frozen += self._settle(group, row, notification, outcome)
        if outcome.outcome == "delivered" or not self._rows.waiting(row.destination):
            frozen += self._tell_crowd(row.destination, outcome.at)
        return row, frozen

    def _settle(self, group: Group, row: OutboxRow, told: Notification, outcome: Settled) -> list[Change]:
        """One of the groups that a row told of. Returns the changes that the next message holds."""
        if group.cursor(row.destination).row != row.id:
            # It ended before, and was tried once more because a person wished it: the cursor has gone on.
            group.arrive(row.destination, told, outcome.outcome == "delivered")
            self._roster.touch(group)
            return []
        waiting = group.cursor(row.destination).waiting
        group.settle(row.destination, told, outcome.outcome == "delivered")
        node = self._roster.node(group)
        if outcome.at - row.created >= node.group_interval:
            group.cursor(row.destination).last = outcome.at  # It came late: a reminder now would follow on its heels.
        self._roster.touch(group)
        frozen: list[Change] = []
        if waiting and (target := self._target(group, row.destination)):
            # What was new at the ticks in between; a reminder waits for a tick of its own.
            self._mute(group, node, outcome.at)
            frozen = self._freeze(group, target, outcome.at, lambda cursor: False)
        if not row.notification.covers:
            self._hand_on(row, outcome, group)
        self._prune(group)
        if any(alert.state == "event" for alert in told.alerts):
            self._roster.rest(group, outcome.at)  # One-offs have no end that would keep their messages apart.
        elif group.ticked:
            self._go_on(group, outcome.at, slept=False)
        return frozen

    def revive_row(self, row: OutboxRow) -> OutboxRow:
        """A row that had ended is tried once more."""
        if row.id not in self.rows:
            self._rows.put(row)
        return self.rows[row.id]

    def postponed(self, row: OutboxRow) -> None:
        self._rows.postpone(row)

    def remembered(self, id: str, memory: dict[str, object]) -> None:
        """What a receiver must know: kept with the row, and with the group's cursor for rows to come."""
        row = self._rows.remember(id, memory)
        if row is not None and (group := self.groups.get(row.group)):
            group.cursor(row.destination).memory = dict(row.memory)
            self._roster.touch(group)

    def out(self, destination: str, at: int) -> list[Change]:
        """A destination is out: whoever stands in for it is told at once what it was not told. Returns the changes that
        messages hold from now on."""
        self.health.ill[destination].out = True
        frozen: list[Change] = []
        for group in list(self.groups.values()):
            cursor = group.cursors.get(destination)
            if cursor is None or not (cursor.row or cursor.waiting):
                continue  # It may be told of what changes from now on: at its tick.
            self._mute(group, self._roster.node(group), at)
            for target in self._standins.appoint(group, destination):
                frozen += self._freeze(group, target, at, lambda cursor: False)
            self._roster.rest(group, at)
        return frozen

    def standing(self, group_id: str, destination: str, at: int) -> list[AlertView]:
        """What fires and the destination was told of, as it is now: for services that forget what is not repeated."""
        group = self.groups.get(group_id)
        return self._author.standing(group, destination, at) if group else []

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """There is something that must be on disk at once."""
        decided = self._changed or self._told
        return bool(decided) or self._rows.changed or self._roster.changed or self.muting.silences.changed

    def drain(self, commit: Commit) -> None:
        """Put all that is new into a commit."""
        self._roster.drain(commit)
        commit.changes = [groups.change_row(group, change) for _, (group, change) in sorted(self._changed.items())]
        commit.changes_told = self._told
        self._rows.drain(commit)
        silences, commit.silences_gone = self.muting.silences.drain()
        commit.silences = [SilenceRow(each.id, dump_silence(each)) for each in silences]
        commit.muted = self._muted
        self._told, self._muted = [], []
        self._changed.clear()

    def restore(self, group_rows: Iterable[GroupRow], changes: Iterable[ChangeRow], rows: Iterable[OutboxRow]) -> None:
        """As the last commit left it; `revive` follows for each firing alert."""
        self._roster.restore(group_rows)
        for change_row in changes:
            if group := self.groups.get(change_row.group):
                change = msgspec.json.decode(change_row.body, type=Change)
                change.frozen = True
                group.changes.append(change)
        self._rows.restore(rows)
        for group in self.groups.values():
            for key, cursor in group.cursors.items():
                if cursor.waiting and not cursor.row and self._rows.waiting(key):
                    self._crowds.join(key, group.id)
                elif (cursor.waiting or cursor.row) and cursor.row not in self.rows:
                    # What it waits for was damaged on disk: the next tick tells the same again.
                    cursor.row, cursor.waiting = "", False
                    self._roster.file(group, group.next_tick(0, self._roster.node(group).group_interval))

    def configure(self, routing: Routing, at: int) -> None:
        """The rules file was read again."""
        before = self.routing
        if routing.mutes != before.mutes:
            self.muting.configure(routing.mutes, at)
        if msgspec.structs.replace(routing, mutes=before.mutes) != before:
            self.reroute(routing, at)
        self.routing = routing

    def settle_in(self, at: int) -> None:
        """After a start: the routes or the receivers may be others than those of the last commit."""
        edited, ground = self._bury_removed(at), self._ground(at)
        for group in self.groups.values():
            edited = edited or group.route not in self._roster.tree.nodes or is_elsewhere(group, ground)
        if edited:
            self.reroute(self.routing, at)

    def shift(self, by: int) -> None:
        """The wall clock was set back: all instants move."""
        self._roster.shift(by)
        self.health.shift(by)
        self._rows.shift(by)

    def reroute(self, routing: Routing, at: int) -> None:
        """The routes or the receivers were edited: alerts move to their new groups, and what was told stays told."""
        self.routing = routing
        old = self._roster.replant(routing.route)
        self._standins = StandIns(routing.targets, routing.fallbacks, self.health)
        self.health.forget(self._standins.keys())
        self._bury_removed(at)
        for alert in self._alerts.values():
            for place in self._roster.tree.places(alert.labels, alert.own):
                self._roster.at(place, at).firing[alert.identity] = alert.id
        for group in old.values():
            for change in group.changes:
                if home := self._roster.homes(change.facts.labels, group.own).get(group.id):
                    self._roster.at(home, at)
        moved = move(old, self._ground(at))
        self._told += moved.gone
        for n in moved.gone:
            self._changed.pop(n, None)
        self._changed |= {change.n: (id, change) for id, change in moved.changes}
        self._roster.bury(old)

    def _ground(self, at: int) -> Ground:
        return Ground(
            places=self._roster.tree.places,
            group=lambda place: self._roster.at(place, at),
            known=self.groups.get,
            destinations=lambda group: [target.key for target in self._targets(group)],
            labels=lambda name: self._alerts[name].labels if name in self._alerts else None,
            under_way=self._rows.firing,
            number=self._number,
        )

    # -- inside -------------------------------------------------------------------------------------------------

    def _bury_removed(self, at: int) -> bool:
        """Rows whose destination is gone end as dead. Whether there were any."""
        keys = self._standins.keys()
        removed = [id for id, row in self.rows.items() if row.destination not in keys]
        for id in removed:
            gone = "its destination was removed from the configuration"
            self.settled(Settled(id, "dead", at, gone, withdrawn=True))
        return bool(removed)

    def _memory_for(self, group: Group) -> int:
        """How long what the group's receivers remember is worth keeping."""
        return max((target.memory_for for target in self._targets(group) if group.cursor(target.key).memory), default=0)

    def _go_on(self, group: Group, at: int, slept: bool) -> None:
        """A group that is over goes at once: what comes next waits for others again, as in a new one."""
        if not group.over:
            self._roster.rest(group, at)
        elif not slept and (memory_for := self._memory_for(group)):
            group.sleep()
            self._roster.file(group, at + memory_for)
        else:
            self._roster.remove(group)

    def _change(self, group: Group, change: Change) -> Change:
        change.n = self._number()
        group.changes.append(change)
        self._changed[change.n] = (group.id, change)
        if group.ticked:
            due = group.next_tick(change.at, self._roster.node(group).group_interval)
            if due < group.due:
                self._roster.file(group, due)
        return change

    def _number(self) -> int:
        self.next_change += 1
        return self.next_change - 1

    def _mute(self, group: Group, node: Node, at: int) -> None:
        self._muted += self.muting.look(group, node, lambda name: self._alerts[name].labels, at)

    def _freeze(self, group: Group, target: Target, at: int, remind: Callable[[Cursor], bool]) -> list[Change]:
        """Fix the content of the next message to one destination, if there is anything to tell."""
        content = self._content(group, target, remind)
        if content.reason is None:
            return []
        cursor = group.cursor(target.key)
        if target.digest and not group.own and self._rows.waiting(target.key) >= WAITING_MAX:
            cursor.waiting = True
            self._crowds.join(target.key, group.id)
            return []
        upto = max(group.newest, cursor.upto)
        # The instant tells messages of different databases and bridges apart, which all count changes from 1.
        begun = group.changes[-1].at if upto > cursor.upto and content.reason != "reminder" else at
        id = digest(target.key, group.id, upto, begun)
        row = OutboxRow(
            id=id,
            destination=target.key,
            group=group.id,
            created=at,
            due=at,
            expires=at + self.routing.give_up_after,
            memory=dict(cursor.memory),
            notification=self._notification(id, group, target, content, at),
        )
        open_before = [change for change in group.changes if not change.frozen]
        group.begin(target.key, id, upto, at, content)
        self._rows.put(row)
        return open_before

    def _tell_crowd(self, key: str, at: int) -> list[Change]:
        """There is room at a destination: the groups that waited for it are told in one message."""
        target = self._standins.target(key)
        waiting = [self.groups[id] for id in self._crowds.leave(key) if id in self.groups]
        crowd = [each for each in waiting if key in each.cursors and not each.cursor(key).row]
        if target is None or not crowd:
            return []
        for group in crowd:
            self._mute(group, self._roster.node(group), at)
            group.cursor(key).waiting = False
        contents = [(group, self._content(group, target, lambda cursor: False)) for group in crowd]
        full = [(group, content) for group, content in contents if content.reason is not None]
        if len(full) == 1:
            return self._freeze(full[0][0], target, at, lambda cursor: False)
        return self._freeze_digest(full, target, at) if full else []

    def _freeze_digest(self, full: Sequence[tuple[Group, Content]], target: Target, at: int) -> list[Change]:
        id = digest(target.key, DIGEST, at, *(group.id for group, _ in full))
        parts: list[Notification] = []
        covers: dict[str, list[str]] = {}
        frozen: list[Change] = []
        for group, content in full:
            told = self._notification(id, group, target, content, at)
            parts.append(told)
            covers[group.id] = [alert.id for alert in told.alerts]
            frozen += [change for change in group.changes if not change.frozen]
            group.begin(target.key, id, max(group.newest, group.cursor(target.key).upto), at, content)
        expires = at + self.routing.give_up_after
        self._rows.put(
            OutboxRow(
                id=id,
                destination=target.key,
                group="",
                created=at,
                due=at,
                expires=expires,
                notification=merge(parts, id, covers),
            )
        )
        return frozen

    def _content(self, group: Group, target: Target, remind: Callable[[Cursor], bool]) -> Content:
        """What a destination should be told of a group now; if that is nothing, it is past all there is."""
        if self._standins.ends_only(group, target.key):
            content = group.ends(target.key, target.send_resolved)
        else:
            content = group.content(target.key, target.send_resolved, remind)
        self._roster.touch(group)
        if content.reason is None:
            group.skip(target.key, content)
        return content

    def _notification(self, id: str, group: Group, target: Target, content: Content, at: int) -> Notification:
        receiver = self._standins.receiver(target.key) if target.key in group.standins else group.receiver
        return self._author.write(id, group, target.key, receiver, content, at, self.routing.external_url)

    def _hand_on(self, row: OutboxRow, outcome: Settled, group: Group | None) -> None:
        """What a destination will never take goes to its fallback, unless that has been told already, in its stead."""
        if outcome.outcome == "delivered" or outcome.withdrawn or self.health.is_out(row.destination):
            return
        if group is not None:
            self._standins.engage(group, row.destination)
        for target in self._standins.of(row.destination):
            if row.notification.status == "resolved" and not target.send_resolved:
                continue
            cursor = group.cursors[target.key] if group and target.key in group.standins else None
            free = cursor is not None and not cursor.row
            id = digest(target.key, row.id)
            told = hand_over(row.notification, id, self._standins.receiver(target.key), target)
            expires = outcome.at + self.routing.give_up_after
            copy = OutboxRow(
                id=id,
                destination=target.key,
                group=row.group if free else "",
                created=outcome.at,
                due=outcome.at,
                expires=expires,
                notification=told,
            )
            if cursor is not None and free:
                cursor.row, cursor.row_upto, cursor.last = id, cursor.upto, outcome.at
            self._rows.put(copy)

    def _targets(self, group: Group) -> tuple[Target, ...]:
        return self._standins.targets(group)

    def _target(self, group: Group, key: str) -> Target | None:
        return next((target for target in self._targets(group) if target.key == key), None)

    def _prune(self, group: Group) -> None:
        """A destination that is no longer there holds nothing up."""
        self._standins.dismiss(group)
        keys = {target.key for target in self._targets(group)}
        for removed in group.cursors.keys() - keys:
            del group.cursors[removed]
        self._told += group.prune()
        gone, counting = group.merge_events()
        self._told += gone
        self._changed |= {change.n: (group.id, change) for change in counting}
        if shed := group.shed():
            self._told += shed
            slowest = min(group.cursors, key=lambda key: group.cursors[key].upto)
            self.shed.append((slowest, len(shed)))


def _is_reminded(cursor: Cursor, node: Node, at: int) -> bool:
    return at - cursor.last >= node.repeat_after(cursor.reminders)
