"""Which CONNECTs are news."""

import json

import pytest

from bridge.inputs import Message
from tests.core.stage import Stage, at, rule


def connect(seconds: float, start: str, timestamp: str) -> Message:
    body = {
        "id": f"id-{seconds}",
        "timestamp": timestamp,
        "server": {"name": "n1", "id": "P1", "seq": round(seconds), "ver": "2.15.1"},
        "client": {
            "start": start,
            "host": "10.0.0.9",
            "id": round(seconds),
            "acc": "APP",
            "name": "x",
            "kind": "Client",
        },
    }
    return Message("$SYS.ACCOUNT.APP.CONNECT", json.dumps(body).encode(), at(seconds))


@pytest.mark.parametrize(
    ("start", "told"),
    [
        ("2026-11-23T07:00:00-01:00", 1),
        ("2026-11-23T07:59:00Z", 1),  # just slow to log in
        ("2026-11-23T07:58:59Z", 0),  # it lived before: repeated by a reload of the server's configuration
        ("2026-11-22T08:00:00Z", 0),
        ("nonsense", 1),
    ],
)
def test_a_connect_of_a_connection_that_began_long_ago_is_a_repeated_one(start: str, told: int) -> None:
    stage = Stage(rule(events="client.connect")).play(connect(1, start, "2026-11-23T08:00:00Z"))

    assert len(stage.story) == told
