"""Who belongs to whom: as many pairs as possible, since what is said of an alert may fit several."""

from collections.abc import Callable, Sequence
from typing import TypeVar

Wanted = TypeVar("Wanted")
Found = TypeVar("Found")


def pair(
    wanted: Sequence[Wanted], found: Sequence[Found], fits: Callable[[Wanted, Found], bool]
) -> tuple[list[tuple[Wanted, Found]], list[Wanted], list[Found]]:
    """The pairs in the order of `wanted`, then who of either side is left. The largest matching there is (Kuhn's)."""
    owner: dict[int, int] = {}
    """Place in `found` → place in `wanted`."""

    def place(n: int, tried: set[int]) -> bool:
        for m, each in enumerate(found):
            if m not in tried and fits(wanted[n], each):
                tried.add(m)
                if m not in owner or place(owner[m], tried):
                    owner[m] = n
                    return True
        return False

    alone = [each for n, each in enumerate(wanted) if not place(n, set())]
    pairs = [(wanted[n], found[m]) for m, n in sorted(owner.items(), key=lambda item: item[1])]
    return pairs, alone, [each for m, each in enumerate(found) if m not in owner]
