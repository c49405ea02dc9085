"""Every form of every destination, and all the ways in which the server behind it can misbehave."""

import asyncio
import base64
import gzip
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any, Literal, NamedTuple
from zlib import crc32

from bridge.errors import Refused, Rejected, Transient, Trouble
from bridge.receiver import Destination
from bridge.receivers.slack import Slack
from bridge.values import SECOND
from tests.core.stage import START
from tests.receivers.test_contract import CANARY, GIVEN, KEY, TABLE, URL, accepted
from tests.sink import Answer, Received, Sink, answer, cut, flood, hang, raw, reset, trickle

Fate = Literal["told", "later", "refused", "rejected"]
"""What becomes of a message: taken at once, told when the server is well again, the same but told to the fallback
meanwhile, or told to the fallback only."""

SECRETS = [
    CANARY,
    KEY.removeprefix("whsec_"),
    base64.b64encode(f"me:{CANARY}".encode()).decode(),
    base64.b64encode(f"a:{CANARY}".encode()).decode(),
]
"""All that tells one of the secrets that the destinations were given, and the forms in which they go over the line."""

LOUD = "we know " + ", ".join(SECRETS)

PATIENCE = 0.5
"""Seconds after which an answer that does not end is not waited for."""


class Manner(NamedTuple):
    """How a server behaves while it is not well, and what is to become of a message to it."""

    answer: Answer
    fate: Fate
    wait: float = 0.0
    """Seconds that must pass between the first two tries."""
    slow: bool = False
    """It ends only when somebody loses patience."""
    unheard: bool = False
    """The request does not come so far."""


_FATES: dict[type[Trouble] | None, Fate] = {None: "told", Transient: "later", Refused: "refused", Rejected: "rejected"}


def status(code: int, **headers: str) -> Manner:
    """An answer that tells all the secrets that it has heard."""
    fate: Fate = _FATES[TABLE[code]]
    body = b"" if code == 304 else LOUD.encode()
    lines = [f"HTTP/1.1 {code} {LOUD}", f"Content-Length: {len(body)}", f"X-Echo: {LOUD}"]
    lines += [f"{name.replace('_', '-')}: {text}" for name, text in headers.items()]
    wait = 30.0 if "GMT" in headers.get("Retry_After", "") else float(headers.get("Retry_After", 0))
    return Manner(raw("\r\n".join([*lines, "", ""]).encode() + body), fate, wait)


def statuses(other: str) -> dict[str, Manner]:
    """Each from 300 to 599. `other` is where redirects lead."""
    return {
        str(code): status(code, **({"Location": f"{other}/{CANARY}"} if code < 400 else {})) for code in range(300, 600)
    }


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"
BOMB = gzip.compress(b"\0" * 10_000_000)
_DATE = format_datetime(datetime.fromtimestamp(START / SECOND + 31, UTC), usegmt=True)


def _body(code: int, compressed: bool) -> Answer:
    first = f"HTTP/1.1 {code} {LOUD}\r\n".encode()
    if compressed:
        return raw(first + b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB)
    return flood(first + b"\r\n", b"x" * 100_000, 100)


def manners(form: str, other: str) -> dict[str, Manner]:
    """All but the statuses by themselves, and certificates."""
    # An app of Slack cannot know from such a body that it was heard.
    big: Fate = "later" if form.startswith("slack") and form != "slack webhook" else "told"
    return {
        "hang": Manner(hang(), "later", slow=True),
        "trickle": Manner(trickle(HEAD + b"x" * 100, 0.02), "later", slow=True),
        "head without end": Manner(raw(HEAD[:-2]), "later", slow=True),
        "reset": Manner(reset(), "later"),
        "close": Manner(cut(), "later"),
        "half a head": Manner(cut(HEAD[:20]), "later"),
        "half an answer": Manner(cut(HEAD + b"half"), "later"),
        "no HTTP": Manner(cut(f"SSH-2.0-{LOUD}\r\n".encode()), "later"),
        "redirect": status(302, Location=f"{other}/{CANARY}"),
        "10 MB": Manner(_body(200, compressed=False), big),
        "10 MB of trouble": Manner(_body(500, compressed=False), "later"),
        "10 MB of rejection": Manner(_body(400, compressed=False), "rejected"),
        "gzip": Manner(_body(200, compressed=True), big),
        "gzip of trouble": Manner(_body(500, compressed=True), "later"),
        "gzip of refusal": Manner(_body(403, compressed=True), "refused"),
        "retry after seconds": status(429, Retry_After="7"),
        "retry after more seconds": status(503, Retry_After="25"),
        "retry after a date": status(429, Retry_After=_DATE),
    }


class Street(Sink):
    """A server with a door for each case, by the first part of the path. `taken` is what it has taken in, and from
    which case; `turned_away` is the rest."""

    def __init__(self, **keys: Any) -> None:
        super().__init__(**keys)
        self.then = self._answer
        self.manners: dict[str, Manner] = {}
        self.well = False
        self.taken: list[tuple[str, Received]] = []
        self.turned_away: list[tuple[str, Received]] = []

    async def _answer(self, writer: asyncio.StreamWriter) -> None:
        request = self.requests[-1]
        case = door(request)
        manner = self.manners.get(case)
        taken = self.well or manner is None or manner.fate == "told"
        (self.taken if taken else self.turned_away).append((case, request))
        if self.well or manner is None:
            form = form_of(case)
            body = accepted(MADE[form]) if form in MADE else b"ok"
            await answer(200, body)(writer)
        else:
            await manner.answer(writer)


MADE: Mapping[str, Destination] = {form.replace(" ", "-"): kind(**keys) for form, (kind, keys) in GIVEN.items()}


def case_of(form: str, manner: str) -> str:
    """A name that fits into a path, a label and a receiver's name."""
    return f"{form}~{manner}".replace(" ", "-")


def form_of(case: str) -> str:
    return case.split("~", maxsplit=1)[0]


def door(request: Received) -> str:
    """The case that a request belongs to. What a proxy is asked for begins with the host."""
    path = request.path.split("://", 1)[-1]
    return path.split("/")[1]


def keys_of(form: str, case: str, host: str, **more: object) -> dict[str, Any]:
    """What an operator would write for a destination of this form at `host`, in its class's list, with `more` keys."""
    kind, keys = GIVEN[form]
    url = f"{host}/{case}/{CANARY}"
    given = {name: url if value == URL else [url] if value == [URL] else value for name, value in keys.items()}
    if "proxy_url" in given:
        given["proxy_url"] = host.replace("://", f"://a:{CANARY}@")
    if kind is Slack and "channel" in given:
        given["channel"] = f"#c{crc32(case.encode())}"
    return {kind.key: [given | more]}
