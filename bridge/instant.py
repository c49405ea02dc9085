"""What the types that hold only at the moment of their event have in common: between events they know nothing."""

from typing import Any, ClassVar

from bridge.rule import Rule
from bridge.state import Sample, State


class Instant(Rule):
    """`value` is the number of events, unless the type says otherwise."""

    instant: ClassVar[bool] = True

    def new(self, no: int, key: str) -> State:
        return State(no, key)

    def add(self, state: State, sample: Sample) -> None:
        """The alert counts."""

    def holds(self, state: State, t: int, w: int) -> bool:
        return False

    def value(self, state: State, t: int, w: int) -> float:
        return float(state.alert.tally.count) if state.alert else 0.0

    def idle(self, state: State, t: int, w: int) -> bool:
        return True

    def dump(self, state: State) -> Any:
        return None

    def load(self, state: State, dumped: Any) -> None:
        """Nothing was kept."""
