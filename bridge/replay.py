"""The engine of the live program over a recording, in the recording's own time: every change and every message."""

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from typing import Literal

import msgspec

from bridge.alert import Facts, Tally
from bridge.commit import Settled
from bridge.cursor import Change
from bridge.engine import Engine
from bridge.inputs import Blind, Input
from bridge.notification import Notification, State
from bridge.setup import Setup
from bridge.values import NEVER

Phase = Literal["pending", "inactive", "firing", "resolved", "event"]

BATCH = 10_000
"""Inputs after which what the engine would write to disk is thrown away, though nothing was decided."""


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
        self._ahead: Input | None = None
        """Read already, but something is due before it."""
        self._newest = 0
        """The number of the latest change that was followed."""
        self._happened: dict[str, Tally] = {}
        """One-offs that the next message will tell, as they were after the latest of them; by the id of the alert."""

    def play(self, inputs: Iterable[Input]) -> Iterator[Transition | Sent]:
        """Inputs in the order of time, and what each of them leads to. A one-off is told each time it happens."""
        rest = iter(inputs)
        while (given := self._ahead or next(rest, None)) is not None:
            yield from self.wait(given.at)
            self._engine.process(self._flow(given, rest))
            yield from self._decided()

    def wait(self, until: int) -> Iterator[Transition | Sent]:
        """Let time pass, the instant `until` excluded."""
        engine = self._engine
        while (due := engine.next_due) < until:
            engine.advance(min(due + 1, until))
            yield from self._decided()
        engine.advance(until)
        yield from self._decided()

    def end(self) -> Iterator[Transition | Sent]:
        """Nothing more is heard. Time goes on until all that has changed is told; no alert changes by that."""
        engine = self._engine
        engine.process((Blind(engine.watch.t),))
        ticks = [group.due for group in engine.outbox.groups.values() if group.changes and group.due < NEVER]
        yield from self.wait(max(ticks, default=engine.watch.t) + 1)

    def _flow(self, first: Input, rest: Iterator[Input]) -> Iterator[Input]:
        """Inputs that follow each other without anything that is due between them or decided by them."""
        engine = self._engine
        self._ahead = None
        for given in chain((first,), islice(rest, BATCH)):
            if given.at > engine.quiet and engine.next_due < given.at:
                self._ahead = given
                return
            yield given
            if not engine.quiet and engine.urgent:  # Whatever it decides, there is something due then.
                return

    def _decided(self) -> Iterator[Transition | Sent]:
        if not self._engine.dirty:
            return
        commit = self._engine.drain()
        for pended in commit.pended:
            yield self._transition(pended.at, "inactive" if pended.over else "pending", pended.facts)
        newest, self._newest = self._newest, max([self._newest, *(row.n for row in commit.changes)])
        for row in commit.changes:
            change = msgspec.json.decode(row.body, type=Change)
            if change.copy:
                continue
            if change.state != "event":
                yield self._transition(change.at, change.state, change.facts)
            elif not change.frozen or change.n > newest:
                # What time alone brought about at an instant can be in a message of the same instant.
                yield self._occurrence(change)
        for outgoing in commit.rows:
            for alert in outgoing.notification.alerts:
                self._happened.pop(alert.id, None)
            yield Sent(outgoing.created, outgoing.notification)
        if commit.rows:
            self._engine.process(Settled(row.id, "delivered", row.created) for row in commit.rows)

    def _occurrence(self, change: Change) -> Transition:
        """A one-off by itself: to the engine, equal ones are one change until a message tells of them."""
        before = self._happened.get(change.alert)
        tally = self._happened[change.alert] = change.facts.tally
        alone = msgspec.structs.replace(change.facts, tally=_since(before, tally) if before else tally)
        return self._transition(tally.last, "event", alone)

    def _transition(self, at: int, state: Phase, facts: Facts) -> Transition:
        if not facts.starts:  # It never fired.
            facts = msgspec.structs.replace(facts, starts=at)
        shown: State = "firing" if state == "pending" or state == "inactive" else state
        annotations = self._engine.firing.annotate(facts, shown, at)
        return Transition(at, state, facts.labels, facts.tally.value, annotations, facts.reason)


def _since(before: Tally, now: Tally) -> Tally:
    """What has been added."""
    value = now.value if now.gauge else (now.value or 0.0) - (before.value or 0.0)
    tops = {
        field: {text: count - known for text, count in counts.items() if count > (known := _count(before, field, text))}
        for field, counts in now.tops.items()
    }
    return msgspec.structs.replace(
        now, count=now.count - before.count, first=now.last, value=value, peak=value, tops=tops
    )


def _count(tally: Tally, field: str, text: str) -> int:
    return tally.tops.get(field, {}).get(text, 0)
