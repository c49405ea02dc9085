"""The generic webhook: the documented body, and headers that cannot break a request."""

import base64
import json
import re
from typing import Any

import pytest
import standardwebhooks
from msgspec.structs import replace
from pydantic import ValidationError

from bridge.body import NAMES
from bridge.clock import SystemClock
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.notification import AlertView, Notification
from bridge.receiver import Request
from bridge.receivers.webhook import BODY_MAX, Webhook
from bridge.values import Secret
from tests.receivers.notifications import alert, every_kind, notification
from tests.sink import Received, Sink

KINDS = every_kind()
URL = "https://hook.example.net/in"


def ask(told: Notification, plain: bool = False, **options: object) -> Request:
    request = next(Webhook.model_validate({"url": URL, **options}).deliver(told, {}, plain))
    assert isinstance(request, Request)
    return request


def body(told: Notification, plain: bool = False) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(ask(told, plain).body)
    return read


def test_the_body_says_all_of_a_firing_alert() -> None:
    assert body(KINDS["firing"]) == {
        "version": "1",
        "id": "0123456789abcdef",
        "status": "firing",
        "reason": "first",
        "reminder": 0,
        "title": "🔴 CRITICAL · AuthErrorBurst · 10.0.0.9 (prod-eu)",
        "receiver": "nats-ops",
        "destination": "nats-ops/slack_configs[0]",
        "instead_of": "",
        "group_key": '{alertname="AuthErrorBurst"}',
        "created_at": "2027-01-15T08:00:00.000000Z",
        "group_labels": {"alertname": "AuthErrorBurst"},
        "common_labels": alert().labels,
        "common_annotations": alert().annotations,
        "external_url": "https://alerts.example.net",
        "alerts": [
            {
                "id": "0000000000000000",
                "state": "firing",
                "labels": alert().labels,
                "annotations": alert().annotations,
                "starts_at": "2027-01-15T07:48:00.000000Z",
                "ends_at": None,
                "value": 23.0,
                "value_text": "23",
                "peak_text": "31",
                "count": 1204,
                "first_seen": "2027-01-15T07:47:00.000000Z",
                "last_seen": "2027-01-15T07:59:59.000000Z",
                "reason": "",
            }
        ],
    }


def test_an_end_has_its_time() -> None:
    assert body(KINDS["resolved"])["alerts"][0]["ends_at"] == "2027-01-15T08:00:00.000000Z"


def test_every_key_is_documented() -> None:
    told = body(KINDS["100 mixed"])
    documented = set(re.findall(r"\w+", Webhook.__doc__ or ""))
    assert set(told) | set(told["alerts"][0]) <= documented


def test_all_alerts_are_told() -> None:
    assert len(body(KINDS["100 mixed"])["alerts"]) == 100


def test_the_plain_body_is_the_beginning_of_the_full_one() -> None:
    full, plain = body(KINDS["firing"]), body(KINDS["firing"], plain=True)
    assert list(plain) == list(full)[: len(plain)]
    assert list(plain)[-1] == "title"


def test_what_strangers_wrote_comes_as_they_wrote_it() -> None:
    text = "<!channel> & \x00 \u202e"
    assert body(notification(alert(text=text)))["alerts"][0]["labels"]["client_host"] == text


def test_a_lone_surrogate_becomes_a_replacement_character() -> None:
    told = body(notification(alert(text="a\ud800b")))
    assert told["alerts"][0]["labels"]["client_host"] == "a\ufffdb"


def test_the_headers_bear_the_id_and_the_credentials() -> None:
    request = ask(KINDS["firing"], headers={"X-Team": "nats"}, bearer_token="t0k3n")
    assert request.headers == {
        "X-Team": "nats",
        "Authorization": "Bearer t0k3n",
        "Content-Type": "application/json",
        "Idempotency-Key": "0123456789abcdef",
        "webhook-id": "0123456789abcdef",
    }


@pytest.mark.parametrize("value", ["a\r\nX: y", "a\nb", "a\x00b", "ümlaut", "tab\tbed"])
def test_a_header_that_http_does_not_allow_is_an_error_of_the_file(value: str) -> None:
    with pytest.raises(ValidationError, match="printable ASCII") as caught:
        ask(KINDS["firing"], headers={"X-Key": value})
    assert value not in str(caught.value)


@pytest.mark.parametrize(
    "name", ["", "a b", "a:b", "ü", "a\r\n", "Host", "content-length", "Webhook-Id", "Webhook-Signature"]
)
def test_a_name_that_is_none_or_is_ours_is_an_error_of_the_file(name: str) -> None:
    with pytest.raises(ValidationError, match="header"):
        ask(KINDS["firing"], headers={name: "x"})


