"""The API lets nobody in whom the host would not, and nobody holds it up."""

import json
import socket
import time
from collections.abc import Iterator

import httpx
import pytest

from tests.program.conftest import StartBridge
from tests.program.program import Program
from tests.program.rules import BURST, rules_file
from tests.program.test_people import free_port
from tests.waiting import eventually

NOWHERE = "nats://127.0.0.1:1"
SILENCE = {"matchers": ["alertname=A"], "ends_at": 4_000_000_000_000_000}


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def web(port: int) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", trust_env=False, timeout=15) as client:
        yield client


async def listening(start_bridge: StartBridge, port: int, **more: str) -> Program:
    keys = "".join(f", {key}: {text}" for key, text in more.items())
    http = f"{{listen: '127.0.0.1:{port}'{keys}}}"
    program = start_bridge(rules_file(NOWHERE, "http://127.0.0.1:1/hook", BURST, http=http))
    await program.says("commands are heard on ")
    return program


async def test_pages_of_other_sites_are_kept_out(start_bridge: StartBridge, port: int, web: httpx.Client) -> None:
    await listening(start_bridge, port)
    assert web.get("/silences", headers={"host": f"localhost:{port}"}).json() == {"silences": []}
    rebound = web.get("/silences", headers={"host": f"evil.example:{port}"})
    assert (rebound.status_code, rebound.json()["error"][:28]) == (403, "ask under one of the names 1")
    for kind in ("text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"):
        form = web.post("/silences", content=json.dumps(SILENCE), headers={"content-type": kind})
        assert (form.status_code, form.json()) == (415, {"error": "commands are of the type application/json"})
    assert "access-control-allow-origin" not in web.options("/silences").headers
    assert web.get("/silences").json() == {"silences": []}


async def test_what_makes_no_sense_is_refused_in_words(start_bridge: StartBridge, port: int, web: httpx.Client) -> None:
    program = await listening(start_bridge, port)
    refused: list[tuple[str, object, int, str]] = [
        (
            "/silences",
            {"matchers": ["alertname"], "ends_at": 4_000_000_000_000_000},
            400,
            "'alertname' is not a matcher",
        ),
        ("/silences", {"matchers": ["a=b"]}, 400, "a silence needs an end, or time intervals"),
        ("/silences", {"matchers": [], "ends_at": 4_000_000_000_000_000}, 400, "a silence needs matchers"),
        ("/silences", {"matchers": ["a=b"], "ends_at": 5}, 400, "the end of the silence is over already"),
        ("/silences", {"matchers": ["a=b"], "time_intervals": ["night"]}, 409, "there is no time interval night"),
        ("/silences", {"matchers": "a=b"}, 400, "Expected `array`"),
        ("/silences", {**SILENCE, "end": 5}, 400, "Object contains unknown field `end`"),
        ("/silences", {**SILENCE, "ends_at": 4_000_000_000_000_000_000}, 400, "an instant is RFC 3339"),
        ("/silences", {**SILENCE, "ends_at": "2099-01-01T00:00:00"}, 400, "Expected `datetime` with a timezone"),
        ("/silences", {**SILENCE, "matchers": ["a!=b"]}, 400, "these matchers mean alerts without any label too"),
        ("/silences", {**SILENCE, "comment": "x" * 1001}, 400, "Expected `str` of length <= 1000"),
        ("/silences/abc/expire", {}, 404, "there is no silence abc"),
        ("/silences/abc", {"comment": "x"}, 404, "there is no silence abc"),
        ("/forget", {"alert": "A", "labels": {}}, 404, "no rule makes an alert A"),
        ("/nothing", {}, 404, "there is nothing here"),
    ]
    for path, content, status, error in refused:
        answer = web.post(path, json=content)
        assert (answer.status_code, answer.json()["error"][: len(error)]) == (status, error)
    broken = web.post("/forget", content=b"{", headers={"content-type": "application/json"})
    assert (broken.status_code, broken.json()) == (400, {"error": "Input data was truncated"})
    assert web.get("/history?limit=0").json() == {"error": "a limit is a number from 1 to 10000"}
    assert web.get("/history?since=5").status_code == web.get("/alerts?matcher=x").status_code == 400
    assert web.get("/outbox/1234").status_code == 404
    assert not program.said("ERROR")


