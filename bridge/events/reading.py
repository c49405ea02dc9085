"""How rules read fields: each dotted path becomes one function of the event, made once when the rules are loaded."""

import base64
from collections.abc import Callable, Mapping
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from bridge.event import (
    CREDENTIALS,
    TEXT_MAX,
    Event,
    EventType,
    Field,
    Value,
    as_number,
    as_text,
    clean,
    hash_token,
    parse_time,
    payload,
    walk,
    whole,
)
from bridge.values import SECOND

Reader = Callable[[Event], Value]

NANOSECOND = 1e-9

VERSION_MAX = 64
"""Characters; no version is longer."""

_CLAIMS = ("name", "iss", "sub", "account", "exp")

_TOKEN_HIDDEN = ((2, 10, 28), (2, 11, 0), (2, 11, 2))
"""From the first on a server hides tokens, but for those between the second and the third."""


class Names(msgspec.Struct, frozen=True):
    """What the operator says about accounts: names for ids, and whether `user` may be a token."""

    accounts: Mapping[str, str] = {}
    token_auth: bool = False


def read_text(kind: EventType | None, path: str, names: Names) -> Callable[[Event], str | None]:
    """A field as text. `kind` None: events of any type, by their payload."""
    field = kind.fields.get(path) if kind else None
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
    if field and field.derive:
        return _derived(field, [_attributes(source) for source in field.sources])
    read = _source(kind, path, names)
    if field and field.kind == "time":
        return _until(read)
    # A server's durations are in nanoseconds; our own are in seconds already.
    scale = NANOSECOND if field and field.kind == "seconds" and kind and kind.subjects else 1.0
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
    if path == "account.id":
        return {"client.acc"}
    if path == "account.name":
        return {"client.acc", "client.name_tag", "server.ver"}
    field = kind.fields.get(path)
    return set(field.sources) if field and field.sources else {path}


def _derived(field: Field, reads: list[Callable[[Event], Any]]) -> Callable[[Event], float | None]:
    derive, absent = field.derive, 0.0 if field.zero else None
    assert derive is not None

    def read(event: Event) -> float | None:
        values = [source(event) for source in reads]
        return absent if None in values else derive(*values)

    return read


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
        case ["account", "id"] if kind:
            return _attributes("client.acc")
        case ["account", "name"] if kind:
            return lambda event: event.account
        case ["account", "id" | "name" as part]:
            return _any_account(names if part == "name" else Names())
        case ["claimed", name]:
            return _claimed(name, kind)
        case parts if kind is None and CREDENTIALS.intersection(parts):
            return lambda event: None
        case [*_, "user"] if kind is None and names.token_auth:
            return lambda event: _hidden(walk(whole(event), path))
        case _:
            return _attributes(path) if kind and kind.subjects else _payload_at(path)


def _hidden(user: object) -> object:
    return hash_token(user) if isinstance(user, str) and user else user


def straight(kind: EventType, path: str) -> str:
    """Where the decoder has put a field as the text that rules read, as a path from the event; "" if nowhere."""
    if path == "account.name" and path in kind.fields and kind.subjects:
        return "account"
    return f"body.{path}" if is_cleaned(kind, path) else ""


def is_cleaned(kind: EventType, path: str) -> bool:
    """Whether the decoder cleans the field's text in its place."""
    field = kind.fields.get(path)
    if field is None or not kind.subjects or field.kind != "text" or field.derive or field.zero:
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


ACCOUNTS_MAX = 10_000
"""Accounts whose name is remembered, so that it is worked out once and not for every event."""


class AccountNames:
    """The names of connections' accounts."""

    def __init__(self, names: Names) -> None:
        self._names = names
        self._known: dict[tuple[str, str | None, str | None], str | None] = {}

    def of(self, body: Any) -> str | None:
        """Of the account that a connection's event tells of."""
        client, ver = body.client, body.server.ver
        account, tag = client.acc, client.name_tag
        try:
            return self._known[account, tag, ver]
        except (KeyError, TypeError):  # TypeError: a list where text is expected
            name = as_text(_name_of(self._names, account, tag, ver))
        if all(part is None or type(part) is str for part in (account, tag, ver)):
            self._remember((account, tag, ver), name)
        return name

    def _remember(self, key: tuple[str, str | None, str | None], name: str | None) -> None:
        if sum(len(part or "") for part in key) > TEXT_MAX:
            return
        if len(self._known) >= ACCOUNTS_MAX:
            self._known.clear()
        self._known[key] = name


def _name_of(names: Names, account: object, tag: object, ver: object) -> object:
    if isinstance(account, str) and (name := names.accounts.get(account)):
        return name
    # Before 2.11 the tag is the user's name, not the account's.
    return tag if isinstance(tag, str) and tag and version(ver) >= (2, 11) else account


def _any_account(names: Names) -> Callable[[Event], Any]:
    def read(event: Event) -> Any:
        body = whole(event)
        account = walk(body, "acc") or walk(body, "client.acc") or walk(body, "account")
        if account is None and event.subject.startswith("$SYS.ACCOUNT."):
            account = _token(event.subject, 2)
        return names.accounts.get(account, account) if isinstance(account, str) else None

    return read


def version(text: object) -> tuple[int, ...]:
    """`2.10.21-RC.1` → (2, 10, 21); () if it is no version."""
    return _version(text) if isinstance(text, str) and len(text) <= VERSION_MAX else ()


@lru_cache(maxsize=256)
def _version(text: str) -> tuple[int, ...]:
    numbers = text.split("-", maxsplit=1)[0].split(".")
    return (
        tuple(int(number) for number in numbers)
        if all(number.isascii() and number.isdigit() for number in numbers)
        else ()
    )


def hides_tokens(text: object) -> bool:
    """Whether a server of this version hides the tokens of logins, so that a user is a user."""
    number = version(text)
    first, gap_begin, gap_end = _TOKEN_HIDDEN
    return number >= first and not gap_begin <= number < gap_end


def claims(jwt: object) -> dict[str, Any]:
    """What rules can read of a JWT, as `claimed.…`: {} if it is none. Nobody has checked its signature."""
    found = {name: _claim(jwt, name) for name in _CLAIMS}
    return {name: value for name, value in found.items() if isinstance(value, str | int | float)}


def _claimed(name: str, kind: EventType | None) -> Callable[[Event], Any]:
    """A claim of the event's JWT; recordings, which have none, hold the claims themselves."""
    at = _attributes if kind else _payload_at
    jwt, kept = at("client.jwt"), at("claimed")

    def read(event: Event) -> Any:
        given = jwt(event)
        return walk(kept(event), name) if given is None else _claim(given, name)

    return read


def _claim(jwt: object, name: str) -> Any:
    """One claim of a JWT whose signature nobody has checked."""
    if not isinstance(jwt, str) or jwt.count(".") != 2:
        return None
    middle = jwt.split(".")[1]
    try:
        claims = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, RecursionError):
        return None
    if name == "account":
        return walk(claims, "nats.issuer_account") or walk(claims, "iss")
    value = walk(claims, name)
    return clean(value) if isinstance(value, str) else value
