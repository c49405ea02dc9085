"""Fixes what destinations are told: a group's news as a message of its own, or as a part of one that covers many."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

from bridge.alert import digest, identity
from bridge.author import Author
from bridge.commit import OutboxRow
from bridge.crowd import DIGEST, WAITING_MAX, Crowds, merge, part
from bridge.cursor import Change, Content, Cursor
from bridge.group import Group
from bridge.notification import AlertView, Notification
from bridge.renewals import next_id
from bridge.roster import Roster
from bridge.rows import Rows
from bridge.standins import StandIns, Target, hand_over

Contents = Sequence[tuple[Group, Content]]


class Teller:
    """Of the destinations of one rules file. What is muted is known by then: `Group.muted`."""

    def __init__(
        self,
        standins: StandIns,
        author: Author,
        roster: Roster,
        rows: Rows,
        crowds: Crowds,
        give_up_after: int,
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

    def renew(self, id: str, groups: Sequence[Group], at: int) -> list[Change]:
        """A row that its destination surely does not have tells what there is to tell by now, unless that is no more
        than it does, or leaves out some of it. Returns the changes that messages hold from now on."""
        before, row = self._rows.renewals.of(id), self._rows.by_id.get(id)
        if row is None or (target := self._standins.target(row.destination)) is None:
            return []
        key = target.key
        cursors = [group.cursors[key] for group in groups if key in group.cursors and group.cursors[key].row == id]
        if len(cursors) < len(before) or not any(map(_has_news, groups, cursors)):
            return []
        for group in groups:
            group.cursors[key] = group.reopened(key, before[group.id])
        again = row.notification.reason == "reminder"
        contents = [(group, self._news(group, target, lambda cursor: again)) for group in groups]
        if all(content.reason for _, content in contents):
            told = self._write(next_id(row.notification.id), contents, target, at, bool(row.notification.covers))
            if _tells_more(told, row.notification):
                open_before = _open(groups)
                self._begin(id, contents, target, at)
                self._rows.renew(id, told, at + self._give_up_after)
                for group in groups:
                    self._roster.touch(group)
                return open_before
        for group, cursor in zip(groups, cursors, strict=True):
            group.cursors[key] = cursor
        return []

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
        id = digest(target.key, group.id, upto, begun)
        return self._fix(id, [(group, content)], target, at, as_digest=False)

    def _freeze_digest(self, full: Contents, target: Target, at: int) -> list[Change]:
        id = digest(target.key, DIGEST, at, *(group.id for group, _ in full))
        return self._fix(id, full, target, at, as_digest=True)

    def _fix(self, id: str, contents: Contents, target: Target, at: int, as_digest: bool) -> list[Change]:
        told = self._write(id, contents, target, at, as_digest)
        group, _ = contents[0]
        memory = {} if as_digest else dict(group.cursor(target.key).memory)
        open_before = _open(group for group, _ in contents)
        self._begin(id, contents, target, at)
        self._put(told, "" if as_digest else group.id, at, memory)
        return open_before

    def _write(self, id: str, contents: Contents, target: Target, at: int, as_digest: bool) -> Notification:
        parts = {group.id: self._notification(id, group, target, content, at) for group, content in contents}
        if not as_digest:
            return next(iter(parts.values()))
        return merge([*parts.values()], id, {group: [each.id for each in told.alerts] for group, told in parts.items()})

    def _begin(self, row: str, contents: Contents, target: Target, at: int) -> None:
        self._rows.renewals.fixed(
            row, {group.id: group.begin(target.key, row, at, content) for group, content in contents}
        )

    def _content(self, group: Group, target: Target, remind: Callable[[Cursor], bool]) -> Content:
        """What a destination should be told of a group now; if that is nothing, it is past all there is."""
        content = self._news(group, target, remind)
        self._roster.touch(group)
        if content.reason is None:
            group.skip(target.key, content)
        return content

    def _news(self, group: Group, target: Target, remind: Callable[[Cursor], bool]) -> Content:
        if self._standins.ends_only(group, target.key):
            return group.ends(target.key, target.send_resolved)
        return group.content(target.key, target.send_resolved, remind)

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


def _open(groups: Iterable[Group]) -> list[Change]:
    """What no message holds."""
    return [change for group in groups for change in group.changes if not change.frozen]


def _has_news(group: Group, cursor: Cursor) -> bool:
    """There may be more to tell than what is under way."""
    return cursor.waiting or bool(cursor.owed) or group.newest > cursor.covered


def _tells_more(now: Notification, before: Notification) -> bool:
    """It leaves nobody out, and says something else."""
    if not {identity(alert.labels) for alert in before.alerts} <= {identity(alert.labels) for alert in now.alerts}:
        return False
    counts, counted = _counts(now), _counts(before)
    return _says(now) != _says(before) and all(counts[name] >= count for name, count in counted.items())


def _says(told: Notification) -> set[tuple[str, str, int]]:
    return {(alert.id, alert.state, alert.count if alert.state == "event" else 0) for alert in told.alerts}


def _counts(told: Notification) -> Counter[str]:
    """Of one-offs, by identity."""
    counts: Counter[str] = Counter()
    for alert in told.alerts:
        if alert.state == "event":
            counts[identity(alert.labels)] += alert.count
    return counts


def _never(cursor: Cursor) -> bool:
    return False
