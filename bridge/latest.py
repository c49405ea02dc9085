"""What the types have in common that go by the latest measurement of each series, as long as there is one."""

from collections.abc import Collection, Iterable
from typing import ClassVar

import msgspec
from pydantic import PrivateAttr

from bridge.rule import Rule
from bridge.state import SEPARATOR, Sample, State
from bridge.values import DAY, NEVER, SECOND

SILENCE_MIN = 90 * SECOND
"""A series that has been silent for three of its intervals, and at least this long, has no measurement any more."""

GAPS = 3
"""The usual interval is the median of so many: one message that is late, early or lost does not change it."""

REMEMBERED = DAY
"""So long is a silent series remembered, so that the interval of one that is slower than it seemed becomes known."""

LAPSED_MAX = 1000
"""Silent series that one combination remembers; of more it forgets the oldest."""


class Measurement(msgspec.Struct, array_like=True):
    """The latest number of one series. `gap` is its usual interval, `gaps` the last ones; all in watched time."""

    number: float
    w: int
    gap: int
    gaps: list[int] = []

    def follow(self, sample: Sample) -> "Measurement":
        """The one that comes after it."""
        gaps = [*self.gaps, sample.w - self.w][-GAPS:]
        usual = sorted(gaps)[1] if len(gaps) == GAPS else max(gaps)
        return Measurement(sample.number or 0.0, sample.w, usual, gaps)


class Measured(State):
    """A combination that knows its series."""

    series: dict[str, Measurement] = {}
    lapsed: dict[str, Measurement] = {}
    """Those that have no measurement any more, and may come again."""

    def measure(self, sample: Sample) -> None:
        """A measurement takes the place of the one before it in its series."""
        name = sample.series
        last = self.series.get(name) or self.lapsed.pop(name, None)
        self.series[name] = last.follow(sample) if last else Measurement(sample.number or 0.0, sample.w, 0)


class Latest(Rule):
    """Series come and go here; what they mean is the type's."""

    serial: ClassVar[bool] = True
    _interval: int = PrivateAttr(0)

    def expect_interval(self, interval: int) -> None:
        """What it watches comes at this interval, in microseconds, since the bridge itself asks for it."""
        self._interval = interval

    def series(self, state: State) -> Collection[str]:
        return measured_of(state).series

    def remembered(self, state: State) -> Collection[str]:
        measured = measured_of(state)
        return [*measured.series, *measured.lapsed]

    def slide(self, state: State, t: int, w: int) -> str:
        measured = measured_of(state)
        stale = [name for name, measurement in measured.series.items() if self._stale_w(measurement) <= w]
        for name in stale:
            measured.lapsed[name] = measured.series[name]
        if measured.lapsed:
            _forget(measured.lapsed, w)
        return "no data" if self._drop(state, stale) else ""

    def end(self, state: State, series_prefix: str) -> bool:
        below = series_prefix + SEPARATOR
        measured = measured_of(state)
        for name in [name for name in measured.lapsed if name == series_prefix or name.startswith(below)]:
            del measured.lapsed[name]
        return self._drop(state, [name for name in measured.series if name == series_prefix or name.startswith(below)])

    def settle(self, state: State) -> None:
        """Some of its series are gone, and with them what they said."""
        raise NotImplementedError

    def due_w(self, state: State) -> int:
        measured = measured_of(state)
        first = min((self._stale_w(measurement) for measurement in measured.series.values()), default=NEVER)
        if not measured.lapsed:
            return first
        return min(first, REMEMBERED + min(measurement.w for measurement in measured.lapsed.values()))

    def idle(self, state: State, t: int, w: int) -> bool:
        measured = measured_of(state)
        return not measured.series and not measured.lapsed

    def dormant_w(self, state: State) -> int | None:
        measured = measured_of(state)
        if measured.series or not measured.lapsed:
            return None
        return max(measurement.w for measurement in measured.lapsed.values())

    def sleep(self, state: State, by: int) -> None:
        measured = measured_of(state)
        for measurement in (*measured.series.values(), *measured.lapsed.values()):
            measurement.w += by

    def _stale_w(self, measurement: Measurement) -> int:
        return measurement.w + max(3 * max(measurement.gap, self._interval), SILENCE_MIN)

    def _drop(self, state: State, names: Iterable[str]) -> bool:
        gone = False
        for name in names:
            del measured_of(state).series[name]
            gone = True
        if gone:
            self.settle(state)
        return gone


def _forget(lapsed: dict[str, Measurement], w: int) -> None:
    for name in [name for name, measurement in lapsed.items() if measurement.w + REMEMBERED <= w]:
        del lapsed[name]
    while len(lapsed) > LAPSED_MAX:
        del lapsed[next(iter(lapsed))]


def measured_of(state: State) -> Measured:
    """A state of a Latest rule knows its series."""
    assert isinstance(state, Measured)
    return state
