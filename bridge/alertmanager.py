"""Alertmanager's shapes: the body of its webhooks, version 4, and the alerts that its API takes."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.notification import AlertView, Notification
from bridge.text import encodable, sound

ALERTS_PLAIN = 1
"""Alerts in a body that was rejected with all of them."""

NEVER_ENDED = "0001-01-01T00:00:00Z"
"""Go's zero time: how Alertmanager writes the end of what fires."""

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NO_LABEL = re.compile("[^a-zA-Z0-9_]")


def body(notification: Notification, plain: bool = False) -> dict[str, Any]:
    """What Alertmanager would post for the same group. A one-off is firing, with the time of its event as its end."""
    shown = notification.alerts[:ALERTS_PLAIN] if plain else notification.alerts
    told: dict[str, Any] = {
        "receiver": notification.receiver,
        "status": _status(notification.status),
        "alerts": [_alert(alert, notification.external_url, plain) for alert in shown],
        "groupLabels": notification.group_labels,
        "commonLabels": notification.common_labels,
        "commonAnnotations": {} if plain else notification.common_annotations,
        "externalURL": notification.external_url,
        "version": "4",
        "groupKey": notification.group_key,
        "truncatedAlerts": len(notification.alerts) - len(shown),
        "notification_reason": _reason(notification),
    }
    return sound(told)


def posted(alert: AlertView, external_url: str, ends_at: int | None, plain: bool = False) -> dict[str, Any]:
    """One alert for `/api/v2/alerts`, with the names that it takes. `ends_at` is in microseconds; None: it fires."""
    told: dict[str, Any] = {
        "labels": _named({name: text for name, text in alert.labels.items() if text}),
        "annotations": {} if plain else _named(alert.annotations),
        "startsAt": time(alert.starts_at),
    }
    if ends_at is not None:
        # Its API refuses an end before the start.
        told["endsAt"] = time(max(ends_at, alert.starts_at))
    if external_url:
        told["generatorURL"] = external_url
    return sound(told)


def fingerprint(labels: dict[str, str]) -> str:
    """The id that Prometheus and Alertmanager know a label set by: FNV-1a of 64 bits over the sorted labels."""
    value = 0xCBF29CE484222325
    for name, text in sorted(labels.items()):
        for byte in _bytes(name, text):
            value = ((value ^ byte) * 0x100000001B3) & 0xFFFFFFFFFFFFFFFF
    return f"{value:016x}"


def time(micros: int) -> str:
    """RFC 3339 in UTC."""
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _alert(alert: AlertView, external_url: str, plain: bool) -> dict[str, Any]:
    ended = alert.ends_at if alert.state == "resolved" else alert.starts_at if alert.state == "event" else None
    return {
        "status": _status(alert.state),
        "labels": alert.labels,
        "annotations": {} if plain else alert.annotations,
        "startsAt": time(alert.starts_at),
        "endsAt": NEVER_ENDED if ended is None else time(ended),
        "generatorURL": external_url,
        "fingerprint": fingerprint(alert.labels),
    }


def _reason(notification: Notification) -> str:
    """In the words of Alertmanager, which has this key from 0.32 on."""
    if notification.reason == "resolved":
        return "all alerts resolved" if notification.status == "resolved" else "some alerts resolved"
    return _REASONS[notification.reason]


_REASONS = {"first": "first notification", "new alerts": "new alerts added", "reminder": "repeat interval elapsed"}


def _status(state: str) -> str:
    return "resolved" if state == "resolved" else "firing"


def _bytes(name: str, text: str) -> bytes:
    # 0xff is in no UTF-8, so it ends each part.
    return b"".join(encodable(part).encode() + b"\xff" for part in (name, text))


def _named(texts: dict[str, str]) -> dict[str, str]:
    """Prometheus' names have letters, digits and `_`, and begin with no digit."""
    names = {name: _NO_LABEL.sub("_", name) for name in texts}
    return {("_" + name if name[:1].isdigit() else name) or "_": texts[old] for old, name in names.items()}
