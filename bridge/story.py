"""The log lines that tell how a notification began; its worker tells the rest."""

import logging

import msgspec

from bridge.commit import Commit
from bridge.engine import Engine
from bridge.values import MINUTE, format_duration

LOG = logging.getLogger(__name__)


class _Facts(msgspec.Struct):
    labels: dict[str, str]


class _Change(msgspec.Struct):
    """What a line of log needs of a change."""

    facts: _Facts


def tell(commit: Commit) -> None:
    """What a commit has made certain."""
    for row in commit.changes:
        change = msgspec.json.decode(row.body, type=_Change)
        labels = " ".join(f"{name}={text!r}" for name, text in sorted(change.facts.labels.items()))
        LOG.info("alert %s id=%s group=%s %s", row.state, row.alert, row.group, labels)
    for outgoing in commit.rows:
        if not outgoing.attempts:
            LOG.info("queued notification=%s destination=%s", outgoing.id, outgoing.destination)


def tell_unnamed(servers: list[str]) -> None:
    """Rules know servers by their name."""
    for server in servers:
        LOG.warning(
            "server %s has no name: it is a new one at each start; set server_name in its configuration", server
        )


UNKNOWN_SHOWN = 5
"""Subjects in one line."""


class Malformed:
    """Says once a minute at most how many messages were no events."""

    def __init__(self) -> None:
        self._told_at: int | None = None
        self._told = 0

    def tell(self, engine: Engine, now: int) -> None:
        count = engine.malformed
        if count == self._told or (self._told_at is not None and now - self._told_at < MINUTE):
            return
        LOG.warning(
            "%d malformed messages since %s; the latest: %s",
            count - self._told,
            "the start" if self._told_at is None else format_duration(now - self._told_at) + " ago",
            engine.latest_malformed,
        )
        self._told, self._told_at = count, now


class Unknown:
    """Says, to who asks for details, what came that the catalogue does not know; once a minute at most."""

    def __init__(self) -> None:
        self._told_at: int | None = None
        self._told = 0

    def tell(self, engine: Engine, now: int) -> None:
        if not engine.unknown or not LOG.isEnabledFor(logging.DEBUG):
            return
        count = sum(engine.unknown.values())
        if count == self._told or (self._told_at is not None and now - self._told_at < MINUTE):
            return
        often = sorted(engine.unknown.items(), key=lambda item: -item[1])[:UNKNOWN_SHOWN]
        shown = ", ".join(f"{number} × {subject}" for subject, number in often)
        LOG.debug("%d messages that the catalogue does not know: %s", count, shown)
        self._told_at, self._told = now, count
