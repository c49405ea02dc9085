"""A sliding window over events or numbers, (t - within, t]: exact up to a bound, 64 sub-windows beyond it."""

import math
import sys
from array import array
from bisect import bisect_right
from collections.abc import Iterable

import msgspec

from bridge.coarse import Coarse, Dumped, Keep, Part, load_part
from bridge.state import State, Texts
from bridge.values import NEVER

EXACT_MAX = 1024
"""Entries that a window holds singly, unless a rule's `count` asks for more."""

PARTS = 64


NARROW_MAX = 2**32 - 1
"""Microseconds, 71 minutes: the most that lies between an entry and its window's base, if entries take four bytes."""


class Span(msgspec.Struct, gc=False):
    """What all windows of a rule have in common. `within` is in microseconds."""

    within: int
    capacity: int = EXACT_MAX
    parts: int = PARTS
    keep: Keep | None = None
    """What sub-windows keep of their numbers besides sum, least and most."""
    base: int = 0
    """The latest base of a window. There may be millions of them, which share the one number."""

    def base_of(self, at: int) -> int:
        """An instant not long before `at`."""
        base = at & ~(NARROW_MAX >> 1)
        if base != self.base:
            self.base = base
        return self.base

    @property
    def width(self) -> int:
        """Of a sub-window, in microseconds."""
        return -(-self.within // self.parts)


class Window(State):
    """A combination of which a rule knows what happened lately. Entries come in the order of time."""

    span: Span = msgspec.field(default_factory=lambda: Span(0))
    base: int = 0
    offsets: "array[int]" = msgspec.field(default_factory=lambda: array("I"))
    """The instants of the entries, from `base` on: four bytes each, or eight where they lie further apart."""
    head: int = 0
    """The place of the oldest entry that counts."""
    numbers: "array[float] | None" = None
    texts: list[Texts] | None = None
    """What the rule's `top` asks for, entry by entry; None where it asks for nothing."""
    coarse: Coarse | None = None
    latest: Texts = ()
    """What templates read from the latest event, of a type whose condition can begin without one."""

    def add(self, at: int, number: float | None = None, texts: Texts | None = None) -> None:
        if self.coarse is not None:
            self.coarse.add(at, number or 0.0)
            return
        self.append(at)
        if number is not None:
            if self.numbers is None:
                self.numbers = array("d")
            self.numbers.append(number)
        if texts is not None:
            if self.texts is None:
                self.texts = []
            self.texts.append(texts)
        if len(self.offsets) - self.head > self.span.capacity:
            self.coarsen()

    def append(self, at: int) -> None:
        """An entry, whatever its distance from the base."""
        try:
            self.offsets.append(at - self.base)
        except OverflowError:
            self._rebase(at)
            self.offsets.append(at - self.base)

    def slide(self, now: int) -> None:
        """Forget what lies outside the window at `now`."""
        begin = now - self.span.within
        if self.coarse is not None:
            self.coarse.slide(begin)
            if not self.coarse.parts:
                self.coarse = None
            return
        offsets, head = self.offsets, self.head
        begin -= self.base
        while head < len(offsets) and offsets[head] <= begin:
            head += 1
        self.head = head
        if head == len(offsets) or (head >= 32 and head * 2 > len(offsets)):
            self._drop(head)

    @property
    def exact(self) -> bool:
        return self.coarse is None

    @property
    def count(self) -> int:
        return self.coarse.count if self.coarse is not None else len(self.offsets) - self.head

    @property
    def total(self) -> float:
        if self.coarse is not None:
            return math.fsum(part.total for part in self.coarse.parts)
        return math.fsum(self.numbers[self.head :]) if self.numbers else 0.0

    def count_at(self, now: int) -> int:
        """How many were in the window at an instant since the last slide; nothing is forgotten."""
        return self.count_after(now - self.span.within)

    def count_after(self, begin: int) -> int:
        """How many entries lie after an instant."""
        if self.coarse is not None:
            return sum(part.count for part in self.coarse.inside(begin))
        offsets, head = self.offsets, self.head
        begin -= self.base
        if head < len(offsets) and offsets[head] > begin:
            return len(offsets) - head
        return len(offsets) - bisect_right(offsets, begin, head)

    def total_at(self, now: int) -> float:
        """The sum of the numbers that were in the window at an instant since the last slide."""
        if self.coarse is not None:
            return math.fsum(part.total for part in self.coarse.inside(now - self.span.within))
        return math.fsum(self.numbers_at(now))

    def numbers_at(self, now: int) -> "array[float]":
        """These numbers themselves, as long as they are held singly."""
        place = self._place_after(now - self.span.within)
        return self.numbers[place:] if self.numbers is not None else array("d")

    def parts_at(self, now: int) -> list[Part]:
        """The sub-windows at an instant since the last slide, once entries are not held singly."""
        return self.coarse.inside(now - self.span.within) if self.coarse is not None else []

    def first_after(self, begin: int) -> int:
        """When the oldest entry after an instant came, or its sub-window ended; NEVER if there is none."""
        if self.coarse is not None:
            return next((part.index * self.coarse.width for part in self.coarse.inside(begin)), NEVER)
        place = self._place_after(begin)
        return self.offsets[place] + self.base if place < len(self.offsets) else NEVER

    def tops_after(self, begin: int) -> Iterable[Texts]:
        """The texts of the entries after an instant, or what is known of them."""
        if self.coarse is not None or self.texts is None:
            return self.tops
        return self.texts[self._place_after(begin) :]

    @property
    def first(self) -> int:
        """When the oldest entry came; 0 if there is none."""
        if self.coarse is not None:
            return self.coarse.parts[0].first
        return self.offsets[self.head] + self.base if self.count else 0

    @property
    def last(self) -> int:
        """When the newest entry came, 0 if there is none."""
        if self.coarse is not None:
            return self.coarse.parts[-1].last
        return self.offsets[-1] + self.base if self.count else 0

    @property
    def tops(self) -> Iterable[Texts]:
        """The texts of the entries; of those that were held singly last, once there are too many."""
        return (self.texts or [])[self.head :] if self.coarse is None else self.texts or []

    def oldest_leaves(self) -> int:
        """The first instant at which the oldest entry is no longer in the window."""
        if self.coarse is not None:
            return self.coarse.parts[0].index * self.coarse.width + self.span.within
        return self.offsets[self.head] + self.base + self.span.within if self.count else NEVER

    def empties(self) -> int:
        """The first instant at which nothing is left, if nothing more comes."""
        if self.coarse is not None:
            return self.coarse.parts[-1].index * self.coarse.width + self.span.within
        return self.offsets[-1] + self.base + self.span.within if self.count else NEVER

    def falls_below(self, count: int) -> int:
        """The first instant at which fewer than `count` are left if nothing comes; NEVER if fewer are there now."""
        if self.coarse is not None:
            left = 0
            for part in reversed(self.coarse.parts):
                left += part.count
                if left >= count:
                    return part.index * self.coarse.width + self.span.within
            return NEVER
        place = len(self.offsets) - count
        return self.offsets[place] + self.base + self.span.within if place >= self.head else NEVER

    def clear(self) -> None:
        """Forget everything."""
        self.offsets, self.head = array("I"), 0
        self.numbers = self.texts = self.coarse = None
        self.latest = ()

    def dump(self) -> list[object]:
        self._drop(self.head)
        return [
            [self.base, self.offsets.itemsize, _bytes(self.offsets)],
            self.numbers.tolist() if self.numbers is not None else None,
            self.texts,
            [part.dump() for part in self.coarse.parts] if self.coarse is not None else None,
            self.span.within,
            self.latest,
        ]

    def load(self, dumped: list[object]) -> None:
        """Raises ValueError, also for what is none of ours."""
        times, numbers, texts, parts, within, latest = dumped if len(dumped) == 6 else [*dumped, ()]
        self._load_times(times)
        self.numbers = array("d", msgspec.convert(numbers, list[float])) if numbers is not None else None
        self.texts = msgspec.convert(texts, list[Texts]) if texts is not None else None
        self.latest = msgspec.convert(latest, Texts) if latest else ()
        self.coarse = None
        if parts is not None:
            known = [load_part(part) for part in msgspec.convert(parts, list[Dumped])]
            self._load_coarse(known, msgspec.convert(within, int) != self.span.within)

    def _load_times(self, dumped: object) -> None:
        """As they are dumped, or as version 1 did: one instant after the other."""
        self.head = 0
        match dumped:
            case [int(base), int(width), bytes(data)]:
                if base != self.span.base:
                    self.span.base = base
                self.base, self.offsets = self.span.base, _array(width, data)
            case _:
                self.base, self.offsets = 0, array("I")
                for at in msgspec.convert(dumped, list[int]):
                    self.append(at)

    def shift(self, by: int) -> None:
        """The clock was set back: all times move."""
        self.base += by
        if self.coarse is not None:
            parts, width = self.coarse.parts, self.coarse.width
            self.coarse = self._empty()
            for part in parts:
                self.coarse.put(part.move(-((-part.index * width - by) // width), by))

    def _rebase(self, at: int) -> None:
        """An entry comes that lies too far from the base."""
        self._drop(self.head)
        times = [offset + self.base for offset in self.offsets]
        self.base = self.span.base_of(times[0] if times else at)
        wide = at - self.base > NARROW_MAX
        self.offsets = array("q" if wide else "I", [each - self.base for each in times])

    def _place_after(self, begin: int) -> int:
        return bisect_right(self.offsets, begin - self.base, self.head)

    def _load_coarse(self, parts: list[Part], edited: bool) -> None:
        """`edited`: the rule had another `within`. Then parts keep their begin."""
        self.coarse = self._empty()
        for part in parts:
            self.coarse.put(part.move(-(-part.first // self.coarse.width) if edited else part.index, 0))

    def coarsen(self) -> None:
        """There are too many entries to hold each of them."""
        numbers = self.numbers[self.head :] if self.numbers else [0.0] * self.count
        coarse = self._empty()
        for offset, number in zip(self.offsets[self.head :], numbers, strict=True):
            coarse.add(offset + self.base, number)
        self.texts = self.texts[self.head :] if self.texts is not None else None
        self.offsets, self.numbers, self.head, self.coarse = array("I"), None, 0, coarse

    def _empty(self) -> Coarse:
        return Coarse(self.span.width, self.span.keep, [])

    def _drop(self, head: int) -> None:
        if head:
            del self.offsets[:head]
            if self.numbers is not None:
                del self.numbers[:head]
            if self.texts is not None:
                del self.texts[:head]
            self.head = 0


def _bytes(offsets: "array[int]") -> bytes:
    """Little-endian, whatever the machine is."""
    if sys.byteorder == "big":
        offsets = offsets[:]
        offsets.byteswap()
    return offsets.tobytes()


def _array(width: int, data: bytes) -> "array[int]":
    """Raises ValueError."""
    if width not in (4, 8):
        raise ValueError(f"no instant is {width} bytes wide")
    offsets = array("I" if width == 4 else "q", data)
    if sys.byteorder == "big":
        offsets.byteswap()
    return offsets
