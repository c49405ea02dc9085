"""The recorded messages of real servers, and decoders that want every field of every type."""

import json
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

from bridge.event import Event
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.decoder import Decoder
from bridge.events.reading import read_number, read_text
from bridge.inputs import Message
from bridge.once import Once
from bridge.values import SECOND

FILES = sorted((Path(__file__).parent.parent / "corpus").glob("*/*.jsonl"))
EVERYTHING: Mapping[str, set[str]] = {name: set(kind.fields) for name, kind in EVENT_TYPES.items() if not kind.own}
NOW = 1_795_421_000 * SECOND


def messages(path: Path) -> Iterator[Message]:
    for line in path.read_text().splitlines():
        record = json.loads(line)
        yield Message(record["subject"], record["data"].encode(), round(record["at"] * SECOND), record["account"])


def recorded(subject_end: str, version: str = "*") -> list[Message]:
    """All messages whose subject ends so."""
    return [
        message
        for path in FILES
        if version in ("*", path.parent.name)
        for message in messages(path)
        if message.subject.endswith(subject_end)
    ]


IMPORTING = Names(imports="acct.*.")


def decoder(names: Names | None = None, once: Once | None = None, raw: Collection[str] = ()) -> Decoder:
    return Decoder(EVERYTHING, once or Once(), names or IMPORTING, raw)


def hear(decodes: Decoder, message: Message) -> Event | None:
    return decodes.decode(message.subject, message.data, message.at, message.account)


def decode(message: Message, names: Names | None = None) -> Event:
    event = hear(decoder(names), message)
    assert event is not None
    return event


def event(subject: str, body: Any, names: Names | None = None) -> Event:
    return decode(Message(subject, json.dumps(body).encode(), NOW), names)


def number(event: Event, path: str) -> float | None:
    return read_number(EVENT_TYPES[event.type], path, Names())(event)


def text(event: Event, path: str, names: Names | None = None) -> str | None:
    return read_text(EVENT_TYPES[event.type], path, names or Names())(event)


def connection(**client: Any) -> dict[str, Any]:
    """A disconnect as servers send it; `_` names go beside the client."""
    server = {"name": "n1", "id": "P1", "seq": 5, "ver": "2.15.1"}
    beside = {name[1:]: client.pop(name) for name in list(client) if name.startswith("_")}
    about = {"host": "10.0.0.9", "id": 7, "acc": "APP", "user": "app", "kind": "Client", "lang": "go", **client}
    return {"id": "one", "server": server, "client": about, "reason": "Client Closed", **beside}


GONE, CAME, REFUSED = "$SYS.ACCOUNT.APP.DISCONNECT", "$SYS.ACCOUNT.APP.CONNECT", "$SYS.SERVER.P1.CLIENT.AUTH.ERR"
REJECTED = "$SYS.ACCOUNT.$G.DISCONNECT"
STATSZ = "$SYS.SERVER.P1.STATSZ"
