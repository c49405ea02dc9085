"""The log lines that tell the life of a notification: fired, queued, tried, settled."""

import logging

import msgspec

from bridge.commit import Commit
from bridge.engine import Engine
from bridge.group import Change
from bridge.values import MINUTE, format_duration

log = logging.getLogger("bridge.alerts")
delivery_log = logging.getLogger("bridge.delivery")
event_log = logging.getLogger("bridge.events")


def tell(commit: Commit) -> None:
    """What a commit has made certain."""
    for row in commit.changes:
        change = msgspec.json.decode(row.body, type=Change)
        labels = " ".join(f"{name}={text!r}" for name, text in sorted(change.facts.labels.items()))
        log.info("alert %s id=%s group=%s %s", row.state, row.alert, row.group, labels)
    for attempt in commit.attempts:
        if attempt.trouble:
            delivery_log.info(
                "attempt failed notification=%s destination=%s trouble=%s: %s",
                attempt.row,
                attempt.destination,
                attempt.trouble,
                attempt.detail,
            )
    for settled in commit.settled:
        level = logging.INFO if settled.outcome == "delivered" else logging.WARNING
        delivery_log.log(level, "notification %s id=%s %s", settled.outcome, settled.id, settled.detail)


class Malformed:
    """Says once a minute at most how many messages were no events."""

    def __init__(self) -> None:
        self._told_at: int | None = None
        self._told = 0

    def tell(self, engine: Engine, now: int) -> None:
        count = engine.malformed
        if count == self._told or (self._told_at is not None and now - self._told_at < MINUTE):
            return
        event_log.warning(
            "%d malformed messages since %s; the latest: %s",
            count - self._told,
            "the start" if self._told_at is None else format_duration(now - self._told_at) + " ago",
            engine.latest_malformed,
        )
        self._told, self._told_at = count, now
