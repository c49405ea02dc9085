"""How a replay is printed: a line for each change of an alert and each message, as text or as JSON."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import msgspec

from bridge.comparison import Difference
from bridge.notification import AlertView
from bridge.replay import Sent, Transition
from bridge.ruletest.verdict import shown
from bridge.text import one_line
from bridge.values import SECOND, format_number

Happened = Transition | Sent
Show = Callable[[Happened | Difference], str | None]
"""A line without its end, or None for what the format leaves out."""


def text(given: Happened | Difference) -> str | None:
    """For people."""
    match given:
        case Difference():
            return f"{given.mark} {text(given.happened)}"
        case Transition():
            value = "" if given.value is None else f"value={format_number(round(given.value, 3))}"
            reason = f"({given.reason})" if given.reason else ""
            columns = [given.state, shown(given.labels), value, reason, given.annotations.get("summary", "")]
        case Sent():
            told = given.notification
            count = f"{len(told.alerts)} alert{'s' if len(told.alerts) > 1 else ''}"
            names = ", ".join(dict.fromkeys(alert.labels["alertname"] for alert in told.alerts))
            columns = ["message", f"to {told.destination}: {told.status} ({told.reason})", f"{count}: {names}"]
    return "  ".join([_moment(given.at), columns[0].ljust(8), *map(one_line, filter(None, columns[1:]))])


def json_line(given: Happened | Difference) -> str | None:
    """For programs. What was pending and never fired has no line."""
    match given:
        case Difference():
            fields = _fields(given.happened)
            return None if fields is None else _encode({"only": given.mark, **fields})
        case _:
            fields = _fields(given)
            return None if fields is None else _encode(fields)


def _fields(given: Happened) -> dict[str, Any] | None:
    if isinstance(given, Sent):
        told = given.notification
        message = {
            "receiver": told.receiver,
            "destination": told.destination,
            "status": told.status,
            "reason": told.reason,
            "group_labels": told.group_labels,
            "alerts": [_alert(alert) for alert in told.alerts],
        }
        return {"at": given.at / SECOND, "message": message}
    if given.state == "inactive":
        return None
    return {
        "at": given.at / SECOND,
        "alert": given.labels["alertname"],
        "state": given.state,
        "labels": given.labels,
        "value": given.value,
        "annotations": given.annotations,
    }


def _alert(alert: AlertView) -> dict[str, Any]:
    return {
        "alert": alert.labels["alertname"],
        "state": alert.state,
        "labels": alert.labels,
        "value": alert.value,
        "annotations": alert.annotations,
        "count": alert.count,
    }


def _encode(fields: dict[str, Any]) -> str:
    return msgspec.json.encode(fields).decode()


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{at % SECOND // 1000:03}Z"
