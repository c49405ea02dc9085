"""Tables of cases: a rule, what happens at the edges of its window, and the story that it must tell of it.

A case reads `case(edge, law, script, story, **keys)`: `keys` on top of the table's, None takes one away.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Any, NamedTuple

from bridge.inputs import Blind, Input, Sight
from bridge.rule import Rule
from bridge.setup import Setup
from bridge.values import SECOND
from tests.core.disk import restarted
from tests.core.stage import START, Decision, Stage, at, rule, setup

EDGES = (
    "none",
    "one instant",
    "just before",
    "exactly",
    "just after",
    "several servers",
    "blind",
    "restart",
    "reload",
)
"""What every type's table must have a case for. Before, exactly and after: the end of its window, or of its hold."""

LASTING = 1000 * SECOND
"""So much time passes after the last step, that instant excluded."""


class Restart(NamedTuple):
    """The process dies at `at`, by then all is on disk; the next one starts at `back` and `sees` at once, or not."""

    at: int
    back: int
    sees: bool


class Reload(NamedTuple):
    """The rules file is read again, with other keys of the rule."""

    at: int
    keys: dict[str, Any]


Step = Input | Restart | Reload


class Told(NamedTuple):
    """One change of an alert, in seconds after the start. `value` None: not asked for."""

    seconds: float
    state: str
    value: float | None
    reason: str
    labels: dict[str, str]


@dataclass(frozen=True)
class Case:
    """One line of a table. `edge` is one of EDGES, or the name of a key that the case is about."""

    edge: str
    law: str
    script: Sequence[Step]
    story: Sequence[Told]
    keys: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.edge}: {self.law}"


class Table:
    """The cases of one rule type, around one rule."""

    def __init__(self, keys: dict[str, Any], *cases: Case) -> None:
        self.keys = keys
        self.cases = cases

    def rule(self, case: Case, edited: dict[str, Any] | None = None) -> Rule:
        keys = {**self.keys, **case.keys, **(edited or {})}
        return rule(**{name: value for name, value in keys.items() if value is not None})

    def play(self, case: Case, dying: bool = False) -> list[Told]:
        """What is told. `dying`: the process dies before every step and comes back in no time."""
        performance = Performance(setup(self.rule(case)))
        for step in case.script:
            performance.reach(step.at)
            if dying:
                performance.restart()
            match step:
                case Restart():
                    performance.restart(step.back, step.sees)
                case Reload():
                    performance.stage.reload(self.rule(case, step.keys))
                case _:
                    performance.stage.play(step)
        performance.reach(performance.stage.engine.watch.t + LASTING)
        return [_told(decision) for decision in performance.decisions]


class Performance:
    """A stage, and what was decided on it by processes that are dead."""

    def __init__(self, setup_: Setup) -> None:
        self.stage = Stage(setup_=setup_)
        self._before: list[Decision] = []

    @property
    def decisions(self) -> list[Decision]:
        return [*self._before, *self.stage.decisions]

    def reach(self, instant: int) -> None:
        """Let time pass; what is due at this very instant comes after what happens then."""
        self.stage.engine.advance(instant)
        self.stage.collect()

    def restart(self, back: int | None = None, sees: bool | None = None) -> None:
        """`back`: when the next process starts, at once by default; `sees`: as the one before did, by default."""
        watch = self.stage.engine.watch
        sees = not watch.blind if sees is None else sees
        self._before = self.decisions
        self.stage = restarted(self.stage, seconds=((back or watch.t) - START) / SECOND)
        if sees:
            self.stage.play(Sight(self.stage.engine.watch.t))


def case(edge: str, law: str, script: Sequence[Step], story: Sequence[Told], **keys: Any) -> Case:
    return Case(edge, law, script, story, keys)


def blind(seconds: float) -> Blind:
    return Blind(at(seconds))


def sight(seconds: float) -> Sight:
    return Sight(at(seconds))


def restart(seconds: float, back: float | None = None, sees: bool = True) -> Restart:
    """The process dies and is back after some time, or in no time."""
    return Restart(at(seconds), at(seconds if back is None else back), sees)


def reload(seconds: float, **keys: Any) -> Reload:
    """The rule's file was edited."""
    return Reload(at(seconds), keys)


def firing(seconds: float, value: float | None = None, reason: str = "", **labels: str) -> Told:
    return Told(seconds, "firing", value, reason, labels)


def resolved(seconds: float, value: float | None = None, reason: str = "", **labels: str) -> Told:
    return Told(seconds, "resolved", value, reason, labels)


def event(seconds: float, value: float | None = None, **labels: str) -> Told:
    """A one-off."""
    return Told(seconds, "event", value, "", labels)


def compared(told: Sequence[Told], story: Sequence[Told]) -> list[Told]:
    """What was told, without the values that the story does not ask for."""
    pairs = zip_longest(told, story)
    return [mine._replace(value=None) if theirs and theirs.value is None else mine for mine, theirs in pairs if mine]


def is_one_off(tested: Rule) -> bool:
    """Equal ones of two processes are two lines, by design."""
    return tested.instant and not tested.keep_firing_for and tested.resolve_on is None


def _told(decision: Decision) -> Told:
    return Told(decision.seconds, decision.state, decision.value, decision.reason, decision.labels)
