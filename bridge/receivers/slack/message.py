"""What people see: a title, and Block Kit in an attachment, which alone has a colour bar."""

from collections.abc import Mapping, Sequence
from typing import Any

from bridge.headline import alert_line, headline, level
from bridge.notification import AlertView, Notification
from bridge.receivers.slack.markup import cut_units, date, escape, link, silence_url
from bridge.text import lines, one_line
from bridge.values import SECOND

Message = dict[str, Any]
Block = dict[str, Any]

# Slack allows more (section 3000, field 2000, ten fields, `text` 4000 advised), but refuses messages whose blocks add
# up to some 13,200 characters (slackapi/bolt-js issue 2509). These add up to less than 10,000 for any notification.
TITLE_MAX = 500
SUMMARY_MAX = 1200
DESCRIPTION_MAX = 1600
LINE_MAX = 290
FIELD_MAX = 220
FIELDS_MAX = 10
FOOTER_MAX = 400
HEADER_MAX = 150
PLAIN_MAX = 3500
ALERTS_SHOWN = 10

GREEN, RED, ORANGE, BLUE = "#2eb67d", "#d50200", "#de9e31", "#439fe0"
_COLOURS = {"critical": RED, "warning": ORANGE, "info": BLUE}

_BRACKETS = str.maketrans("<>", "\u2039\u203a")

# parse: else Slack makes a link of whatever looks like an address in `text`, and strangers write there.
_NO_LINKS = {"parse": "none", "unfurl_links": False, "unfurl_media": False}


def full(notification: Notification, mentions: Sequence[str] = ()) -> Message:
    """The whole message. `mentions` are the operator's, in Slack's markup: all else in it mentions nobody.

    `text` is what a phone shows before it is unlocked, and what is read to those who do not see.
    """
    one = len(notification.alerts) == 1
    blocks = _one_alert(notification) if one else _many_alerts(notification)
    colour = GREEN if notification.status == "resolved" else _COLOURS[level(notification)]
    title = headline(notification)
    return {
        "text": escape(title, TITLE_MAX),
        **_NO_LINKS,
        "blocks": [{"type": "header", "text": _plain(title, HEADER_MAX)}, *_mentioned(mentions)],
        "attachments": [{"color": colour, "blocks": [*blocks, _footer(notification, notification.alerts)]}],
    }


def brief(notification: Notification, changed: Sequence[AlertView], mentions: Sequence[str] = ()) -> Message:
    """What has changed, for the thread of a message that says the rest."""
    message = full(notification, mentions)
    bar = message["attachments"][0]
    blocks = [_listed(notification, changed), _footer(notification, changed)]
    return {**message, "attachments": [{**bar, "blocks": blocks}]}


def simple(notification: Notification, mentions: Sequence[str] = ()) -> Message:
    """Text only. Empty lists take away what an edited message had."""
    said = [headline(notification)]
    if len(notification.alerts) == 1:
        said.append(lines(notification.alerts[0].annotations.get("summary", "")))
    else:
        said += _lines(notification, notification.alerts)
    said.append(_origin(notification))
    text = escape("\n".join(part for part in said if part), PLAIN_MAX)
    return {"text": " ".join([text, *mentions]), **_NO_LINKS, "blocks": [], "attachments": []}


def _one_alert(notification: Notification) -> list[Block]:
    """An ended alert says only what is still true: no description of the trouble, and no link."""
    (alert,) = notification.alerts
    annotations = alert.annotations if alert.state != "resolved" else {}
    blocks = [
        _section(alert.annotations.get("summary", ""), SUMMARY_MAX),
        _section(annotations.get("description", ""), DESCRIPTION_MAX),
        _fields(_labels(alert.labels), _facts(alert)),
        _links(notification, annotations, alert.labels),
    ]
    return [block for block in blocks if block]


def _many_alerts(notification: Notification) -> list[Block]:
    shared = notification.common_annotations if notification.status != "resolved" else {}
    blocks = [
        _listed(notification, notification.alerts),
        _section(shared.get("description", ""), DESCRIPTION_MAX),
        _fields(_labels(notification.common_labels), []),
        _links(notification, shared, notification.common_labels or notification.group_labels),
    ]
    return [block for block in blocks if block]


def _listed(notification: Notification, alerts: Sequence[AlertView]) -> Block:
    return _mrkdwn_section("\n".join(escape(line, LINE_MAX) for line in _lines(notification, alerts)))


def _lines(notification: Notification, alerts: Sequence[AlertView]) -> list[str]:
    shared = notification.common_labels if len(notification.alerts) > 1 else {}
    hidden = len(alerts) - ALERTS_SHOWN
    more = [f"+{hidden} more"] if hidden > 0 else []
    return [*(alert_line(alert, shared) for alert in alerts[:ALERTS_SHOWN]), *more]


