"""What a window holds in place of single entries once there are too many: sub-windows, and a little of their numbers.

Nothing here is left to chance: the same entries always leave the same.
"""

import hashlib
import math
from array import array
from bisect import bisect_left, bisect_right, insort
from collections.abc import Callable, Iterable, Sequence

import msgspec

from bridge.limit import Limit

DRAWN_MAX = 16
"""Numbers that a sub-window draws: 64 of them together have 1024, so that a median is off by 1.6 % of the ranks."""

SMALLEST_MAX = 64
"""Numbers that a sub-window keeps for counting distinct ones: the count is off by 13 % at worst."""

Dumped = tuple[int, int, float, int, int, float, float, list[float]]


class Part(msgspec.Struct, gc=False):
    """A sub-window: entries with t in (index - 1, index] × the width of a part."""

    index: int
    count: int
    total: float
    first: int
    last: int
    least: float
    most: float
    kept: "array[float]" = msgspec.field(default_factory=lambda: array("d"))

    def dump(self) -> Dumped:
        kept = self.kept.tolist()
        return self.index, self.count, self.total, self.first, self.last, self.least, self.most, kept

    def move(self, index: int, by: int) -> "Part":
        """The same elsewhere."""
        first, last = self.first + by, self.last + by
        return Part(index, self.count, self.total, first, last, self.least, self.most, self.kept)


Keep = Callable[[Part, float, int], None]
"""(a part that has counted a number already, the number, for how many it stands)"""


class Coarse(msgspec.Struct, gc=False):
    """Sub-windows in the order of time. `keep` chooses what they keep of their numbers; None: nothing."""

    width: int
    keep: Keep | None = None
    parts: list[Part] = []
    count: int = 0

    def add(self, at: int, number: float) -> None:
        index = -(-at // self.width)
        self.count += 1
        if not self.parts or self.parts[-1].index != index:
            self.parts.append(Part(index, 0, 0.0, at, at, number, number))
        part = self.parts[-1]
        part.count += 1
        part.total += number
        part.last = at
        if number < part.least:
            part.least = number
        elif number > part.most:
            part.most = number
        if self.keep:
            self.keep(part, number, 1)

    def put(self, part: Part) -> None:
        """Parts come in the order of time."""
        self.count += part.count
        if self.parts and self.parts[-1].index == part.index:
            self._join(self.parts[-1], part)
        else:
            self.parts.append(part)

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

    def _join(self, part: Part, other: Part) -> None:
        count = part.count + other.count
        if self.keep and other.kept:
            weight = max(1, other.count // len(other.kept))
            for number in other.kept:
                part.count += weight
                self.keep(part, number, weight)
        part.count = count
        part.total += other.total
        part.last = other.last
        part.least, part.most = min(part.least, other.least), max(part.most, other.most)


def load_part(dumped: Dumped) -> Part:
    index, count, total, first, last, least, most, kept = dumped
    return Part(index, count, total, first, last, least, most, array("d", kept))


def draw(part: Part, number: float, weight: int) -> None:
    """Keep a sample, in order: whatever came is as likely to be in it as anything else, whenever it came."""
    kept = part.kept
    if len(kept) == DRAWN_MAX:
        slot = fingerprint(f"{part.index} {part.count}") % part.count // weight
        if slot >= DRAWN_MAX:
            return
        del kept[slot]
    insort(kept, number)


def keep_smallest(part: Part, number: float, weight: int) -> None:
    """Keep the smallest distinct numbers, in order."""
    kept = part.kept
    if len(kept) == SMALLEST_MAX and number >= kept[-1]:
        return
    place = bisect_left(kept, number)
    if place == len(kept) or kept[place] != number:
        kept.insert(place, number)
        del kept[SMALLEST_MAX:]


def quantile(parts: Sequence[Part], percent: int) -> float:
    """Of parts that draw, by nearest rank: each number stands for its share of what came to its part."""
    weights: dict[float, float] = {}
    for part in parts:
        share = part.count / len(part.kept)
        for number in part.kept:
            weights[number] = weights.get(number, 0.0) + share
    rank, below = _rank(parts, percent), 0.0
    for number in sorted(weights):
        below += weights[number]
        if below >= rank:
            return number
    return max(weights)


def passes(parts: Sequence[Part], percent: int, limit: Limit) -> bool:
    """Whether that quantile is past a limit: much cheaper, as it need not be found."""
    find = bisect_right if limit.above else bisect_left
    before = sum(part.count * find(part.kept, limit.value) / len(part.kept) for part in parts)
    return (before < _rank(parts, percent)) is limit.above


def _rank(parts: Sequence[Part], percent: int) -> float:
    """Less a little, as shares are rounded."""
    return percent * sum(part.count for part in parts) / 100 - 1e-6


FINGERPRINT_BITS = 52
"""So that a float holds a fingerprint."""


def fingerprint(text: str) -> int:
    """A number that stands for a text, the same in every process. Of a thousand texts two share one with a probability
    of one in ten billion."""
    digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest, "big") >> (64 - FINGERPRINT_BITS)


def distinct(parts: Iterable[Part]) -> float:
    """How many distinct fingerprints came to parts that keep the smallest of them."""
    parts = list(parts)
    full = [part.kept[-1] for part in parts if len(part.kept) == SMALLEST_MAX]
    edge = min(full, default=math.inf)
    known = {number for part in parts for number in part.kept if number <= edge}
    if not full:
        return float(len(known))
    return float(round((len(known) - 1) * 2**FINGERPRINT_BITS / edge))
