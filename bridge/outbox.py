"""Groups and what is told of them: from the changes of alerts to frozen notifications, one at most per destination."""

import heapq
from collections.abc import Callable, Iterable, Mapping

import msgspec

from bridge import group as groups
from bridge.alert import Alert, Facts, digest
from bridge.commit import ChangeRow, Commit, GroupRow, OutboxRow, Settled
from bridge.group import Change, Content, Group
from bridge.notification import OWN_GROUP, AlertView, Notification, State
from bridge.route import Place, Route


class Target(msgspec.Struct, frozen=True):
    """A destination of a receiver, as far as the core needs to know it."""

    key: str
    send_resolved: bool = True


class Routing(msgspec.Struct, frozen=True):
    """Where alerts go."""

    route: Route
    targets: Mapping[str, tuple[Target, ...]]
    """By receiver."""
    give_up_after: int
    external_url: str = ""


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
        self._living = living
        self._ticks: list[tuple[int, str]] = []
        self._dirty: set[str] = set()
        self._gone: set[str] = set()
        self._changed: dict[int, tuple[str, Change]] = {}
        self._told: list[int] = []
        self._new_rows: dict[str, OutboxRow] = {}
        self._settled: list[Settled] = []

    # -- changes of alerts --------------------------------------------------------------------------------------

    def begun(self, alert: Alert, facts: Facts, at: int) -> None:
        """An alert fires."""
        group = self._group(self.routing.route.place(alert.labels, alert.own), at)
        group.firing[alert.identity] = alert.id
        self._change(group, Change(0, alert.identity, alert.id, "firing", at, facts))

    def ended(self, alert: Alert, facts: Facts, at: int) -> None:
        """A firing alert is resolved."""
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
        frozen: list[Change] = []
        for target in self._targets(group):
            cursor = group.cursor(target.key)
            if cursor.row:
                cursor.waiting = True
            else:
                frozen += self._freeze(group, target, at)
        self._prune(group)
        if group.over:
            del self.groups[id]
            self._dirty.discard(id)
            self._gone.add(id)
        else:
            self._file(group, at + self.routing.route.group_interval)
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
        self._dirty.add(group.id)
        frozen: list[Change] = []
        if waiting and (target := self._target(group, row.destination)):
            frozen = self._freeze(group, target, outcome.at)
        self._prune(group)
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

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """There is something that must be on disk at once."""
        return bool(self._changed or self._new_rows or self._settled or self._dirty or self._gone or self._told)

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

    def shift(self, by: int) -> None:
        """The wall clock was set back: all instants move."""
        self._ticks.clear()
        for group in self.groups.values():
            self._file(group, group.due + by)
            for cursor in group.cursors.values():
                cursor.last = max(0, cursor.last + by) if cursor.last else 0
        for id, row in self.rows.items():
            moved = msgspec.structs.replace(row, created=row.created + by, due=row.due + by, expires=row.expires + by)
            self.rows[id] = self._new_rows[id] = moved

    def reroute(self, routing: Routing, at: int) -> None:
        """The route or the receivers were edited: alerts move to their new groups, and what was told stays told."""
        old, self.groups = self.groups, {}
        self.routing = routing
        keys = {target.key for targets in routing.targets.values() for target in targets}
        for id, row in list(self.rows.items()):
            if row.destination not in keys:
                self.settled(Settled(id, "dead", at, "its destination was removed from the configuration"))
        for group in old.values():
            self._move(group, at)
        self._gone |= old.keys() - self.groups.keys()
        self._dirty -= self._gone

    # -- inside -------------------------------------------------------------------------------------------------

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
                row = cursor.row if same else ""
                new.cursors[target.key] = msgspec.structs.replace(cursor, told=dict(cursor.told), row=row)
        if same and old.due < new.due:
            self._file(new, old.due)

    def _group(self, place: Place, at: int) -> Group:
        group = self.groups.get(place.id)
        if group is None:
            group = self.groups[place.id] = Group(place.id, place.key, place.labels, place.receiver, at + place.wait)
            self._file(group, group.due)
        return group

    def _file(self, group: Group, due: int) -> None:
        group.due = due
        heapq.heappush(self._ticks, (due, group.id))
        self._dirty.add(group.id)

    def _change(self, group: Group, change: Change) -> Change:
        change.n = self.next_change
        self.next_change += 1
        group.changes.append(change)
        self._changed[change.n] = (group.id, change)
        return change

    def _freeze(self, group: Group, target: Target, at: int) -> list[Change]:
        """Fix the content of the next message to one destination, if there is anything to tell."""
        content = group.content(target.key, target.send_resolved, at, self.routing.route.repeat_interval)
        self._dirty.add(group.id)
        if content is None:
            group.skip(target.key)
            return []
        cursor = group.cursor(target.key)
        reminder = cursor.reminders + 1 if content.reason == "reminder" else 0
        upto = max(group.newest, cursor.upto)
        id = digest(target.key, group.id, upto, at if reminder else 0)
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
        for gone in group.cursors.keys() - keys:
            del group.cursors[gone]
        self._told += group.prune()
