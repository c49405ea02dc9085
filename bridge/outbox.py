"""Groups and what is told of them: from the changes of alerts to frozen notifications, one at most per destination."""

import heapq
from collections.abc import Callable, Iterable, Mapping

import msgspec

from bridge import group as groups
from bridge.alert import Alert, Facts, digest, identity
from bridge.commit import ChangeRow, Commit, GroupRow, OutboxRow, Settled, SilenceRow
from bridge.group import Change, Content, Group, Told
from bridge.muting import Mutes, Muting
from bridge.notification import OWN_GROUP, AlertView, Notification, State
from bridge.route import Place, Route
from bridge.silence import dump as dump_silence
from bridge.values import NEVER


class Target(msgspec.Struct, frozen=True):
    """A destination of a receiver, as far as the core needs to know it."""

    key: str
    send_resolved: bool = True
    memory_for: int = 0
    """What the receiver remembered about a group is kept this long after the group's end, in microseconds."""


class Routing(msgspec.Struct, frozen=True):
    """Where alerts go."""

    route: Route
    targets: Mapping[str, tuple[Target, ...]]
    """By receiver."""
    give_up_after: int
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
        self.rows: dict[str, OutboxRow] = {}
        self.groups: dict[str, Group] = {}
        self.next_change = 1
        self.muting = Muting()
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
        self.muting.begun(alert.identity, alert.labels)
        group = self._group(self.routing.route.place(alert.labels, alert.own), at)
        group.firing[alert.identity] = alert.id
        self._told += group.supersede(alert.identity)
        self._change(group, Change(0, alert.identity, alert.id, "firing", at, facts))

    def ended(self, alert: Alert, facts: Facts, at: int) -> None:
        """A firing alert is resolved."""
        self.muting.ended(alert.identity, alert.labels, at)
        group = self._group(self.routing.route.place(alert.labels, alert.own), at)
        group.firing.pop(alert.identity, None)
        self._change(group, Change(0, alert.identity, alert.id, "resolved", at, facts))

    def happened(self, identity: str, key: str, facts: Facts, own: bool, known: Change | None, at: int) -> Change:
        """A one-off. Equal ones that no message holds yet are one change."""
        group = self._group(self.routing.route.place(facts.labels, own), at)
        if known and not known.frozen:
            known.facts.tally.merge(facts.tally)
            self._changed[known.n] = (group.id, known)
            return known
        return self._change(group, Change(0, identity, digest(identity, at), "event", at, facts, key))

    def revive(self, alert: Alert, at: int) -> None:
        """A firing alert from the store: its group knows of it."""
        self.muting.begun(alert.identity, alert.labels)
        place = self.routing.route.place(alert.labels, alert.own)
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
        slept = group.asleep
        frozen: list[Change] = []
        for target in self._targets(group):
            cursor = group.cursor(target.key)
            if cursor.row:
                cursor.waiting = True
            else:
                frozen += self._freeze(group, target, at, self.routing.route.repeat_interval)
        group.ticked = at
        self._prune(group)
        if not group.over:
            self._rest(group, at)
        elif not slept and (memory_for := self._memory_for(group)):
            group.sleep()
            self._file(group, at + memory_for)
        else:
            del self.groups[id]
            self._dirty.discard(id)
            self._gone.add(id)
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
            return row, []
        waiting = group.cursor(row.destination).waiting
        group.settle(row.destination, row.notification, outcome.outcome == "delivered")
        if outcome.at - row.created >= self.routing.route.group_interval:
            group.cursor(row.destination).last = outcome.at  # It came late: a reminder now would follow on its heels.
        self._dirty.add(group.id)
        frozen: list[Change] = []
        if waiting and (target := self._target(group, row.destination)):
            # What was new at the ticks in between; a reminder waits for a tick of its own.
            frozen = self._freeze(group, target, outcome.at, NEVER)
        self._prune(group)
        self._rest(group, outcome.at)
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
        commit.changes = [
            ChangeRow(n, group, change.alert, change.state, change.at, msgspec.json.encode(change))
            for n, (group, change) in sorted(self._changed.items())
        ]
        commit.changes_told = self._told
        commit.rows = list(self._new_rows.values())
        silences, commit.silences_gone = self.muting.silences.drain()
        commit.silences = [SilenceRow(each.id, dump_silence(each)) for each in silences]
        commit.settled = self._settled
        self._told, self._settled = [], []
        for pending in (self._dirty, self._gone, self._changed, self._new_rows):
            pending.clear()

    def restore(self, group_rows: Iterable[GroupRow], changes: Iterable[ChangeRow], rows: Iterable[OutboxRow]) -> None:
        """As the last commit left it; `revive` follows for each firing alert."""
        for row in group_rows:
            self.groups[row.id] = groups.load(row.id, row.due, row.body)
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
                    self._file(group, group.next_tick(0, self.routing.route.group_interval))

    def settle_in(self, at: int) -> None:
        """After a start: the route or the receivers may be others than those of the last commit."""
        home = {name: group for group in self.groups.values() for name in group.firing}
        edited = self._bury_removed(at)
        for group in list(self.groups.values()):
            own = group.key.startswith(OWN_GROUP)
            edited |= any(self.routing.route.place(each.facts.labels, own).id != group.id for each in group.changes)
            for name in {name for cursor in group.cursors.values() for name in cursor.told} & home.keys():
                if home[name] is not group:  # It was told of in this group; from here it can move and stays told.
                    group.firing[name] = home[name].firing.pop(name)
                    edited = True
        if edited:
            self.reroute(self.routing, at)

    def shift(self, by: int) -> None:
        """The wall clock was set back: all instants move."""
        self._ticks.clear()
        for group in self.groups.values():
            group.ticked += by if group.ticked else 0
            self._file(group, group.due + by if group.due < NEVER else NEVER)
            for cursor in group.cursors.values():
                cursor.last = max(0, cursor.last + by) if cursor.last else 0
        for id, row in self.rows.items():
            moved = msgspec.structs.replace(row, created=row.created + by, due=row.due + by, expires=row.expires + by)
            self.rows[id] = self._new_rows[id] = moved

    def reroute(self, routing: Routing, at: int) -> None:
        """The route or the receivers were edited: alerts move to their new groups, and what was told stays told."""
        old, self.groups = self.groups, {}
        self.routing = routing
        self._bury_removed(at)
        self.groups = {id: group for id, group in old.items() if group.asleep}
        for group in old.values():
            self._move(group, at)
        self._gone |= old.keys() - self.groups.keys()
        self._dirty -= self._gone

    # -- inside -------------------------------------------------------------------------------------------------

    def _bury_removed(self, at: int) -> bool:
        """Rows whose destination is gone end as dead. Whether there were any."""
        keys = {target.key for targets in self.routing.targets.values() for target in targets}
        removed = [id for id, row in self.rows.items() if row.destination not in keys]
        for id in removed:
            self.settled(Settled(id, "dead", at, "its destination was removed from the configuration"))
        return bool(removed)

    def _move(self, group: Group, at: int) -> None:
        about_bridge = group.key.startswith(OWN_GROUP)
        for name, alert in group.firing.items():
            new = self._group(self.routing.route.place(self._living.facts(name).labels, about_bridge), at)
            new.firing[name] = alert
            self._inherit(group, new)
        for change in group.changes:
            new = self._group(self.routing.route.place(change.facts.labels, about_bridge), at)
            new.changes.append(change)
            self._changed[change.n] = (new.id, change)
            self._inherit(group, new)

    def _inherit(self, old: Group, new: Group) -> None:
        """What a destination knew of the old group, it knows of the new one."""
        same = old.id == new.id
        for target in self._targets(new):
            if (cursor := old.cursors.get(target.key)) and target.key not in new.cursors:
                told, row = dict(cursor.told), cursor.row
                if not same and row:
                    # It arrives in the name of the old group, of which nothing is left then.
                    alerts = self.rows[row].notification.alerts
                    told |= {identity(each.labels): Told(each.id, True) for each in alerts if each.state == "firing"}
                    row = ""
                new.cursors[target.key] = msgspec.structs.replace(cursor, told=told, row=row)
        if same:
            new.ticked = old.ticked
            self._file(new, min(old.due, new.due))

    def _group(self, place: Place, at: int) -> Group:
        group = self.groups.get(place.id)
        if group is None:
            group = self.groups[place.id] = Group(place.id, place.key, place.labels, place.receiver, at + place.wait)
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

    def _rest(self, group: Group, after: int) -> None:
        """Until the next tick that can have something to tell; a change brings it nearer."""
        if group.ticked:
            route = self.routing.route
            self._file(group, group.wake(after, route.group_interval, route.repeat_interval))

    def _change(self, group: Group, change: Change) -> Change:
        change.n = self.next_change
        self.next_change += 1
        group.changes.append(change)
        self._changed[change.n] = (group.id, change)
        if group.ticked:
            due = group.next_tick(change.at, self.routing.route.group_interval)
            if due < group.due:
                self._file(group, due)
        return change

    def _freeze(self, group: Group, target: Target, at: int, repeat_interval: int) -> list[Change]:
        """Fix the content of the next message to one destination, if there is anything to tell."""
        content = group.content(target.key, target.send_resolved, at, repeat_interval)
        self._dirty.add(group.id)
        if content is None:
            group.skip(target.key)
            return []
        cursor = group.cursor(target.key)
        reminder = cursor.reminders + 1 if content.reason == "reminder" else 0
        upto = max(group.newest, cursor.upto)
        # The instant tells messages of different databases and bridges apart, which all count changes from 1.
        begun = at if reminder or not group.changes else group.changes[-1].at
        id = digest(target.key, group.id, upto, begun)
        row = OutboxRow(
            id=id,
            destination=target.key,
            group=group.id,
            created=at,
            due=at,
            expires=at + self.routing.give_up_after,
            memory=dict(cursor.memory),
            notification=self._notification(id, group, target, content, reminder, at),
        )
        open_before = [change for change in group.changes if not change.frozen]
        group.begin(target.key, id, upto, at, content.reason)
        self.rows[id] = self._new_rows[id] = row
        return open_before

    def _notification(
        self, id: str, group: Group, target: Target, content: Content, reminder: int, at: int
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
            reason=content.reason,
            receiver=group.receiver,
            destination=target.key,
            group_key=group.key,
            group_labels=group.labels,
            alerts=sorted(firing, key=lambda alert: alert.starts_at) + ended,
            reminder=reminder,
            created_at=at,
            external_url=self.routing.external_url,
        )

    def _targets(self, group: Group) -> tuple[Target, ...]:
        return self.routing.targets.get(group.receiver, ())

    def _target(self, group: Group, key: str) -> Target | None:
        return next((target for target in self._targets(group) if target.key == key), None)

    def _prune(self, group: Group) -> None:
        """A destination that is no longer there holds nothing up."""
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
