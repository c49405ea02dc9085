"""The one line that says what a notification is about: the same words in every chat, on every phone."""

import re
from collections.abc import Sequence
from typing import Literal

from bridge.notification import AlertView, Notification, State
from bridge.text import cut, one_line
from bridge.values import format_duration

Level = Literal["critical", "warning", "info"]

_CRITICAL = frozenset({"critical", "error", "page", "emergency", "fatal", "high"})
_INFO = frozenset({"info", "information", "notice", "debug", "low", "none", "test"})
RANK: dict[Level, int] = {"info": 0, "warning": 1, "critical": 2}
_ICON: dict[Level, str] = {"critical": "🔴", "warning": "🟠", "info": "🔵"}

_NOT_SUBJECT = frozenset({"alertname", "severity", "cluster", "team"})
"""Labels that say what an alert is, where, and whose; the others say what it is about."""


def level(notification: Notification) -> Level:
    """The worst severity among the alerts that give the notification its status."""
    telling = [alert for alert in notification.alerts if alert.state == notification.status]
    return max((_level(alert) for alert in telling or notification.alerts), key=RANK.__getitem__)


def headline(notification: Notification) -> str:
    """Such as `🔴 CRITICAL · AuthErrorBurst · 10.0.0.9 (prod-eu)`. One line, unescaped."""
    shared = notification.common_labels
    labels = {**notification.group_labels, **shared}
    parts = [_status(notification), labels.get("alertname", ""), subject(labels), _counts(notification)]
    if notification.reason == "reminder":
        parts.append(f"reminder {notification.reminder}")
    if notification.instead_of:
        parts.append(f"instead of {one_line(notification.instead_of)[:60]}")
    line = " · ".join(part for part in parts if part)
    cluster = labels.get("cluster") or labels.get("server_cluster")
    return one_line(f"{line} ({cut(cluster, 60)})" if cluster else line)


def subject(labels: dict[str, str]) -> str:
    """What an alert is about: the values of its telling labels, at most three."""
    telling = [text for name, text in labels.items() if name not in _NOT_SUBJECT and name != "server_cluster" and text]
    return one_line(" · ".join(cut(text, 80) for text in telling[:3]))


def alert_line(alert: AlertView, shared: dict[str, str]) -> str:
    """One alert of many, by the labels that the others do not share: `🔴 10.0.0.9: 23 failed logins`."""
    own = {name: text for name, text in alert.labels.items() if name not in shared}
    summary = one_line(alert.annotations.get("summary", ""))
    # Of different rules, a summary says which one it is; an end has none, mostly.
    parts = ["" if summary else own.get("alertname", ""), subject(own)]
    name = " · ".join(part for part in parts if part) or alert.labels.get("alertname", "alert")
    ended = f"resolved after {lifetime(alert)}" if alert.state == "resolved" else ""
    said = [part for part in (ended, summary) if part]
    icon = "✅" if alert.state == "resolved" else _ICON[_level(alert)]
    times = f" ×{alert.count}" if alert.state == "event" and alert.count > 1 else ""
    if not ended and re.search(rf"(?<!\w){re.escape(one_line(name))}(?!\w)", summary):
        return f"{icon} {summary}{times}"
    return f"{icon} {one_line(name)}{times}" + (": " + "; ".join(said) if said else "")


def lifetime(alert: AlertView) -> str:
    """How long it fired, with the reason of its end where that is not simply that the condition is over."""
    took = format_duration(max(0, (alert.ends_at or alert.starts_at) - alert.starts_at))
    return f"{took} ({one_line(alert.reason)})" if alert.reason else took


def _level(alert: AlertView) -> Level:
    severity = alert.labels.get("severity", "").lower()
    if severity in _CRITICAL:
        return "critical"
    return "info" if severity in _INFO or (not severity and alert.state == "event") else "warning"


def _status(notification: Notification) -> str:
    alerts = notification.alerts
    match notification.status:
        case "resolved":
            return f"✅ RESOLVED after {lifetime(alerts[0])}" if len(alerts) == 1 else "✅ RESOLVED"
        case "event":
            times = f" ×{alerts[0].count}" if len(alerts) == 1 and alerts[0].count > 1 else ""
            return f"{_ICON[level(notification)]} EVENT{times}"
        case "firing":
            return f"{_ICON[level(notification)]} {_word(notification)}"


def _word(notification: Notification) -> str:
    """The severity in the operator's own word, if the firing alerts share one; else that of the level."""
    words = {alert.labels.get("severity", "") for alert in notification.alerts if alert.state == "firing"}
    if words == {""}:
        return "FIRING"
    return cut(words.pop().upper(), 20) if len(words) == 1 else level(notification).upper()


def _counts(notification: Notification) -> str:
    counted = _counted(notification.alerts)
    return f"{counted or '1 alert'} in {notification.groups} groups" if notification.groups > 1 else counted


def _counted(alerts: Sequence[AlertView]) -> str:
    if len(alerts) == 1:
        return ""
    states: tuple[State, ...] = ("firing", "event", "resolved")
    counts = {state: sum(alert.state == state for alert in alerts) for state in states}
    present = {state: count for state, count in counts.items() if count}
    if len(present) == 1:
        return f"{len(alerts)} {'events' if 'event' in present else 'alerts'}"
    return ", ".join(f"{count} {state}" for state, count in present.items())
