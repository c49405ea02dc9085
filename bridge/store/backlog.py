"""What the disk does not take: many commits as one that says all of theirs, of a size that time alone does not grow."""

from collections import OrderedDict, deque
from typing import TypeVar

from bridge.commit import (
    AccountRow,
    Answer,
    Attempt,
    ChangeRow,
    Commit,
    GroupRow,
    Muted,
    OutboxRow,
    Settled,
    SilenceRow,
    StateRow,
)

HISTORY_MAX = 10_000
"""Attempts, mutes, ended messages and told changes that wait, of each: nothing depends on them.
Older ones are left out."""

K = TypeVar("K")
V = TypeVar("V")


class Backlog:
    """Commits that wait for a disk, merged in their order as the store would take them.

    Their journal entries are left out. So the latest commit must hold all states whole that any of them touched
    (`Engine.drain(everything=True)`), and then no entry on disk is needed any more either.
    """

    def __init__(self) -> None:
        self._n, self._t, self._meta = 0, 0, b""
        self._states: dict[int, StateRow] = {}
        self._states_gone: set[int] = set()
        self._groups: dict[str, GroupRow] = {}
        self._groups_gone: set[str] = set()
        self._silences: dict[str, SilenceRow] = {}
        self._silences_gone: set[str] = set()
        self._accounts: dict[tuple[str, str], AccountRow] = {}
        self._changes: dict[int, ChangeRow] = {}
        self._told: set[int] = set()
        self._told_changes: OrderedDict[int, ChangeRow] = OrderedDict()
        self._rows: dict[str, OutboxRow] = {}
        self._settled: dict[str, Settled] = {}
        self._settled_rows: OrderedDict[str, OutboxRow] = OrderedDict()
        self._attempts: deque[Attempt] = deque(maxlen=HISTORY_MAX)
        self._muted: deque[Muted] = deque(maxlen=HISTORY_MAX)
        self._answers: deque[Answer] = deque(maxlen=HISTORY_MAX)

    def add(self, commit: Commit) -> None:
        """One more, later than all before it."""
        self._n, self._t, self._meta = commit.n, commit.t, commit.meta
        _replace(self._states, self._states_gone, {row.no: row for row in commit.states}, commit.states_gone)
        _replace(self._groups, self._groups_gone, {row.id: row for row in commit.groups}, commit.groups_gone)
        silences = {row.id: row for row in commit.silences}
        _replace(self._silences, self._silences_gone, silences, commit.silences_gone)
        self._accounts.update(((row.kind, row.key), row) for row in commit.accounts)
        self._add_changes(commit)
        self._add_rows(commit)
        self._attempts.extend(commit.attempts)
        self._muted.extend(commit.muted)
        self._answers.extend(commit.answers)

    @property
    def rows(self) -> list[OutboxRow]:
        """Those that have not ended."""
        return list(self._rows.values())

    def commit(self) -> Commit:
        """All of it, under the number of the latest."""
        return Commit(
            n=self._n,
            t=self._t,
            meta=self._meta,
            journal_upto=self._n,
            states=list(self._states.values()),
            states_gone=list(self._states_gone),
            groups=list(self._groups.values()),
            groups_gone=list(self._groups_gone),
            silences=list(self._silences.values()),
            silences_gone=list(self._silences_gone),
            accounts=list(self._accounts.values()),
            changes=[*self._told_changes.values(), *self._changes.values()],
            changes_told=list(self._told),
            rows=[*self._settled_rows.values(), *self._rows.values()],
            settled=list(self._settled.values()),
            attempts=list(self._attempts),
            muted=list(self._muted),
            answers=list(self._answers),
        )

    def _add_changes(self, commit: Commit) -> None:
        self._changes.update((change.n, change) for change in commit.changes)
        self._told.update(commit.changes_told)
        for n in commit.changes_told:
            if change := self._changes.pop(n, None):
                self._told_changes[n] = change
        _forget_oldest(self._told_changes)

    def _add_rows(self, commit: Commit) -> None:
        for row in commit.rows:
            # One that ended and is wanted again has not ended.
            self._settled.pop(row.id, None)
            self._settled_rows.pop(row.id, None)
            self._rows[row.id] = row
        for settled in commit.settled:
            # Kept for good: the row may be on disk, and would be sent once more after a start.
            self._settled[settled.id] = settled
            if ended := self._rows.pop(settled.id, None):
                self._settled_rows[settled.id] = ended
        _forget_oldest(self._settled_rows)


def _replace(known: dict[K, V], known_gone: set[K], new: dict[K, V], gone: list[K]) -> None:
    for key in gone:
        known.pop(key, None)
    known_gone.update(gone)
    known |= new


def _forget_oldest(history: OrderedDict[K, V]) -> None:
    while len(history) > HISTORY_MAX:
        history.popitem(last=False)
