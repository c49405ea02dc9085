"""The generic webhook: the documented body, and headers that cannot break a request."""

import json
import re
from typing import Any

import pytest
from pydantic import ValidationError

from bridge.notification import Notification
from bridge.receiver import Request
from bridge.receivers.webhook import Webhook
from tests.receivers.notifications import alert, every_kind, notification

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


@pytest.mark.parametrize("name", ["", "a b", "a:b", "ü", "a\r\n", "Host", "content-length", "Webhook-Id"])
def test_a_name_that_is_none_or_is_ours_is_an_error_of_the_file(name: str) -> None:
    with pytest.raises(ValidationError, match="header"):
        ask(KINDS["firing"], headers={name: "x"})


def test_two_authorizations_are_an_error_of_the_file() -> None:
    with pytest.raises(ValidationError, match="leave one out"):
        ask(KINDS["firing"], headers={"authorization": "Basic x"}, bearer_token="y")
