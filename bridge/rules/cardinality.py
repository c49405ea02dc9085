"""The rule type `cardinality`."""

from collections.abc import Iterable, Sequence
from itertools import islice
from typing import Any, ClassVar, Literal, Self, cast

import msgspec
from pydantic import PrivateAttr, ValidationInfo, field_validator, model_validator

from bridge.coarse import distinct, fingerprint, keep_smallest
from bridge.counting import Counting
from bridge.events.checking import check_field
from bridge.limit import Limit, limit_of
from bridge.matcher import check_unit
from bridge.state import Sample, State
from bridge.values import DAY, NEVER, Quantity
from bridge.window import EXACT_MAX, Span, Window

FORGET_AFTER = 7 * DAY
"""A combination whose window was empty for so long, in watched time, is not missed any more."""


class Variety(Window):
    """A window that knows the latest distinct values, by their fingerprints: one more than any limit asks for.

    Values that had no room are older than all that have, so up to there the number of those that have is exact.
    """

    seen: dict[int, int] = {}
    """When each was seen last, by the clock of the rule's side; the oldest first."""
    since_w: int = -1
    """Since when the window is kept, in watched time; -1: nothing has happened yet."""
    heard_w: int = 0
    """When the latest event came, in watched time."""
    lost: int = 0
    """How much time had not been watched by then."""
    covers: int = 0
    """The length of window that it has kept."""
    looked_w: int = 0
    """How far watched time has passed."""

    def see(self, value: int, at: int) -> None:
        self.seen.pop(value, None)
        self.seen[value] = at
        if len(self.seen) > EXACT_MAX + 1:
            del self.seen[next(iter(self.seen))]

    def leave(self, now: int) -> None:
        """Forget the values that lie outside the window."""
        gone = len(self.seen) - self.distinct_at(now)
        for value in list(islice(self.seen, gone)):
            del self.seen[value]

    def distinct_at(self, now: int) -> int:
        """How many values were in the window at an instant since the last slide."""
        begin, gone = now - self.span.within, 0
        for at in self.seen.values():
            if at > begin:
                break
            gone += 1
        return len(self.seen) - gone

    def move(self, by: int) -> None:
        self.seen = {value: at + by for value, at in self.seen.items()}


