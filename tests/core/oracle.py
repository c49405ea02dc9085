"""What the rules file promises, computed the naive way: every event is kept and everything is counted anew each time.

A model knows the condition of one combination; `tell` knows time, sight and the life of an alert.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from statistics import median
from typing import Literal, NamedTuple

from bridge.values import DAY, MINUTE, SECOND

Kind = Literal["event", "blind", "sight", "edit"]


class Step(NamedTuple):
    """One thing that happens: an event for the model, the loss or return of sight, or other limits of the model."""

    at: int
    kind: Kind
    what: object = None


class Told(NamedTuple):
    """One decision: when, which, with what value, peak and number of events."""

    at: int
    state: str
    value: float
    peak: float
    events: int


@dataclass
class Model:
    """A condition. Times `w` are watched time: receive time without the blind spans."""

    measuring = False
    counting = False
    within: int = 0
    arriving: bool = False
    """An event is being judged: at one instant it comes before what time does."""

    def take(self, t: int, w: int, what: object) -> bool:
        """An event. Whether it concerns the condition at all."""
        raise NotImplementedError

    def counts(self, what: object) -> bool:
        """Whether an event is one of the alert's; else it only ends something."""
        return what != "goodbye" and not (isinstance(what, Number) and what.number is None)

    def holds(self, t: int, w: int) -> bool:
        raise NotImplementedError

    def value(self, t: int, w: int) -> float:
        raise NotImplementedError

    def worse(self, a: float, b: float) -> float:
        return max(a, b)

    def events(self, t: int) -> int:
        """Events that make the condition now, the one that arrives included."""
        return 1

    def edges(self) -> Iterable[int]:
        """Receive times at which time alone may change the condition."""
        return ()

    def edges_w(self) -> Iterable[int]:
        """The same in watched time."""
        return ()

    def over(self, w: int) -> bool:
        """It is forgotten: whatever it was, it ends."""
        return False


@dataclass
class Frequency(Model):
    counting = True
    count: int = 1
    times: list[int] = field(default_factory=list)

    def take(self, t: int, w: int, what: object) -> bool:
        self.times.append(t)
        return True

    def holds(self, t: int, w: int) -> bool:
        return self.events(t) >= self.count

    def value(self, t: int, w: int) -> float:
        return float(self.events(t))

    def events(self, t: int) -> int:
        return sum(t - self.within < at <= t for at in self.times)

    def edges(self) -> Iterable[int]:
        return (at + self.within for at in self.times)


class Number(NamedTuple):
    """A measurement: of which series, by which process, with which number of the process; None: it said goodbye."""

    series: str
    number: float | None
    process: str = ""
    seq: int = 0


@dataclass
class Increase(Model):
    counting = True
    above: float = 0
    measurements: list[Number] = field(default_factory=list)
    steps: list[tuple[int, float]] = field(default_factory=list)

    def take(self, t: int, w: int, what: object) -> bool:
        assert isinstance(what, Number)
        assert what.number is not None
        known = [each for each in self.measurements if each.series == what.series]
        if known and known[-1].process == what.process and what.seq <= known[-1].seq:
            return False  # late
        self.measurements.append(what)
        if not known:
            return False
        same = known[-1].process == what.process
        step = what.number - (known[-1].number or 0) if same else what.number
        if not step:
            return False
        self.steps.append((t, step))
        return True

    def holds(self, t: int, w: int) -> bool:
        return self.value(t, w) > self.above

    def value(self, t: int, w: int) -> float:
        return float(sum(step for at, step in self.steps if t - self.within < at <= t))

    def events(self, t: int) -> int:
        return sum(t - self.within < at <= t for at, _ in self.steps)

    def edges(self) -> Iterable[int]:
        return (at + self.within for at, _ in self.steps)


@dataclass
class Threshold(Model):
    measuring = True
    above: float = 0
    clear: float = 0
    measurements: dict[str, list[tuple[int, float]]] = field(default_factory=dict)
    """By series, in watched time; emptied when the server says goodbye."""
    heard: dict[str, list[int]] = field(default_factory=dict)
    """The same, kept though there was no data for a while."""

    def take(self, t: int, w: int, what: object) -> bool:
        assert isinstance(what, Number)
        if what.number is None:
            self.heard.pop(what.series, None)
            return self.measurements.pop(what.series, None) is not None
        for name in [name for name in self.measurements if self.stale(name) < w]:
            del self.measurements[name]
        hear(self.heard, what.series, w)
        self.measurements.setdefault(what.series, []).append((w, what.number))
        return True

    def stale(self, name: str) -> int:
        return stale(self.heard[name])

    def living(self, w: int) -> dict[str, list[tuple[int, float]]]:
        return {name: taken for name, taken in self.measurements.items() if w < self.stale(name) + self.arriving}

    def holds(self, t: int, w: int) -> bool:
        return any(self.past(taken) for taken in self.living(w).values())

    def past(self, taken: list[tuple[int, float]]) -> bool:
        past = False
        for _, number in taken:
            past = number > (self.clear if past else self.above)
        return past

    def value(self, t: int, w: int) -> float:
        return max(taken[-1][1] for taken in self.living(w).values())

    def edges_w(self) -> Iterable[int]:
        return map(self.stale, self.measurements)


def hear(heard: dict[str, list[int]], name: str, w: int) -> None:
    """What was silent for a day is forgotten."""
    if name in heard and w - heard[name][-1] >= DAY:
        del heard[name]
    heard.setdefault(name, []).append(w)


