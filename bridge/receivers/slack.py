"""Slack by an incoming webhook: a line of text, and Block Kit in an attachment, which alone has a colour bar."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, ClassVar
from urllib.parse import urlsplit

import msgspec

from bridge.errors import Refused, Rejected, Transient
from bridge.headline import alert_line, headline, level
from bridge.notification import AlertView, Notification
from bridge.receiver import Conversation, Destination, Reply, Request, WebAddress, judge, retry_after
from bridge.text import lines, one_line
from bridge.values import SECOND, Secret

Block = dict[str, Any]

# Slack allows more (section 3000, field 2000, ten fields, `text` 4000 advised), but refuses messages whose blocks add
# up to some 13,200 characters (slackapi/bolt-js issue 2509). These add up to less than 10,000 for any notification.
TITLE_MAX = 500
SUMMARY_MAX = 1200
DESCRIPTION_MAX = 1600
LINE_MAX = 300
FIELD_MAX = 220
FIELDS_MAX = 10
FOOTER_MAX = 400
URL_MAX = 1000
PLAIN_MAX = 3500
ALERTS_SHOWN = 10

GREEN, RED, ORANGE, BLUE = "#2eb67d", "#d50200", "#de9e31", "#439fe0"
_COLOURS = {"critical": RED, "warning": ORANGE, "info": BLUE}

_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}

# parse: else Slack makes a link of whatever looks like an address in `text`, and strangers write there.
_NO_LINKS = {"parse": "none", "unfurl_links": False, "unfurl_media": False}

# What Slack answers, as bare text, to a webhook. Newer answers have the same words in JSON.
_REJECTED = frozenset(
    {
        "invalid_payload",
        "invalid_blocks",
        "invalid_blocks_format",
        "invalid_attachments",
        "invalid_arguments",
        "msg_too_long",
        "msg_blocks_too_long",
        "no_text",
        "too_many_attachments",
        "missing_text_or_fallback_or_attachments",
    }
)
_REFUSED = frozenset(
    {
        "no_service",
        "no_service_id",
        "no_team",
        "no_active_hooks",
        "team_disabled",
        "invalid_token",
        "action_prohibited",
        "posting_to_general_channel_denied",
        "channel_not_found",
        "channel_is_archived",
        "is_archived",
        "not_in_channel",
        "user_not_found",
        "invalid_auth",
        "not_authed",
        "token_revoked",
        "token_expired",
        "account_inactive",
        "restricted_action",
    }
)
_TRANSIENT = frozenset(
    {
        "rollup_error",
        "internal_error",
        "fatal_error",
        "service_unavailable",
        "ratelimited",
        "rate_limited",
        "request_timeout",
    }
)


class Slack(Destination):
    """A Slack channel, by the URL of an incoming webhook (an app's *Incoming Webhooks* page makes one per channel).

    The message has a line that says all at a glance, a colour bar by severity, the summary, the labels as fields, times
    in the reader's own time zone, the description and the runbook. What comes from events can neither mention anybody
    nor link anywhere. `webhook_url` is a secret. More than one message a second is held back, as Slack wants it.
    """

    key: ClassVar[str] = "slack_configs"
    rate: ClassVar[float | None] = 1.0

    later: ClassVar[frozenset[str]] = frozenset({"mode", "bot_token", "bot_token_file", "channel"})

    webhook_url: WebAddress

    def account(self) -> Secret:
        return self.webhook_url

    def deliver(self, notification: Notification, memory: Mapping[str, Any], plain: bool = False) -> Conversation:
        message = _plain_message(notification) if plain else _message(notification)
        reply = yield Request(
            url=self.webhook_url,
            headers={"Content-Type": "application/json; charset=utf-8"},
            body=msgspec.json.encode(message),
        )
        self.judge(reply)

    def judge(self, reply: Reply) -> None:
        word = _word(reply.body)
        what = f"HTTP {reply.status}: {word}"
        if word in _REJECTED:
            raise Rejected(what, reply.status)
        if word in _REFUSED:
            raise Refused(what, reply.status)
        if word in _TRANSIENT:
            raise Transient(what, reply.status, retry_after(reply))
        judge(reply)


def _word(body: bytes) -> str:
    """Slack's word for what went wrong, if it is one that we know: no other text of an answer is ever shown."""
    text = body[:200].decode("utf-8", "replace").strip()
    if text.startswith("{"):
        try:
            text = msgspec.json.decode(body, type=_Answer).error
        except msgspec.DecodeError:
            return ""
    return text if text in _REJECTED | _REFUSED | _TRANSIENT else ""


class _Answer(msgspec.Struct):
    error: str = ""


def _message(notification: Notification) -> dict[str, Any]:
    one = len(notification.alerts) == 1
    blocks = _one_alert(notification.alerts[0]) if one else _many_alerts(notification)
    colour = GREEN if notification.status == "resolved" else _COLOURS[level(notification)]
    return {
        "text": escape(headline(notification), TITLE_MAX),
        **_NO_LINKS,
        "attachments": [{"color": colour, "blocks": [*blocks, _footer(notification)]}],
    }


def _plain_message(notification: Notification) -> dict[str, Any]:
    said = [headline(notification)]
    if len(notification.alerts) == 1:
        said.append(lines(notification.alerts[0].annotations.get("summary", "")))
    else:
        said += [*_listed(notification), _more(notification)]
    said.append(_origin(notification))
    text = escape("\n".join(part for part in said if part), PLAIN_MAX)
    return {"text": text, **_NO_LINKS}


def _one_alert(alert: AlertView) -> list[Block]:
    """An ended alert says only what is still true: no description of the trouble, and no link."""
    annotations = alert.annotations if alert.state != "resolved" else {}
    blocks = [
        _section(alert.annotations.get("summary", ""), SUMMARY_MAX),
        _section(annotations.get("description", ""), DESCRIPTION_MAX),
        _fields(_labels(alert.labels), _facts(alert)),
        _runbook(annotations),
    ]
    return [block for block in blocks if block]


def _many_alerts(notification: Notification) -> list[Block]:
    listed = [_section(line, LINE_MAX) for line in _listed(notification)]
    shared = notification.common_annotations if notification.status != "resolved" else {}
    blocks = [
        *listed,
        _section(_more(notification), LINE_MAX),
        _section(shared.get("description", ""), DESCRIPTION_MAX),
        _fields(_labels(notification.common_labels), []),
        _runbook(shared),
    ]
    return [block for block in blocks if block]


def _listed(notification: Notification) -> list[str]:
    shared = notification.common_labels
    return [alert_line(alert, shared) for alert in notification.alerts[:ALERTS_SHOWN]]


def _more(notification: Notification) -> str:
    hidden = len(notification.alerts) - ALERTS_SHOWN
    return f"+{hidden} more" if hidden > 0 else ""


def _runbook(annotations: Mapping[str, str]) -> Block:
    return _mrkdwn_section(link(annotations.get("runbook_url", ""), "Runbook"))


def _labels(labels: Mapping[str, str]) -> list[tuple[str, str]]:
    return [(name, escape(one_line(text), FIELD_MAX)) for name, text in labels.items() if name != "alertname"]


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


def _footer(notification: Notification) -> Block:
    return {"type": "context", "elements": [_mrkdwn(escape(_origin(notification), FOOTER_MAX))]}


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


def _section(text: str, limit: int) -> Block:
    return _mrkdwn_section(escape(lines(text), limit))


def _mrkdwn_section(text: str) -> Block:
    return {"type": "section", "text": _mrkdwn(text)} if text else {}


def _mrkdwn(text: str) -> Block:
    # verbatim: Slack then makes no links and no mentions out of what only looks like them.
    return {"type": "mrkdwn", "text": text, "verbatim": True}


def escape(text: str, limit: int) -> str:
    """Slack's three markup characters as entities; cut to `limit` UTF-16 units, never inside an entity."""
    kept: list[str] = []
    size = 0
    for char in text:
        shown = _ENTITIES.get(char, char)
        size += len(shown) if char < "\U00010000" else 2
        if size > limit:
            return _shorten(kept, limit)
        kept.append(shown)
    return "".join(kept)


def _shorten(kept: list[str], limit: int) -> str:
    while kept and sum(len(part) if part < "\U00010000" else 2 for part in kept) > limit - 1:
        kept.pop()
    return "".join(kept).rstrip() + "…"


def date(micros: int) -> str:
    """A moment in the reader's own time zone; those who cannot show that see UTC."""
    moment = datetime.fromtimestamp(micros // SECOND, UTC)
    return f"<!date^{micros // SECOND}^{{date_short_pretty}} {{time_secs}}|{moment:%Y-%m-%d %H:%M:%S} UTC>"


def link(url: str, text: str) -> str:
    """A link of an operator's, or nothing if the text is none: annotations may hold what strangers wrote."""
    url = url.strip()
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    usable = parts.scheme in ("http", "https") and parts.netloc and url.isprintable()
    if not usable or any(char in url for char in '<>|" ') or len(shown := url.replace("&", "&amp;")) > URL_MAX:
        return ""
    return f"<{shown}|{text}>"