def _links(notification: Notification, annotations: Mapping[str, str], labels: dict[str, str]) -> Block:
    """Where to go from here. Plain links: a button would want a server of ours that Slack can reach."""
    silence = silence_url(notification.external_url, labels) if notification.status == "firing" else ""
    links = [
        link(annotations.get("runbook_url", ""), "Runbook"),
        link(annotations.get("dashboard_url", ""), "Dashboard"),
        link(silence, "Silence"),
    ]
    return _mrkdwn_section("   ·   ".join(each for each in links if each))


def _labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    """All but those that the title says word for word."""
    shown = {name: text for name, text in labels.items() if name not in ("alertname", "severity")}
    return [(name, escape(one_line(text), FIELD_MAX)) for name, text in shown.items()]


def _facts(alert: AlertView) -> list[tuple[str, str]]:
    """What is known beside the labels and is not said already; each text is mrkdwn already."""
    resolved = alert.state == "resolved"
    first, last = alert.first_seen or alert.starts_at, alert.last_seen or alert.starts_at
    facts = [
        ("Last value" if resolved else "Value", escape(one_line(alert.value_text), FIELD_MAX)),
        ("Peak", escape(one_line(alert.peak_text), FIELD_MAX) if alert.peak_text != alert.value_text else ""),
        ("Events", f"{alert.count:,}" if alert.count > 1 and alert.value != alert.count else ""),
        ("First seen", date(first) if last - first >= SECOND else ""),
        ("Last seen", date(last)),
        ("Note", "" if resolved else escape(one_line(alert.reason), FIELD_MAX)),
    ]
    return [(name, text) for name, text in facts if text]


def _fields(labels: list[tuple[str, str]], facts: list[tuple[str, str]]) -> Block:
    """Two columns. Labels that find no room are counted, not dropped without a word."""
    room = FIELDS_MAX - len(facts)
    if len(labels) > room:
        hidden = len(labels) - room + 1
        labels = [*labels[: room - 1], ("More", f"+{hidden} labels")]
    shown = [f"*{escape(one_line(name), 60)}*\n{text or '–'}" for name, text in labels + facts]
    return {"type": "section", "fields": [_mrkdwn(text) for text in shown]} if shown else {}


def _footer(notification: Notification, alerts: Sequence[AlertView]) -> Block:
    said = [escape(_origin(notification), FOOTER_MAX), _span(notification, alerts)]
    return {"type": "context", "elements": [_mrkdwn(text) for text in said if text]}


def _span(notification: Notification, alerts: Sequence[AlertView]) -> str:
    """From when, and until when, in the reader's own time zone. A one-off has its moment among its fields."""
    telling = [alert for alert in alerts if alert.state == notification.status != "event"]
    if not telling:
        return ""
    began = date(min(alert.starts_at for alert in telling))
    ended = max(alert.ends_at or alert.starts_at for alert in telling)
    return f"from {began} to {date(ended)}" if notification.status == "resolved" else f"since {began}"


def _origin(notification: Notification) -> str:
    """Which rules, which message, and why now, if not for the first time. People know doubles by the end of the id."""
    rules = list(dict.fromkeys(_rule(alert) for alert in notification.alerts))
    named = ", ".join(one_line(rule)[:80] for rule in rules[:3]) + (f" +{len(rules) - 3}" if len(rules) > 3 else "")
    reason = f"reminder {notification.reminder}" if notification.reason == "reminder" else notification.reason
    return " · ".join([named, notification.id[-8:], *([reason] if reason != "first" else [])])


def _rule(alert: AlertView) -> str:
    """Its name, and where somebody who wants to change it finds it."""
    name, file = alert.labels.get("alertname", ""), alert.rule_place.rpartition("/")[2]
    return f"{name} ({file})" if file else name


def _mentioned(mentions: Sequence[str]) -> list[Block]:
    return [_mrkdwn_section(" ".join(mentions))] if mentions else []


def _plain(text: str, limit: int) -> Block:
    """Text without markup: entities would stand there as such. Without brackets nothing can be live in any reading."""
    return {"type": "plain_text", "text": cut_units(text.translate(_BRACKETS), limit), "emoji": False}


def _section(text: str, limit: int) -> Block:
    return _mrkdwn_section(escape(lines(text), limit))


def _mrkdwn_section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)} if text else {}


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack then makes no links and no mentions out of what only looks like them.
    return {"type": "mrkdwn", "text": text, "verbatim": True}
