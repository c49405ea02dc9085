"""Any HTTP endpoint that takes a POST with a JSON body of a documented shape."""

import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, ClassVar, Self

import msgspec
from pydantic import AfterValidator, Field, model_validator

from bridge.headline import headline
from bridge.notification import AlertView, Notification
from bridge.receiver import Conversation, Destination, Request, WebAddress
from bridge.text import encodable
from bridge.values import Secret

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "idempotency-key",
        "webhook-id",
    }
)


def _check_value(value: Secret) -> Secret:
    text = value.reveal()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("a header holds printable ASCII characters only")
    return value


HeaderValue = Annotated[Secret, AfterValidator(_check_value)]


def _check_headers(headers: dict[str, HeaderValue]) -> dict[str, HeaderValue]:
    for name in headers:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is set by the bridge; leave it out")
    return headers


class Webhook(Destination):
    """A POST of one JSON object to `url`, with `headers` (a mapping) and `bearer_token`, if given; all are secrets.

    `webhook-id` and `Idempotency-Key` hold the notification's id, the same on every try: what you have seen, you have
    seen. Any 2xx means that it was taken. The body:

        version            "1"
        id                 the notification's id
        status             "firing", "event" (one-offs, which have no end) or "resolved"
        reason             "first", "new alerts", "resolved", "reminder"
        reminder           number of the reminder, 0 for none
        title              one line for people
        receiver, destination, group_key
        created_at         RFC 3339, UTC, like all times
        group_labels, common_labels, common_annotations    mappings of text
        external_url       where this bridge is found, or ""
        alerts[]           firing ones first, then events, then resolved ones:
            id             the same for firing, reminders and resolve of one episode
            state          "firing", "event" or "resolved"
            labels, annotations
            starts_at, ends_at (null while it fires), first_seen, last_seen
            value (number or null), value_text, peak_text, count
            reason         why it ended, where that is special; else ""

    A receiver that rejects this (400, 413, 422) is sent it once more with nothing after `title`.
    """

    key: ClassVar[str] = "webhook_configs"

    later: ClassVar[frozenset[str]] = frozenset({"format", "signing"})

    url: WebAddress
    headers: Annotated[dict[str, HeaderValue], AfterValidator(_check_headers)] = Field(default={})
    bearer_token: HeaderValue | None = None

    @model_validator(mode="after")
    def _check_authorization(self) -> Self:
        if self.bearer_token and any(name.lower() == "authorization" for name in self.headers):
            raise ValueError("bearer_token and a header Authorization are two answers to one question; leave one out")
        return self

    def account(self) -> Secret:
        return self.url

    def deliver(self, notification: Notification, memory: Mapping[str, Any], plain: bool = False) -> Conversation:
        body = _summary(notification) if plain else _summary(notification) | _detail(notification)
        reply = yield Request(url=self.url, headers=self._headers(notification), body=msgspec.json.encode(_sound(body)))
        self.judge(reply)

    def _headers(self, notification: Notification) -> dict[str, str]:
        headers = {name: value.reveal() for name, value in self.headers.items()}
        if self.bearer_token:
            headers["Authorization"] = f"Bearer {self.bearer_token.reveal()}"
        return headers | {
            "Content-Type": "application/json",
            "Idempotency-Key": notification.id,
            "webhook-id": notification.id,
        }


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
        "group_key": notification.group_key,
        "created_at": _time(notification.created_at),
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
        "starts_at": _time(alert.starts_at),
        "ends_at": None if alert.ends_at is None else _time(alert.ends_at),
        "value": alert.value,
        "value_text": alert.value_text,
        "peak_text": alert.peak_text,
        "count": alert.count,
        "first_seen": _time(alert.first_seen or alert.starts_at),
        "last_seen": _time(alert.last_seen or alert.starts_at),
        "reason": alert.reason,
    }


def _time(micros: int) -> str:
    moment = _EPOCH + timedelta(microseconds=micros)
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")


def _sound(value: Any) -> Any:
    """The same, with all text encodable."""
    match value:
        case str():
            return encodable(value)
        case dict():
            return {encodable(name): _sound(item) for name, item in value.items()}
        case list():
            return [_sound(item) for item in value]
        case _:
            return value
