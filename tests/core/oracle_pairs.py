"""The naive models of types that hold an event against other events: all of them are kept, and searched each time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from bridge.values import SECOND
from tests.core.oracle import Model, Step


class Said(NamedTuple):
    """An event that asks, or one that answers: for whom, and by which connection."""

    asks: bool
    whom: str
    connection: str


@dataclass
class NotFollowedBy(Model):
    or_before: int = 0
    said: list[tuple[int, Said]] = field(default_factory=list)
    """All events, in their order, with their watched time."""

    def take(self, t: int, w: int, what: object) -> bool:
        assert isinstance(what, Said)
        before = self.unanswered()
        self.said.append((w, what))
        return self.unanswered() != before

    def counts(self, what: object) -> bool:
        return isinstance(what, Said) and what.asks

    def unanswered(self) -> list[int]:
        """The places of those that no event of another connection has answered, later or not long before."""
        return [place for place, (_, what) in enumerate(self.said) if what.asks and not self._is_answered(place)]

    def _is_answered(self, place: int) -> bool:
        asked_w, asked = self.said[place]
        return any(
            not what.asks
            and what.whom == asked.whom
            and what.connection != asked.connection
            and (later > place or asked_w - w < self.or_before)
            for later, (w, what) in enumerate(self.said)
        )

    def _waits_since(self) -> int | None:
        return min((self.said[place][0] for place in self.unanswered()), default=None)

    def holds(self, t: int, w: int) -> bool:
        since = self._waits_since()
        return since is not None and since + self.within + self.arriving <= w

    def value(self, t: int, w: int) -> float:
        since = self._waits_since()
        return 0.0 if since is None else (w - since) / SECOND

    def events(self, t: int) -> int:
        return len(self.unanswered())

    def edges_w(self) -> Iterable[int]:
        return (w + self.within for w, what in self.said if what.asks)


def watched(steps: Sequence[Step], start: int) -> list[tuple[int, Step]]:
    """The events, with their watched time."""
    lost, blind_since, found = 0, 0, list[tuple[int, Step]]()
    for step in steps:
        match step.kind:
            case "blind":
                blind_since = blind_since or step.at
            case "sight":
                lost, blind_since = lost + (step.at - blind_since if blind_since else 0), 0
            case "event":
                found.append(((blind_since or step.at) - lost - start, step))
    return found


def changes(steps: Sequence[Step]) -> list[int]:
    """The places, among the events, of those (series, value) that are another value than before in their series."""
    values = [step.what for step in steps if step.kind == "event"]
    found = []
    for place, what in enumerate(values):
        assert isinstance(what, tuple)
        before = [value[1] for value in values[:place] if isinstance(value, tuple) and value[0] == what[0]]
        if before and before[-1] != what[1]:
            found.append(place)
    return found


def news(steps: Sequence[Step], start: int, learn_for: int, forget_after: int) -> list[tuple[int, int]]:
    """The places, among the events, of values that were not seen for so long, and how many are known then."""
    seen = watched(steps, start)
    found = []
    for place, (w, step) in enumerate(seen):
        last = {earlier.what: earlier_w for earlier_w, earlier in seen[:place]}
        known = {what for what, last_w in last.items() if w - last_w <= forget_after}
        if step.what not in known and w >= learn_for:
            found.append((place, len(known) + 1))
    return found