@pytest.mark.parametrize("first", ["X-Key", "x-key"])
def test_headers_that_differ_only_in_case_are_an_error_of_the_file(first: str) -> None:
    with pytest.raises(ValidationError, match="the same header; leave one out"):
        ask(KINDS["firing"], headers={first: "a", "X-KEY": "b"})


@pytest.mark.parametrize("token", ["Bearer t0k3n", "bearer t0k3n"])
def test_a_bearer_token_is_the_token_alone(token: str) -> None:
    with pytest.raises(ValidationError, match="the token alone") as caught:
        ask(KINDS["firing"], bearer_token=token)
    assert not any("t0k3n" in error["msg"] for error in caught.value.errors())


def test_two_authorizations_are_an_error_of_the_file() -> None:
    with pytest.raises(ValidationError, match="leave one out"):
        ask(KINDS["firing"], headers={"authorization": "Basic x"}, bearer_token="y")
    with pytest.raises(ValidationError, match="leave one out"):
        ask(KINDS["firing"], username="x", password="z", bearer_token="y")


def test_basic_authentication_is_of_any_letters() -> None:
    """RFC 7617 leaves the encoding to both sides; UTF-8 is what browsers and servers of today take."""
    request = ask(KINDS["firing"], username="grüße", password="pä:ss")
    assert base64.b64decode(request.headers["Authorization"].removeprefix("Basic ")).decode() == "grüße:pä:ss"


@pytest.mark.parametrize("given", [{"username": "x"}, {"password": "x"}, {"username": "a:b", "password": "x"}])
def test_half_a_login_is_an_error_of_the_file(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError, match="username"):
        ask(KINDS["firing"], **given)


# -- other bodies ------------------------------------------------------------------------------------------------------


def told(given: Notification, plain: bool = False, **options: object) -> Any:
    return json.loads(ask(given, plain, **options).body)


def test_alertmanagers_body_has_its_keys_and_its_words() -> None:
    assert told(KINDS["firing"], format="alertmanager") == {
        "receiver": "nats-ops",
        "status": "firing",
        "alerts": [
            {
                "status": "firing",
                "labels": alert().labels,
                "annotations": alert().annotations,
                "startsAt": "2027-01-15T07:48:00.000000Z",
                "endsAt": "0001-01-01T00:00:00Z",
                "generatorURL": "https://alerts.example.net",
                "fingerprint": "3368faebda266d1c",
            }
        ],
        "groupLabels": {"alertname": "AuthErrorBurst"},
        "commonLabels": alert().labels,
        "commonAnnotations": alert().annotations,
        "externalURL": "https://alerts.example.net",
        "version": "4",
        "groupKey": '{alertname="AuthErrorBurst"}',
        "truncatedAlerts": 0,
        "notification_reason": "first notification",
    }


@pytest.mark.parametrize(
    ("reason", "alerts", "said"),
    [
        ("first", [alert()], "first notification"),
        ("new alerts", [alert()], "new alerts added"),
        ("resolved", [alert(), alert("resolved", 1)], "some alerts resolved"),
        ("resolved", [alert("resolved")], "all alerts resolved"),
        ("reminder", [alert()], "repeat interval elapsed"),
    ],
)
def test_in_alertmanagers_body_the_reason_is_told_in_its_words(reason: str, alerts: list[AlertView], said: str) -> None:
    assert told(notification(*alerts, reason=reason), format="alertmanager")["notification_reason"] == said


def test_in_alertmanagers_body_a_one_off_fires_and_has_an_end() -> None:
    body = told(KINDS["event"], format="alertmanager")
    assert (body["status"], body["alerts"][0]["status"]) == ("firing", "firing")
    assert body["alerts"][0]["endsAt"] == body["alerts"][0]["startsAt"]
    body = told(KINDS["resolved"], format="alertmanager")
    assert (body["status"], body["alerts"][0]["endsAt"]) == ("resolved", "2027-01-15T08:00:00.000000Z")


def test_what_alertmanagers_plain_body_leaves_out_is_counted() -> None:
    body = told(KINDS["100 mixed"], plain=True, format="alertmanager")
    assert (len(body["alerts"]), body["truncatedAlerts"]) == (1, 99)


def test_a_cloudevent_holds_the_standard_body() -> None:
    request = ask(KINDS["firing"], format="cloudevents")
    event = json.loads(request.body)
    assert request.headers["Content-Type"] == "application/cloudevents+json"
    assert event.pop("data") == body(KINDS["firing"])
    assert event == {
        "specversion": "1.0",
        "id": "0123456789abcdef",
        "source": "https://alerts.example.net",
        "type": "nats-alert-bridge.firing",
        "subject": '{alertname="AuthErrorBurst"}',
        "time": "2027-01-15T08:00:00.000000Z",
        "datacontenttype": "application/json",
    }
    # An attribute must not be empty.
    assert told(KINDS["bare"], format="cloudevents")["source"] == "urn:nats-alert-bridge"


