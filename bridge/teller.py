"""Fixes what destinations are told: a group's news as a message of its own, or as a part of one that covers many."""

from collections.abc import Callable, Iterable, Sequence

from bridge.alert import digest
from bridge.author import Author
from bridge.commit import OutboxRow
from bridge.crowd import DIGEST, WAITING_MAX, Crowds, merge, part
from bridge.cursor import Change, Content, Cursor
from bridge.group import Group
from bridge.notification import AlertView, Notification
from bridge.roster import Roster
from bridge.rows import Rows
from bridge.standins import StandIns, Target, hand_over


class Teller:
    """Of the destinations of one rules file. What is muted is known by then: `Group.muted`."""

    def __init__(
        self, standins: StandIns, author: Author, roster: Roster, rows: Rows, crowds: Crowds, give_up_after: int
    ) -> None:
        self._standins = standins
        self._author = author
        self._roster = roster
        self._rows = rows
        self._crowds = crowds
        self._give_up_after = give_up_after

    def tell(self, group: Group, targets: Iterable[Target], at: int, remind: Callable[[Cursor], bool]) -> list[Change]:
        """Each of these, once it has no message under way. Returns the changes that messages hold from now on."""
        frozen: list[Change] = []
        for target in targets:
            if group.cursor(target.key).row:
                group.cursor(target.key).waiting = True
            else:
                frozen += self._freeze(group, target, at, remind)
        return frozen

    def crowd(self, key: str) -> list[Group]:
        """The groups that waited for room at a destination, now that there is some; they wait no longer. In the order
        of their oldest news, which a restart does not change, so that neither does it change what a digest says."""
        if not self._crowds.anybody(key) or self._rows.holds_digest(key):
            return []
        groups = self._roster.groups
        waiting = [groups[id] for id in self._crowds.leave(key) if id in groups]
        crowd = [each for each in waiting if key in each.cursors and not each.cursor(key).row]
        for group in crowd:
            group.cursor(key).waiting = False
        return sorted(crowd, key=lambda group: (min((change.n for change in group.changes), default=0), group.id))

    def tell_crowd(self, crowd: Iterable[Group], target: Target, at: int) -> list[Change]:
        """All of them in one message."""
        contents = [(group, self._content(group, target, _never)) for group in crowd]
        full = [(group, content) for group, content in contents if content.reason is not None]
        if len(full) == 1:
            return self._freeze(full[0][0], target, at, _never)
        return self._freeze_digest(full, target, at) if full else []

    def lost(self, group: Group, destination: str) -> list[str]:
        """What of a group a destination will not be told soon, though a message holds it: ids of alerts."""
        row = self._rows.by_id.get(group.cursor(destination).row)
        if row is None:
            return []
        covers = row.notification.covers
        return group.lost(destination, part(row.notification, covers[group.id]) if covers else row.notification)

    def pass_on(self, row: OutboxRow, alerts: Sequence[AlertView], at: int) -> None:
        """To the fallback, as it is, but with these alerts only: no cursor tells of them any more."""
        for target in self._standins.well(row.destination):
            told = hand_over(row.notification, alerts, row.id, self._standins.receiver(target.key), target)
            if told.id not in self._rows.by_id and (told.status != "resolved" or target.send_resolved):
                self._put(told, "", at)

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
        told = self._notification(digest(target.key, group.id, upto, begun), group, target, content, at)
        open_before = [change for change in group.changes if not change.frozen]
        group.begin(target.key, told.id, upto, at, content)
        self._put(told, group.id, at, dict(cursor.memory))
        return open_before

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
        self._put(merge(parts, id, covers), "", at)
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
        return self._author.write(id, group, target.key, receiver, content, at)

    def _put(self, told: Notification, group: str, at: int, memory: dict[str, object] | None = None) -> None:
        self._rows.put(
            OutboxRow(
                id=told.id,
                destination=told.destination,
                group=group,
                created=at,
                due=at,
                expires=at + self._give_up_after,
                memory=memory or {},
                notification=told,
            )
        )


def _never(cursor: Cursor) -> bool:
    return False
