"""Alertmanager's own API, version 2: alerts go on to it, one by one, and it does the grouping and the telling."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar

import msgspec
from pydantic import AfterValidator, Field

from bridge.alertmanager import posted
from bridge.endpoint import Guarded
from bridge.errors import Transient
from bridge.notification import AlertView, Notification
from bridge.receiver import Conversation, Destination, Reply, Request, WebAddress, is_page
from bridge.values import MINUTE, SECOND, Duration, Secret

PATH = "/api/v2/alerts"

ONE_OFF_LASTS = 5 * MINUTE
"""After it was posted. Alertmanager tells nobody of an alert whose end has passed when it comes."""


def _check_urls(urls: list[Secret]) -> list[Secret]:
    if len({_whole(url) for url in urls}) < len(urls):
        raise ValueError("one of the URLs stands twice; name each peer once")
    return urls


def _whole(url: Secret) -> Secret:
    """With the path of the API, be it there already or not."""
    return Secret(url.reveal().rstrip("/").removesuffix(PATH) + PATH)


def _not_too_often(delay: int) -> int:
    if delay < SECOND:
        raise ValueError("this must be at least 1s; write for example 1m")
    return delay


class Alertmanager(Guarded):
    """One Alertmanager, or all the peers of a cluster: `urls` are their base URLs, such as `http://am-1:9093`.

    Each message goes to all of them at the same time, for they do not hand alerts on to each other. It counts as told
    when one of them took it: what fires is posted again every `resend_delay` (which must be shorter than Alertmanager's
    `resolve_timeout`), and what has ended for another five minutes, so that a peer that was away catches up. A peer
    that does not answer delays nothing, and is left alone for a minute.

    A one-off fires there for five minutes. Labels and annotations are those of the alert; a route with
    `group_wait: 0s` and `group_by: ['...']` leaves all grouping to Alertmanager. With `headers` (a mapping), and
    `bearer_token` or `username` and `password`; all are secrets, the URLs too.
    """

    key: ClassVar[str] = "alertmanager_configs"

    urls: Annotated[list[WebAddress], Field(min_length=1, max_length=16), AfterValidator(_check_urls)]
    resend_delay: Annotated[Duration, AfterValidator(_not_too_often)] = MINUTE

    @property
    def resends(self) -> int:
        return self.resend_delay

    def singly(self) -> list[Destination]:
        return [self.model_copy(update={"urls": [url]}) for url in self.urls]

    def account(self) -> Secret:
        return Secret(" ".join(url.reveal() for url in self.urls))

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        until = max(at, notification.created_at) + ONE_OFF_LASTS
        ends = [until if alert.state == "event" else alert.ends_at for alert in notification.alerts]
        told = zip(notification.alerts, ends, strict=True)
        alerts = [posted(alert, notification.external_url, end, plain) for alert, end in told]
        yield from self._post(alerts, {"Idempotency-Key": notification.id})

    def judge(self, reply: Reply) -> None:
        super().judge(reply)
        if is_page(reply):
            what = "the answer is not Alertmanager's; check urls, and what stands in between"
            raise Transient(f"HTTP {reply.status}: {what}", reply.status)

    def resend(self, alerts: Sequence[AlertView], external_url: str) -> Conversation:
        yield from self._post([posted(alert, external_url, alert.ends_at) for alert in alerts], {})

    def _post(self, alerts: list[dict[str, Any]], headers: Mapping[str, str]) -> Conversation:
        first, *peers = map(_whole, self.urls)
        reply = yield Request(
            url=first,
            peers=tuple(peers),
            headers={**self.credentials(), **headers, "Content-Type": "application/json"},
            body=msgspec.json.encode(alerts),
        )
        self.judge(reply)