def test_no_attribute_of_a_cloudevent_holds_a_character_that_is_not_allowed() -> None:
    key = '{}:{client_name="a\x00\x1b\x9b\ufffe\udc80\nb"}'
    event = told(notification(alert(), group_key=key), format="cloudevents")
    assert event["subject"] == '{}:{client_name="a\ufffd⏎b"}'
    assert event["data"]["group_key"] == key.replace("\udc80", "\ufffd")


TEMPLATE = """\
{{ title }}
{% for alert in alerts -%}
{{ alert.state }} {{ alert.labels.client_host }} {{ alert.labels.absent }}{{ common_labels.severity }}
{% endfor %}"""


def test_a_template_makes_the_body() -> None:
    request = ask(KINDS["firing"], format="template", body=TEMPLATE, content_type="text/plain")
    assert request.headers["Content-Type"] == "text/plain"
    assert request.body.decode().split("\n")[1] == "firing 10.0.0.9 critical"


@pytest.mark.parametrize("kind", KINDS)
def test_a_body_of_json_stays_json_whatever_strangers_write(kind: str) -> None:
    text = '{"t": {{ title | json }}, "s": {{ common_annotations.summary | json }}, "l": {{ common_labels | json }}}'
    read = told(KINDS[kind], format="template", body=text)
    assert read["t"] == told(KINDS[kind])["title"]
    assert read["s"] == told(KINDS[kind])["common_annotations"].get("summary", "")


def test_every_key_of_the_body_is_a_name_of_templates() -> None:
    assert set(body(KINDS["firing"])) == NAMES


def test_a_template_that_fails_still_tells_the_title() -> None:
    sent = ask(KINDS["firing"], format="template", body="{{ alerts[0].count // 0 }}").body.decode()
    assert sent.startswith("🔴 CRITICAL · AuthErrorBurst")
    assert "[template error: " in sent


def test_a_template_whose_body_is_rejected_gets_the_simplest_one() -> None:
    assert told(KINDS["firing"], plain=True, format="template", body="x") == body(KINDS["firing"], plain=True)


def test_a_body_is_bounded() -> None:
    huge = notification(*(alert("firing", n, "x" * 4000) for n in range(100)))
    sent = ask(
        huge, format="template", body="{% for a in alerts %}{{ a.labels.client_host }}{{ a | json }}{% endfor %}"
    )
    assert len(sent.body.decode()) <= BODY_MAX


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"format": "template"}, "needs a body"),
        ({"body": "x"}, "are for format: template"),
        ({"format": "cloudevents", "content_type": "text/plain"}, "are for format: template"),
        ({"format": "template", "body": "{{ nope }}"}, "unknown variable 'nope'"),
        ({"format": "template", "body": 5}, "a body is text"),
        ({"format": "slack"}, "standard"),
    ],
)
def test_a_form_that_does_not_fit_is_an_error_of_the_file(options: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        ask(KINDS["firing"], **options)


# -- signatures --------------------------------------------------------------------------------------------------------

NEW, OLD = ("whsec_" + base64.b64encode(bytes([n]) * 32).decode() for n in (1, 2))


async def sent(**options: object) -> list[Received]:
    """What arrives over HTTP, two tries of one message."""
    destination = Webhook.model_validate({"url": URL, **options})
    with Sink() as sink:
        async with Http(SystemClock(), Gate(None)) as http:
            for _ in range(2):
                first = next(destination.deliver(KINDS["firing"], {}))
                assert isinstance(first, Request)
                await http.send(replace(first, url=Secret(sink.url)))
        return sink.requests


@pytest.mark.parametrize("keys", [NEW, f"{NEW} {OLD}", f"{OLD}\n{NEW}\n"])
async def test_signatures_are_those_of_standard_webhooks(keys: str) -> None:
    """Read by that project's own library, which refuses what is older than five minutes, too."""
    for received in await sent(signing={"secret": keys}):
        verified = standardwebhooks.Webhook(NEW).verify(received.body, dict(received.headers))
        assert verified["id"] == received.headers["webhook-id"] == KINDS["firing"].id


async def test_another_key_does_not_fit() -> None:
    received, _ = await sent(signing={"secret": OLD})
    with pytest.raises(standardwebhooks.WebhookVerificationError):
        standardwebhooks.Webhook(NEW).verify(received.body, dict(received.headers))


@pytest.mark.parametrize(
    "key", ["whsec_AA==", "s3cr3t", "whsec_s3cr3t!", "whsec_" + "czNjcjN0", "whsec_" + "c3" * 60, " ".join([NEW] * 11)]
)
def test_what_is_no_key_is_an_error_of_the_file_that_does_not_tell_it(key: str) -> None:
    with pytest.raises(ValidationError, match="key") as caught:
        ask(KINDS["firing"], signing={"secret": key})
    assert not any(key in error["msg"] for error in caught.value.errors())
