"""A stage with people who hear what is told: destinations that take every message at once, unless they are down."""

from collections.abc import Iterable
from typing import Any

from bridge.commit import OutboxRow, Settled
from bridge.notification import Notification
from bridge.rule import Rule
from bridge.standins import Target
from tests.core.stage import Stage, at, connected, disconnected, setup

OPS, PAGER = Target("ops/webhook/0"), Target("ops/slack/0")
ROUTE: dict[str, Any] = {
    "group_by": ["alertname"],
    "group_wait": "10s",
    "group_interval": "1m",
    "repeat_interval": "1h",
}


class Audience(Stage):
    """A stage whose destinations take every message at once, but for those that are down."""

    def __init__(
        self,
        *rules: Rule,
        route: dict[str, Any] | None = None,
        targets: Iterable[Target] = (OPS,),
        fallbacks: Iterable[Iterable[Target]] = (),
        down: Iterable[str] = (),
    ) -> None:
        self.down = set(down)
        self._n = 0
        super().__init__(setup_=setup(*rules, route={**ROUTE, **(route or {})}, targets=targets, fallbacks=fallbacks))

    def goes(self, seconds: float, name: str = "x", reason: str = "Client Closed") -> "Audience":
        self._n += 1
        self.upto(seconds)
        self.play(disconnected(seconds, name, reason, number=self._n))
        return self

    def comes(self, seconds: float, name: str = "x") -> "Audience":
        self._n += 1
        self.upto(seconds)
        self.play(connected(seconds, name, client_id=self._n, number=self._n))
        return self

    def upto(self, seconds: float) -> "Audience":
        """Let time pass; messages are delivered as soon as they are written."""
        while (due := self.engine.next_due) < at(seconds):
            self.engine.advance(due + 1)
            self.collect()
            self._deliver()
        self.wait(seconds)
        self._deliver()
        return self

    def settle(self, row: OutboxRow, seconds: float, outcome: str = "delivered") -> "Audience":
        self.play(Settled(row.id, outcome, at(seconds)))
        return self

    def pending(self, target: Target = OPS) -> list[OutboxRow]:
        return [row for row in self.engine.outbox.rows.values() if row.destination == target.key]

    def messages(self, target: Target = OPS) -> list[Notification]:
        return [row.notification for row in self.rows.values() if row.destination == target.key]

    def _deliver(self) -> None:
        for row in [row for row in self.engine.outbox.rows.values() if row.destination not in self.down]:
            self.play(Settled(row.id, "delivered", self.engine.watch.t))
