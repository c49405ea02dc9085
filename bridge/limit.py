"""The limit of a rule: `above` or `below` a number, and what it means to be past it. Both are strict."""

import msgspec

from bridge.values import Quantity


class Limit(msgspec.Struct, frozen=True):
    """One side of a number, in the unit of what is compared with it."""

    above: bool
    value: float
    text: str
    """As it was written."""

    def is_passed(self, number: float) -> bool:
        return number > self.value if self.above else number < self.value

    def worse(self, a: float, b: float) -> float:
        """The one that is further past it."""
        return max(a, b) if self.above else min(a, b)


def limit_of(above: Quantity | None, below: Quantity | None) -> Limit:
    """The one that is written. Raises ValueError if none or both are."""
    if above is not None and below is None:
        return Limit(True, above.value, above.text)
    if below is not None and above is None:
        return Limit(False, below.value, below.text)
    raise ValueError("a rule of this type needs either `above` or `below`; write one of them")
