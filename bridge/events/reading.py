"""How rules read fields: each dotted path becomes one function of the event, made once when the rules are loaded."""

from collections.abc import Callable
from operator import attrgetter
from typing import Any

import msgspec

from bridge.event import (
    CREDENTIALS,
    Event,
    EventType,
    Field,
    Value,
    as_number,
    as_text,
    hash_token,
    parse_time,
    payload,
    walk,
    whole,
)
from bridge.events.accounts import Names
from bridge.events.claims import claim
from bridge.events.families import unlabelled
from bridge.values import SECOND

Reader = Callable[[Event], Value]

NANOSECOND = 1e-9


def read_text(kind: EventType | None, path: str, names: Names) -> Callable[[Event], str | None]:
    """A field as text. `kind` None: events of any type, by their payload."""
    field = kind.fields.get(path) if kind else None
    if field and field.derive and field.kind == "text":
        return _derived_text(field)
    if field and (field.derive or field.zero or field.kind == "seconds"):
        number = read_number(kind, path, names)
        return lambda event: as_text(number(event))
    if kind and (place := straight(kind, path)):
        return attrgetter(place)
    read = _source(kind, path, names)
    return lambda event: as_text(read(event))


def read_number(kind: EventType | None, path: str, names: Names) -> Callable[[Event], float | None]:
    """A field as a number in its kind's unit: seconds for durations, the span until it for a time."""
    field = kind.fields.get(path) if kind else None
    if field and field.derive and field.kind == "text":
        return lambda event: None
    if field and field.derive:
        return _derived(field, [_attributes(source) for source in field.sources])
    read = _source(kind, path, names)
    if field and field.kind == "time":
        return _until(read)
    # A server's durations are in nanoseconds; our own are in seconds already.
    scale = NANOSECOND if field and field.kind == "seconds" and kind and not kind.own else 1.0
    absent = 0.0 if field and field.zero else None

    def number(event: Event) -> float | None:
        value = as_number(read(event))
        return absent if value is None else value * scale

    return number


def sources(kind: EventType, path: str) -> set[str]:
    """The paths of the payload that a field is made from, so that only those are decoded."""
    if path in ("type", "subject", "") or path.startswith("token."):
        return set()
    if path.startswith("claimed."):
        return {"client.jwt", "claimed"}
    if path == "account.id" and kind.account:
        return {kind.account}
    if path == "account.name" and kind.account:
        return {kind.account, *([kind.tag] if kind.tag else [])}
    field = kind.fields.get(path)
    return set(field.sources) if field and field.sources else {path}


def _derived(field: Field, reads: list[Callable[[Event], Any]]) -> Callable[[Event], float | None]:
    derive, absent = field.derive, 0.0 if field.zero else None
    assert derive is not None

    def read(event: Event) -> float | None:
        values = [source(event) for source in reads]
        return absent if None in values else derive(*values)

    return read


def _derived_text(field: Field) -> Callable[[Event], str | None]:
    """Where a source is absent, so is its value; the field may still be told from the others."""
    derive, reads = field.derive, [_attributes(source) for source in field.sources]
    assert derive is not None
    return lambda event: as_text(derive(*[read(event) for read in reads]))


def _until(read: Callable[[Event], Any]) -> Callable[[Event], float | None]:
    def span(event: Event) -> float | None:
        value = read(event)
        seconds = as_number(value)
        if seconds is not None:
            return seconds - event.at / SECOND
        moment = parse_time(value)
        return (moment - event.at) / SECOND if moment is not None else None

    return span


def _source(kind: EventType | None, path: str, names: Names) -> Callable[[Event], Any]:
    match path.split("."):
        case ["type"]:
            return lambda event: event.type or event.said
        case ["subject"]:
            return lambda event: event.subject
        case [""]:
            return lambda event: msgspec.json.encode(payload(event, names.token_auth)).decode()
        case ["token", number] if number.isdigit():
            place = int(number) - 1
            return lambda event: _token(event.subject, place)
        case _ if kind and path not in kind.fields:
            return lambda event: None  # Another event of the same rule has it.
        case ["account", "id"] if kind and kind.account:
            return _attributes(kind.account)
        case ["account", "name"] if kind and kind.account:
            return lambda event: event.account
        case ["account", "id" | "name" as part]:
            return _any_account(names, named=part == "name")
        case ["claimed", name]:
            return _claimed(name, kind)
        case parts if kind is None and CREDENTIALS.intersection(parts):
            return lambda event: None
        case [*_, "user"] if kind is None and names.token_auth:
            return lambda event: _hidden(walk(whole(event), path))
        case _:
            return _attributes(path) if kind and not kind.own else _payload_at(path)


def _hidden(user: object) -> object:
    return hash_token(user) if isinstance(user, str) and user else user


def straight(kind: EventType, path: str) -> str:
    """Where the decoder has put a field as the text that rules read, as a path from the event; "" if nowhere."""
    if path == "account.name" and path in kind.fields and kind.account:
        return "account"
    return f"body.{path}" if is_cleaned(kind, path) else ""


def is_cleaned(kind: EventType, path: str) -> bool:
    """Whether the decoder cleans the field's text in its place."""
    field = kind.fields.get(path)
    if field is None or kind.own or field.kind != "text" or field.derive or field.zero:
        return False
    # Of the server's id the decoder must see whether it is text.
    return path not in ("type", "subject", "server.id") and not path.startswith(("token.", "account.", "claimed."))


def _attributes(path: str) -> Callable[[Event], Any]:
    """Reads a path of the decoded struct. Written out for the usual depths, as this is where the time goes."""
    match path.split("."):
        case [a]:
            return lambda event: getattr(event.body, a)
        case [a, b]:
            return lambda event: getattr(getattr(event.body, a), b)
        case names:

            def read(event: Event) -> Any:
                value = event.body
                for name in names:
                    value = getattr(value, name)
                return value

            return read


def _payload_at(path: str) -> Callable[[Event], Any]:
    return lambda event: walk(whole(event), path)


def _token(subject: str, place: int) -> str | None:
    tokens = subject.split(".")
    return tokens[place] if place < len(tokens) else None


def _any_account(names: Names, named: bool) -> Callable[[Event], Any]:
    def read(event: Event) -> Any:
        body = whole(event)
        account = walk(body, "acc") or walk(body, "client.acc") or walk(body, "account")
        if account is None:
            account = unlabelled(event.subject, names.imports)[1]
            if not account and event.subject.startswith("$SYS.ACCOUNT."):
                account = _token(event.subject, 2)
        if not isinstance(account, str) or not account:
            return None
        return names.accounts.get(account, account) if named else account

    return read


def _claimed(name: str, kind: EventType | None) -> Callable[[Event], Any]:
    """A claim of the event's JWT; recordings, which have none, hold the claims themselves."""
    at = _attributes if kind else _payload_at
    kept = at("claimed")
    if kind and kind.responder:
        return lambda event: walk(kept(event), name)
    jwt = at("client.jwt")

    def read(event: Event) -> Any:
        given = jwt(event)
        return walk(kept(event), name) if given is None else claim(given, name)

    return read
