"""Digests: when too many messages wait for a chat, the groups that come on top are told in one."""

from collections.abc import Iterable, Sequence

import msgspec

from bridge.notification import Notification

WAITING_MAX = 20
"""Messages of a chat that wait one by one; about one a second is all that chats take."""

DIGEST = "digest"
"""Stands in the place of the key of a group."""


class Crowds:
    """Groups that wait for room at a destination; by the destination's key."""

    def __init__(self) -> None:
        self._waiting: dict[str, dict[str, None]] = {}

    def join(self, destination: str, group: str) -> None:
        self._waiting.setdefault(destination, {})[group] = None

    def anybody(self, destination: str) -> bool:
        """Some wait there."""
        return destination in self._waiting

    def leave(self, destination: str) -> list[str]:
        """The ids of all groups that wait there; they do not any more."""
        return list(self._waiting.pop(destination, {}))


def merge(parts: Sequence[Notification], id: str, covers: dict[str, list[str]]) -> Notification:
    """What several groups have to tell, as one message. An alert of more than one of them stands there once."""
    first = parts[0]
    alerts = {(alert.id, alert.state): alert for part in parts for alert in part.alerts}
    order = {"firing": 0, "event": 1, "resolved": 2}
    return msgspec.structs.replace(
        first,
        id=id,
        status=min((part.status for part in parts), key=order.__getitem__),
        reason="new alerts",
        group_key=DIGEST,
        group_labels={},
        covers=covers,
        alerts=sorted(alerts.values(), key=lambda alert: (order[alert.state], alert.starts_at)),
    )


def part(digest: Notification, alerts: Iterable[str]) -> Notification:
    """What a digest says of one group, whose alerts have these ids."""
    mine = set(alerts)
    return msgspec.structs.replace(digest, alerts=[alert for alert in digest.alerts if alert.id in mine])
