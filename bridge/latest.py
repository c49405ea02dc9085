"""What the types have in common that go by the latest measurement of each series, as long as there is one."""

from collections.abc import Collection, Iterable
from typing import ClassVar

import msgspec

from bridge.rule import Rule
from bridge.state import SEPARATOR, Sample, State
from bridge.values import NEVER, SECOND

SILENCE_MIN = 90 * SECOND
"""A series that has been silent for three of its intervals, and at least this long, has no measurement any more."""


class Measurement(msgspec.Struct, array_like=True):
    """The latest number of one series. `gap` is its last interval; both times are watched time."""

    number: float
    w: int
    gap: int

    @property
    def stale_w(self) -> int:
        return self.w + max(3 * self.gap, SILENCE_MIN)


class Measured(State):
    """A combination that knows its series."""

    series: dict[str, Measurement] = {}

    def measure(self, sample: Sample) -> None:
        """A measurement takes the place of the one before it in its series."""
        last = self.series.get(sample.series)
        gap = sample.w - last.w if last else 0
        self.series[sample.series] = Measurement(sample.number or 0.0, sample.w, gap)


class Latest(Rule):
    """Series come and go here; what they mean is the type's."""

    serial: ClassVar[bool] = True

    def series(self, state: State) -> Collection[str]:
        return measured_of(state).series

    def slide(self, state: State, t: int, w: int) -> str:
        stale = [name for name, measurement in measured_of(state).series.items() if measurement.stale_w <= w]
        return "no data" if self._drop(state, stale) else ""

    def end(self, state: State, series_prefix: str) -> bool:
        below = series_prefix + SEPARATOR
        names = [name for name in measured_of(state).series if name == series_prefix or name.startswith(below)]
        return self._drop(state, names)

    def settle(self, state: State) -> None:
        """Some of its series are gone, and with them what they said."""
        raise NotImplementedError

    def due_w(self, state: State) -> int:
        return min((measurement.stale_w for measurement in measured_of(state).series.values()), default=NEVER)

    def idle(self, state: State, t: int, w: int) -> bool:
        return not measured_of(state).series

    def sleep(self, state: State, by: int) -> None:
        for measurement in measured_of(state).series.values():
            measurement.w += by

    def _drop(self, state: State, names: Iterable[str]) -> bool:
        gone = False
        for name in names:
            del measured_of(state).series[name]
            gone = True
        if gone:
            self.settle(state)
        return gone


def measured_of(state: State) -> Measured:
    """A state of a Latest rule knows its series."""
    assert isinstance(state, Measured)
    return state
