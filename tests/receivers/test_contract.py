"""What holds for every destination: no message is impossible, no answer is misread, no secret is told."""

import base64
import json
import traceback
from contextlib import suppress
from pkgutil import iter_modules
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from bridge import receivers
from bridge.errors import Refused, Rejected, Transient, Trouble
from bridge.notification import AlertView, Notification, State
from bridge.receiver import RETRY_AFTER_MAX, Destination, Reply, Request, retry_after
from bridge.receivers import DESTINATIONS
from bridge.receivers.alertmanager import Alertmanager
from bridge.receivers.slack import Slack
from bridge.receivers.webhook import Webhook
from tests.receivers.notifications import NOW, every_kind, notification

CANARY = "CANARY-s3cr3t"
KEY = "whsec_" + base64.b64encode(f"{CANARY} of twenty-four bytes".encode()).decode()
BODY = '{"text": {{ title | json }}, "id": {{ id | json }}, "alerts": {{ alerts | json }}}'
URL = f"https://hooks.example.net/services/{CANARY}"
BOT = {"bot_token": CANARY, "channel": "#nats-ops", "base_url": URL}

GIVEN: dict[str, tuple[type[Destination], dict[str, Any]]] = {
    "slack webhook": (Slack, {"webhook_url": URL}),
    "slack message": (Slack, {**BOT, "mode": "message", "mentions": {"critical": ["@here"]}}),
    "slack update": (Slack, {**BOT, "mode": "update"}),
    "slack thread": (Slack, {**BOT, "mode": "thread"}),
    "webhook": (Webhook, {"url": URL, "headers": {"X-Key": CANARY}, "bearer_token": CANARY}),
    "webhook basic": (
        Webhook,
        {"url": URL, "username": "me", "password": CANARY, "proxy_url": f"http://a:{CANARY}@p:1"},
    ),
    "webhook signed": (Webhook, {"url": URL, "signing": {"secret": KEY}}),
    "webhook alertmanager": (Webhook, {"url": URL, "format": "alertmanager"}),
    "webhook cloudevents": (Webhook, {"url": URL, "format": "cloudevents"}),
    "alertmanager": (Alertmanager, {"urls": [URL], "bearer_token": CANARY}),
    "webhook template": (Webhook, {"url": URL, "format": "template", "body": BODY}),
}
"""The keys of each destination in each of its forms, with a canary in the place of each secret."""

KINDS = every_kind()

MADE = {name: kind(**keys) for name, (kind, keys) in GIVEN.items()}

each_destination = pytest.mark.parametrize("destination", MADE.values(), ids=MADE)
each_form = pytest.mark.parametrize("form", GIVEN)
each_plainness = pytest.mark.parametrize("plain", [False, True], ids=["full", "plain"])


def ask(destination: Destination, told: Notification, plain: bool = False) -> Request:
    """The first request of the conversation."""
    first = next(destination.deliver(told, {}, plain, NOW))
    assert isinstance(first, Request)
    return first


def converse(destination: Destination, reply: Reply) -> None:
    """A conversation in which every request gets this reply. Raises what it ends with."""
    talk = destination.deliver(KINDS["firing"], {}, at=NOW)
    next(talk)
    with suppress(StopIteration):
        while True:
            talk.send(reply)


def accepted(destination: Destination) -> bytes:
    """The body with which its service says that it has taken a message."""
    return b'{"ok":true,"channel":"C1","ts":"1.5"}' if isinstance(destination, Slack) else b""


def test_every_destination_has_an_example_here() -> None:
    assert {kind for kind, _ in GIVEN.values()} == set(DESTINATIONS)


def test_every_file_of_the_folder_is_in_the_list() -> None:
    assert {module.name for module in iter_modules(receivers.__path__)} == {
        kind.__module__.split(".")[2] for kind in DESTINATIONS
    }


def test_keys_are_unique() -> None:
    assert len({kind.key for kind in DESTINATIONS}) == len(DESTINATIONS)