async def test_a_silence_takes_instants_in_both_forms_and_edits_by_key(
    start_bridge: StartBridge, port: int, web: httpx.Client
) -> None:
    await listening(start_bridge, port)
    added = web.post("/silences", json={**SILENCE, "ends_at": "2095-10-02T09:06:40+02:00"})
    assert added.status_code == 200
    assert added.json() == {"id": added.json()["id"], "mutes": 0, "active": True, "alerts": []}
    id = added.json()["id"]
    edited = web.post(f"/silences/{id[:6]}", json={"ends_at": SILENCE["ends_at"], "comment": "later"})
    assert (edited.json()["id"], edited.json()["changed"]) == (id, ["ends_at", "comment"])
    kept = web.get(f"/silences/{id}").json()["silence"]
    assert (kept["ends_at"], kept["comment"], kept["matchers"]) == ("2096-10-02T07:06:40Z", "later", ["alertname=A"])
    for change, status, error in (
        ({"ends_at": None}, 409, "a silence needs an end"),
        ({"ends_at": 5}, 409, "the end of the silence is over already"),
        ({"matchers": ["x"]}, 400, "'x' is not a matcher"),
        ({"starts_at": 5}, 400, "Object contains unknown field `starts_at`"),
    ):
        refused = web.post(f"/silences/{id}", json=change)
        assert (refused.status_code, refused.json()["error"][: len(error)]) == (status, error)
    assert web.get(f"/silences/{id}").json()["silence"] == kept


async def test_large_and_slow_requests_are_ended_while_others_are_answered(
    start_bridge: StartBridge, port: int, web: httpx.Client
) -> None:
    program = await listening(start_bridge, port)
    large = web.post("/forget", content=b" " * 1_100_000, headers={"content-type": "application/json"})
    assert large.status_code == 413
    assert web.get("/alerts", headers={"x": "x" * 20_000}).status_code == 431
    slow = [socket.create_connection(("127.0.0.1", port)) for _ in range(20)]
    slow[0].sendall(b"POST /api/v1/forget HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n")
    slow[0].sendall(b"Content-Length: 100\r\n\r\n{")
    assert web.get("/alerts").json() == {"alerts": []}
    slow[0].settimeout(15)
    begin = time.monotonic()
    assert slow[0].recv(100).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - begin < 10
    many = [socket.create_connection(("127.0.0.1", port)) for _ in range(80)]
    many[-1].settimeout(10)
    assert many[-1].recv(10) == b""  # More than are served: closed at once.
    for each in (*slow, *many):
        each.close()
    await eventually(lambda: _answers(web))
    assert program.stop() == 0


async def test_a_stop_does_not_wait_for_who_holds_a_connection(start_bridge: StartBridge, port: int) -> None:
    program = await listening(start_bridge, port)
    with socket.create_connection(("127.0.0.1", port)) as held:
        held.sendall(b"GET /api/v1/alerts HTTP/1.1\r\nHo")
        assert program.stop() == 0


async def test_the_token_opens_and_nothing_else_does(start_bridge: StartBridge, port: int, web: httpx.Client) -> None:
    await listening(start_bridge, port, auth="{token: t0ken}")
    for given in ("", "Bearer t0ke", "Bearer t0ken2", "t0ken", "Basic t0ken"):
        answer = web.get("/alerts", headers={"authorization": given})
        assert answer.status_code == 401
        assert "t0ken" not in answer.text
    assert web.get("/alerts", headers={"authorization": "Bearer t0ken"}).status_code == 200


def test_listening_for_strangers_without_a_token_is_an_error_of_the_file(start_bridge: StartBridge) -> None:
    program = start_bridge(rules_file(NOWHERE, "http://127.0.0.1:1/hook", BURST, http="{listen: '0.0.0.0:9476'}"))
    assert program.wait(15) == 1
    (line,) = program.lines
    assert line.endswith(
        "error: whoever reaches 0.0.0.0:9476 could silence alerts; write auth: {token_file: …}, "
        "or listen on 127.0.0.1:9476"
    )


def _answers(web: httpx.Client) -> bool:
    try:
        return web.get("/alerts").status_code == httpx.codes.OK
    except httpx.TransportError:
        return False
