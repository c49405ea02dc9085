"""Models of the types that go by a function of many events: each is counted anew, from all events there ever were."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from bridge.values import SECOND
from tests.core.oracle import Model, Number, hear, stale


@dataclass
class State(Model):
    """An event says whether it matches: 1 or 0."""

    events_of: dict[str, list[tuple[int, bool]]] = field(default_factory=dict)
    """By series, in watched time; emptied when the server says goodbye."""
    heard: dict[str, list[int]] = field(default_factory=dict)
    """The same, kept though there was no data for a while."""

    def take(self, t: int, w: int, what: object) -> bool:
        assert isinstance(what, Number)
        if what.number is None:
            self.heard.pop(what.series, None)
            return self.events_of.pop(what.series, None) is not None
        for name in [name for name in self.events_of if stale(self.heard[name]) < w]:
            del self.events_of[name]
        hear(self.heard, what.series, w)
        self.events_of.setdefault(what.series, []).append((w, what.number > 0))
        return True

    def since(self, w: int) -> list[int]:
        """Since when the series match whose latest event does."""
        begins = []
        for name, taken in self.events_of.items():
            if w < stale(self.heard[name]) + self.arriving and taken[-1][1]:
                last_other = max((place for place, (_, matches) in enumerate(taken) if not matches), default=-1)
                begins.append(taken[last_other + 1][0])
        return begins

    def holds(self, t: int, w: int) -> bool:
        return bool(self.since(w))

    def value(self, t: int, w: int) -> float:
        return (w - min(self.since(w))) / SECOND

    def edges_w(self) -> Iterable[int]:
        return (stale(self.heard[name]) for name in self.events_of)


@dataclass
class Sampled(Model):
    """Numbers in a window, past a limit."""

    counting = True
    above: float | None = None
    below: float | None = None
    at_least: int = 1
    samples: list[tuple[int, float]] = field(default_factory=list)

    def take(self, t: int, w: int, what: object) -> bool:
        assert isinstance(what, Number)
        assert what.number is not None
        self.samples.append((t, what.number))
        return True

    def inside(self, t: int) -> list[float]:
        return [number for at, number in self.samples if t - self.within < at <= t]

    def holds(self, t: int, w: int) -> bool:
        numbers = self.inside(t)
        return bool(numbers) and len(numbers) >= self.at_least and self.is_past(self.value(t, w))

    def is_past(self, number: float) -> bool:
        return number > self.above if self.above is not None else number < (self.below or 0)

    def worse(self, a: float, b: float) -> float:
        return max(a, b) if self.above is not None else min(a, b)

    def events(self, t: int) -> int:
        return len(self.inside(t))

    def edges(self) -> Iterable[int]:
        return (at + self.within for at, _ in self.samples)


@dataclass
class Aggregate(Sampled):
    fn: str = "avg"

    def value(self, t: int, w: int) -> float:
        numbers = self.inside(t)
        match self.fn:
            case "avg":
                return sum(numbers) / len(numbers)
            case "sum":
                return sum(numbers)
            case "min":
                return sorted(numbers)[0]
            case "max":
                return sorted(numbers)[-1]
            case _:
                share = int(self.fn[1:])
                return min(x for x in numbers if 100 * sum(y <= x for y in numbers) >= share * len(numbers))


@dataclass
class Ratio(Sampled):
    """An event is 1 if it matches, else 0."""

    def value(self, t: int, w: int) -> float:
        numbers = self.inside(t)
        return 100 * sum(numbers) / len(numbers)


@dataclass
class Spike(Model):
    counting = True
    factor: float = 2
    at_least: int = 1
    down: bool = False
    begun_w: int = 0
    times: list[int] = field(default_factory=list)

    def take(self, t: int, w: int, what: object) -> bool:
        self.times.append(t)
        return True

    def pair(self, t: int) -> tuple[int, int]:
        begin = t - self.within
        return sum(begin < at <= t for at in self.times), sum(begin - self.within < at <= begin for at in self.times)

    def holds(self, t: int, w: int) -> bool:
        now, before = self.pair(t)
        if w < self.begun_w + 2 * self.within or not before or max(now, before) < self.at_least:
            return False
        return before >= self.factor * now if self.down else now >= self.factor * before

    def value(self, t: int, w: int) -> float:
        now, before = self.pair(t)
        return now / before

    def worse(self, a: float, b: float) -> float:
        return min(a, b) if self.down else max(a, b)

    def events(self, t: int) -> int:
        return self.pair(t)[0]

    def edges(self) -> Iterable[int]:
        return (at + times * self.within for at in self.times for times in (1, 2))

    def edges_w(self) -> Iterable[int]:
        return (self.begun_w + 2 * self.within,)


@dataclass
class Cardinality(Model):
    """`above` goes by receive time, `below` by watched time."""

    counting = True
    above: float | None = None
    below: float | None = None
    since_w: int | None = None
    seen: list[tuple[int, int, str]] = field(default_factory=list)

    def take(self, t: int, w: int, what: object) -> bool:
        assert isinstance(what, str)
        self.seen.append((t, w, what))
        if self.since_w is None:
            self.since_w = w
        return True

    def known(self, t: int, w: int) -> int:
        clocks = ((at, t) if self.above is not None else (at_w, w) for at, at_w, _ in self.seen)
        inside = [now - self.within < at <= now for at, now in clocks]
        return len({text for (_, _, text), counts in zip(self.seen, inside, strict=True) if counts})

    def holds(self, t: int, w: int) -> bool:
        if self.above is not None:
            return self.known(t, w) > self.above
        if self.since_w is None or self.below is None or w < self.since_w + self.within:
            return False
        return self.known(t, w) < self.below

    def value(self, t: int, w: int) -> float:
        return float(self.known(t, w))

    def worse(self, a: float, b: float) -> float:
        return max(a, b) if self.above is not None else min(a, b)

    def events(self, t: int) -> int:
        return sum(t - self.within < at <= t for at, _, _ in self.seen)

    def edges(self) -> Iterable[int]:
        return [at + self.within for at, _, _ in self.seen] if self.above is not None else []

    def edges_w(self) -> Iterable[int]:
        if self.below is None or self.since_w is None:
            return ()
        return [self.since_w + self.within, *(at_w + self.within for _, at_w, _ in self.seen)]
