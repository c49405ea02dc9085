"""The keys of a Slack channel, and the conversation with it."""

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from bridge.endpoint import Endpoint, HeaderValue
from bridge.headline import RANK, level
from bridge.notification import Notification
from bridge.receiver import Conversation, Quota, Remember, Reply, Request, WebAddress
from bridge.receivers.slack.dialect import is_lost, judge_app, judge_webhook, read
from bridge.receivers.slack.message import Message, brief, full, simple
from bridge.values import HOUR, Duration, Secret

EDITS = 50 / 60
"""Calls of chat.update in a second that Slack takes: its Tier 3, for each app and workspace, beside what is posted."""

API = Secret("https://slack.com/api")

KNOWN_MAX = 500
"""Alerts of a group that are remembered, so that the thread tells only of new ones."""

_MENTION = re.compile(r"<(![a-z]+|!subteam\^[A-Z0-9]+|@[A-Z0-9]+)>")
_ID = "[A-Z0-9]{7,20}"
"""Slack's ids have nine characters and more; `SRE` is somebody's name for a group."""
_EVERYBODY = frozenset({"here", "channel", "everyone"})


def _check_mention(text: str) -> str:
    """Slack's own markup, or `@here`, or the id of a user or of a group of users."""
    bare = text.removeprefix("@")
    if bare in _EVERYBODY:
        return f"<!{bare}>"
    if re.fullmatch(f"S{_ID}", bare):
        return f"<!subteam^{bare}>"
    if re.fullmatch(f"[UW]{_ID}", bare):
        return f"<@{bare}>"
    if len(text) <= 40 and _MENTION.fullmatch(text):
        return text
    raise ValueError(
        f"{text[:40]!r} mentions nobody; write '@here', '@channel', or an id: U012AB3CD, S012AB3CD (a group)"
    )


def _check_channel(channel: str) -> str:
    if (
        not channel.strip("#")
        or len(channel) > 80
        or not channel.isprintable()
        or any(char in channel for char in " <>")
    ):
        raise ValueError("this is no channel; write '#name', in quotes, or its id: C012AB3CD")
    return channel


Mention = Annotated[str, AfterValidator(_check_mention)]


class Slack(Endpoint):
    """A Slack channel, by the URL of an incoming webhook (an app's *Incoming Webhooks* page makes one per channel), or
    by the token of an app's bot: `bot_token` and `channel`. The app needs the scope `chat:write` and an invitation into
    the channel.

    The message has a title that says all at a glance, a colour bar by severity, the summary, the labels as fields,
    times in the reader's own time zone, the description, and links: the annotations `runbook_url` and `dashboard_url`,
    and a silence if there is an `external_url`. What comes from events can neither mention anybody nor link anywhere.

    With a bot, `mode` says what becomes of a group's first message:

        message            nothing: each change is a message of its own, as with a webhook
        update             it is edited in place; edits notify nobody, so whom to mention later is in its thread, and in
                           the channel. What fires after the end is a new message
        thread             it is edited in place, and each change is told in its thread. What fires within `thread_for`
                           of the end goes on in the same thread, and opens it anew

    `broadcast` shows changes in the channel as well: those for the worse (`worse`: a higher severity, firing again
    after the end, or somebody to mention), `always`, or `never`. `mentions` are whom to mention, by the label
    `severity`, in the first message in which such an alert fires: `{critical: ['@here', S012AB3CD]}`. `webhook_url` and
    `bot_token` are secrets. More than one message a second to a channel is held back, and more than 50 edits a minute
    by a bot, as Slack wants it.
    """

    key: ClassVar[str] = "slack_configs"
    rate: ClassVar[float | None] = 1.0
    digest: ClassVar[bool] = True

    webhook_url: WebAddress | None = None
    bot_token: HeaderValue | None = None
    channel: Annotated[str, AfterValidator(_check_channel)] | None = None
    mode: Literal["message", "update", "thread"] = "message"
    thread_for: Duration = 6 * HOUR
    broadcast: Literal["worse", "always", "never"] = "worse"
    mentions: dict[str, Annotated[list[Mention], Field(min_length=1, max_length=10)]] = {}
    base_url: WebAddress = API

    @model_validator(mode="after")
    def _check_way_in(self) -> Self:
        if (self.webhook_url is None) == (self.bot_token is None):
            raise ValueError("there is one way in; write either webhook_url, or bot_token and channel")
        if self.bot_token is not None and self.channel is None:
            raise ValueError("the bot has no channel; write channel: '#name' or its id")
        if self.webhook_url is not None:
            for name in ("channel", "mode", "thread_for", "broadcast", "base_url"):
                if name in self.model_fields_set:
                    raise ValueError(
                        f"{name} is not for webhooks; write bot_token in place of webhook_url, or leave it out"
                    )
        return self

    @property
    def memory_for(self) -> int:
        return self.thread_for if self.mode == "thread" else 0

    def account(self) -> Secret:
        """Slack counts messages by channel."""
        if self.bot_token is None:
            return self.webhook_url or API
        return Secret(f"{self.bot_token.reveal()} {(self.channel or '').removeprefix('#')}")

    def judge(self, reply: Reply) -> None:
        (judge_webhook if self.bot_token is None else judge_app)(reply)

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        story = _Story(self, notification, memory, plain)
        if story.told:
            return  # Only that it was delivered was not written down.
        parent = story.parent
        for request in self._followup(story, parent) if parent else ():
            reply = yield request
            if is_lost(reply):
                parent = None
                break
            self.judge(reply)
        if parent is None:
            reply = yield self._post(story.message(story.mentions))
            self.judge(reply)
            answer = read(reply.body)
            parent = {"channel": answer.channel, "ts": answer.ts} if answer and answer.ts else {}
        if later := story.memory(parent):
            yield Remember(later)

    def _followup(self, story: "_Story", parent: Mapping[str, str]) -> list[Request]:
        """What becomes of a message that is there: it is edited, and what changed is told in its thread."""
        requests = [self._call("chat.update", story.message(()), **parent)]
        if self.mode == "thread" or story.mentions:  # An edit calls nobody.
            answered = {"channel": parent["channel"], "thread_ts": parent["ts"], "reply_broadcast": story.broadcast}
            requests.append(self._call("chat.postMessage", story.reply(), **answered))
        return requests

    def _post(self, message: Message) -> Request:
        if self.webhook_url is None:
            return self._call("chat.postMessage", message, channel=self.channel)
        return Request(url=self.webhook_url, headers={"Content-Type": _JSON}, body=msgspec.json.encode(message))

    def _call(self, method: str, message: Message, **more: object) -> Request:
        token = self.bot_token.reveal() if self.bot_token else ""
        return Request(
            url=Secret(f"{self.base_url.reveal().rstrip('/')}/{method}"),
            headers={"Content-Type": _JSON, "Authorization": f"Bearer {token}"},
            body=msgspec.json.encode({**message, **more}),
            quota=Quota(Secret(f"{token} {method}"), EDITS) if method == "chat.update" else None,
        )


