"""What a service must be told again and again, because it takes silence for the end of an alert."""

from collections.abc import Callable, Iterator
from itertools import chain
from typing import NamedTuple

from bridge.alert import identity
from bridge.clock import Clock
from bridge.notification import AlertView, Notification
from bridge.values import MINUTE


class Standing(NamedTuple):
    """What fires and the destination was told of, group by group, as it is when it is asked for."""

    alerts: Callable[[], Iterator[list[AlertView]]]
    external_url: Callable[[], str] = lambda: ""
    """The rules file may change it meanwhile."""


NOTHING = Standing(lambda: iter(()))

AT_ONCE = 100
"""Alerts in one request."""

ENDED_FOR = 5 * MINUTE
"""How long an end is told again; Alertmanager's clients do so, for one that was away or has restarted."""


class Repetition:
    """Finds out what has to be told again: all that fires, and what has ended not long ago."""

    def __init__(self, clock: Clock, standing: Standing) -> None:
        self._clock = clock
        self._standing = standing
        self._ended: dict[str, tuple[int, AlertView]] = {}
        """By identity: until when, and the alert as its end was told."""

    @property
    def external_url(self) -> str:
        return self._standing.external_url()

    def told(self, notification: Notification) -> None:
        """A message was delivered. What fires anew has no end any more: Alertmanager believes what it hears last."""
        until = self._clock.now() + ENDED_FOR
        for alert in notification.alerts:
            if alert.state == "resolved":
                self._ended[identity(alert.labels)] = (until, alert)
            else:
                self._ended.pop(identity(alert.labels), None)

    def batches(self) -> Iterator[list[AlertView]]:
        """What is to be told now. After each batch, what of it has ended meanwhile is told in one of its own."""
        for batch in _batches(self._standing.alerts()):
            yield batch
            if late := [ended for alert in batch if (ended := self._end_of(alert))]:
                yield late
        now = self._clock.now()
        self._ended = {name: (until, alert) for name, (until, alert) in self._ended.items() if until > now}
        yield from _batches(iter([[alert for _, alert in self._ended.values()]]))

    def _end_of(self, firing: AlertView) -> AlertView | None:
        _, ended = self._ended.get(identity(firing.labels), (0, None))
        return ended if ended and ended.id == firing.id else None


def _batches(groups: Iterator[list[AlertView]]) -> Iterator[list[AlertView]]:
    batch: list[AlertView] = []
    for alert in chain.from_iterable(groups):
        batch.append(alert)
        if len(batch) == AT_ONCE:
            yield batch
            batch = []
    if batch:
        yield batch
