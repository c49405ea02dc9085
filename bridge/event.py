"""An event: one thing that happened, and how rules read its fields. Text that strangers chose is cleaned here."""

import hashlib
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Literal

import msgspec

from bridge.values import SECOND

Kind = Literal["text", "number", "bytes", "seconds", "percent", "time"]
"""What a field is: `seconds` of rules are nanoseconds in payloads; `time` is compared as the span until it."""

Hearer = Literal["system", "account", "both", "asker"]
"""Whom servers tell an event: the system account, the account that it is about, both of them, or the account whose
user asked for it (the system account where that is its own)."""

Value = str | float | None
"""What a rule reads: None where the event does not have the field."""

NUMBER_MAX = 1e300
"""No server counts so far, and the sum of a window stays finite."""

TEXT_MAX = 256
"""Characters of a stranger's text that are kept."""

CREDENTIALS = frozenset(
    {"jwt", "nonce", "raw", "nkey", "sig", "auth_token", "pass", "password", "trusted_operators_jwt"}
)
"""Keys of payloads whose values are credentials, or raw certificates: gone before anybody sees the event."""

_HASHED = re.compile(r"token:[0-9a-f]{12}")


class Field(msgspec.Struct, frozen=True):
    """A field that events of a type can have."""

    path: str
    kind: Kind
    about: str
    zero: bool = False
    """Servers leave it out while it is 0."""
    derive: Callable[..., Any] | None = None
    """Computes it from the values at `sources` instead of reading it: a number, or for a text any JSON value."""
    sources: tuple[str, ...] = ()
    values: tuple[str, ...] = ()
    """All that servers write there, where that is known."""
    counter: bool = False
    """It only grows while its server runs."""


class EventType(msgspec.Struct, frozen=True, kw_only=True):
    """What the catalogue knows about one type of event."""

    name: str
    subjects: tuple[str, ...]
    """What the bridge subscribes to if a rule wants it."""
    about: str
    fields: Mapping[str, Field]
    aliases: tuple[str, ...] = ()
    """Other subjects whose messages are events of this type: nothing subscribes to them for its sake."""
    poll: str = ""
    """The request that it answers, such as HEALTHZ: its messages are made of what the bridge asks for."""
    account: str = ""
    """Where in the payload its account's id stands, or is put if the subject says it; "" for events of no account."""
    tag: str = ""
    """Where the account's name stands, if a server tells it."""
    told_to: Hearer = "system"
    since: str = ""
    """The first version of the server that tells it; "" for all that the bridge works with."""
    severity: str = "info"
    """How urgent it usually is: info, warning or critical."""
    responder: bool = False
    """Its messages are requests: where nobody answers them, whoever listens hides that from those who ask."""
    series: tuple[str, ...] = ()
    """The fields that name the series of a measurement; empty for events that measure nothing."""
    ends_with: tuple[str, ...] = ()
    """Events of the same server after which its series have no measurement any more."""

    @property
    def own(self) -> bool:
        """It comes from the bridge itself, not from NATS."""
        return not (self.subjects or self.aliases)

    @property
    def imported(self) -> bool:
        """The system account hears of it in other accounts only if it imports it."""
        return self.told_to in ("account", "asker")


class Event(msgspec.Struct, gc=False):
    """One event. `at` is in microseconds; the engine sets it so that it never goes back."""

    type: str
    """The name of its type in the catalogue; "" for what is not in it, whatever it says of itself."""
    at: int
    subject: str
    body: Any
    """A struct with the fields that rules ask for, or a dict."""
    raw: bytes = b""
    server_id: str = ""
    server_seq: int = 0
    said: str = ""
    """The type that an event outside the catalogue gives itself."""
    parsed: dict[str, Any] | None = None
    """The whole payload, once somebody needed it."""
    account: str | None = None
    """The name of its account, if a rule reads it."""


def clean(text: str) -> str:
    """A stranger's text, safe to keep: one line, no control or direction characters, at most 256 characters."""
    if len(text) <= TEXT_MAX and text.isprintable():
        return text
    text = unicodedata.normalize("NFC", text[: TEXT_MAX * 4]).replace("\r\n", "⏎").replace("\n", "⏎")
    text = "".join(c for c in text if c.isprintable() or c == "\u00a0")
    return text if len(text) <= TEXT_MAX else text[: TEXT_MAX - 1] + "…"


def as_text(value: object) -> str | None:
    """A JSON value as rules and labels see it: `9` is "9", `true` is "true"; a list or object is no text."""
    if type(value) is str:
        return value if len(value) <= TEXT_MAX and value.isprintable() else clean(value)
    if value is None:
        return None
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int):
        return str(value) if -(2**64) < value < 2**64 else None
    if isinstance(value, float):
        return repr(int(value)) if value.is_integer() and abs(value) < 1e15 else repr(value)
    return None


def as_number(value: object) -> float | None:
    """A JSON number as a float, or None for all else, also for one that sums and ratios could not carry."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    return float(value) if -NUMBER_MAX <= value <= NUMBER_MAX else None


def parse_time(value: object) -> int | None:
    """A server's RFC 3339 time, with `Z` or an offset and up to nine decimals, in microseconds; None if it is none."""
    if not isinstance(value, str) or len(value) > 40:
        return None
    try:
        moment = datetime.fromisoformat(value)
        return round(moment.astimezone(UTC).timestamp() * SECOND) if moment.tzinfo else None
    except (ValueError, OverflowError):
        return None


def walk(body: object, path: str) -> object:
    """The value at a dotted path of a decoded payload; None where there is none."""
    for name in path.split("."):
        if not isinstance(body, dict):
            return None
        body = body.get(name)
    return body


def hash_token(user: str) -> str:
    """What stands in the place of a user that may be an authentication token; of such a text, it is that text."""
    if _HASHED.fullmatch(user):
        return user  # From a recording.
    return "token:" + hashlib.sha256(user.encode("utf-8", "replace")).hexdigest()[:12]


def payload(event: Event, hide_user: bool = False) -> dict[str, Any]:
    """The whole payload for display: credentials gone, strangers' text cleaned. {} if it is no JSON object."""
    purged: dict[str, Any] = _purge(whole(event), hide_user)
    return purged


def whole(event: Event) -> dict[str, Any]:
    """The whole payload as it came, credentials included: for reading single fields. {} if it is no JSON object."""
    if isinstance(event.body, dict):
        return event.body
    if event.parsed is None:
        try:
            body = msgspec.json.decode(event.raw)
        except (ValueError, RecursionError):
            body = {}
        event.parsed = body if isinstance(body, dict) else {}
    return event.parsed


def _purge(value: Any, hide_user: bool, depth: int = 0) -> Any:
    if isinstance(value, dict):
        if depth > 20:
            return {}
        return {
            clean(str(name)): hash_token(item)
            if hide_user and name == "user" and isinstance(item, str) and item
            else _purge(item, hide_user, depth + 1)
            for name, item in value.items()
            if name not in CREDENTIALS
        }
    if isinstance(value, list):
        return [_purge(item, hide_user, depth + 1) for item in value[:1000]] if depth <= 20 else []
    return clean(value) if isinstance(value, str) else value
