"""The changes of alerts that groups have to tell, as far as the store does not have them yet."""

from collections.abc import Iterable

import msgspec

from bridge.commit import ChangeRow, Commit
from bridge.cursor import Change


class Changes:
    """Numbers them in their order."""

    def __init__(self) -> None:
        self.next = 1
        """The number of the next one; numbers are never used twice."""
        self._new: dict[int, tuple[str, Change]] = {}
        self._done: list[int] = []

    def number(self) -> int:
        """For a new one."""
        self.next += 1
        return self.next - 1

    def put(self, group: str, change: Change) -> None:
        """It is new, or counts more than before."""
        self._new[change.n] = (group, change)

    def done(self, numbers: Iterable[int]) -> None:
        """Nobody has to be told of these any more."""
        self._done += numbers

    def moved(self, numbers: Iterable[int]) -> None:
        """They stand elsewhere, under other numbers."""
        for n in numbers:
            self._new.pop(n, None)
            self._done.append(n)

    @property
    def changed(self) -> bool:
        return bool(self._new or self._done)

    def drain(self, commit: Commit) -> None:
        """Put all that is new into a commit."""
        commit.changes = [dump(group, change) for _, (group, change) in sorted(self._new.items())]
        commit.changes_told = self._done
        self._done = []
        self._new.clear()


def load(row: ChangeRow) -> Change:
    """From the store, where only changes are that a message may hold already. Raises msgspec.DecodeError."""
    change = msgspec.json.decode(row.body, type=Change)
    change.frozen = True
    return change


def dump(group: str, change: Change) -> ChangeRow:
    """For the store."""
    name = change.facts.labels.get("alertname", "")
    return ChangeRow(change.n, group, change.alert, change.state, change.at, msgspec.json.encode(change), name)
