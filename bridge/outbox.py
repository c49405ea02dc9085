"""Groups and what is told of them: from the changes of alerts to frozen notifications, one at most per destination."""

import heapq
from collections.abc import Callable, Iterable, Mapping

import msgspec

from bridge import group as groups
from bridge.alert import Alert, Facts, digest, identity
from bridge.commit import ChangeRow, Commit, GroupRow, Muted, OutboxRow, Settled, SilenceRow
from bridge.group import Change, Content, Cursor, Group, Line, Reason
from bridge.health import Health
from bridge.moving import Ground, move
from bridge.muting import Mutes, Muting
from bridge.notification import AlertView, Notification, State
from bridge.route import Node, Place, Route, Tree
from bridge.silence import dump as dump_silence
from bridge.standins import StandIns, Target, hand_over
from bridge.values import NEVER


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


class Living(msgspec.Struct, frozen=True):
    """How the outbox sees alerts: those of now by identity, and how one of them is shown."""

    facts: Callable[[str], Facts]
    """Identity → what a firing alert is like now."""
    view: Callable[[Facts, State, str, int], AlertView]


class Outbox:
    """The groups with their ticks, and the rows under way."""

    def __init__(self, routing: Routing, living: Living) -> None:
        self.routing = routing
        self.tree = Tree(routing.route)
        self.rows: dict[str, OutboxRow] = {}
        self.groups: dict[str, Group] = {}
        self.next_change = 1
        self.muting = Muting()
        self.health = Health()
        self._standins = StandIns(routing.targets, routing.fallbacks, self.health)
        self._alerts: dict[str, Alert] = {}
        """Those that fire, by identity."""
        self._muted: list[Muted] = []
        self._living = living
        self._ticks: list[tuple[int, str]] = []
        self._dirty: set[str] = set()
        self._gone: set[str] = set()
        self._changed: dict[int, tuple[str, Change]] = {}
        self._told: list[int] = []
        self._new_rows: dict[str, OutboxRow] = {}
        self._settled: list[Settled] = []
        self.shed: list[tuple[str, int]] = []
        """Destinations that were not told of so many changes, because too many waited."""

    # -- changes of alerts --------------------------------------------------------------------------------------

    def begun(self, alert: Alert, facts: Facts, at: int) -> None:
        """An alert fires."""
        self._alerts[alert.identity] = alert
        self.muting.begun(alert.identity, alert.labels)
        for nth, place in enumerate(self.tree.places(alert.labels, alert.own)):
            group = self._group(place, at)
            group.firing[alert.identity] = alert.id
            self._told += group.supersede(alert.identity)
            self._change(group, Change(0, alert.identity, alert.id, "firing", at, facts, copy=nth > 0))

    def ended(self, alert: Alert, facts: Facts, at: int) -> None:
        """A firing alert is resolved."""
        self._alerts.pop(alert.identity, None)
        self.muting.ended(alert.identity, alert.labels, at)
        for nth, place in enumerate(self.tree.places(alert.labels, alert.own)):
            group = self._group(place, at)
            group.firing.pop(alert.identity, None)
            self._change(group, Change(0, alert.identity, alert.id, "resolved", at, facts, copy=nth > 0))

    def happened(self, identity: str, key: str, facts: Facts, own: bool, known: Line | None, at: int) -> Line:
        """A one-off. Equal ones that no message of a group holds yet are one change there."""
        line = Line({})
        for nth, place in enumerate(self.tree.places(facts.labels, own)):
            group = self._group(place, at)
            change = known.changes.get(place.id) if known else None
            if change and not change.frozen:
                change.facts.tally.merge(facts.tally)
                self._changed[change.n] = (group.id, change)
            else:
                own_facts = facts if not nth else _copy(facts)  # each counts on by itself
                id = digest(identity, at)
                change = self._change(group, Change(0, identity, id, "event", at, own_facts, key, copy=nth > 0))
            line.changes[place.id] = change
        return line

    def revive(self, alert: Alert, at: int) -> None:
        """A firing alert from the store: its groups know of it."""
        self._alerts[alert.identity] = alert
        self.muting.begun(alert.identity, alert.labels)
        for place in self.tree.places(alert.labels, alert.own):
            self._group(place, at).firing[alert.identity] = alert.id

    # -- ticks --------------------------------------------------------------------------------------------------

    def next_tick(self) -> tuple[int, str] | None:
        """The earliest tick and its group."""
        while self._ticks:
            due, id = self._ticks[0]
            if id in self.groups and self.groups[id].due == due:
                return due, id
            heapq.heappop(self._ticks)
        return None

    def tick(self, id: str, at: int) -> list[Change]:
        """A group is due. Returns the changes that messages hold from now on."""
        group = self.groups[id]
        slept, node = group.asleep, self._node(group)
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
        row = self.rows.pop(outcome.id, None)
        if row is None:
            return None, []
        self._new_rows.pop(outcome.id, None)
        self._settled.append(outcome)
        group = self.groups.get(row.group)
        if group is None:
            self._hand_on(row, outcome, None)
            return row, []
        if group.cursor(row.destination).row != row.id:
            # It ended before, and was tried once more because a person wished it: the cursor has gone on.
            group.arrive(row.destination, row.notification, outcome.outcome == "delivered")
            self._dirty.add(group.id)
            return row, []
        waiting = group.cursor(row.destination).waiting
        group.settle(row.destination, row.notification, outcome.outcome == "delivered")
        node = self._node(group)
        if outcome.at - row.created >= node.group_interval:
            group.cursor(row.destination).last = outcome.at  # It came late: a reminder now would follow on its heels.
        self._dirty.add(group.id)
        frozen: list[Change] = []
        if waiting and (target := self._target(group, row.destination)):
            # What was new at the ticks in between; a reminder waits for a tick of its own.
            self._mute(group, node, outcome.at)
            frozen = self._freeze(group, target, outcome.at, lambda cursor: False)
        self._hand_on(row, outcome, group)
        self._prune(group)
        if any(alert.state == "event" for alert in row.notification.alerts):
            self._rest(group, outcome.at)  # One-offs have no end that would keep their messages apart.
        elif group.ticked:
            self._go_on(group, outcome.at, slept=False)
        return row, frozen

    def postponed(self, row: OutboxRow) -> None:
        if row.id in self.rows:
            memory = self.rows[row.id].memory
            self.rows[row.id] = self._new_rows[row.id] = msgspec.structs.replace(row, memory=memory)

    def remembered(self, id: str, memory: dict[str, object]) -> None:
        """What a receiver must know: kept with the row, and with the group's cursor for rows to come."""
        row = self.rows.get(id)
        if row is None:
            return
        row = msgspec.structs.replace(row, memory={**row.memory, **memory})
        self.rows[id] = self._new_rows[id] = row
        if group := self.groups.get(row.group):
            group.cursor(row.destination).memory = dict(row.memory)
            self._dirty.add(group.id)

    def out(self, destination: str, at: int) -> list[Change]:
        """A destination is out: whoever stands in for it is told at once what it was not told. Returns the changes that
        messages hold from now on."""
        self.health.ill[destination].out = True
        frozen: list[Change] = []
        for group in list(self.groups.values()):
            cursor = group.cursors.get(destination)
            if cursor is None or not (cursor.row or cursor.waiting):
                continue  # It may be told of what changes from now on: at its tick.
            self._mute(group, self._node(group), at)
            for target in self._standins.appoint(group, destination):
                frozen += self._freeze(group, target, at, lambda cursor: False)
            self._rest(group, at)
        return frozen

    def standing(self, group_id: str, destination: str, at: int) -> list[AlertView]:
        """What fires and the destination was told of, as it is now: for services that forget what is not repeated."""
        group = self.groups.get(group_id)
        told = group.cursors[destination].told if group and destination in group.cursors else {}
        return [
            self._living.view(self._living.facts(name), "firing", each.alert, at)
            for name, each in told.items()
            if group and each.arrived and group.firing.get(name) == each.alert
        ]

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """There is something that must be on disk at once."""
        decided = self._changed or self._new_rows or self._settled or self._dirty or self._gone or self._told
        return bool(decided or self.muting.silences.changed)

    def drain(self, commit: Commit) -> None:
        """Put all that is new into a commit."""
        commit.groups = [GroupRow(id, self.groups[id].due, groups.dump(self.groups[id])) for id in sorted(self._dirty)]
        commit.groups_gone = sorted(self._gone - self.groups.keys())
        commit.changes = [groups.change_row(group, change) for _, (group, change) in sorted(self._changed.items())]
        commit.changes_told = self._told
        commit.rows = list(self._new_rows.values())
        silences, commit.silences_gone = self.muting.silences.drain()
        commit.silences = [SilenceRow(each.id, dump_silence(each)) for each in silences]
        commit.settled = self._settled
        commit.muted = self._muted
        self._told, self._settled, self._muted = [], [], []
        for pending in (self._dirty, self._gone, self._changed, self._new_rows):
            pending.clear()

    def restore(self, group_rows: Iterable[GroupRow], changes: Iterable[ChangeRow], rows: Iterable[OutboxRow]) -> None:
        """As the last commit left it; `revive` follows for each firing alert."""
        for row in group_rows:
            loaded = self.groups[row.id] = groups.load(row.id, row.due, row.body)
            loaded.route = loaded.route or self.tree.root.id
            heapq.heappush(self._ticks, (row.due, row.id))
        for change_row in changes:
            if group := self.groups.get(change_row.group):
                change = msgspec.json.decode(change_row.body, type=Change)
                change.frozen = True
                group.changes.append(change)
        self.rows = {row.id: row for row in rows}
        for group in self.groups.values():
            for cursor in group.cursors.values():
                if cursor.row and cursor.row not in self.rows:
                    cursor.row = ""  # It was damaged on disk: the next tick tells the same again.
                    self._file(group, group.next_tick(0, self._node(group).group_interval))

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
        edited = self._bury_removed(at)
        if edited or any(self._is_elsewhere(group) for group in self.groups.values()):
            self.reroute(self.routing, at)

    def _is_elsewhere(self, group: Group) -> bool:
        """Something of it belongs to another group now, or something of another one to it."""
        heard = {name for cursor in group.cursors.values() for name in cursor.told}
        changed = {each.identity for each in group.changes}
        strange = group.firing.keys() - heard - changed - group.muted.keys() if group.ticked else ()
        return (
            group.route not in self.tree.nodes
            or bool(heard & self._alerts.keys() - group.firing.keys())
            or (bool(strange) and bool(self._targets(group)))
            or any(group.id not in self._homes(each.facts.labels, group.own) for each in group.changes)
        )

    def shift(self, by: int) -> None:
        """The wall clock was set back: all instants move."""
        self._ticks.clear()
        for group in self.groups.values():
            group.ticked += by if group.ticked else 0
            self._file(group, group.due + by if group.due < NEVER else NEVER)
            for cursor in group.cursors.values():
                cursor.last = max(0, cursor.last + by) if cursor.last else 0
        self.health.shift(by)
        for id, row in self.rows.items():
            moved = msgspec.structs.replace(row, created=row.created + by, due=row.due + by, expires=row.expires + by)
            self.rows[id] = self._new_rows[id] = moved

    def reroute(self, routing: Routing, at: int) -> None:
        """The routes or the receivers were edited: alerts move to their new groups, and what was told stays told."""
        old, self.groups = self.groups, {}
        self.routing, self.tree = routing, Tree(routing.route)
        self._standins = StandIns(routing.targets, routing.fallbacks, self.health)
        self.health.forget(self._standins.keys())
        self._bury_removed(at)
        self.groups = {id: group for id, group in old.items() if group.asleep and group.route in self.tree.nodes}
        for alert in self._alerts.values():
            for place in self.tree.places(alert.labels, alert.own):
                self._group(place, at).firing[alert.identity] = alert.id
        for group in old.values():
            for change in group.changes:
                if home := self._homes(change.facts.labels, group.own).get(group.id):
                    self._group(home, at)
        moved = move(old, self._ground(at))
        self._told += moved.gone
        for n in moved.gone:
            self._changed.pop(n, None)
        self._changed |= {change.n: (id, change) for id, change in moved.changes}
        for id in self.groups.keys() & old.keys():
            if not self.groups[id].asleep:
                self._file(self.groups[id], min(old[id].due, self.groups[id].due))
        self._gone |= old.keys() - self.groups.keys()
        self._dirty -= self._gone

    def _ground(self, at: int) -> Ground:
        return Ground(
            places=self.tree.places,
            group=lambda place: self._group(place, at),
            known=self.groups.get,
            destinations=lambda group: [target.key for target in self._targets(group)],
            labels=lambda name: self._alerts[name].labels if name in self._alerts else None,
            under_way=self._under_way,
            number=self._number,
        )

    def _under_way(self, row: str) -> list[tuple[str, str]]:
        alerts = self.rows[row].notification.alerts if row in self.rows else []
        return [(identity(each.labels), each.id) for each in alerts if each.state == "firing"]

    # -- inside -------------------------------------------------------------------------------------------------

    def _bury_removed(self, at: int) -> bool:
        """Rows whose destination is gone end as dead. Whether there were any."""
        keys = self._standins.keys()
        removed = [id for id, row in self.rows.items() if row.destination not in keys]
        for id in removed:
            gone = "its destination was removed from the configuration"
            self.settled(Settled(id, "dead", at, gone, withdrawn=True))
        return bool(removed)

    def _homes(self, labels: Mapping[str, str], own: bool) -> dict[str, Place]:
        """The places of an alert by the ids of their groups."""
        return {place.id: place for place in self.tree.places(labels, own)}

    def _node(self, group: Group) -> Node:
        return self.tree.nodes.get(group.route, self.tree.root)

    def _group(self, place: Place, at: int) -> Group:
        group = self.groups.get(place.id)
        if group is None:
            due = at + place.wait
            group = Group(place.id, place.key, place.labels, place.receiver, place.route, due)
            self.groups[place.id] = group
            self._file(group, group.due)
        elif group.asleep:
            group.labels, group.receiver = place.labels, place.receiver
            self._file(group, at + place.wait)
        return group

    def _memory_for(self, group: Group) -> int:
        """How long what the group's receivers remember is worth keeping."""
        return max((target.memory_for for target in self._targets(group) if group.cursor(target.key).memory), default=0)

    def _file(self, group: Group, due: int) -> None:
        group.due = due
        if due < NEVER:
            heapq.heappush(self._ticks, (due, group.id))
        self._dirty.add(group.id)

    def _go_on(self, group: Group, at: int, slept: bool) -> None:
        """A group that is over goes at once: what comes next waits for others again, as in a new one."""
        if not group.over:
            self._rest(group, at)
        elif not slept and (memory_for := self._memory_for(group)):
            group.sleep()
            self._file(group, at + memory_for)
        else:
            del self.groups[group.id]
            self._dirty.discard(group.id)
            self._gone.add(group.id)

    def _rest(self, group: Group, after: int) -> None:
        """Until the next tick that can have something to tell; a change brings it nearer."""
        if group.ticked:
            self._file(group, group.wake(after, self._node(group)))

    def _change(self, group: Group, change: Change) -> Change:
        change.n = self._number()
        group.changes.append(change)
        self._changed[change.n] = (group.id, change)
        if group.ticked:
            due = group.next_tick(change.at, self._node(group).group_interval)
            if due < group.due:
                self._file(group, due)
        return change

    def _number(self) -> int:
        self.next_change += 1
        return self.next_change - 1

    def _mute(self, group: Group, node: Node, at: int) -> None:
        """Look at what of the group is muted now; what is so anew is recorded."""
        before, group.muted = group.muted, {}
        if self.muting.idle and not node.mute and not node.active:
            return
        why = "" if group.own else self.muting.of_time(node.mute, node.active, at)
        seen = {name: (alert, self._alerts[name].labels) for name, alert in group.firing.items()}
        for change in group.changes:
            seen.setdefault(change.identity, (change.alert, change.facts.labels))
        for name, (alert, labels) in seen.items():
            if reason := why or self.muting.of_alert(labels, group.own, at):
                group.muted[name] = reason
                if before.get(name) != reason:
                    self._muted.append(Muted(at, alert, dict(labels), group.id, group.receiver, reason))

    def _freeze(self, group: Group, target: Target, at: int, remind: Callable[[Cursor], bool]) -> list[Change]:
        """Fix the content of the next message to one destination, if there is anything to tell."""
        if self._standins.ends_only(group, target.key):
            content = group.ends(target.key, target.send_resolved)
        else:
            content = group.content(target.key, target.send_resolved, remind)
        self._dirty.add(group.id)
        if content.reason is None:
            group.skip(target.key, content)
            return []
        cursor = group.cursor(target.key)
        reminder = cursor.reminders + 1 if content.reason == "reminder" else 0
        upto = max(group.newest, cursor.upto)
        # The instant tells messages of different databases and bridges apart, which all count changes from 1.
        begun = group.changes[-1].at if upto > cursor.upto and not reminder else at
        id = digest(target.key, group.id, upto, begun)
        row = OutboxRow(
            id=id,
            destination=target.key,
            group=group.id,
            created=at,
            due=at,
            expires=at + self.routing.give_up_after,
            memory=dict(cursor.memory),
            notification=self._notification(id, group, target, content, content.reason, reminder, at),
        )
        open_before = [change for change in group.changes if not change.frozen]
        group.begin(target.key, id, upto, at, content)
        self.rows[id] = self._new_rows[id] = row
        return open_before

    def _notification(
        self, id: str, group: Group, target: Target, content: Content, reason: Reason, reminder: int, at: int
    ) -> Notification:
        firing = [
            self._living.view(self._living.facts(name), "firing", group.firing[name], at) for name in content.firing
        ]
        ended = [
            self._living.view(change.facts, change.state, change.alert, at)
            for change in (*content.events, *content.resolved)
        ]
        return Notification(
            id=id,
            status="firing" if firing else "event" if content.events else "resolved",
            reason=reason,
            receiver=self._standins.receiver(target.key) if target.key in group.standins else group.receiver,
            destination=target.key,
            instead_of=group.standins.get(target.key, ""),
            group_key=group.key,
            group_labels=group.labels,
            alerts=sorted(firing, key=lambda alert: alert.starts_at) + ended,
            reminder=reminder,
            created_at=at,
            external_url=self.routing.external_url,
        )

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
            self.rows[id] = self._new_rows[id] = copy

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


def _copy(facts: Facts) -> Facts:
    return msgspec.convert(msgspec.to_builtins(facts), Facts)
