"""Every form of every destination against a server that misbehaves: trouble is of its kind, and tells no secret."""

import asyncio
import gzip
import logging
import traceback

import pytest
import trustme

from bridge.clock import SystemClock
from bridge.delivery.conversation import hold
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.errors import Refused, Rejected, Transient, Trouble
from bridge.receiver import DIRECT, Destination
from tests.delivery.test_http import serving
from tests.receivers.notifications import alert, notification
from tests.receivers.test_contract import CANARY, GIVEN, KEY, accepted, with_url
from tests.sink import Answer, Sink, answer, cut, flood, hang, raw, reset, trickle

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
LOUD = f"cannot post with {CANARY} and {KEY}".encode()

SCRIPTS: dict[str, tuple[Answer, type[Trouble]]] = {
    "hang": (hang(), Transient),
    "trickle": (trickle(HEAD + b"x" * 100, 0.02), Transient),
    "reset": (reset(), Transient),
    "close": (cut(), Transient),
    "half an answer": (cut(HEAD + b"half"), Transient),
    "no HTTP": (cut(b"SSH-2.0-OpenSSH_9.2\r\n"), Transient),
    "redirect": (answer(302, LOUD, Location=f"http://127.0.0.1:1/{CANARY}"), Refused),
    "400": (answer(400, LOUD), Rejected),
    "403": (answer(403, LOUD), Refused),
    "503": (answer(503, LOUD), Transient),
    "429 in seconds": (answer(429, LOUD, Retry_After="7"), Transient),
    "429 by date": (answer(429, LOUD, Retry_After="Fri, 31 Dec 2100 23:59:59 GMT"), Transient),
}

FORMS = {form: kind for form, kind in GIVEN.items() if "proxy_url" not in kind[1]}
"""All but those that go by a proxy, which is another server."""


async def outcome(form: str, url: str) -> Trouble | None:
    destination: Destination = with_url(form, url)
    async with Http(SystemClock(), Gate(None), DIRECT, deadline=0.5) as http:
        try:
            await hold(destination.deliver(notification(alert()), {}), http.send)
        except Trouble as trouble:
            return trouble
    return None


@pytest.mark.parametrize("name", SCRIPTS)
async def test_trouble_is_of_its_kind_and_tells_no_secret(name: str, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    script, kind = SCRIPTS[name]
    with Sink(then=script) as sink:
        troubles = await asyncio.gather(*(outcome(form, f"{sink.url}/{CANARY}") for form in FORMS))
    for form, trouble in zip(FORMS, troubles, strict=True):
        assert type(trouble) is kind, form
        told = "".join(traceback.format_exception(trouble)) + "\n".join(caplog.messages)
        assert CANARY not in told, form
        assert KEY not in told, form
        if isinstance(trouble, Transient) and name.startswith("429"):
            assert trouble.retry_after == (7 if name.endswith("seconds") else 3600), form


async def test_a_certificate_that_nobody_knows_is_refused_before_a_word() -> None:
    with Sink(tls=serving(trustme.CA(), "localhost")) as sink:
        url = f"https://localhost:{sink.port}/{CANARY}"
        troubles = await asyncio.gather(*(outcome(form, url) for form in FORMS))
        assert sink.requests == []
    assert {type(trouble) for trouble in troubles} == {Refused}
    assert not any(CANARY in str(trouble) for trouble in troubles)


BOMB = gzip.compress(b"\0" * 50_000_000)


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("body", ["10 MB", "gzip"])
async def test_a_body_of_any_size_is_taken_or_trouble(status: int, body: str) -> None:
    """An app of Slack cannot know from such a body that it was heard, and tries again."""
    first = f"HTTP/1.1 {status} X\r\n".encode()
    bomb = raw(first + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)
    script = flood(first + b"\r\n", b"x" * 10_000, 1000) if body == "10 MB" else bomb
    for form in FORMS:
        with Sink(then=script) as sink:
            trouble = await outcome(form, sink.url)
        by_json = form.startswith("slack") and form != "slack webhook"
        assert type(trouble) is (Transient if status == 500 or by_json else type(None)), form


async def test_what_each_service_says_when_it_takes_a_message_is_understood() -> None:
    for form in FORMS:
        with Sink(then=answer(200, accepted(with_url(form, "http://x")))) as sink:
            assert await outcome(form, sink.url) is None, form
