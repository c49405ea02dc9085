"""How a replay is printed: a line for each change of an alert and each message, as text or as JSON."""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any

import msgspec

from bridge.comparison import Difference
from bridge.notification import AlertView
from bridge.replay import Sent, Transition
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
            about = [given.labels["alertname"], _labels(given.labels), _value(given.value)]
            about += [f"({given.reason})" if given.reason else ""]
            columns = [given.state, " ".join(filter(None, about)), one_line(given.annotations.get("summary", ""))]
        case Sent():
            told = given.notification
            count = f"{len(told.alerts)} alert{'s' if len(told.alerts) > 1 else ''}"
            names = ", ".join(dict.fromkeys(alert.labels["alertname"] for alert in told.alerts))
            columns = ["message", f"to {told.destination}: {told.status} ({told.reason})", f"{count}: {names}"]
    return "  ".join([_moment(given.at), columns[0].ljust(8), *filter(None, columns[1:])])


def json_line(given: Happened | Difference) -> str | None:
    """For programs. What was pending and never fired has no line."""
    match given:
        case Difference():
            shown = _shown(given.happened)
            return None if shown is None else _encode({"only": given.mark, **shown})
        case _:
            shown = _shown(given)
            return None if shown is None else _encode(shown)


def _shown(given: Happened) -> dict[str, Any] | None:
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


def _encode(shown: dict[str, Any]) -> str:
    return msgspec.json.encode(shown).decode()


def _moment(at: int) -> str:
    return f"{datetime.fromtimestamp(at // SECOND, UTC):%Y-%m-%dT%H:%M:%S}.{at % SECOND // 1000:03}Z"


def _labels(labels: Mapping[str, str]) -> str:
    return " ".join(f"{name}={_quoted(value)}" for name, value in sorted(labels.items()) if name != "alertname")


def _quoted(value: str) -> str:
    plain = one_line(value)
    return plain if plain and not set(plain) & set(' "=') else json.dumps(plain, ensure_ascii=False)


def _value(value: float | None) -> str:
    return "" if value is None else f"value={format_number(round(value, 3))}"
