"""What happened to states since the last commit, in the order in which a start would have to repeat it."""

from collections.abc import Iterator
from typing import Any

import msgspec

from bridge.state import Sample, State, Texts
from bridge.watch import Watch

BORN, DIED, CLOCK = -1, -2, -3


GONE = -1
"""The evaluation of states that are no more: there is none. Calendars may still hold them."""


class Ledger:
    """Journal entries, and which states have to be written whole.

    The usual hit brings nothing but its instant: it is the state's number. The instants of these stand before them,
    as negative numbers, each once. All other entries are tuples: a hit that brings more begins with its number, too,
    all else with a negative one.
    """

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self.entries: list[int | tuple[object, ...]] = []
        self.touched: list[State] = []
        """States whose row on disk is older than the journal; some of them may be no more, or written by now."""
        self.forced: dict[int, State] = {}
        """States that go into this very commit: their alert began, changed its phase, or ended."""
        self.gone: list[int] = []
        """States on disk that are no more."""
        self.next_no = 1
        self.marked = 0
        """The instant that hits without one of their own have."""
        self.clock()

    def number(self) -> int:
        self.next_no += 1
        return self.next_no - 1

    def born(self, state: State, rule: str, key: str) -> None:
        self.entries.append((BORN, state.no, rule, key))
        self.touch(state)

    def hit(self, state: State, sample: Sample) -> None:
        if sample.number is None and not sample.tops and not sample.latest and not sample.series and not sample.text:
            if sample.t != self.marked:
                self.mark(sample.t)
            self.entries.append(state.no)
        else:
            self.entries.append(
                (state.no, sample.t, sample.number, sample.tops, sample.latest, sample.series, sample.text)
            )
        if not state.dirty:
            self.touch(state)

    def mark(self, t: int) -> None:
        """Hits from now on are of this instant."""
        self.marked = t
        self.entries.append(-t)

    def touch(self, state: State) -> None:
        """It has to be written, some time."""
        if not state.dirty:
            state.dirty = True
            self.touched.append(state)

    def died(self, state: State) -> None:
        self.entries.append((DIED, state.no))
        self.forced.pop(state.no, None)
        state.dirty = False
        state.order = GONE
        if state.stored:
            self.gone.append(state.no)

    def clock(self) -> None:
        """The bridge has lost or found its sight, or another journal entry begins: each can be read by itself."""
        self.entries.append((CLOCK, self.watch.blind_since, self.watch.lost))

    def force(self, state: State) -> None:
        self.forced[state.no] = state

    @property
    def empty(self) -> bool:
        return not (len(self.entries) > 1 or self.forced or self.gone)

    def take(self) -> bytes | None:
        """The entries since the last call, encoded."""
        if len(self.entries) <= 1:
            return None
        body = msgspec.msgpack.encode(self.entries)
        self.entries.clear()
        self.marked = 0
        self.clock()
        return body


def entries(body: bytes) -> Iterator[tuple[int, list[Any]]]:
    """A journal entry's parts: (BORN | DIED | CLOCK | number of a state, what follows)."""
    t = 0
    for entry in msgspec.msgpack.decode(body, type=list[int | list[Any]]):
        if isinstance(entry, int):
            if entry < 0:
                t = -entry
            else:
                yield entry, [t]
        else:
            head, *rest = entry
            yield msgspec.convert(head, int), rest


def sample_of(rest: list[Any], w: int) -> Sample:
    """A hit as it was."""
    if len(rest) == 1:
        return Sample(msgspec.convert(rest[0], int), w)
    if len(rest) == 5:
        rest = [*rest, rest[4]]  # As versions before 0.1 wrote it.
    t, number, tops, latest, series, text = msgspec.convert(rest, tuple[int, float | None, Texts, Texts, str, str])
    return Sample(t, w, number, tops, latest, series, text)
