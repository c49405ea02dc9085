"""Events that tests describe become the messages of real servers, and rules read of them what was written."""

import json
from functools import cache

import pytest

from bridge.event import EventType
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.reading import sources
from bridge.inputs import Happening, Message
from bridge.ruletest.message import Numbering, tell
from bridge.ruletest.model import Occurrence
from bridge.ruletest.occurrences import inputs, make, repetitions
from bridge.ruletest.proof import prove
from tests.events.recorded import FILES, NOW, decoder, messages

TYPES = [kind for kind in EVENT_TYPES.values() if not kind.own]
SAMPLES = {"text": "some", "number": 7, "bytes": "3MiB", "seconds": "250ms", "percent": "40%", "time": "-10s"}
OTHER_EVENTS = {
    *(("client.rejected", path) for path in ("client.acc", "client.user", "client.lang", "account.id", "account.name")),
    ("leafnode.connect", "client.kind"),
    ("leafnode.disconnect", "client.kind"),
}
"""What with another text in this field is another event."""


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_every_field_of_every_event_can_be_written(kind: EventType) -> None:
    for path, field in kind.fields.items():
        if path not in ("type", "subject") and (kind.name, path) not in OTHER_EVENTS:
            prove(Occurrence(at=0, event=kind.name, fields={path: SAMPLES[field.kind]}), Names())


@pytest.mark.parametrize(("name", "path"), sorted(OTHER_EVENTS))
def test_a_field_that_makes_another_event_is_refused(name: str, path: str) -> None:
    with pytest.raises(ValueError, match="with these fields"):
        prove(Occurrence(at=0, event=name, fields={path: "some"}), Names())


@pytest.mark.parametrize(
    "kind", [kind for kind in TYPES if "*" in (kind.subjects + kind.aliases)[0]], ids=lambda kind: kind.name
)
def test_parts_of_the_subject_can_be_written(kind: EventType) -> None:
    place = (kind.subjects + kind.aliases)[0].split(".").index("*") + 1
    prove(Occurrence(at=0, event=kind.name, fields={f"token.{place}": "some"}), Names())


@cache
def recorded() -> dict[str, set[str]]:
    """The dotted paths of the payloads that servers of today sent, by event."""
    decode = decoder().decode
    found: dict[str, set[str]] = {}
    for path in FILES:
        for message in messages(path) if path.parent.name == "2.15.1" else ():
            event = decode(message.subject, message.data, message.at)
            if event is not None:
                found.setdefault(event.type, set()).update(shape(json.loads(event.raw)))
    for kind in TYPES:
        if kind.name not in found:  # Not recorded: what the catalogue says.
            paths = {source for path in kind.fields for source in sources(kind, path)}
            found[kind.name] = {f".{path}" for path in paths | {"id", "type"}}
    return found


def shape(payload: object, below: str = "") -> set[str]:
    """The dotted paths of all that a payload holds."""
    if not isinstance(payload, dict):
        return {below}
    return {path for key, value in payload.items() for path in shape(value, f"{below}.{key}")}


@pytest.mark.parametrize("kind", TYPES, ids=lambda kind: kind.name)
def test_nothing_stands_in_a_message_that_no_server_sends(kind: EventType) -> None:
    message = tell(kind, {}, NOW, Numbering(), Names())
    assert isinstance(message, Message)
    assert shape(json.loads(message.data)) <= recorded()[kind.name]


@pytest.mark.parametrize("name", [name for name, kind in EVENT_TYPES.items() if kind.own])
def test_events_about_the_bridge_are_told_as_such(name: str) -> None:
    happened = make(next(repetitions(Occurrence(at=0, event=name), NOW)), Numbering(), Names())
    assert happened == Happening(name.removeprefix("bridge."), {}, NOW)


def test_each_process_numbers_its_messages_in_the_order_of_time() -> None:
    later = {"at": "10s", "event": "server.statsz", "fields": {"server.name": "a"}, "count": 2, "every": "20s"}
    sooner = {"at": "0s", "event": "server.statsz", "fields": {"server.name": ["b", "a"]}, "every": "20s"}
    occurrences = map(Occurrence.model_validate, (later, sooner))
    given = [each for each in inputs(occurrences, NOW, Names()) if isinstance(each, Message)]
    servers = [json.loads(message.data)["server"] for message in given]
    assert [(server["name"], server["seq"]) for server in servers] == [("b", 1), ("a", 1), ("a", 2), ("a", 3)]
    assert len({server["id"] for server in servers}) == 2


def test_the_times_of_a_message_are_those_of_its_event() -> None:
    message = tell(EVENT_TYPES["client.disconnect"], {"client.start": -60.0}, NOW, Numbering(), Names())
    assert isinstance(message, Message)
    body = json.loads(message.data)
    assert body["timestamp"] == body["server"]["time"] == body["client"]["stop"] == "2026-11-23T08:03:20Z"
    assert body["client"]["start"] == "2026-11-23T08:02:20Z"
