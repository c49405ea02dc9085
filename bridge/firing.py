"""The alerts that fire, as messages and people see them."""

from collections.abc import Callable
from functools import partial

from bridge.alert import Alert, Facts
from bridge.evaluation import Evaluation
from bridge.notification import AlertView, State
from bridge.rendering import Renderer


class Firing:
    """By identity. `find`: the rule at work with an id."""

    def __init__(self, find: Callable[[str], Evaluation | None]) -> None:
        self.alerts: dict[str, Callable[[], Facts]] = {}
        """What each is like now."""
        self._find = find

    def facts(self, name: str) -> Facts:
        return self.alerts[name]()

    def annotate(self, facts: Facts, state: State, at: int) -> dict[str, str]:
        """What a message would say of an alert."""
        evaluation = self._find(facts.rule)
        return facts.annotations or (evaluation.renderer.annotate(facts, state, at) if evaluation else {})

    def view(self, facts: Facts, state: State, id: str, at: int) -> AlertView:
        """The alert in a message."""
        evaluation = self._find(facts.rule)
        return (evaluation.renderer if evaluation else Renderer()).view(facts, state, id, at)

    def begun(self, alert: Alert, facts: Callable[[], Facts]) -> None:
        """`facts` says what it is like at any time while it fires."""
        self.alerts[alert.identity] = facts

    def ended(self, alert: Alert) -> None:
        self.alerts.pop(alert.identity, None)

    def sleeps(self, alert: Alert, last: Facts) -> None:
        """It fires, but its rule sleeps: it stays as it was last."""
        self.alerts[alert.identity] = partial(_same, last)


def _same(facts: Facts) -> Facts:
    return facts
