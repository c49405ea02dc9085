"""The rolling checkpoint: states are written whole, a few at a time, so that old journal entries can go."""

from collections.abc import Callable

import msgspec

from bridge.commit import Commit, StateRow
from bridge.ledger import Ledger
from bridge.rule import State


class Pace(msgspec.Struct, frozen=True):
    """How often all is written whole, and how much of it at once."""

    journal_max: int = 4 * 1024 * 1024
    """Bytes of journal after which a sweep begins: what a start has to repeat at most."""
    states_max: int = 2000
    """States of one commit, so that no commit takes long."""


class Sweep:
    """Walks over all states that the journal touched, in the order of their numbers."""

    def __init__(self, write: Callable[[State, int], StateRow | None], pace: Pace) -> None:
        """`write`: a state's row as of a commit; None if the state is no more."""
        self._write = write
        self._pace = pace
        self._pending: list[State] = []
        self._covers = 0
        self._bytes = 0

    def fill(self, commit: Commit, ledger: Ledger, everything: bool = False) -> None:
        """Add the states that must go into this commit, and those that may."""
        self._bytes += len(commit.journal or b"")
        for state in ledger.forced.values():
            ledger.touched.pop(state.no, None)
            self._add(commit, state)
        ledger.forced = {}
        if ledger.touched and (everything or (not self._pending and self._bytes > self._pace.journal_max)):
            waiting = {state.no: state for state in self._pending} | ledger.touched
            self._pending = sorted(waiting.values(), key=lambda state: -state.no)
            self._covers, self._bytes, ledger.touched = commit.n, 0, {}
        for _ in range(len(self._pending) if everything else min(self._pace.states_max, len(self._pending))):
            self._add(commit, self._pending.pop())
        if self._covers and not self._pending:
            commit.journal_upto, self._covers = self._covers, 0

    def give_up(self) -> None:
        """The states were made anew, at a reload: what was to be written is no more. The next commit begins again."""
        if self._pending:
            self._pending, self._covers, self._bytes = [], 0, self._pace.journal_max

    def _add(self, commit: Commit, state: State) -> None:
        if row := self._write(state, commit.n):
            state.stored = True
            commit.states.append(row)
