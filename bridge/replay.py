"""The engine of the live program over a recording, in the recording's own time: every change and every message."""

from collections.abc import Iterable, Iterator
from typing import Literal

import msgspec

from bridge.alert import Facts
from bridge.commit import Settled
from bridge.engine import Engine
from bridge.group import Change
from bridge.inputs import Input
from bridge.notification import Notification, State
from bridge.setup import Setup

Phase = Literal["pending", "inactive", "firing", "resolved", "event"]


class Transition(msgspec.Struct, frozen=True):
    """One change of an alert. `inactive`: it was pending and never fired. `at` is in microseconds."""

    at: int
    state: Phase
    labels: dict[str, str]
    """`alertname` included."""
    value: float | None
    annotations: dict[str, str]
    reason: str = ""


class Sent(msgspec.Struct, frozen=True):
    """A message that a destination gets; in a replay every destination takes it at once."""

    at: int
    notification: Notification


class Playback:
    """An engine that begins with nothing at the instant `start` (microseconds)."""

    def __init__(self, setup: Setup, start: int) -> None:
        self._engine = Engine(setup, start)
        self._engine.begin()

    def play(self, inputs: Iterable[Input]) -> Iterator[Transition | Sent]:
        """Inputs in the order of time, and what each of them leads to."""
        for given in inputs:
            yield from self.wait(given.at)
            self._engine.process((given,))
            if self._engine.urgent:
                yield from self._decided()

    def wait(self, until: int) -> Iterator[Transition | Sent]:
        """Let time pass, the instant `until` excluded."""
        engine = self._engine
        while engine.next_due < until:
            engine.advance(min(engine.next_due + 1, until))
            yield from self._decided()
        engine.advance(until)
        yield from self._decided()

    def _decided(self) -> Iterator[Transition | Sent]:
        commit = self._engine.drain()
        for pended in commit.pended:
            yield self._transition(pended.at, "inactive" if pended.over else "pending", pended.facts)
        for row in commit.changes:
            change = msgspec.json.decode(row.body, type=Change)
            yield self._transition(change.at, change.state, change.facts)
        for outgoing in commit.rows:
            yield Sent(outgoing.created, outgoing.notification)
        if commit.rows:
            self._engine.process(Settled(row.id, "delivered", row.created) for row in commit.rows)

    def _transition(self, at: int, state: Phase, facts: Facts) -> Transition:
        shown: State = "firing" if state == "pending" or state == "inactive" else state
        return Transition(
            at, state, facts.labels, facts.tally.value, self._engine.annotate(facts, shown, at), facts.reason
        )
