"""Recordings: one JSON object a line. What the engine was told becomes lines, without credentials, and lines become it.

Pure: whoever reads or writes the file hands lines over.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any, Final

import msgspec

from bridge.errors import RecordingError
from bridge.event import Event, payload, walk
from bridge.events.accounts import Names, hides_tokens
from bridge.events.claims import claims
from bridge.events.families import SIZE_MAX, size_max_of
from bridge.inputs import Blind, Happening, Input, Message, Own, Sight
from bridge.text import one_line
from bridge.values import SECOND

OWN: Final = "bridge."
"""What the subjects of lines about the bridge itself begin with; what follows is the name of an event, or one of:"""
BLIND: Final = "bridge.blind"
SIGHT: Final = "bridge.sight"
CONNECTION: Final = "bridge.connection"

AT_MAX = 10_000_000_000.0
"""Unix seconds; whatever is larger was written in another unit."""

_BYTE = re.compile(r"\(byte (\d+)\)")


class _Line(msgspec.Struct, gc=False):
    """`headers` are skipped: nothing depends on them."""

    at: float
    subject: str
    data: str
    account: str = ""


class _Connection(msgspec.Struct):
    server_id: str
    client_id: int


_decode_line = msgspec.json.Decoder(_Line).decode
_decode_fields = msgspec.json.Decoder(dict[str, Any]).decode
_decode_connection = msgspec.json.Decoder(_Connection).decode


def read(lines: Iterable[bytes], name: str) -> Iterator[Input]:
    """What the lines of a recording tell the engine; empty lines are skipped. `name` is the file's, for errors.

    The bridge hears from the first line on, unless that line says that it is blind. Raises RecordingError.
    """
    decode = _decode_line
    begun = False
    for number, raw in enumerate(lines, 1):
        try:
            line = decode(raw)
        except (ValueError, RecursionError) as error:
            if not raw.strip():
                continue
            raise RecordingError(name, number, _complaint(raw, error)) from None
        if not 0.0 <= line.at < AT_MAX:
            raise RecordingError(name, number, f"at is {line.at:g}; write the time in seconds since 1970, UTC")
        at = round(line.at * SECOND)
        if not begun:
            begun = True
            if line.subject not in (BLIND, SIGHT):
                yield Sight(at)
        if line.subject.startswith(OWN):
            yield _own(line, at, name, number)
        else:
            yield Message(line.subject, line.data.encode(), at, line.account)


def write(given: Input, at: int, names: Names) -> bytes | None:
    """The line for an input that came at an instant; None for what is no part of a recording, such as deliveries.

    Credentials are gone from it and strangers' text is cleaned. With `names.token_auth` users are hashes where a
    server may have put a token there.
    """
    match given:
        case Message():
            body = clean_body(given.data, names, size_max_of(given.subject))
            return _line(at, _subject(given.subject), body, _subject(given.account))
        case Happening():
            return _line(at, OWN + given.name, _encode(payload(Event("", at, "", given.fields))))
        case Blind():
            return _line(at, BLIND, "")
        case Sight():
            return _line(at, SIGHT, "")
        case Own():
            return _line(at, CONNECTION, _encode(_Connection(given.server_id, given.client_id)))
        case _:
            return None


def clean_body(data: bytes, names: Names, size_max: int = SIZE_MAX) -> str:
    """A payload as it may be kept: of a JWT what it claims. What else is no JSON object cannot be cleaned: blanks that
    are none stand for it."""
    if len(data) > size_max:
        return " " * (size_max + 1)
    try:
        body = msgspec.json.decode(data)
    except (ValueError, RecursionError) as error:
        claimed = claims(data.decode("utf-8", "replace").strip())
        return _encode({"claimed": claimed}) if claimed else _blank(len(data), error)
    if not isinstance(body, dict):
        return _encode(type(body)()).ljust(len(data))
    hide_user = names.token_auth and not hides_tokens(walk(body, "server.ver"))
    kept = payload(Event("", 0, "", body), hide_user)
    if claimed := claims(walk(body, "client.jwt")):
        kept["claimed"] = claimed
    return _encode(kept)


def _own(line: _Line, at: int, name: str, number: int) -> Input:
    if line.subject == BLIND:
        return Blind(at)
    if line.subject == SIGHT:
        return Sight(at)
    try:
        if line.subject == CONNECTION:
            connection = _decode_connection(line.data)
            return Own(connection.server_id, connection.client_id, at)
        fields = _decode_fields(line.data) if line.data else {}
    except (ValueError, RecursionError) as error:
        what = f"the data of {line.subject[:60]} are not its fields ({error}); write a JSON object as text"
        raise RecordingError(name, number, what) from None
    return Happening(line.subject.removeprefix(OWN), fields, at)


def _complaint(raw: bytes, error: Exception) -> str:
    if not raw.endswith(b"\n") and "truncated" in str(error):
        return "the last line is not complete; remove it"
    shape = 'write {"at": seconds, "subject": text, "headers": {}, "data": text}, or remove the line'
    return f"this is no line of a recording ({str(error)[:200]}); {shape}"


def _line(at: int, subject: str, data: str, account: str = "") -> bytes:
    line = {"at": at / SECOND, "subject": subject, "headers": {}, "data": data}
    return msgspec.json.encode({**line, "account": account} if account else line) + b"\n"


def _subject(subject: str) -> str:
    return subject if subject.isprintable() else one_line(subject)


def _encode(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _blank(size: int, error: Exception) -> str:
    """What a decoder refuses for the same reason, as far as that can be had without a word of the original."""
    place = _BYTE.search(str(error))
    return (" " * int(place[1]) + "x" if place else "").ljust(size)
