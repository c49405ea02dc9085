"""One random stream, played to the engine and to the oracle."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from hypothesis import strategies as st

from bridge.cursor import Change
from bridge.inputs import Blind, Input, Sight
from bridge.rule import Rule
from bridge.values import SECOND
from tests.core.disk import restarted
from tests.core.oracle import Model, Oracle, Step, Told
from tests.core.stage import START, Stage

UNTIL = 2000 * SECOND
WITHIN = 10 * SECOND

# Multiples of the windows and holds below, a microsecond to either side, and times that match nothing.
PAUSES = st.sampled_from(
    [
        0,
        0,
        1,
        333_333,
        4_999_999,
        5_000_000,
        5_000_001,
        9_999_999,
        10_000_000,
        10_000_001,
        20_000_000,
        40_000_000,
        90_000_000,
    ]
)
OTHERS = ["blind", "sight", "tick", "death"]
Played = list[tuple[int, str, int, int]]
"""(pause before it in microseconds, what happens, two numbers for it)."""


def played(*kinds: str) -> st.SearchStrategy[Played]:
    """Streams of these happenings, each three times as likely as a change of sight, a tick, or a death."""
    step = st.tuples(PAUSES, st.sampled_from([*kinds * 3, *OTHERS]), st.integers(0, 9), st.integers(0, 3))
    return st.lists(step, min_size=1, max_size=30)


SPANS = st.sampled_from([0, 1, 5_000_000, 10_000_000, 12_345_678])


class Tick(NamedTuple):
    """A batch ends, and time passes."""

    at: int


class Death(NamedTuple):
    """The process dies and is back in no time."""

    at: int


class Edit(NamedTuple):
    """The rules file is read again."""

    at: int
    rule: Rule


Act = Input | Tick | Death | Edit

Make = Callable[[float, int, tuple[str, int, int]], tuple[Input | Rule, object] | None]
"""(seconds, place in the stream, what happens) → the input for the engine and the same for the model.

A rule is the one from now on; to the model those are its limits."""


def both(given_: Played, make: Make) -> tuple[list[Act], list[Step]]:
    """One stream, for the engine and as steps of the oracle."""
    now, acts, steps = START, list[Act]([Sight(START)]), list[Step]()
    for place, (pause, kind, *numbers) in enumerate(given_):
        now += pause
        match kind:
            case "blind":
                acts.append(Blind(now))
                steps.append(Step(now, "blind"))
            case "sight":
                acts.append(Sight(now))
                steps.append(Step(now, "sight"))
            case "tick":
                acts.append(Tick(now))
            case "death":
                acts.append(Death(now))
            case _ if made := make((now - START) / SECOND, place, (kind, numbers[0], numbers[1])):
                ours, theirs = made
                acts.append(Edit(now, ours) if isinstance(ours, Rule) else ours)
                steps.append(Step(now, "edit" if isinstance(ours, Rule) else "event", theirs))
    return acts, steps


def decided(tested: Rule, acts: Sequence[Act], labels: dict[str, str] | None = None) -> list[Told]:
    """What the engine decides about the alert with these labels."""
    stage, changes = Stage(tested, sighted=False), dict[int, Change]()
    batch: list[Input] = []
    for act in [*acts, Tick(START + UNTIL)]:
        if not isinstance(act, Tick | Death | Edit):
            batch.append(act)
            continue
        stage.play(*batch)
        batch = []
        stage.engine.advance(act.at)
        changes |= stage.collect().changes
        match act:
            case Death():
                blind = stage.engine.watch.blind
                stage = restarted(stage)
                if not blind:
                    stage.play(Sight(stage.engine.watch.t))
            case Edit():
                stage.reload(act.rule)
    wanted = {"alertname": "A", **(labels or {})}
    facts = [(change, change.facts) for _, change in sorted(changes.items()) if change.facts.labels == wanted]
    return [
        Told(change.at, change.state, told.tally.value or 0.0, told.tally.peak or 0.0, told.tally.count)
        for change, told in facts
    ]


def predicted(model: Model, steps: Sequence[Step], for_: int, keep: int) -> list[Told]:
    return Oracle(model, START, for_, keep).play(steps, START + UNTIL)


def spans(for_: int, keep: int) -> dict[str, str]:
    return {"for_": f"{for_}us", "keep_firing_for": f"{keep}us"}
