"""Which destinations take nothing now, as their attempts tell: for so long, or so plainly, that others must be told."""

from collections.abc import Iterable

import msgspec

from bridge.commit import Attempt
from bridge.values import MINUTE

DEAD_AFTER = 10 * MINUTE
"""A destination that has taken nothing for so long is out; one that refuses us is at once."""


class Illness(msgspec.Struct):
    """Since its first attempt in vain (microseconds). `out`: it was said that it is."""

    since: int
    refuses: bool = False
    out: bool = False
    reason: str = ""


class Health:
    """Of all destinations. Who rejects a message answers: that is the message's fault."""

    def __init__(self) -> None:
        self.ill: dict[str, Illness] = {}

    def tried(self, attempt: Attempt) -> bool:
        """Note how an attempt ended. Whether that ends a time in which the destination was out."""
        if attempt.trouble in ("", "rejected"):
            illness = self.ill.pop(attempt.destination, None)
            return illness is not None and illness.out
        illness = self.ill.setdefault(attempt.destination, Illness(attempt.at))
        illness.refuses = attempt.trouble == "refused"
        illness.reason = attempt.detail
        return False

    def is_out(self, destination: str) -> bool:
        """Its fallback is told what it was not told."""
        illness = self.ill.get(destination)
        return illness is not None and illness.out

    def next_out(self) -> tuple[int, str] | None:
        """When the next destination is out, if nothing changes before, and which one."""
        due = [(each.since if each.refuses else each.since + DEAD_AFTER, key) for key, each in self._waiting()]
        return min(due, default=None)

    def forget(self, known: Iterable[str]) -> None:
        """Other destinations than these are gone."""
        wanted = set(known)
        self.ill = {key: illness for key, illness in self.ill.items() if key in wanted}

    def shift(self, by: int) -> None:
        """The wall clock was set back."""
        for illness in self.ill.values():
            illness.since += by

    def _waiting(self) -> list[tuple[str, Illness]]:
        return [(key, illness) for key, illness in self.ill.items() if not illness.out]