@each_plainness
@each_destination
def test_every_notification_becomes_a_request(destination: Destination, plain: bool) -> None:
    for kind, told in KINDS.items():
        request = ask(destination, told, plain)
        assert request.url.reveal().startswith(URL), kind
        assert json.loads(request.body), kind
        for name, text in request.headers.items():
            assert name.isascii(), kind
            assert text.isascii(), kind
            assert text.isprintable(), kind


texts = st.text(st.characters(codec=None), max_size=50)
moments = st.integers(min_value=0, max_value=4_000_000_000_000_000)


@st.composite
def strange_notifications(draw: st.DrawFn) -> Notification:
    kinds: list[State] = ["firing", "event", "resolved"]
    states = draw(st.lists(st.sampled_from(kinds), min_size=1, max_size=12))
    alerts = [
        AlertView(
            id=f"{n:016x}",
            state=state,
            labels=draw(st.dictionaries(texts, texts, max_size=4)),
            annotations=draw(st.dictionaries(st.sampled_from(["summary", "description", "runbook_url"]), texts)),
            starts_at=draw(moments),
            ends_at=draw(st.none() | moments),
            value=draw(st.none() | st.floats()),
            value_text=draw(texts),
            peak_text=draw(texts),
            count=draw(st.integers(0, 2**63)),
            first_seen=draw(moments),
            last_seen=draw(moments),
            reason=draw(texts),
        )
        for n, state in enumerate(states)
    ]
    return notification(*alerts, group_labels=draw(st.dictionaries(texts, texts, max_size=3)))


@settings(max_examples=50)
@given(told=strange_notifications())
def test_no_notification_is_impossible(told: Notification) -> None:
    for destination in MADE.values():
        for plain in (False, True):
            json.loads(ask(destination, told, plain).body)


@each_destination
def test_the_same_notification_is_the_same_request(destination: Destination) -> None:
    assert ask(destination, KINDS["100 mixed"]) == ask(destination, KINDS["100 mixed"])


@each_destination
@each_plainness
def test_the_id_is_in_every_message(destination: Destination, plain: bool) -> None:
    request = ask(destination, KINDS["firing"], plain)
    assert KINDS["firing"].id[-8:] in f"{request.body.decode()} {request.headers}"


@pytest.mark.parametrize("destination", [each for name, each in MADE.items() if name != "webhook template"])
def test_plain_is_smaller(destination: Destination) -> None:
    full, plain = (ask(destination, KINDS["firing"], plain) for plain in (False, True))
    assert len(plain.body) < len(full.body)


TABLE = {
    **dict.fromkeys(range(100, 200), Transient),
    **dict.fromkeys(range(200, 300), None),
    **dict.fromkeys(range(300, 400), Refused),
    **dict.fromkeys(range(400, 500), Rejected),
    **dict.fromkeys((401, 403, 404, 405, 407, 410), Refused),
    **dict.fromkeys((408, 425, 429), Transient),
    **dict.fromkeys(range(500, 600), Transient),
}


def outcome(destination: Destination, reply: Reply) -> Trouble | None:
    try:
        converse(destination, reply)
    except Trouble as trouble:
        return trouble
    return None


@each_destination
def test_each_status_is_its_kind_of_trouble(destination: Destination) -> None:
    body = accepted(destination)
    ended = {status: outcome(destination, Reply(status=status, body=body)) for status in TABLE}
    assert {status: type(trouble) if trouble else None for status, trouble in ended.items()} == TABLE
    for status, trouble in ended.items():
        assert trouble is None or (trouble.status == status and str(status) in str(trouble))


@each_destination
@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("0", 0.0),
        ("1000000000000", RETRY_AFTER_MAX),
        ("9" * 4000, RETRY_AFTER_MAX),
        ("Fri, 15 Jan 2027 08:00:30 GMT", 30.0),
        ("Fri, 15 Jan 2027 07:00:00 GMT", 0.0),
        ("Fri, 15 Jan 2038 08:00:00 GMT", RETRY_AFTER_MAX),
        ("-5", None),
        ("soon", None),
        ("", None),
        ("1.5", None),
        ("٣", None),
    ],
)
def test_retry_after_is_read(destination: Destination, text: str, seconds: float | None) -> None:
    with pytest.raises(Transient) as caught:
        converse(destination, Reply(status=429, headers={"retry-after": text}, at=1_800_000_000))
    assert caught.value.retry_after == seconds