class Cardinality(Counting):
    """The number of distinct values that `field` took within `within` is above or below a limit.

    An absent field is a value, the empty text. With `below` nothing is told before a combination has been watched for
    one full `within`, of which the time while the bridge was blind is no part; where nothing comes there are 0 values,
    until the combination is forgotten after seven days. A rule with `below` and without `by` watches from when it is
    loaded. `value` is the number of distinct values; beyond 1024 it is an estimate, and no limit is higher.
    """

    summary: ClassVar[str] = "{{ value }} distinct values in {{ within }} (limit {{ limit }})"
    meaning: ClassVar[tuple[str, ...]] = ("field",)
    steady: ClassVar[bool] = False

    type: Literal["cardinality"]
    field: str
    above: Quantity | None = None
    below: Quantity | None = None

    _limit: Limit = PrivateAttr(default=Limit(True, 0.0, ""))

    @field_validator("field")
    @classmethod
    def _check_field(cls, path: str, info: ValidationInfo) -> str:
        check_field(path, info.data.get("events", []))
        return path

    @field_validator("above", "below")
    @classmethod
    def _check_number(cls, limit: Quantity | None, info: ValidationInfo) -> Quantity | None:
        if limit is None:
            return None
        if check_unit(limit, "number") > EXACT_MAX:
            raise ValueError(f"a limit above {EXACT_MAX} is refused, as more is only estimated; write a smaller one")
        if limit.value < 0 or (limit.value == 0 and info.field_name == "below"):
            raise ValueError("there are 0 values at least; write a larger number")
        return limit

    @model_validator(mode="after")
    def _check_limit(self) -> Self:
        self._limit = limit_of(self.above, self.below)
        return self

    def span(self) -> Span:
        return Span(self.within, keep=keep_smallest)

    @property
    def threshold_text(self) -> str:
        return self._limit.text

    @property
    def text_fields(self) -> Sequence[str]:
        return (self.field,)

    @property
    def standing(self) -> Iterable[str]:
        return ("",) if self.below and not self.by else ()

    @property
    def forgets(self) -> bool:
        return self.below is not None

    def worse(self, a: float, b: float) -> float:
        return self._limit.worse(a, b)

    def new(self, no: int, key: str) -> Variety:
        return Variety(no, key, span=self.windows, seen={}, covers=self.within)

    def slide(self, state: State, t: int, w: int) -> str:
        variety = _variety(state)
        variety.slide(t)
        variety.leave(self._clock(t, w))
        variety.looked_w = w
        if variety.since_w < 0:
            variety.since_w = w
        if variety.covers < self.within:  # It was edited.
            variety.since_w = max(variety.since_w, w - variety.covers)
        variety.covers = self.within
        return ""

    def add(self, state: State, sample: Sample) -> None:
        variety = _variety(state)
        value = fingerprint(sample.text)
        variety.add(sample.t, float(value), sample.tops or None)
        variety.see(value, self._clock(sample.t, sample.w))
        variety.latest, variety.heard_w, variety.lost = sample.latest, sample.w, sample.t - sample.w

    def holds(self, state: State, t: int, w: int) -> bool:
        variety = _variety(state)
        if self.below and w < variety.since_w + self.within:
            return False
        return self._limit.is_passed(variety.distinct_at(self._clock(t, w)))

    def value(self, state: State, t: int, w: int) -> float:
        variety = _variety(state)
        known = variety.distinct_at(self._clock(t, w))
        return float(known) if known <= EXACT_MAX else max(known, distinct(variety.parts_at(t)))

    def exact(self, state: State) -> bool:
        return len(_variety(state).seen) <= EXACT_MAX

    def due(self, state: State) -> int:
        return NEVER if self.below else self._leaves(state)

    def due_w(self, state: State) -> int:
        if not self.below:
            return NEVER
        variety = _variety(state)
        whole_w = variety.since_w + self.within
        return min(self._leaves(state), whole_w if variety.looked_w < whole_w else NEVER, self._forgotten_w(variety))

    def idle(self, state: State, t: int, w: int) -> bool:
        variety = _variety(state)
        return w >= self._forgotten_w(variety) if self.below else not variety.seen

    def sleep(self, state: State, by: int) -> None:
        variety = _variety(state)
        variety.since_w += by
        variety.heard_w += by
        if self.below:
            variety.move(by)

    def shift(self, state: State, by: int) -> None:
        super().shift(state, by)
        variety = _variety(state)
        variety.lost += by
        if not self.below:
            variety.move(by)

    def dump(self, state: State) -> Any:
        variety = _variety(state)
        times = variety.since_w, variety.heard_w, variety.lost, variety.covers
        return [super().dump(state), list(variety.seen.items()), self.below is not None, times]

    def load(self, state: State, dumped: Any) -> None:
        window, seen, below, times = dumped
        super().load(state, window)
        variety = _variety(state)
        variety.seen = dict(msgspec.convert(seen, list[tuple[int, int]]))
        variety.since_w, variety.heard_w, variety.lost, variety.covers = times
        if below is not (self.below is not None):  # Another side: another clock.
            variety.move(variety.lost if below else -variety.lost)

    def _clock(self, t: int, w: int) -> int:
        """What is missed must have been away for a window that was watched; what is too much need not be seen go."""
        return w if self.below else t

    def _leaves(self, state: State) -> int:
        """When the oldest value leaves, by that clock."""
        oldest = next(iter(_variety(state).seen.values()), NEVER)
        return oldest + self.within if oldest < NEVER else NEVER

    def _forgotten_w(self, variety: Variety) -> int:
        """When a combination of which nothing is heard is given up; the only one that a rule has never is."""
        return variety.heard_w + self.within + FORGET_AFTER if self.by else NEVER


def _variety(state: State) -> Variety:
    return cast("Variety", state)
