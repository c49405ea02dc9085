"""The base of all destinations: a destination says how a notification is told, as a conversation without I/O."""

from collections.abc import Generator, Mapping, Sequence
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Annotated, Any, ClassVar
from urllib.parse import urlsplit

import msgspec
from pydantic import AfterValidator

from bridge.errors import Refused, Rejected, Transient
from bridge.notification import AlertView, Notification
from bridge.options import Options
from bridge.signature import Signature
from bridge.values import Secret

RETRY_AFTER_MAX = 3600.0
"""Seconds; an answer that asks for a longer pause is not believed."""


class Quota(msgspec.Struct, frozen=True):
    """What a service counts some requests against: whoever sends such ones shares their rate and their pauses."""

    account: Secret
    rate: float
    """Requests in a second that it takes for long, short bursts apart."""


class Request(msgspec.Struct, frozen=True, kw_only=True):
    """One HTTP request. The URL is a secret: Slack's is a credential."""

    method: str = "POST"
    url: Secret
    peers: tuple[Secret, ...] = ()
    """More URLs that get the same at the same time. The reply is that of one that took it, if there is any."""
    headers: Mapping[str, str] = {}
    body: bytes = b""
    signature: Signature | None = None
    """Adds its headers when the request goes out."""
    quota: Quota | None = None
    """Where it does not count against the destination's own account."""


class Way(msgspec.Struct, frozen=True, kw_only=True):
    """How requests to a destination travel."""

    ca_file: Path | None = None
    """None: the public authorities."""
    cert_file: Path | None = None
    key_file: Path | None = None
    proxy: Secret | None = None


DIRECT = Way()


class Reply(msgspec.Struct, frozen=True, kw_only=True):
    """What came back: header names in lower case, at most the first 64 KB of the body, `at` in unix seconds."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    at: float = 0.0


class Remember(msgspec.Struct, frozen=True):
    """What later conversations about the same group must know; on disk before the next request goes out."""

    memory: dict[str, Any]


Conversation = Generator[Request | Remember, Reply, None]
"""Yields a Request and is sent the Reply, or yields Remember and is sent the last Reply. Its end means: told."""


def check_url(
    url: Secret, otherwise: str = "not a URL to post to; write https://host/path", login: bool = False
) -> Secret:
    """Raise ValueError, without the URL in its text, unless it is an http or https one. `login`: it may hold one."""
    text = url.reveal()
    if not text.isprintable() or " " in text:
        raise ValueError("the URL holds a space or a control character; copy it anew")
    try:
        parts = urlsplit(text)
        known = parts.scheme in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        known = False
    if not known:
        raise ValueError(otherwise)
    if "@" in parts.netloc and not login:
        raise ValueError("a user or password in the URL is not supported; give credentials by the keys for them")
    return url


WebAddress = Annotated[Secret, AfterValidator(check_url)]
"""An http or https URL that is a credential itself, or may hold one."""


class Destination(Options):
    """One entry under a receiver. A subclass owns all about its service: keys, layout, dialect of errors."""

    key: ClassVar[str]
    """The YAML key that holds a list of these, such as `slack_configs`."""
    digest: ClassVar[bool] = False
    """People read it, a message at a time: many that wait are told in one."""
    rate: ClassVar[float | None] = None
    """Requests in a second that the service takes for long, short bursts apart; None: no limit is known."""

    name: str | None = None
    """Keeps queued messages when the order of the entries changes; default: the type and the entry's place."""
    send_resolved: bool = True
    """Whether the end of an alert is told."""

    @property
    def way(self) -> Way:
        """How its requests travel."""
        return DIRECT

    @property
    def memory_for(self) -> int:
        """Microseconds for which what it remembered about a group is kept after the group's end."""
        return 0

    @property
    def resends(self) -> int:
        """Microseconds after which what fires must be told again, for the service forgets it; 0: it does not."""
        return 0

    def resend(self, alerts: Sequence[AlertView], external_url: str) -> Conversation:
        """Tell again what fires, and what has ended lately."""
        raise NotImplementedError

    def singly(self) -> "list[Destination]":
        """For trials: itself, or one destination for each of the servers that it tells at the same time."""
        return [self]

    def account(self) -> Secret | None:
        """What the service counts its limits against: destinations that have the same share rate and pauses."""
        return None

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        """Tell it. `plain`: the full form was rejected; send the simplest that people can read.

        `at` is when this try begins, in microseconds: for services that are told until when something holds.
        """
        raise NotImplementedError

    def judge(self, reply: Reply) -> None:
        """Raise Transient, Rejected or Refused unless the reply means that the message was taken."""
        judge(reply)


def judge(reply: Reply, detail: str = "") -> None:
    """The table that all receivers share: which status is which kind of trouble. 2xx is none.

    `detail` is what the service said, in short; it must hold no secret.
    """
    status = reply.status
    if 200 <= status < 300:
        return
    what = f"HTTP {status}" + (f": {detail}" if detail else "")
    if status in (408, 425, 429) or status >= 500 or status < 200:
        raise Transient(what, status, retry_after(reply))
    if status in (401, 403, 404, 405, 407, 410) or 300 <= status < 400:
        raise Refused(what, status)
    raise Rejected(what, status)


def is_page(reply: Reply) -> bool:
    """A page for browsers, of a login that stands in between, say: no API answers so, whatever the status."""
    return reply.body.lstrip().startswith(b"<")


def retry_after(reply: Reply) -> float | None:
    """Seconds that the other side asks for, in either form of Retry-After (RFC 9110, 10.2.3); at most an hour."""
    text = reply.headers.get("retry-after", "").strip()
    if not text:
        return None
    if text.isascii() and text.isdigit():
        return min(float(text[:12]), RETRY_AFTER_MAX)
    try:
        moment = parsedate_to_datetime(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        wait = (moment - datetime.fromtimestamp(reply.at, UTC)).total_seconds()
    except (ValueError, OverflowError):  # A year of ten digits overflows.
        return None
    return min(max(wait, 0.0), RETRY_AFTER_MAX)
