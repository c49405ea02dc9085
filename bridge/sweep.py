"""The rolling checkpoint: states are written whole, a few at a time, so that old journal entries can go."""

from collections.abc import Callable

import msgspec

from bridge.commit import Commit, StateRow
from bridge.ledger import Ledger
from bridge.state import State


class Pace(msgspec.Struct, frozen=True):
    """How often all is written whole, and how much of it at once."""

    journal_min: int = 1024 * 1024
    """Bytes of journal before which no sweep begins, some 400 000 hits: a start repeats them in a second."""
    journal_max: int = 16 * 1024 * 1024
    """Bytes of journal after which one begins in any case."""
    state_bytes: int = 16
    """Between these, one begins when the journal has so many bytes for each state that it touched: to write a state
    costs as much as some five hits, so that what is hit once in a while is not written each time."""
    states_max: int = 2000
    bytes_max: int = 1024 * 1024
    """States of one commit, and bytes from which on no other is added, so that no commit takes long."""


PAGE = 2048
"""States whose numbers share all but the last digits lie together in the database: they are written together."""

SORTED_MAX = 50_000
"""States that are put on their pages during one commit."""


class Sweep:
    """Walks over all states that the journal touched, in the order of their pages."""

    def __init__(self, write: Callable[[State, int], StateRow | None], pace: Pace) -> None:
        """`write`: a state's row as of a commit; None if the state is no more."""
        self._write = write
        self._pace = pace
        self._unsorted: list[State] = []
        self._pages: dict[int, list[State]] = {}
        self._order: list[int] = []
        """The pages, the first one last."""
        self._covers = 0
        self._bytes = 0

    def fill(self, commit: Commit, ledger: Ledger, everything: bool = False) -> None:
        """Add the states that must go into this commit, and those that may."""
        self._bytes += len(commit.journal or b"")
        for state in ledger.forced.values():
            self._add(commit, state)
        ledger.forced = {}
        if everything:
            self._write_all(commit, ledger)
            return
        if not self._covers and self._is_time(len(ledger.touched)):
            self._begin(commit, ledger)
        elif self._unsorted:
            self._sort()
        elif self._covers:
            self._go_on(commit)

    def give_up(self) -> None:
        """The states were made anew, at a reload: what was to be written is no more. The next commit begins again."""
        if self._covers:
            self._unsorted, self._pages, self._order, self._covers = [], {}, [], 0
            self._bytes = self._pace.journal_max + 1

    def _is_time(self, touched: int) -> bool:
        pace = self._pace
        return self._bytes > min(pace.journal_max, max(pace.journal_min, touched * pace.state_bytes))

    def _begin(self, commit: Commit, ledger: Ledger) -> None:
        self._unsorted, ledger.touched = ledger.touched, []
        self._covers, self._bytes = commit.n, 0
        if len(self._unsorted) <= self._pace.states_max:
            self._sort()
            self._go_on(commit)

    def _sort(self) -> None:
        """A million at once would take a second."""
        taken, self._unsorted = self._unsorted[-SORTED_MAX:], self._unsorted[:-SORTED_MAX]
        for state in taken:
            if state.dirty:  # else it has been written since
                self._pages.setdefault(state.no // PAGE, []).append(state)
        self._order = [] if self._unsorted else sorted(self._pages, reverse=True)

    def _go_on(self, commit: Commit) -> None:
        states, size = self._pace.states_max, self._pace.bytes_max
        while self._order and states > 0 and size > 0:
            page = self._pages[self._order[-1]]
            page.sort(key=_number, reverse=True)
            while page and states > 0 and size > 0:
                states -= 1
                size -= self._add_touched(commit, page.pop())
            if not page:
                del self._pages[self._order.pop()]
        if not self._order:
            commit.journal_upto, self._covers = self._covers, 0

    def _write_all(self, commit: Commit, ledger: Ledger) -> None:
        paged = [state for page in self._pages.values() for state in page]
        left = sorted((*paged, *self._unsorted, *ledger.touched), key=_number)
        for state in left:
            self._add_touched(commit, state)
        if left:
            commit.journal_upto = commit.n
        self._unsorted, self._pages, self._order, ledger.touched = [], {}, [], []
        self._covers = self._bytes = 0

    def _add_touched(self, commit: Commit, state: State) -> int:
        return self._add(commit, state) if state.dirty else 0

    def _add(self, commit: Commit, state: State) -> int:
        """Returns the bytes that it takes."""
        state.dirty = False
        row = self._write(state, commit.n)
        if row is None:
            return 0
        state.stored = True
        commit.states.append(row)
        return len(row.body)


def _number(state: State) -> int:
    return state.no