dates = st.from_regex(r"\w{3}, \d{1,4} (Jan|Feb|xyz) \d{1,12} \d\d?:\d\d?:\d{1,3} [-+]?\w{0,6}", fullmatch=True)


@given(text=st.text(max_size=60) | dates)
def test_no_retry_after_is_too_strange(text: str) -> None:
    wait = retry_after(Reply(status=429, headers={"retry-after": text}, at=1_800_000_000))
    assert wait is None or 0 <= wait <= RETRY_AFTER_MAX


@each_destination
@settings(max_examples=30)
@given(status=st.integers(100, 599), body=st.binary(max_size=300))
def test_an_answer_is_taken_or_is_trouble(destination: Destination, status: int, body: bytes) -> None:
    assert len(str(outcome(destination, Reply(status=status, body=body)))) < 100


@each_destination
@pytest.mark.parametrize("status", [301, 400, 403, 429, 500])
def test_no_error_holds_a_secret_or_what_the_service_wrote(destination: Destination, status: int) -> None:
    body = f"cannot post to {URL}".encode()
    with pytest.raises(Trouble) as caught:
        converse(destination, Reply(status=status, body=body, headers={"location": URL}))
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@each_destination
def test_no_form_of_a_destination_shows_a_secret(destination: Destination) -> None:
    shown = [
        repr(destination),
        str(destination),
        destination.model_dump_json(),
        repr(ask(destination, KINDS["firing"]).url),
        repr(ask(destination, KINDS["firing"]).signature),
    ]
    assert not any(CANARY in text or KEY in text for text in shown)


def with_url(form: str, url: str) -> Destination:
    kind, keys = GIVEN[form]
    field = next(name for name, value in keys.items() if value in (URL, [URL]))
    return kind(**{**keys, field: url if keys[field] == URL else [url]})


@each_form
@pytest.mark.parametrize(
    "url",
    [
        f"ftp://{CANARY}",
        f"//{CANARY}/x",
        f"{CANARY}",
        "https://",
        f"https:///{CANARY}",
        f"https://host:{CANARY}/",
        "https://host:99999/",
        f"https://user:{CANARY}@host/",
        f"https://host/{CANARY} x",
        f"https://host/{CANARY}\nx",
        f"https://[{CANARY}/",
    ],
)
def test_an_odd_url_is_an_error_of_the_file_that_does_not_tell_it(form: str, url: str) -> None:
    with pytest.raises(ValidationError) as caught:
        with_url(form, url)
    assert CANARY not in str(caught.value)
    assert not any(CANARY in error["msg"] for error in caught.value.errors())


@each_form
@pytest.mark.parametrize(
    "url", ["http://127.0.0.1:8080/x", "https://host", "https://[::1]:8443/a?b=c", "https://bücher.example/"]
)
def test_http_and_https_are_accepted(form: str, url: str) -> None:
    assert ask(with_url(form, url), KINDS["firing"]).url.reveal().startswith(url)


@each_form
def test_the_end_is_told_unless_said_otherwise(form: str) -> None:
    kind, keys = GIVEN[form]
    assert kind(**keys).send_resolved
    assert not kind(**keys, send_resolved=False).send_resolved


@each_form
def test_destinations_with_the_same_url_share_an_account(form: str) -> None:
    kind, keys = GIVEN[form]
    twin = kind(**keys, name="twin")
    assert twin.account() == MADE[form].account() is not None


@each_destination
def test_the_docstring_tells_users_what_it_is(destination: Destination) -> None:
    assert len((type(destination).__doc__ or "").split()) > 20