_JSON = "application/json; charset=utf-8"


class _Story:
    """What a message is in the course of its group: what was told before, what is worse now, whom to mention."""

    def __init__(self, slack: Slack, notification: Notification, memory: Mapping[str, Any], plain: bool) -> None:
        self._slack = slack
        self._notification = notification
        # What was remembered of another channel is of no use in this one.
        self._known = memory if memory.get("to") == slack.channel else {}
        self._plain = plain
        self._level = level(notification)

    @property
    def told(self) -> bool:
        return self._known.get("told") == self._notification.id

    @property
    def parent(self) -> dict[str, str] | None:
        """The message to edit."""
        known, mode = self._known, self._slack.mode
        if mode == "message" or not known.get("ts") or (mode == "update" and self._begins):
            return None
        return {"channel": known["channel"], "ts": known["ts"]}

    @property
    def mentions(self) -> list[str]:
        """Those for the severities that fire now, and have not since the group began."""
        wanted = [mention for severity in self._fresh for mention in self._slack.mentions[severity]]
        return list(dict.fromkeys(wanted))

    @property
    def broadcast(self) -> bool:
        if self._slack.broadcast != "worse":
            return self._slack.broadcast == "always"
        before = RANK.get(self._known.get("level", "critical"), 0)
        worse = self._begins or RANK[self._level] > before or bool(self.mentions)
        return self._notification.status != "resolved" and worse

    def message(self, mentions: Sequence[str]) -> Message:
        return (simple if self._plain else full)(self._notification, mentions)

    def reply(self) -> Message:
        """For the thread: what the message before did not tell, or all if that is nothing."""
        known = set(self._known.get("firing", []))
        alerts = self._notification.alerts
        changed = [alert for alert in alerts if alert.state != "firing" or alert.id not in known] or alerts
        if self._plain:
            return simple(self._notification, self.mentions)
        return brief(self._notification, changed, self.mentions)

    def memory(self, parent: Mapping[str, Any]) -> dict[str, Any]:
        """What the next message of the group must know; nothing, where that is nothing."""
        if self._slack.mode == "message" and not self._slack.mentions:
            return {}
        over = self._notification.status == "resolved"
        return {
            **parent,
            "to": self._slack.channel,
            "told": self._notification.id,
            "over": over,
            "level": self._level,
            "firing": [alert.id for alert in self._notification.alerts if alert.state == "firing"][:KNOWN_MAX],
            "mentioned": [] if over else sorted({*self._mentioned, *self._fresh}),
        }

    @property
    def _begins(self) -> bool:
        """All that was told is over: its end was told here, or in a message that covers many groups."""
        return self._known.get("over", False) or self._notification.reason == "first"

    @property
    def _mentioned(self) -> list[str]:
        return [] if self._notification.reason == "first" else list(self._known.get("mentioned", []))

    @property
    def _fresh(self) -> list[str]:
        if self._notification.reason == "reminder":
            return []
        firing = {alert.labels.get("severity", "") for alert in self._notification.alerts if alert.state != "resolved"}
        return [name for name in self._slack.mentions if name in firing and name not in self._mentioned]
