"""What a rule remembers besides its combinations, whatever its `by` says: series, known values, how long it watches."""

import msgspec

from bridge.home import Home
from bridge.rule import Rule
from bridge.state import Memory, Sample
from bridge.values import NEVER

MEMORY = "S"
"""What the key of a stored memory begins with."""

BEGUN = "\x1ebegun"
"""The key of the memory of when the rule began to watch."""


class Memories:
    """The memories of one rule."""

    def __init__(self, rule: Rule, order: int, home: Home) -> None:
        self.known: dict[str, Memory] = {}
        self._rule = rule
        self._order = order
        self._home = home

    @property
    def count(self) -> int:
        return len(self.known) - (BEGUN in self.known)

    @property
    def begun_w(self) -> int:
        """When the rule began to watch, in watched time."""
        begun = self.known.get(BEGUN)
        return begun.heard_w if begun else 0

    def take(self, key: str, sample: Sample) -> Sample | None:
        """What an event means beside what came before; None: nothing, or there is no room for one more."""
        memory = self.known.get(key)
        if memory is None:
            if self.count >= self._rule.memories_max:
                what = f"it remembers {self._rule.memories_max} series or values, its limit"
                self._home.overflowed(self._rule.alert, what)
                return None
            memory = self._new(key)
        # Its key says the rest, unless the type compares what was measured.
        self._home.ledger.hit(memory, Sample(sample.t, sample.w) if self._rule.gauge else sample)
        memory.heard_w = sample.w
        return self._rule.compare(memory, sample, self.begun_w)

    def repeat(self, memory: Memory, sample: Sample) -> None:
        """An event from the journal."""
        memory.heard_w = sample.w
        if memory.key != BEGUN:
            self._rule.compare(memory, sample, 0)

    def forgotten_w(self, memory: Memory) -> int:
        """When it is forgotten if nothing refreshes it."""
        return NEVER if memory.key == BEGUN else memory.heard_w + self._rule.remember_for

    def pass_time(self, memory: Memory) -> None:
        """Forget it, if it is time."""
        if self._home.watch.w >= self.forgotten_w(memory):
            del self.known[memory.key]
            self._home.ledger.died(memory)

    def start(self) -> None:
        """After a load: look when each is to be forgotten."""
        if self._rule.begins:
            self._watch_on()
        for memory in self.known.values():
            self._home.file(memory, NEVER, self.forgotten_w(memory))

    def clear(self) -> None:
        for memory in self.known.values():
            self._home.ledger.died(memory)
        self.known.clear()

    def _watch_on(self) -> None:
        """Since when the rule watches. What it looks back on further than before an edit, it has not seen."""
        w, looks_back = self._home.watch.w, self._rule.looks_back
        memory = self.known.get(BEGUN)
        if memory is None:
            memory = self._new(BEGUN)
            memory.heard_w = w
        elif memory.known == looks_back:
            return
        elif memory.known is not None and memory.known < looks_back:
            memory.heard_w = max(memory.heard_w, w - memory.known)
        memory.known = looks_back
        self._home.ledger.force(memory)

    def _new(self, key: str) -> Memory:
        ledger = self._home.ledger
        memory = self.known[key] = Memory(ledger.number(), key, self._order)
        ledger.born(memory, self._rule.id, MEMORY + key)
        self._home.file(memory, NEVER, self._home.watch.w + self._rule.remember_for if key != BEGUN else NEVER)
        return memory


def dump(memory: Memory) -> bytes:
    return msgspec.msgpack.encode([memory.known, memory.heard_w])


def load(memory: Memory, body: bytes) -> None:
    memory.known, memory.heard_w = msgspec.msgpack.decode(body)