def stale(heard: Sequence[int]) -> int:
    """After three usual intervals: the median of the last three, or the longest of fewer."""
    gaps = [later - earlier for earlier, later in pairwise(heard)][-3:]
    usual = median(gaps) if len(gaps) == 3 else max(gaps, default=0)
    return heard[-1] + max(3 * int(usual), 90 * SECOND)


@dataclass
class Flatline(Model):
    patience: int = 0
    forget_after: int = 0
    heard: int | None = None
    planned: int | None = None

    def take(self, t: int, w: int, what: object) -> bool:
        if what == "goodbye":
            if self.heard is not None:
                self.planned = w
        else:
            self.heard, self.planned = w, None
        return True

    def begins(self) -> int:
        assert self.heard is not None
        begins = self.heard + self.within
        return begins if self.planned is None else max(begins, self.planned + self.patience)

    def holds(self, t: int, w: int) -> bool:
        return self.heard is not None and w >= self.begins()

    def value(self, t: int, w: int) -> float:
        return (w - (self.heard or 0)) / SECOND

    def edges_w(self) -> Iterable[int]:
        return () if self.heard is None else (self.begins(), self.heard + self.forget_after)

    def over(self, w: int) -> bool:
        if self.heard is None or w < self.heard + self.forget_after:
            return False
        self.heard = self.planned = None
        return True


class Oracle:
    """Plays a stream to one model, instant by instant."""

    def __init__(self, model: Model, start: int, for_: int = 0, keep: int = 0) -> None:
        self.told: list[Told] = []
        self._model, self._for, self._keep = model, for_, keep
        self._t, self._blind, self._lost = start, False, 0
        self._blind_since = start
        self._phase: Literal["", "pending", "firing"] = ""
        self._began = self._gone = self._ends = 0
        self._is_gone = False
        self._value = 0.0
        self._peak: float | None = None
        self._count = 0

    @property
    def _w(self) -> int:
        return (self._blind_since if self._blind else self._t) - self._lost

    def play(self, steps: Iterable[Step], until: int) -> list[Told]:
        for step in steps:
            self._pass(step.at)
            match step.kind:
                case "blind":
                    if not self._blind:
                        self._blind, self._blind_since = True, self._t
                case "sight":
                    if self._blind:
                        self._blind, self._lost = False, self._lost + self._t - self._blind_since
                case "event":
                    self._take(step.what)
                case "edit":
                    assert isinstance(step.what, dict)
                    for name, limit in step.what.items():
                        setattr(self._model, name, limit)
                    self._judge(measured=False)
        self._pass(until)
        return self.told

    def _pass(self, to: int) -> None:
        """Everything that time alone does strictly before `to`; at one instant, what happens comes first."""
        if to <= self._t:
            return
        self._judge_by_time()
        while (edge := self._next_edge(to)) is not None:
            # What it amounted to until then.
            self._t, now = edge - 1, edge
            self._weigh()
            self._t = now
            self._judge_by_time()
        self._t = to - 1
        self._weigh()
        self._t = to

    def _next_edge(self, to: int) -> int | None:
        edges = set(self._model.edges())
        if not self._blind:
            watched = {*self._model.edges_w(), self._began + self._for, self._ends}
            edges |= {edge + self._lost for edge in watched}
        return min((edge for edge in edges if self._t < edge < to), default=None)

    def _take(self, what: object) -> None:
        if not self._model.take(self._t, self._w, what):
            return
        counts = self._model.counts(what)
        if self._phase and counts:
            self._count += 1
        self._model.arriving = True
        self._judge(measured=counts)
        self._model.arriving = False

    def _judge_by_time(self) -> None:
        if not self._blind and self._model.over(self._w):
            if self._phase == "firing":
                self._value = max(self._value, self._peak or 0.0)
                self._end()
            self._phase = ""
            return
        # While blind it is receive time alone that passes.
        if not self._blind or not self._model.holds(self._t, self._w) or self._t in self._model.edges():
            self._judge(measured=False, by_time=True)

    def _judge(self, measured: bool, by_time: bool = False) -> None:
        if self._model.holds(self._t, self._w):
            if not self._phase:
                self._phase, self._began, self._is_gone = "pending", self._w, False
                self._count, self._peak = self._model.events(self._t), None
            self._is_gone = False
            self._weigh()
            ripe = self._w - self._began >= self._for and (measured or not self._model.measuring)
            if self._phase == "pending" and ripe and not (by_time and self._blind):  # Nothing fires then.
                self._phase = "firing"
                self._tell("firing")
        elif self._phase:
            self._miss(by_time)

    def _miss(self, by_time: bool) -> None:
        unseen = by_time and self._blind
        if not self._is_gone:
            keep = self._keep if self._phase == "firing" else 0
            hold = min(self._model.within, 5 * MINUTE) if unseen and self._model.counting else 0
            self._is_gone, self._gone, self._ends = True, self._w, self._w + max(keep, hold)
        if self._w >= self._ends and not unseen:
            if self._phase == "firing":
                self._end()
            self._phase = ""

    def _weigh(self) -> None:
        if self._phase and not self._is_gone and self._model.holds(self._t, self._w):
            self._value = self._model.value(self._t, self._w)
            self._peak = self._value if self._peak is None else self._model.worse(self._peak, self._value)

    def _end(self) -> None:
        self._tell("resolved")
        self._phase = ""

    def _tell(self, state: str) -> None:
        self.told.append(Told(self._t, state, self._value, self._peak or 0.0, self._count))
