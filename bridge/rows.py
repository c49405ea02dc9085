"""The messages under way: fixed, and not yet delivered or dead; one at most for each group and destination."""

from collections import Counter
from collections.abc import Iterable

import msgspec

from bridge.alert import identity
from bridge.commit import Commit, OutboxRow, Settled
from bridge.notification import Notification
from bridge.renewals import Renewals


class Rows:
    """By id, with what of them the store does not have yet."""

    def __init__(self) -> None:
        self.by_id: dict[str, OutboxRow] = {}
        self.renewals = Renewals()
        self._waiting = Counter[str]()
        """By destination."""
        self._new: dict[str, OutboxRow] = {}
        self._settled: list[Settled] = []

    def waiting(self, destination: str) -> int:
        """How many messages are under way to it."""
        return self._waiting[destination]

    def put(self, row: OutboxRow) -> None:
        """It is on its way."""
        self.by_id[row.id] = self._new[row.id] = row
        self._waiting[row.destination] += 1

    def settle(self, outcome: Settled) -> OutboxRow | None:
        """It is delivered or dead. None: that was known."""
        self.renewals.keep(outcome.id)
        row = self.by_id.pop(outcome.id, None)
        if row is not None:
            self._waiting[row.destination] -= 1
            self._new.pop(outcome.id, None)
            self._settled.append(outcome)
        return row

    def postpone(self, row: OutboxRow) -> None:
        """It was tried in vain."""
        if known := self.by_id.get(row.id):
            self._replace(msgspec.structs.replace(row, memory=known.memory, asked=known.asked))

    def renew(self, id: str, notification: Notification, expires: int) -> None:
        """It tells more, and is tried in full again."""
        self._replace(msgspec.structs.replace(self.by_id[id], notification=notification, expires=expires, plain=False))

    def answer(self, id: str, number: int) -> None:
        """Its worker waits for what it is by now, whether that has changed or not."""
        if id in self.by_id:
            self._replace(msgspec.structs.replace(self.by_id[id], asked=number))

    def remember(self, id: str, memory: dict[str, object]) -> OutboxRow | None:
        """What a receiver must know on later tries, as a part of it is told. None: it has ended."""
        self.renewals.keep(id)
        row = self.by_id.get(id)
        if row is not None:
            row = msgspec.structs.replace(row, memory={**row.memory, **memory})
            self._replace(row)
        return row

    def firing(self, id: str) -> list[tuple[str, str]]:
        """The alerts that one holds as firing: identity and id."""
        alerts = self.by_id[id].notification.alerts if id in self.by_id else []
        return [(identity(each.labels), each.id) for each in alerts if each.state == "firing"]

    def holds_digest(self, destination: str) -> bool:
        """A digest is under way to it."""
        return any(row.notification.covers for row in self.by_id.values() if row.destination == destination)

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        return bool(self._new or self._settled)

    def drain(self, commit: Commit) -> None:
        """Put all that is new into a commit."""
        commit.rows, commit.settled = list(self._new.values()), self._settled
        self._settled = []
        self._new.clear()

    def restore(self, rows: Iterable[OutboxRow]) -> None:
        """As the last commit left them."""
        self.by_id = {row.id: row for row in rows}
        self._waiting = Counter(row.destination for row in self.by_id.values())

    def shift(self, by: int) -> None:
        """The wall clock was set back: all instants move."""
        for row in list(self.by_id.values()):
            self._replace(
                msgspec.structs.replace(row, created=row.created + by, due=row.due + by, expires=row.expires + by)
            )

    def _replace(self, row: OutboxRow) -> None:
        self.by_id[row.id] = self._new[row.id] = row
