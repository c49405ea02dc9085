"""From an event as rules see it to the message that a server would send, so that tests go the way of live events."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec

from bridge.event import EventType, Field
from bridge.events.accounts import Names
from bridge.inputs import Happening, Message
from bridge.ruletest.defaults import SERVER, defaults
from bridge.ruletest.inverse import inverse_of
from bridge.ruletest.written import Written
from bridge.values import SECOND

Body = dict[str, Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_BARE = (".SHUTDOWN", ".LAMEDUCK")
"""Messages that are a server object and nothing around it."""
_ANY = "test"
"""A part of a subject that may be anything."""


class Numbering:
    """What servers number: each process its messages, and each event has an id of its own."""

    def __init__(self) -> None:
        self._events = 0
        self._messages: dict[str, int] = {}

    def event(self) -> int:
        self._events += 1
        return self._events

    def message(self, server_id: str) -> int:
        self._messages[server_id] = self._messages.get(server_id, 0) + 1
        return self._messages[server_id]


def tell(
    kind: EventType, fields: Mapping[str, Written], at: int, numbering: Numbering, names: Names
) -> Message | Happening:
    """The event with these fields as it reaches the bridge at an instant; what is not said is as on an idle server."""
    if kind.own:
        told = {path: _plain(value) for path, value in fields.items() if value is not None}
        return Happening(kind.name.removeprefix("bridge."), told, at)
    number = numbering.event()
    body: Body = {"server": {}} if "server.seq" in kind.fields else {}
    given: dict[str, Written] = {**_defaults(kind, number), **fields}
    for path in sorted(given, key=lambda path: _is_derived(kind, path)):  # from others, so after them
        if not path.startswith("token.") and path not in _ACCOUNT:
            _set(body, kind, path, given[path], at)
    _name_account(body, kind, fields, names)
    if "server.seq" in kind.fields:
        server = body["server"]
        server.setdefault("id", _process(str(server.get("name"))))
        server.setdefault("seq", numbering.message(str(server["id"])))
    subject = _subject((kind.subjects + kind.aliases)[0], body, fields)
    return Message(subject, msgspec.json.encode(body["server"] if subject.endswith(_BARE) else body), at)


def rfc3339(at: int) -> str:
    """An instant as servers write it."""
    return (_EPOCH + timedelta(microseconds=at)).isoformat().replace("+00:00", "Z")


def _defaults(kind: EventType, number: int) -> dict[str, Written]:
    own: dict[str, Written] = {
        "id": f"test-{number}",
        "client.id": float(number),
        "timestamp": 0.0,
        "client.start": 0.0,
    }
    given = {**SERVER, **own}
    known = {path: value for path, value in given.items() if path in kind.fields and not _is_derived(kind, path)}
    return {**known, **defaults(kind)}


# -- single fields ----------------------------------------------------------------------------------------------


def _set(body: Body, kind: EventType, path: str, value: Written, at: int) -> None:
    if _is_derived(kind, path):
        if value is not None and (inverse := inverse_of(path, kind.fields[path])):
            inverse(body, value)
    else:
        _place(body, path, None if value is None else _payload(kind.fields.get(path), value, at))


def _is_derived(kind: EventType, path: str) -> bool:
    return path in kind.fields and kind.fields[path].derive is not None


def _payload(field: Field | None, value: str | float, at: int) -> object:
    if isinstance(value, str):
        return value
    match field.kind if field else "number":
        case "seconds":
            return round(value * 1e9)  # servers count nanoseconds
        case "time":
            return rfc3339(at + round(value * SECOND))
    return _plain(value)


def _plain(value: Written) -> object:
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _place(body: Body, path: str, value: object) -> None:
    *parents, leaf = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    if value is None:
        body.pop(leaf, None)
    else:
        body[leaf] = value


# -- accounts, servers, subjects --------------------------------------------------------------------------------

_ACCOUNT = ("account.id", "account.name")


def _name_account(body: Body, kind: EventType, fields: Mapping[str, Written], names: Names) -> None:
    """Which account it is. A name that the rules file gives to an id stands for that id."""
    id, name = (fields.get(path) for path in _ACCOUNT)
    if id is None and name is None:
        return
    known = next((known for known, told in names.accounts.items() if told == name), name)
    if kind.responder:
        _place(body, "claimed.accounts" if "claimed.accounts" in kind.fields else "claimed.account", id or known)
        return
    _place(body, kind.account, fields.get(kind.account, id or known))
    if kind.tag:
        _place(body, kind.tag, fields.get(kind.tag, name))


def _process(server: str) -> str:
    """The id of a server's process: the same as long as the test does not say otherwise."""
    return "N" + hashlib.blake2b(server.encode(), digest_size=8).hexdigest().upper()


def _subject(pattern: str, body: Body, fields: Mapping[str, Written]) -> str:
    parts = [_ANY if part in ("*", ">") else part for part in pattern.split(".")]
    if pattern.startswith("$SYS.ACCOUNT.*"):
        parts[2] = str(body.get("client", body).get("acc", _ANY))
    elif pattern.startswith("$SYS.SERVER.*"):
        parts[2] = str(body["server"]["id"])
    elif pattern.startswith("$SYS.REQ.SERVER.*"):
        parts[3] = str(body["server"]["id"])
    elif pattern.startswith("$JS.EVENT."):
        names = [str(body[name]) for name in ("stream", "consumer") if name in body]
        parts = [names.pop(0) if part == _ANY and names else part for part in parts]
    for path, value in fields.items():
        if path.startswith("token.") and value is not None and int(path[6:]) <= len(parts):
            parts[int(path[6:]) - 1] = str(value)
    return ".".join(parts)
