"""The course of a test: the engine's decisions on the way, and how things stand at each instant of interest."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import chain

import msgspec

from bridge.alert import identity
from bridge.inputs import Input
from bridge.replay import Playback, Sent, Transition
from bridge.ruletest.model import State
from bridge.setup import Setup
from bridge.values import MINUTE, NEVER


class Standing(msgspec.Struct):
    """How things stand: each alert by its latest change, and how many messages each destination has got."""

    alerts: dict[str, Transition] = {}
    """By identity, in the order of their first change; one-offs and alerts that have ended stay."""
    ended: dict[str, Transition] = {}
    """The latest end of alerts that had one: what is left of them after a pending that led to nothing."""
    messages: dict[tuple[str, str], int] = {}
    """(receiver, key of the destination) → messages."""

    def take(self, happened: Transition | Sent) -> None:
        if isinstance(happened, Sent):
            to = happened.notification.receiver, happened.notification.destination
            self.messages[to] = self.messages.get(to, 0) + 1
            return
        name = identity(happened.labels)
        if happened.state == "inactive":
            self.alerts.pop(name, None)
            if name in self.ended:
                self.alerts[name] = self.ended[name]
            return
        if happened.state == "resolved":
            self.ended[name] = happened
        self.alerts[name] = happened

    def copy(self) -> "Standing":
        return Standing(dict(self.alerts), dict(self.ended), dict(self.messages))

    def among(self, state: State, alerts: Iterable[str] | None) -> list[Transition]:
        """The alerts in a state; only those of these names, unless that is None."""
        found = [each for each in self.alerts.values() if each.state == state]
        return [each for each in found if alerts is None or each.labels["alertname"] in alerts]


AFTERWARDS = 10 * MINUTE
"""Time that goes on after all is over, to see what came too late."""


class Course(msgspec.Struct, frozen=True):
    """What a test led to."""

    start: int
    happened: Sequence[Transition | Sent]
    """All changes and messages, in order, those after the last instant of interest included."""
    standings: Mapping[int, Standing]
    """By instant, counted from the start."""


def run(setup: Setup, inputs: Iterable[Input], instants: Iterable[int]) -> Course:
    """Play inputs, at least one. Instants are in microseconds since the first; what is due at one has then happened."""
    coming = iter(inputs)
    first = next(coming)
    playback, rest = Playback(setup, first.at), _Inputs(chain((first,), coming))
    happened: list[Transition | Sent] = []
    standings: dict[int, Standing] = {}
    standing = Standing()
    for instant in sorted(set(instants)):
        until = first.at + instant
        for each in chain(playback.play(rest.upto(until)), playback.wait(until + 1)):
            happened.append(each)
            standing.take(each)
        standings[instant] = standing.copy()
    happened += playback.play(rest.upto(NEVER))
    happened += playback.wait(max(first.at + max(standings), rest.last) + AFTERWARDS)
    return Course(first.at, happened, standings)


class _Inputs:
    """Inputs in pieces."""

    def __init__(self, inputs: Iterable[Input]) -> None:
        self._inputs = iter(inputs)
        self._next = next(self._inputs, None)
        self.last = 0
        """The instant of the latest one that was given."""

    def upto(self, until: int) -> Iterator[Input]:
        """Those up to an instant, that instant included; one that is told late comes with those before it."""
        while self._next is not None and self._next.at <= until:
            given, self._next = self._next, next(self._inputs, None)
            self.last = max(self.last, given.at)
            yield given
