"""A sliding window over events or numbers, (t - within, t]: exact up to a bound, 64 sub-windows beyond it."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable

import msgspec

EXACT_MAX = 1024
"""Entries that a window holds singly, unless a rule's `count` asks for more."""

PARTS = 64
NEVER = 2**63 - 1
"""An instant that does not come."""

Texts = tuple[str, ...]


class Part(msgspec.Struct, array_like=True):
    """A sub-window: entries with t in (index - 1, index] × the width of a part."""

    index: int
    count: int
    total: float
    first: int
    last: int


class Window(msgspec.Struct, gc=False):
    """What happened lately. Entries come in the order of time. `within` is in microseconds."""

    within: int
    capacity: int = EXACT_MAX
    times: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    numbers: "array[float] | None" = None
    texts: list[Texts] | None = None
    """What the rule's `top` asks for, entry by entry; None where it asks for nothing."""
    head: int = 0
    parts: list[Part] | None = None

    def add(self, at: int, number: float | None = None, texts: Texts | None = None) -> None:
        if self.parts is not None:
            self._add_to_parts(at, 1, number or 0.0)
            return
        self.times.append(at)
        if number is not None:
            if self.numbers is None:
                self.numbers = array("d")
            self.numbers.append(number)
        if texts is not None:
            if self.texts is None:
                self.texts = []
            self.texts.append(texts)
        if len(self.times) - self.head > self.capacity:
            self._coarsen()

    def slide(self, now: int) -> None:
        """Forget what lies outside the window at `now`."""
        begin = now - self.within
        if self.parts is not None:
            width = self._width
            while self.parts and self.parts[0].index * width <= begin:
                self.parts.pop(0)
            if not self.parts:
                self.parts = None
            return
        times, head = self.times, self.head
        while head < len(times) and times[head] <= begin:
            head += 1
        self.head = head
        if head == len(times) or (head >= 32 and head * 2 > len(times)):
            self._drop(head)

    @property
    def exact(self) -> bool:
        return self.parts is None

    @property
    def count(self) -> int:
        if self.parts is not None:
            return sum(part.count for part in self.parts)
        return len(self.times) - self.head

    @property
    def total(self) -> float:
        if self.parts is not None:
            return math.fsum(part.total for part in self.parts)
        return math.fsum(self.numbers[self.head :]) if self.numbers else 0.0

    def count_at(self, now: int) -> int:
        """How many were in the window at an instant since the last slide; nothing is forgotten."""
        begin = now - self.within
        if self.parts is not None:
            return sum(part.count for part in self.parts if part.index * self._width > begin)
        return len(self.times) - bisect_right(self.times, begin, self.head)

    def total_at(self, now: int) -> float:
        """The same for their sum."""
        begin = now - self.within
        if self.parts is not None:
            return math.fsum(part.total for part in self.parts if part.index * self._width > begin)
        return math.fsum(self.numbers[bisect_right(self.times, begin, self.head) :]) if self.numbers else 0.0

    @property
    def first(self) -> int:
        """When the oldest entry came; 0 if there is none."""
        if self.parts is not None:
            return self.parts[0].first
        return self.times[self.head] if self.count else 0

    @property
    def last(self) -> int:
        """When the newest entry came, 0 if there is none."""
        if self.parts is not None:
            return self.parts[-1].last
        return self.times[-1] if self.count else 0

    @property
    def tops(self) -> Iterable[Texts]:
        """The texts of the entries; of those that were held singly last, once there are too many."""
        return (self.texts or [])[self.head :] if self.parts is None else self.texts or []

    def oldest_leaves(self) -> int:
        """The first instant at which the oldest entry is no longer in the window."""
        if self.parts is not None:
            return self.parts[0].index * self._width + self.within
        return self.times[self.head] + self.within if self.count else NEVER

    def empties(self) -> int:
        """The first instant at which nothing is left, if nothing more comes."""
        if self.parts is not None:
            return self.parts[-1].index * self._width + self.within
        return self.times[-1] + self.within if self.count else NEVER

    def falls_below(self, count: int) -> int:
        """The first instant at which fewer than `count` are left if nothing comes; NEVER if fewer are there now."""
        if self.parts is not None:
            left = 0
            for part in reversed(self.parts):
                left += part.count
                if left >= count:
                    return part.index * self._width + self.within
            return NEVER
        place = len(self.times) - count
        return self.times[place] + self.within if place >= self.head else NEVER

    def dump(self) -> list[object]:
        self._drop(self.head) if self.parts is None else None
        return [
            self.times.tolist(),
            self.numbers.tolist() if self.numbers is not None else None,
            self.texts,
            self.parts,
            self.within,
        ]

    def load(self, dumped: list[object]) -> None:
        times, numbers, texts, parts, within = dumped
        self.times = array("q", msgspec.convert(times, list[int]))
        self.numbers = array("d", msgspec.convert(numbers, list[float])) if numbers is not None else None
        self.texts = msgspec.convert(texts, list[Texts] | None)
        self.parts = msgspec.convert(parts, list[Part] | None)
        if self.parts is not None and within != self.within:
            self._rescale(msgspec.convert(within, int))

    def shift(self, by: int) -> None:
        """The clock was set back: all times move."""
        self.times = array("q", (at + by for at in self.times))
        if self.parts is not None:
            width = self._width
            parts, self.parts = self.parts, []
            for part in parts:
                self._put(
                    Part(
                        -((-part.index * width - by) // width), part.count, part.total, part.first + by, part.last + by
                    )
                )

    @property
    def _width(self) -> int:
        return -(-self.within // PARTS)

    def _coarsen(self) -> None:
        entries = zip(
            self.times[self.head :],
            self.numbers[self.head :] if self.numbers else iter([0.0] * self.count),
            strict=True,
        )
        singles = list(entries)
        self.texts = self.texts[self.head :] if self.texts is not None else None
        self.times, self.numbers, self.head, self.parts = array("q"), None, 0, []
        for at, number in singles:
            self._add_to_parts(at, 1, number)

    def _add_to_parts(self, at: int, count: int, number: float) -> None:
        self._put(Part(-(-at // self._width), count, number, at, at))

    def _put(self, part: Part) -> None:
        assert self.parts is not None
        if self.parts and self.parts[-1].index == part.index:
            last = self.parts[-1]
            last.count += part.count
            last.total += part.total
            last.last = part.last
        else:
            self.parts.append(part)

    def _rescale(self, within: int) -> None:
        """The rule's `within` was edited while the window was coarse: parts keep their begin."""
        assert self.parts is not None
        parts, self.parts = self.parts, []
        for part in parts:
            self._put(Part(-(-part.first // self._width), part.count, part.total, part.first, part.last))

    def _drop(self, head: int) -> None:
        if head:
            del self.times[:head]
            if self.numbers is not None:
                del self.numbers[:head]
            if self.texts is not None:
                del self.texts[:head]
            self.head = 0
