"""Messages as a server sent them, from the recordings of the tests, each made distinct: id, number, client, host."""

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

RECORDING = Path(__file__).parent.parent / "tests" / "corpus" / "2.15.1" / "clients.jsonl"
SUBJECT = "$SYS.ACCOUNT.APP.DISCONNECT"
MARKER = "marker"
"""The account of the few clients whose disconnects raise an alert each."""
MARKER_SUBJECT = f"$SYS.ACCOUNT.{MARKER}.DISCONNECT"

HOSTS = 250
ALERT_EVERY = 20_000
"""Events of which one raises an alert."""

Message = tuple[str, bytes]
"""Subject and payload."""


class Storm(NamedTuple):
    """So many disconnects, number `first` and those after it, spread evenly over `clients` names.

    Every `alert_every`-th is another's whose disconnect raises an alert, so that alerts come all the time.
    """

    first: int
    events: int
    clients: int
    alert_every: int = ALERT_EVERY


def storm(wanted: Storm, last: str) -> Iterator[Message]:
    """The last one is the marker `last`, and part of the number of events."""
    templates = _templates()
    kinds, clients, alert_every = len(templates), wanted.clients, wanted.alert_every
    for number in range(wanted.first, wanted.first + wanted.events - 1):
        if number % alert_every == alert_every - 1:
            yield marker(number, f"alert-{number}")
        else:
            name = b"client-%d" % (number % clients)
            yield SUBJECT, templates[number % kinds] % (number, number, number % HOSTS, number, name)
    yield marker(wanted.first + wanted.events - 1, last)


def marker(number: int, name: str) -> Message:
    """The disconnect of a client of the account that raises alerts."""
    return MARKER_SUBJECT, _marker() % (number, number, number % HOSTS, number, name.encode())


@cache
def _templates() -> list[bytes]:
    """The recorded disconnects, with places for what tells one event from the other; made once, filled in cheaply."""
    lines = map(json.loads, RECORDING.read_text().splitlines())
    return [_template(json.loads(line["data"])) for line in lines if line["subject"] == SUBJECT]


@cache
def _marker() -> bytes:
    return _templates()[0].replace(b'"APP"', b'"%b"' % MARKER.encode())


def _template(body: dict[str, Any]) -> bytes:
    body["id"] = "@id"
    body["server"]["seq"] = "@seq"
    body["client"].update(host="@host", id="@client", name="@name")
    text = json.dumps(body, separators=(",", ":")).encode().replace(b"%", b"%%")
    places = {
        b"@id": b'"Qcx7qLgs9z%012d"',
        b"@seq": b"%d",
        b"@host": b'"10.0.0.%d"',
        b"@client": b"%d",
        b"@name": b'"%b"',
    }
    # They are filled in in this order: as servers write them.
    assert sorted(places, key=text.index) == list(places)
    for mark, place in places.items():
        text = text.replace(b'"%b"' % mark, place)
    return text
