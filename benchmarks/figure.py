"""What was measured, against what was wanted; and how much is measured in a full run and in a quick one."""

from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import quantiles
from typing import NamedTuple

import msgspec

MB = 1_000_000


class Scale(NamedTuple):
    """How much of each."""

    rounds: int = 5
    events: int = 100_000
    """Of a round."""
    rules: int = 1000
    combinations: int = 1_000_000
    full: int = 100_000
    """Combinations whose windows are filled."""
    ticks: int = 5000
    singles: int = 400
    storm: int = 1_000_000
    stored: int = 100_000
    starts: int = 5
    recording: int = 300_000
    names: int = 10_000_000
    profiled: int = 100_000
    alerts: int = 10_000


QUICK = Scale(1, 1000, 20, 2000, 500, 100, 3, 2000, 500, 1, 1000, 5000, 1000, 50)
"""Shows that everything runs; its figures mean nothing."""


class Figure(msgspec.Struct, frozen=True, kw_only=True):
    """One line of the table."""

    what: str
    measured: float
    unit: str = ""
    target: float | None = None
    at_least: bool = False
    """The target is the least that is wanted, not the most."""
    detail: str = ""

    @property
    def met(self) -> bool | None:
        """None: nothing was wanted."""
        if self.target is None:
            return None
        return self.measured >= self.target if self.at_least else self.measured <= self.target


class Profile(NamedTuple):
    """Where the time went."""

    title: str
    rows: Sequence[str]


Explain = Callable[[Path, Scale], Profile]


class Benchmark(NamedTuple):
    """Figures that are measured together. `explain` profiles the same, for figures that miss their target."""

    about: str
    measure: Callable[[Path, Scale], list[Figure]]
    explain: Explain | None = None


def p99(values: Sequence[float]) -> float:
    """One in a hundred is larger."""
    return quantiles(values, n=100, method="inclusive")[98] if len(values) > 1 else values[0]
