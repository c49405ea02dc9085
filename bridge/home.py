"""What rules at work need of the engine."""

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec

from bridge.alert import Alert, Facts
from bridge.cursor import Line
from bridge.events.accounts import Names
from bridge.ledger import Ledger
from bridge.state import State
from bridge.watch import Watch


class Home(Protocol):
    """Time, memory, and who is told."""

    watch: Watch
    ledger: Ledger

    def file(self, state: State, due: int, due_w: int) -> None:
        """The state wants to be looked at, at these instants: in receive time and in watched time."""

    def pended(self, facts: Facts, over: bool) -> None:
        """It is pending; or `over`: it was, and never fired."""

    def begun(self, alert: Alert, facts: Callable[[], Facts]) -> None:
        """It fires. `facts` says what it is like at any time while it does."""

    def ended(self, alert: Alert, facts: Facts) -> None:
        """It is resolved."""

    def happened(self, key: str, facts: Facts, known: Line | None) -> Line:
        """A one-off; `known` is the line of an equal one before."""
        ...

    def overflowed(self, alert: str, what: str) -> None:
        """A rule is full."""


class Site(msgspec.Struct, frozen=True):
    """Where a rule works: its number among the rules, where it is written, and what all rules share."""

    order: int
    place: str
    names: Names
    labels: Mapping[str, str]
    poll_interval: int = 0
    """How often servers are asked for what they tell only then, in microseconds."""
