"""The rule type `any`."""

from typing import Any as Anything
from typing import ClassVar, Literal

from bridge.rule import Rule
from bridge.state import Sample, State


class Any(Rule):
    """Every event that matches is told.

    Without `keep_firing_for` and `resolve_on` it is told once, as a one-off without an end. With `keep_firing_for` the
    alert fires until that long after the latest event; with `resolve_on` until that other event; with both until the
    first of them. `value` is the number of events.
    """

    instant: ClassVar[bool] = True
    counting: ClassVar[bool] = True
    summary: ClassVar[str] = "{{ value }} × {{ labels.alertname }}"

    type: Literal["any"] = "any"

    def new(self, no: int, key: str) -> State:
        return State(no, key)

    def add(self, state: State, sample: Sample) -> None:
        """Nothing to know: the alert counts."""

    def holds(self, state: State, t: int, w: int) -> bool:
        return False

    def value(self, state: State, t: int, w: int) -> float:
        return float(state.alert.tally.count) if state.alert else 0.0

    def idle(self, state: State, t: int, w: int) -> bool:
        return True

    def reset(self, state: State) -> None:
        """Nothing to forget."""

    def dump(self, state: State) -> Anything:
        return None

    def load(self, state: State, dumped: Anything) -> None:
        """Nothing was kept."""
