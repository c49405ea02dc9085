"""The series that `increase` compares: what each counter was at its last measurement, whatever the rule's `by` says."""

import msgspec

from bridge.home import Home
from bridge.plan import SEPARATOR
from bridge.rule import Sample, State
from bridge.rules.increase import Counter
from bridge.values import DAY
from bridge.window import NEVER

FORGET = 7 * DAY
"""A counter that was silent for so long is forgotten: its next measurement is a first one."""


class Series(State):
    """One counter. `heard_w` is in watched time."""

    counter: Counter | None = None
    heard_w: int = 0

    @property
    def forgotten_w(self) -> int:
        return self.heard_w + FORGET


class Counters:
    """The series of one rule."""

    def __init__(self, rule: str, order: int, limit: int, home: Home) -> None:
        self.known: dict[str, Series] = {}
        self._rule = rule
        self._order = order
        self._limit = limit
        self._home = home

    @property
    def full(self) -> bool:
        return len(self.known) >= self._limit

    def step(self, key: str, number: float, seq: int, process: str) -> float | None:
        """By how much it has grown; None if it has no earlier measurement, the message is late, or there is no room."""
        watch, ledger = self._home.watch, self._home.ledger
        series = self.known.get(key)
        if series is None:
            if self.full:
                return None
            series = self.known[key] = Series(ledger.number(), key, self._order)
            ledger.born(series, self._rule, "S" + key)
        sample = Sample(watch.t, watch.w, number, series=f"{process}{SEPARATOR}{seq}")
        ledger.hit(series, sample)
        step = _count(series, number, seq, process, watch.w)
        self._home.file(series, NEVER, series.forgotten_w)
        return step

    def repeat(self, series: Series, sample: Sample) -> None:
        """A measurement from the journal."""
        process, _, seq = sample.series.rpartition(SEPARATOR)
        _count(series, sample.number or 0.0, int(seq or 0), process, sample.w)

    def pass_time(self, series: Series) -> None:
        """Forget it, if it is time."""
        if self._home.watch.w >= series.forgotten_w:
            del self.known[series.key]
            self._home.ledger.died(series)

    def start(self) -> None:
        """After a load: look when each is to be forgotten."""
        for series in self.known.values():
            self._home.file(series, NEVER, series.forgotten_w)

    def clear(self) -> None:
        for series in self.known.values():
            self._home.ledger.died(series)
        self.known.clear()


def dump(series: Series) -> bytes:
    return msgspec.msgpack.encode([series.counter, series.heard_w])


def load(series: Series, body: bytes) -> None:
    series.counter, series.heard_w = msgspec.msgpack.decode(body, type=tuple[Counter | None, int])


def _count(series: Series, number: float, seq: int, process: str, w: int) -> float | None:
    series.heard_w = w
    if series.counter is None:
        series.counter = Counter(number, seq, process)
        return None
    return series.counter.step(number, seq, process)
