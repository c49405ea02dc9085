"""The bodies of the generic webhook: the documented one, the same as a CloudEvent, and what a template makes of it."""

from typing import Any

from bridge.alertmanager import time
from bridge.headline import headline
from bridge.notification import AlertView, Notification
from bridge.shown import Fields
from bridge.text import one_line, sound

SOURCE = "urn:nats-alert-bridge"
"""Of CloudEvents, where no `external_url` says which bridge it is."""


def standard(notification: Notification, plain: bool = False) -> dict[str, Any]:
    """All that is known. `plain`: nothing after the title."""
    return _summary(notification) if plain else _summary(notification) | _detail(notification)


def cloudevent(notification: Notification, plain: bool = False) -> dict[str, Any]:
    """The same in CloudEvents 1.0's structured form. The id is that of the message, the same on every try.

    No attribute may hold control characters (3.1 there, "Type System"); in `data` all is as it was written.
    """
    return {
        "specversion": "1.0",
        "id": notification.id,
        "source": notification.external_url or SOURCE,
        "type": f"nats-alert-bridge.{notification.status}",
        "subject": one_line(notification.group_key),
        "time": time(notification.created_at),
        "datacontenttype": "application/json",
        "data": standard(notification, plain),
    }


def context(notification: Notification) -> dict[str, object]:
    """What the template of a body has: the keys of the standard body."""
    told = sound(standard(notification))
    for name in ("group_labels", "common_labels", "common_annotations"):
        told[name] = Fields(told[name])
    told["alerts"] = [
        {**alert, "labels": Fields(alert["labels"]), "annotations": Fields(alert["annotations"])}
        for alert in told["alerts"]
    ]
    return told


def _summary(notification: Notification) -> dict[str, Any]:
    return {
        "version": "1",
        "id": notification.id,
        "status": notification.status,
        "reason": notification.reason,
        "reminder": notification.reminder,
        "title": headline(notification),
    }


def _detail(notification: Notification) -> dict[str, Any]:
    return {
        "receiver": notification.receiver,
        "destination": notification.destination,
        "instead_of": notification.instead_of,
        "group_key": notification.group_key,
        "created_at": time(notification.created_at),
        "group_labels": notification.group_labels,
        "common_labels": notification.common_labels,
        "common_annotations": notification.common_annotations,
        "external_url": notification.external_url,
        "alerts": [_alert(alert) for alert in notification.alerts],
    }


def _alert(alert: AlertView) -> dict[str, Any]:
    return {
        "id": alert.id,
        "state": alert.state,
        "labels": alert.labels,
        "annotations": alert.annotations,
        "starts_at": time(alert.starts_at),
        "ends_at": None if alert.ends_at is None else time(alert.ends_at),
        "value": alert.value,
        "value_text": alert.value_text,
        "peak_text": alert.peak_text,
        "count": alert.count,
        "first_seen": time(alert.first_seen or alert.starts_at),
        "last_seen": time(alert.last_seen or alert.starts_at),
        "reason": alert.reason,
    }


NAMES = frozenset(
    {
        "version",
        "id",
        "status",
        "reason",
        "reminder",
        "title",
        "receiver",
        "destination",
        "instead_of",
        "group_key",
        "created_at",
        "group_labels",
        "common_labels",
        "common_annotations",
        "external_url",
        "alerts",
    }
)
"""The keys of the standard body, and so what templates can name."""
