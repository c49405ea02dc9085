"""What is due when, at the price of what is due: entries lie in slots of time, unsorted until theirs begins."""

import heapq
from collections.abc import Callable
from itertools import count
from typing import Generic, TypeVar

from bridge.values import NEVER

T = TypeVar("T")

SLOT_BITS = 12
"""A slot is 2 to that microseconds, 4 ms: what a storm of a hundred thousand events a second has filed is opened in
steps of less than a millisecond."""


class Calendar(Generic[T]):
    """Holds entries by a first guess of their instant; the true one is asked for when that second comes.

    An entry whose instant moves later need not be filed again; one whose instant moves earlier must be.
    """

    def __init__(
        self, due: Callable[[T], int], order: Callable[[T], tuple[int, str]], mark: Callable[[T, int], None]
    ) -> None:
        """`due`: an entry's true instant (NEVER: none). `order`: the order of entries of one instant.

        `mark` is told where an entry lies now, so that the owner knows when to file it again.
        """
        self._due = due
        self._order = order
        self._mark = mark
        self._slots: list[int] = []
        self._later: dict[int, tuple[int, list[T]]] = {}
        """By slot, where it begins and what lies in it. All its entries share the one number, as there are millions."""
        self._soon: list[tuple[int, tuple[int, str], int, T]] = []
        self._opened = -1
        self._tie = count()

    def file(self, entry: T, instant: int) -> None:
        slot = instant >> SLOT_BITS
        if slot <= self._opened:
            self._mark(entry, instant)
            heapq.heappush(self._soon, (instant, self._order(entry), next(self._tie), entry))
            return
        known = self._later.get(slot)
        if known is None:
            known = self._later[slot] = slot << SLOT_BITS, []
            heapq.heappush(self._slots, slot)
        begin, entries = known
        entries.append(entry)
        self._mark(entry, begin)

    def peek(self, before: int) -> tuple[int, tuple[int, str], T] | None:
        """The earliest entry whose instant is less than `before`."""
        while True:
            while self._slots and self._slots[0] << SLOT_BITS < before and not self._is_sooner(self._slots[0]):
                self._open(heapq.heappop(self._slots))
            if not self._soon or self._soon[0][0] >= before:
                return None
            instant, order, _, entry = self._soon[0]
            true = self._due(entry)
            if true == instant:
                return instant, order, entry
            heapq.heappop(self._soon)
            self._refile(entry, instant, true)

    def pop(self) -> None:
        """Take out what `peek` showed."""
        self._mark(heapq.heappop(self._soon)[3], NEVER)

    def next(self) -> int:
        """No entry is due before this instant; it may be too early, but for less than a slot, or NEVER."""
        soon = self._soon[0][0] if self._soon else NEVER
        return min(soon, self._slots[0] << SLOT_BITS) if self._slots else soon

    def _is_sooner(self, slot: int) -> bool:
        return bool(self._soon) and self._soon[0][0] >> SLOT_BITS < slot

    def _open(self, slot: int) -> None:
        self._opened = slot
        begin, entries = self._later.pop(slot)
        for entry in entries:
            self._refile(entry, begin, self._due(entry))

    def _refile(self, entry: T, instant: int, true: int) -> None:
        """Its time moved. To an earlier instant: then it was filed there as well, and this was the stale place."""
        if true == NEVER:
            self._mark(entry, NEVER)
        elif true >= instant:
            self.file(entry, true)
