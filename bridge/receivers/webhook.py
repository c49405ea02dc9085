"""Any HTTP endpoint that takes a POST: our own documented body, Alertmanager's, a CloudEvent, or the operator's own."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

import msgspec
from pydantic import BeforeValidator, PlainSerializer, model_validator

from bridge import alertmanager
from bridge.body import NAMES, cloudevent, context, standard
from bridge.endpoint import Guarded, HeaderValue
from bridge.errors import TemplateError
from bridge.headline import headline
from bridge.notification import Notification
from bridge.options import Options
from bridge.receiver import Conversation, Request, WebAddress
from bridge.signature import Signature, split_keys
from bridge.template import Template
from bridge.text import encodable, json_bytes
from bridge.values import Secret

BODY_MAX = 256 * 1024
"""Characters of a body that a template makes."""

Format = Literal["standard", "alertmanager", "cloudevents", "template"]


class Signing(Options):
    """How an endpoint knows that a message is ours: https://www.standardwebhooks.com."""

    secret: Secret
    """`whsec_…`; several with white space between them all sign."""

    @model_validator(mode="after")
    def _check(self) -> Self:
        if not split_keys(self.secret):
            raise ValueError("there is no key in it; write whsec_…")
        return self


def _parse(body: object) -> Template:
    if isinstance(body, Template):
        return body
    if not isinstance(body, str):
        raise ValueError("a body is text; write it after body: |")  # noqa: TRY004 - for pydantic
    return Template.parse(body, NAMES)


class Webhook(Guarded):
    """A POST to `url`, with `headers` (a mapping), and `bearer_token` or `username` and `password`, if given.

    `webhook-id` and `Idempotency-Key` hold the notification's id, the same on every try: what you have seen, you have
    seen. Any 2xx means that it was taken. `signing.secret` (`whsec_…`) adds `webhook-timestamp` and `webhook-signature`
    of Standard Webhooks. `format` is one of

        standard           the body below
        alertmanager       the body of Alertmanager's webhooks, version 4; a one-off is firing, and has an end
        cloudevents        CloudEvents 1.0, structured; `data` is the body below
        template           `body`, Jinja with the keys of the body below and the filter `json`; `content_type`

    The standard body:

        version            "1"
        id                 the notification's id
        status             "firing", "event" (one-offs, which have no end) or "resolved"
        reason             "first", "new alerts", "resolved", "reminder"
        reminder           number of the reminder, 0 for none
        title              one line for people
        receiver, destination, group_key
        instead_of         the destination that cannot be told, if this one is of its fallback; else ""
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

    A receiver that rejects this (400, 413, 422) is sent it once more with nothing after `title`; so is one that rejects
    a template's body. Alertmanager's body comes with one alert and without annotations then.
    """

    key: ClassVar[str] = "webhook_configs"

    url: WebAddress
    format: Format = "standard"
    body: Annotated[Template, BeforeValidator(_parse), PlainSerializer(lambda body: body.source)] | None = None
    content_type: HeaderValue | None = None
    signing: Signing | None = None

    @model_validator(mode="after")
    def _check_template(self) -> Self:
        if self.format == "template" and self.body is None:
            raise ValueError("format: template needs a body; write body: | and a template below it")
        if self.format != "template" and (self.body is not None or self.content_type is not None):
            raise ValueError("body and content_type are for format: template; write that, or leave them out")
        return self

    def account(self) -> Secret:
        return self.url

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        content_type, body = self._body(notification, plain)
        reply = yield Request(
            url=self.url,
            headers=self.credentials()
            | {"Content-Type": content_type, "Idempotency-Key": notification.id, "webhook-id": notification.id},
            body=body,
            signature=Signature(notification.id, split_keys(self.signing.secret)) if self.signing else None,
        )
        self.judge(reply)

    def _body(self, notification: Notification, plain: bool) -> tuple[str, bytes]:
        match self.format:
            case "alertmanager":
                return "application/json", msgspec.json.encode(alertmanager.body(notification, plain))
            case "cloudevents":
                return "application/cloudevents+json", json_bytes(cloudevent(notification, plain))
            case "template" if self.body and not plain:
                content_type = self.content_type.reveal() if self.content_type else "application/json"
                return content_type, encodable(_fill(self.body, notification)).encode()
            case _:
                return "application/json", json_bytes(standard(notification, plain))


def _fill(body: Template, notification: Notification) -> str:
    """A template that fails must not keep the message from people."""
    try:
        return body.fill(context(notification), BODY_MAX)
    except TemplateError as error:
        return f"{headline(notification)}\n[template error: {error}]"
