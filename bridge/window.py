"""A sliding window over events or numbers, (t - within, t]: exact up to a bound, 64 sub-windows beyond it."""

import math
from array import array
from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from bridge.state import State, Texts
from bridge.values import NEVER

EXACT_MAX = 1024
"""Entries that a window holds singly, unless a rule's `count` asks for more."""

PARTS = 64


class Span(msgspec.Struct, frozen=True, gc=False):
    """What all windows of a rule have in common. `within` is in microseconds."""

    within: int
    capacity: int = EXACT_MAX
    parts: int = PARTS

    @property
    def width(self) -> int:
        """Of a sub-window, in microseconds."""
        return -(-self.within // self.parts)


class Part(msgspec.Struct, array_like=True, gc=False):
    """A sub-window: entries with t in (index - 1, index] × the width of a part."""

    index: int
    count: int
    total: float
    first: int
    last: int


class Coarse(msgspec.Struct, gc=False):
    """What a window holds in place of single entries: there were too many."""

    width: int
    parts: list[Part] = []
    count: int = 0

    def put(self, part: Part) -> None:
        """Parts come in the order of time."""
        self.count += part.count
        if self.parts and self.parts[-1].index == part.index:
            last = self.parts[-1]
            last.count += part.count
            last.total += part.total
            last.last = part.last
        else:
            self.parts.append(part)

    def add(self, at: int, number: float) -> None:
        self.put(Part(-(-at // self.width), 1, number, at, at))

    def slide(self, begin: int) -> None:
        """Forget what ended at `begin` or before."""
        gone = 0
        for part in self.parts:
            if part.index * self.width > begin:
                break
            self.count -= part.count
            gone += 1
        if gone:
            del self.parts[:gone]

    def inside(self, begin: int) -> list[Part]:
        return [part for part in self.parts if part.index * self.width > begin]


class Window(State):
    """A combination of which a rule knows what happened lately. Entries come in the order of time."""

    span: Span = Span(0)
    times: "array[int]" = msgspec.field(default_factory=lambda: array("q"))
    head: int = 0
    """The place of the oldest entry that counts."""
    numbers: "array[float] | None" = None
    texts: list[Texts] | None = None
    """What the rule's `top` asks for, entry by entry; None where it asks for nothing."""
    coarse: Coarse | None = None

    def add(self, at: int, number: float | None = None, texts: Texts | None = None) -> None:
        if self.coarse is not None:
            self.coarse.add(at, number or 0.0)
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
        if len(self.times) - self.head > self.span.capacity:
            self.coarsen()

    def slide(self, now: int) -> None:
        """Forget what lies outside the window at `now`."""
        begin = now - self.span.within
        if self.coarse is not None:
            self.coarse.slide(begin)
            if not self.coarse.parts:
                self.coarse = None
            return
        times, head = self.times, self.head
        while head < len(times) and times[head] <= begin:
            head += 1
        self.head = head
        if head == len(times) or (head >= 32 and head * 2 > len(times)):
            self._drop(head)

    @property
    def exact(self) -> bool:
        return self.coarse is None

    @property
    def count(self) -> int:
        return self.coarse.count if self.coarse is not None else len(self.times) - self.head

    @property
    def total(self) -> float:
        if self.coarse is not None:
            return math.fsum(part.total for part in self.coarse.parts)
        return math.fsum(self.numbers[self.head :]) if self.numbers else 0.0

    def count_at(self, now: int) -> int:
        """How many were in the window at an instant since the last slide; nothing is forgotten."""
        begin = now - self.span.within
        if self.coarse is not None:
            return sum(part.count for part in self.coarse.inside(begin))
        times, head = self.times, self.head
        if head < len(times) and times[head] > begin:
            return len(times) - head
        return len(times) - bisect_right(times, begin, head)

    def total_at(self, now: int) -> float:
        """The same for their sum."""
        begin = now - self.span.within
        if self.coarse is not None:
            return math.fsum(part.total for part in self.coarse.inside(begin))
        return math.fsum(self.numbers[bisect_right(self.times, begin, self.head) :]) if self.numbers else 0.0

    @property
    def first(self) -> int:
        """When the oldest entry came; 0 if there is none."""
        if self.coarse is not None:
            return self.coarse.parts[0].first
        return self.times[self.head] if self.count else 0

    @property
    def last(self) -> int:
        """When the newest entry came, 0 if there is none."""
        if self.coarse is not None:
            return self.coarse.parts[-1].last
        return self.times[-1] if self.count else 0

    @property
    def tops(self) -> Iterable[Texts]:
        """The texts of the entries; of those that were held singly last, once there are too many."""
        return (self.texts or [])[self.head :] if self.coarse is None else self.texts or []

    def oldest_leaves(self) -> int:
        """The first instant at which the oldest entry is no longer in the window."""
        if self.coarse is not None:
            return self.coarse.parts[0].index * self.coarse.width + self.span.within
        return self.times[self.head] + self.span.within if self.count else NEVER

    def empties(self) -> int:
        """The first instant at which nothing is left, if nothing more comes."""
        if self.coarse is not None:
            return self.coarse.parts[-1].index * self.coarse.width + self.span.within
        return self.times[-1] + self.span.within if self.count else NEVER

    def falls_below(self, count: int) -> int:
        """The first instant at which fewer than `count` are left if nothing comes; NEVER if fewer are there now."""
        if self.coarse is not None:
            left = 0
            for part in reversed(self.coarse.parts):
                left += part.count
                if left >= count:
                    return part.index * self.coarse.width + self.span.within
            return NEVER
        place = len(self.times) - count
        return self.times[place] + self.span.within if place >= self.head else NEVER

    def clear(self) -> None:
        """Forget everything."""
        self.times, self.head = array("q"), 0
        self.numbers = self.texts = self.coarse = None

    def dump(self) -> list[object]:
        self._drop(self.head)
        return [
            self.times.tolist(),
            self.numbers.tolist() if self.numbers is not None else None,
            self.texts,
            self.coarse.parts if self.coarse is not None else None,
            self.span.within,
        ]

    def load(self, dumped: list[object]) -> None:
        times, numbers, texts, parts, within = dumped
        self.times, self.head = array("q", msgspec.convert(times, list[int])), 0
        self.numbers = array("d", msgspec.convert(numbers, list[float])) if numbers is not None else None
        self.texts = msgspec.convert(texts, list[Texts] | None)
        self.coarse = None
        if parts is not None:
            self._load_coarse(msgspec.convert(parts, list[Part]), msgspec.convert(within, int) != self.span.within)

    def shift(self, by: int) -> None:
        """The clock was set back: all times move."""
        self.times = array("q", (at + by for at in self.times))
        if self.coarse is not None:
            parts, width = self.coarse.parts, self.coarse.width
            self.coarse = Coarse(width, [])
            for part in parts:
                index = -((-part.index * width - by) // width)
                self.coarse.put(Part(index, part.count, part.total, part.first + by, part.last + by))

    def _load_coarse(self, parts: list[Part], edited: bool) -> None:
        """`edited`: the rule had another `within`. Then parts keep their begin."""
        self.coarse = Coarse(self.span.width, [])
        for part in parts:
            index = -(-part.first // self.coarse.width) if edited else part.index
            self.coarse.put(Part(index, part.count, part.total, part.first, part.last))

    def coarsen(self) -> None:
        """There are too many entries to hold each of them."""
        numbers = self.numbers[self.head :] if self.numbers else [0.0] * self.count
        coarse = Coarse(self.span.width, [])
        for at, number in zip(self.times[self.head :], numbers, strict=True):
            coarse.add(at, number)
        self.texts = self.texts[self.head :] if self.texts is not None else None
        self.times, self.numbers, self.head, self.coarse = array("q"), None, 0, coarse

    def _drop(self, head: int) -> None:
        if head:
            del self.times[:head]
            if self.numbers is not None:
                del self.numbers[:head]
            if self.texts is not None:
                del self.texts[:head]
            self.head = 0
