"""Groups and what is told of them: from the changes of alerts to frozen notifications, one at most per destination."""

from collections.abc import Iterable

import msgspec

from bridge.alert import Alert, Facts, copied, digest, identity
from bridge.author import Author, Living
from bridge.changes import Changes
from bridge.changes import load as load_change
from bridge.commit import Attempt, ChangeRow, Commit, GroupRow, Muted, OutboxRow, Settled, SilenceRow
from bridge.crowd import Crowds, part
from bridge.cursor import Change, Line
from bridge.group import Group
from bridge.health import Health
from bridge.label_matchers import Labels
from bridge.moving import Ground, is_elsewhere, move
from bridge.muting import Muting
from bridge.notification import AlertView, Notification
from bridge.roster import Roster
from bridge.routing import Routing
from bridge.rows import Rows
from bridge.silence import dump as dump_silence
from bridge.standins import StandIns, Target
from bridge.teller import Teller


class Outbox:
    """The groups with their ticks, and the rows under way."""

    def __init__(self, routing: Routing, living: Living) -> None:
        self.routing = routing
        self.changes = Changes()
        self.muting = Muting()
        self.health = Health()
        self._rows = Rows()
        self._crowds = Crowds()
        self._living = living
        self._alerts: dict[str, Alert] = {}
        """Those that fire, by identity."""
        self._muted: list[Muted] = []
        self._roster = Roster(routing.route)
        self.shed: list[tuple[str, int]] = []
        """Destinations that were not told of so many changes, because too many waited."""
        self._equip()

    def _equip(self) -> None:
        """For the receivers of now."""
        routing = self.routing
        self._standins = StandIns(routing.targets, routing.fallbacks, self.health)
        self._author = Author(self._living, routing.external_url)
        self._teller = Teller(
            self._standins, self._author, self._roster, self._rows, self._crowds, routing.give_up_after
        )

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
            self.changes.done(group.supersede(alert.identity))
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
                self.changes.put(group.id, change)
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
        self._mute(group, at)
        for target in self._standins.targets(group):
            self._standins.appoint(group, target.key)
        targets = self._standins.targets(group)
        frozen = self._teller.tell(group, targets, at, lambda each: at - each.last >= node.repeat_after(each.reminders))
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
        if not told and row.group not in self.groups and outcome.is_lost and not self.health.is_out(row.destination):
            frozen += self._pass_on(row, outcome.at)
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
        lost = group.lost(row.destination, told) if outcome.is_lost else []
        heirs = self._standins.bequeath(group, row.destination, lost)
        group.settle(row.destination, told, outcome.outcome == "delivered")
        node = self._roster.node(group)
        if outcome.at - row.created >= node.group_interval:
            group.cursor(row.destination).last = outcome.at  # It came late: a reminder now would follow on its heels.
        self._roster.touch(group)
        frozen: list[Change] = []
        if waiting and (target := self._standins.target_of(group, row.destination)):
            heirs.insert(0, target)  # What was new at the ticks in between; a reminder waits for a tick of its own.
        if heirs:
            frozen = self._tell(group, heirs, outcome.at)
        self._prune(group)
        if any(alert.state == "event" for alert in told.alerts):
            self._roster.rest(group, outcome.at)  # One-offs have no end that would keep their messages apart.
        elif group.ticked:
            self._go_on(group, outcome.at, slept=False)
        return frozen

    def tried(self, attempt: Attempt) -> bool:
        """Note how an attempt ended. Whether that ends a time in which its destination was out."""
        if not attempt.is_untaken and not self._standins.tells_people(attempt.destination):
            self._rows.renewals.keep(attempt.row)  # People who have it already rather read what is new than it again.
        return self.health.tried(attempt)

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

    def renew(self, id: str, number: int, at: int) -> list[Change]:
        """A row comes to its next try. Returns the changes that it holds from now on."""
        groups = [self.groups[each] for each in self._rows.renewals.of(id) if each in self.groups]
        for group in groups:
            self._mute(group, at)
        frozen = self._teller.renew(id, groups, at)
        for group in groups:
            self._roster.rest(group, at)
        self._rows.answer(id, number)
        return frozen

    def out(self, destination: str, at: int) -> list[Change]:
        """A destination is out: whoever stands in for it is told at once what it was not told. Returns the changes that
        messages hold from now on."""
        self.health.ill[destination].out = True
        frozen: list[Change] = []
        for group in list(self.groups.values()):
            cursor = group.cursors.get(destination)
            if cursor is None or not (cursor.row or cursor.waiting):
                continue  # It may be told of what changes from now on: at its tick.
            stood_in, lost = {*group.standins}, self._teller.lost(group, destination)
            heirs = self._standins.appoint(group, destination)
            for heir in heirs:
                group.owe(heir.key, lost)
            unaware = [heir for heir in heirs if heir.key not in stood_in or group.cursor(heir.key).owed]
            frozen += self._tell(group, unaware, at)
            self._roster.rest(group, at)
        for row in list(self.rows.values()):
            if row.destination == destination and not row.notification.covers and row.group not in self.groups:
                frozen += self._pass_on(row, at)
        return frozen

    def _tell(self, group: Group, targets: Iterable[Target], at: int) -> list[Change]:
        """Now, between ticks; a reminder waits for one."""
        self._mute(group, at)
        return self._teller.tell(group, targets, at, lambda cursor: False)

    def _tell_crowd(self, key: str, at: int) -> list[Change]:
        """There is room at a destination."""
        target, crowd = self._standins.target(key), self._teller.crowd(key)
        if target is None:
            return []
        for group in crowd:
            self._mute(group, at)
        frozen = self._teller.tell_crowd(crowd, target, at)
        for group in crowd:
            self._prune(group)
            self._go_on(group, at, slept=False)
        return frozen

    def muted(self, labels: Labels, at: int) -> dict[str, str]:
        """What mutes a firing alert now: by the ids of its groups, those that it is muted in."""
        alert = self._alerts.get(identity(labels))
        return self.muting.places(alert, self._roster.tree, at) if alert else {}

    def standing(self, group_id: str, destination: str, at: int) -> list[AlertView]:
        """What fires and the destination was told of, as it is now: for services that forget what is not repeated."""
        group = self.groups.get(group_id)
        return self._author.standing(group, destination, at) if group else []

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        """There is something that must be on disk at once."""
        return any(part.changed for part in (self.changes, self._rows, self._roster, self.muting.silences))

    def drain(self, commit: Commit) -> None:
        """Put all that is new into a commit."""
        self._roster.drain(commit)
        self.changes.drain(commit)
        self._rows.drain(commit)
        silences, commit.silences_gone = self.muting.silences.drain()
        commit.silences = [SilenceRow(each.id, dump_silence(each)) for each in silences]
        commit.muted, self._muted = self._muted, []

    def restore(self, group_rows: Iterable[GroupRow], changes: Iterable[ChangeRow], rows: Iterable[OutboxRow]) -> None:
        """As the last commit left it; `revive` follows for each firing alert."""
        self._roster.restore(group_rows)
        for change_row in changes:
            if group := self.groups.get(change_row.group):
                group.changes.append(load_change(change_row))
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
        self._equip()
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
        self.changes.moved(moved.gone)
        for id, change in moved.changes:
            self.changes.put(id, change)
        self._roster.bury(old)

    def _ground(self, at: int) -> Ground:
        return Ground(
            places=self._roster.tree.places,
            group=lambda place: self._roster.at(place, at),
            known=self.groups.get,
            destinations=lambda group: [target.key for target in self._standins.targets(group)],
            labels=lambda name: self._alerts[name].labels if name in self._alerts else None,
            under_way=self._rows.firing,
            number=self.changes.number,
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

    def _go_on(self, group: Group, at: int, slept: bool) -> None:
        """A group that is over goes at once: what comes next waits for others again, as in a new one."""
        if not group.over:
            self._roster.rest(group, at)
        elif not slept and (memory_for := self._standins.memory_for(group)):
            group.sleep()
            self._roster.file(group, at + memory_for)
        else:
            self._roster.remove(group)

    def _change(self, group: Group, change: Change) -> Change:
        change.n = self.changes.number()
        group.changes.append(change)
        self.changes.put(group.id, change)
        if group.ticked:
            due = group.next_tick(change.at, self._roster.node(group).group_interval)
            if due < group.due:
                self._roster.file(group, due)
        return change

    def _mute(self, group: Group, at: int) -> None:
        self._muted += self.muting.look(group, self._roster.node(group), lambda name: self._alerts[name].labels, at)

    def _pass_on(self, row: OutboxRow, at: int) -> list[Change]:
        """A message of a group that is no more is never taken. What fired is owed where it belongs now, so that its end
        is told as well, unless it has fired anew since."""
        owed, homeless = self._roster.claims(row.notification)
        rest = [each for each in homeless if each.state != "firing" or identity(each.labels) not in self._alerts]
        frozen: list[Change] = []
        for group, lost in owed:
            if self._standins.target_of(group, row.destination):
                frozen += self._tell(group, self._standins.bequeath(group, row.destination, lost), at)
                self._roster.rest(group, at)
        if rest:
            self._teller.pass_on(row, rest, at)
        return frozen

    def _prune(self, group: Group) -> None:
        """A destination that is no longer there holds nothing up."""
        self._standins.dismiss(group)
        self.changes.done(group.prune())
        gone, counting = group.merge_events()
        self.changes.done(gone)
        for change in counting:
            self.changes.put(group.id, change)
        if shed := group.shed():
            self.changes.done(shed)
            slowest = min(group.cursors, key=lambda key: group.cursors[key].upto)
            self.shed.append((slowest, len(shed)))
