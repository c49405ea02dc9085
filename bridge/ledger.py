"""What happened to states since the last commit, in the order in which a start would have to repeat it."""

from collections.abc import Iterator

import msgspec

from bridge.rule import Sample, State
from bridge.watch import Watch
from bridge.window import Texts

BORN, DIED, CLOCK = -1, -2, -3


class Ledger:
    """Journal entries, and which states have to be written whole. A hit is `(no, t, …)`; all else is negative."""

    def __init__(self, watch: Watch) -> None:
        self.watch = watch
        self._entries: list[tuple[object, ...]] = []
        self.touched: dict[int, State] = {}
        """States whose row on disk is older than the journal."""
        self.forced: dict[int, State] = {}
        """States that go into this very commit: their alert began, changed its phase, or ended."""
        self.gone: list[int] = []
        """States on disk that are no more."""
        self.next_no = 1

    def number(self) -> int:
        self.next_no += 1
        return self.next_no - 1

    def born(self, state: State, rule: str, key: str) -> None:
        self._open()
        self._entries.append((BORN, state.no, rule, key))
        self.touched[state.no] = state

    def hit(self, state: State, sample: Sample) -> None:
        no = state.no
        if not self._entries:
            self._open()
        if sample.number is None and not sample.tops and not sample.latest:
            self._entries.append((no, sample.t))
        else:
            self._entries.append((no, sample.t, sample.number, sample.tops, sample.latest, sample.series))
        self.touched[no] = state

    def died(self, state: State) -> None:
        self._open()
        self._entries.append((DIED, state.no))
        self.touched.pop(state.no, None)
        self.forced.pop(state.no, None)
        if state.stored:
            self.gone.append(state.no)

    def clock(self) -> None:
        """The bridge has lost or found its sight."""
        self._entries.append((CLOCK, self.watch.blind_since, self.watch.lost))

    def _open(self) -> None:
        """Every entry of the journal begins with the clock, so that it can be read by itself."""
        if not self._entries:
            self.clock()

    def force(self, state: State) -> None:
        self.forced[state.no] = state

    @property
    def empty(self) -> bool:
        return not (self._entries or self.forced or self.gone)

    def take(self) -> bytes | None:
        """The entries since the last call, encoded."""
        if not self._entries:
            return None
        body = msgspec.msgpack.encode(self._entries)
        self._entries.clear()
        return body


def entries(body: bytes) -> Iterator[tuple[int, list[object]]]:
    """A journal entry's parts: (BORN | DIED | CLOCK | number of a state, what follows)."""
    for entry in msgspec.msgpack.decode(body, type=list[list[object]]):
        head, *rest = entry
        yield msgspec.convert(head, int), rest


def sample_of(rest: list[object], w: int) -> Sample:
    """A hit as it was."""
    if len(rest) == 1:
        return Sample(msgspec.convert(rest[0], int), w)
    t, number, tops, latest, series = msgspec.convert(rest, tuple[int, float | None, Texts, Texts, str])
    return Sample(t, w, number, tops, latest, series)
