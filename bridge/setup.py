"""What the operator wants: everything of the rules file that decisions depend on."""

from collections.abc import Mapping

import msgspec

from bridge.events.accounts import Names
from bridge.routing import Routing
from bridge.rule import Rule
from bridge.values import SECOND


class PlacedRule(msgspec.Struct, frozen=True):
    """A rule and where it stands, as file:line; "" for built-in ones."""

    rule: Rule
    place: str = ""


class Setup(msgspec.Struct, frozen=True):
    """One configuration, as the engine sees it."""

    rules: tuple[PlacedRule, ...]
    routing: Routing
    labels: Mapping[str, str] = {}
    """Put on every alert."""
    names: Names = Names()
    poll_interval: int = 30 * SECOND
    """How often servers are asked for what they tell only then, in microseconds."""

    def find(self, id: str) -> Rule | None:
        """The rule with that id, unless it sleeps."""
        return next((placed.rule for placed in self.rules if placed.rule.id == id and placed.rule.enabled), None)
