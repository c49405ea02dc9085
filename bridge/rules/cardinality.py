"""The rule type `cardinality`."""

from collections.abc import Iterable, Sequence
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

SEEN_MAX = EXACT_MAX + 1

FORGET_AFTER = 7 * DAY
"""A combination of which nothing was heard for so long, in watched time, is not missed any more."""


class Variety(Window):
    """A window that knows the latest distinct values, by their fingerprints: one more than any limit asks for.

    Values that had no room are older than all that have, so up to there the number of those that have is exact.
    """

    seen: dict[int, int] = {}
    """When each was seen last, in receive time, the oldest first."""
    doubtful: dict[int, int] = {}
    """What left although not all of its time was watched, and until when, in watched time, it may still be there."""
    since_w: int = -1
    """Since when its window is kept, in watched time; -1: nothing has happened yet."""
    empty_w: int = NEVER
    """Since when it is empty."""
    now: int = 0
    """How far time has passed, in receive time."""
    lost: int = 0
    """How much of it was not watched by then."""
    gap: int = -1
    """What was seen last at this instant or earlier was seen before a time that was not watched."""
    covers: int = 0
    """The length of window that it has kept."""

    def distinct_at(self, now: int) -> int:
        """How many values were in the window at an instant since the last slide."""
        begin, gone = now - self.span.within, 0
        for at in self.seen.values():
            if at > begin:
                break
            gone += 1
        return len(self.seen) - gone

    def see(self, value: int, t: int) -> None:
        self.seen.pop(value, None)
        self.seen[value] = t
        if len(self.seen) > SEEN_MAX:
            del self.seen[next(iter(self.seen))]
        self.doubtful.pop(value, None)
        self.empty_w = NEVER

    def look(self, t: int, w: int) -> None:
        """Time has passed until now."""
        if self.now and t - w > self.lost:
            self.gap = self.now
        self.now, self.lost = max(self.now, t), t - w
        if self.since_w < 0:
            self.since_w = w
        if self.covers < self.span.within:  # `within` was edited
            self.since_w = max(self.since_w, w - self.covers)
        self.covers = self.span.within
        self._leave(t, w)

    def _leave(self, t: int, w: int) -> None:
        """Forget the values that lie outside the window, and those that have stayed away for another one."""
        begin = t - self.span.within
        for value, at in list(self.seen.items()):
            if at > begin:
                break
            del self.seen[value]
            if at <= self.gap and len(self.seen) + len(self.doubtful) < SEEN_MAX:
                self.doubtful[value] = w + self.span.within
        for value, until_w in list(self.doubtful.items()):
            if until_w > w:
                break
            del self.doubtful[value]
        if not self.seen:
            self.empty_w = min(self.empty_w, w)


class Cardinality(Counting):
    """The number of distinct values that `field` took within `within` is above or below a limit.

    An absent field is a value, the empty text. With `below` nothing is told before a combination has been watched for
    one full `within`, and what left only while the bridge was blind counts for another one; where nothing comes there
    are 0 values, until the combination is forgotten after seven days. A rule with `below` and without `by` watches from
    when it is loaded. `value` is the number of distinct values; beyond 1024 it is an estimate, and no limit is higher.
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
        return Variety(no, key, span=self._span, seen={}, doubtful={}, covers=self.within)

    def slide(self, state: State, t: int, w: int) -> str:
        variety = _variety(state)
        variety.slide(t)
        variety.look(t, w)
        return ""

    def add(self, state: State, sample: Sample) -> None:
        variety = _variety(state)
        value = fingerprint(sample.text)
        variety.add(sample.t, float(value), sample.tops or None)
        variety.see(value, sample.t)
        variety.latest = sample.latest

    def holds(self, state: State, t: int, w: int) -> bool:
        variety = _variety(state)
        if self.below is None:
            return self._limit.is_passed(variety.distinct_at(t))
        if w < variety.since_w + self.within:
            return False
        # What may still be there begins nothing, and ends nothing either.
        lasts = state.alert is not None and state.alert.gone_w is None
        return self._limit.is_passed(variety.distinct_at(t) + (0 if lasts else len(variety.doubtful)))

    def value(self, state: State, t: int, w: int) -> float:
        variety = _variety(state)
        known = variety.distinct_at(t)
        return float(known) if known <= EXACT_MAX else max(known, distinct(variety.parts_at(t)))

    def exact(self, state: State) -> bool:
        return len(_variety(state).seen) <= EXACT_MAX

    def due(self, state: State) -> int:
        oldest = next(iter(_variety(state).seen.values()), NEVER)
        return oldest + self.within if oldest < NEVER else NEVER

    def due_w(self, state: State) -> int:
        if not self.below:
            return NEVER
        variety = _variety(state)
        whole_w = variety.since_w + self.within
        return min(
            whole_w if variety.now - variety.lost < whole_w else NEVER,
            next(iter(variety.doubtful.values()), NEVER),
            self._forgotten_w(variety),
        )

    def idle(self, state: State, t: int, w: int) -> bool:
        variety = _variety(state)
        return w >= self._forgotten_w(variety) if self.below else not variety.seen

    def reset(self, state: State) -> None:
        super().reset(state)
        _variety(state).seen.clear()
        _variety(state).doubtful.clear()

    def sleep(self, state: State, by: int) -> None:
        variety = _variety(state)
        variety.since_w += by
        variety.empty_w += by if variety.empty_w < NEVER else 0
        variety.doubtful = {value: until_w + by for value, until_w in variety.doubtful.items()}
        variety.gap = variety.now

    def shift(self, state: State, by: int) -> None:
        super().shift(state, by)
        variety = _variety(state)
        variety.seen = {value: at + by for value, at in variety.seen.items()}
        variety.now, variety.lost, variety.gap = variety.now + by, variety.lost + by, variety.gap + by

    def dump(self, state: State) -> Any:
        variety = _variety(state)
        times = variety.since_w, variety.empty_w, variety.now, variety.lost, variety.gap, variety.covers
        return [super().dump(state), list(variety.seen.items()), list(variety.doubtful.items()), times]

    def load(self, state: State, dumped: Any) -> None:
        window, seen, doubtful, times = dumped
        super().load(state, window)
        variety = _variety(state)
        variety.seen = dict(msgspec.convert(seen, list[tuple[int, int]]))
        variety.doubtful = dict(msgspec.convert(doubtful, list[tuple[int, int]]))
        variety.since_w, variety.empty_w, variety.now, variety.lost, variety.gap, variety.covers = times

    def _forgotten_w(self, variety: Variety) -> int:
        """When a combination of which nothing is heard is given up; the only one that a rule has never is."""
        return variety.empty_w + FORGET_AFTER if self.by and variety.empty_w < NEVER else NEVER


def _variety(state: State) -> Variety:
    return cast("Variety", state)
