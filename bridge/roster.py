"""All groups of the routes, and when each of them is due next."""

import heapq
from collections.abc import Iterable, Mapping

from bridge import group as groups
from bridge.commit import Commit, GroupRow
from bridge.group import Group
from bridge.notification import AlertView, Notification
from bridge.route import Node, Place, Route, Tree
from bridge.values import NEVER


class Roster:
    """The groups of one tree of routes, by id."""

    def __init__(self, route: Route) -> None:
        self.tree = Tree(route)
        self.groups: dict[str, Group] = {}
        self._ticks: list[tuple[int, str]] = []
        self._dirty: set[str] = set()
        self._gone: set[str] = set()

    def next_tick(self) -> tuple[int, str] | None:
        """The earliest tick and its group."""
        while self._ticks:
            due, id = self._ticks[0]
            if id in self.groups and self.groups[id].due == due:
                return due, id
            heapq.heappop(self._ticks)
        return None

    def at(self, place: Place, at: int) -> Group:
        """The group of a place; it is made if there is none, and roused if it sleeps."""
        group = self.groups.get(place.id)
        if group is None:
            due = at + place.wait
            group = Group(place.id, place.key, place.labels, place.receiver, place.route, due)
            self.groups[place.id] = group
            self.file(group, group.due)
        elif group.asleep:
            group.labels, group.receiver = place.labels, place.receiver
            self.file(group, at + place.wait)
        elif group.due == NEVER:
            # Only those who take nothing now are kept waiting; for all others it is over, and this is a new one.
            group.restart()
            self.file(group, at + place.wait)
        return group

    def node(self, group: Group) -> Node:
        """The route that it belongs to."""
        return self.tree.nodes.get(group.route, self.tree.root)

    def homes(self, labels: Mapping[str, str], own: bool) -> dict[str, Place]:
        """The places of an alert by the ids of their groups."""
        return {place.id: place for place in self.tree.places(labels, own)}

    def claims(self, told: Notification) -> tuple[list[tuple[Group, list[str]]], list[AlertView]]:
        """Of a message of a group that is no more: the groups that hold now what fired in it, with the ids of these
        alerts, and all other alerts."""
        claimed: dict[str, list[str]] = {}
        rest: list[AlertView] = []
        for alert in told.alerts:
            places = self.homes(alert.labels, told.about_bridge) if alert.state == "firing" else {}
            homes = [id for id in places if id in self.groups and self.groups[id].holds(alert.id)]
            for id in homes:
                claimed.setdefault(id, []).append(alert.id)
            rest += [] if homes else [alert]
        return [(self.groups[id], alerts) for id, alerts in claimed.items()], rest

    def file(self, group: Group, due: int) -> None:
        """It is due then, and not at the instant that was known."""
        group.due = due
        if due < NEVER:
            heapq.heappush(self._ticks, (due, group.id))
        self._dirty.add(group.id)

    def touch(self, group: Group) -> None:
        """It has changed: the store must know."""
        self._dirty.add(group.id)

    def rest(self, group: Group, after: int) -> None:
        """Until the next tick that can have something to tell; a change brings it nearer."""
        if group.ticked:
            self.file(group, group.wake(after, self.node(group)))

    def remove(self, group: Group) -> None:
        del self.groups[group.id]
        self._dirty.discard(group.id)
        self._gone.add(group.id)

    def replant(self, route: Route) -> dict[str, Group]:
        """The routes were edited. Gives the groups of before; only those that sleep are kept, if their route is."""
        old, self.tree = self.groups, Tree(route)
        self.groups = {id: group for id, group in old.items() if group.asleep and group.route in self.tree.nodes}
        return old

    def bury(self, old: Mapping[str, Group]) -> None:
        """The edit is done: groups of before that were not made anew are gone, the others keep their ticks."""
        for id in self.groups.keys() & old.keys():
            if not self.groups[id].asleep:
                self.file(self.groups[id], min(old[id].due, self.groups[id].due))
        self._gone |= old.keys() - self.groups.keys()
        self._dirty -= self._gone

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        return bool(self._dirty or self._gone)

    def drain(self, commit: Commit) -> None:
        """Put all that is new into a commit."""
        commit.groups = [GroupRow(id, self.groups[id].due, groups.dump(self.groups[id])) for id in sorted(self._dirty)]
        commit.groups_gone = sorted(self._gone - self.groups.keys())
        self._dirty.clear()
        self._gone.clear()

    def restore(self, rows: Iterable[GroupRow]) -> None:
        """As the last commit left them."""
        for row in rows:
            group = self.groups[row.id] = groups.load(row.id, row.due, row.body)
            group.route = group.route or self.tree.root.id
            heapq.heappush(self._ticks, (row.due, row.id))

    def shift(self, by: int) -> None:
        """The wall clock was set back: all instants move."""
        self._ticks.clear()
        for group in self.groups.values():
            group.ticked += by if group.ticked else 0
            self.file(group, group.due + by if group.due < NEVER else NEVER)
            for cursor in group.cursors.values():
                cursor.last = max(0, cursor.last + by) if cursor.last else 0
