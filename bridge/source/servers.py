"""The servers that can be tried, and when each is due: the configured ones first, then those that a cluster told of."""

import ipaddress
import random
from collections.abc import Sequence
from urllib.parse import ParseResult, unquote, urlparse

import msgspec

from bridge.errors import LoginFailed, SourceError, WrongAccount
from bridge.source.settings import Settings
from bridge.values import Secret

_PAUSES = {WrongAccount: (20.0, 20.0), LoginFailed: (1.0, 20.0)}
"""First and longest pause in seconds: a login that fails is an event of its own on the server, so ask seldom. Jitter
included, what has been mended is found within 24 s."""
_PAUSE = (0.2, 2.0)
"""Everything else: a server that comes back is found within 3 s, jitter included."""


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """One address. `address` is safe to show; what a URL said about the login is beside it."""

    address: str
    user: str | None = None
    secret: Secret | None = None
    tls: bool = False
    """Nothing secret may be sent before TLS is up."""
    tls_name: str | None = None
    """The name in the certificate, where the address is only a number."""

    @property
    def scheme(self) -> str:
        return self.address.partition(":")[0]


class _Turn(msgspec.Struct):
    target: Target
    discovered: bool = False
    failures: int = 0
    due: float = 0.0


class Servers:
    """Who is tried next. Times are those of the event loop, in seconds."""

    def __init__(self, settings: Settings) -> None:
        """Raises ValueError for an address that is none."""
        secure = settings.tls != type(settings.tls)()
        self._turns = [_Turn(parse_server(url, secure)) for url in settings.servers]
        self._others_turn = False
        """The latest to fail was a configured one: of several whose hosts are dead one is always due."""

    @property
    def addresses(self) -> list[str]:
        """All known ones."""
        return [turn.target.address for turn in self._turns]

    def due(self, now: float) -> Target | None:
        """One that may be tried now: a configured one, then another, and so on, if there are any; of these the one that
        waits for longest, or by lot."""
        turns = [turn for turn in self._turns if turn.due <= now]
        preferred = [turn for turn in turns if turn.discovered == self._others_turn] or turns
        longest = min(preferred, key=lambda turn: (turn.due, random.random()), default=None)  # noqa: S311
        return longest.target if longest else None

    def wait(self, now: float) -> float:
        """Seconds until the next one is due."""
        return max(0.0, min(turn.due for turn in self._turns) - now)

    def failed(self, target: Target, error: SourceError | None, now: float) -> None:
        """It was tried in vain (None: lost again soon), and rests for longer each time."""
        first, longest = _PAUSES.get(type(error), _PAUSE) if error else _PAUSE
        for turn in self._turns:
            if turn.target == target:
                pause = min(longest, first * 2 ** min(turn.failures, 16))
                turn.failures += 1
                turn.due = now + pause * random.uniform(0.8, 1.2)  # noqa: S311
                self._others_turn = error is not None and not turn.discovered

    def worked(self, target: Target) -> None:
        """It served for a while: the next trouble is a new one."""
        for turn in self._turns:
            if turn.target == target:
                turn.failures = 0

    def learn(self, urls: Sequence[ParseResult], source: Target) -> None:
        """A cluster told of these; they take the place of those it told of before, and the login of `source`."""
        if not urls:
            return
        known = {turn.target.address: turn for turn in self._turns}
        configured = [turn for turn in self._turns if not turn.discovered]
        own = {turn.target.address for turn in configured}
        found = [_sibling(url, source) for url in urls]
        self._turns = configured + [
            known.get(target.address, _Turn(target, discovered=True)) for target in found if target.address not in own
        ]


def parse_server(url: str, secure: bool = False) -> Target:
    """`nats://user:password@host` → a Target. Raises ValueError; the text holds no secret."""
    parsed = urlparse(url if "://" in url else f"nats://{url}")
    if parsed.scheme not in ("nats", "tls", "ws", "wss") or not parsed.hostname:
        raise ValueError("a server is written like nats://host:4222; tls://, ws:// and wss:// are known too")
    user, secret = parsed.username, parsed.password
    if user and not secret:
        # A URL with a name and no password holds a token, in all NATS clients.
        user, secret = None, user
    return Target(
        address=_address(parsed.scheme, parsed),
        user=unquote(user) if user else None,
        secret=Secret(unquote(secret)) if secret else None,
        tls=secure or parsed.scheme in ("tls", "wss"),
    )


def _address(scheme: str, url: ParseResult) -> str:
    host = f"[{url.hostname}]" if url.hostname and ":" in url.hostname else url.hostname
    port = url.port or {"ws": 80, "wss": 443}.get(scheme, 4222)
    return f"{scheme}://{host}:{port}{url.path}"


def _sibling(url: ParseResult, source: Target) -> Target:
    name = urlparse(source.address).hostname
    known_by_number = source.tls_name or (name if name and _is_number(url.hostname) and not _is_number(name) else None)
    return msgspec.structs.replace(source, address=_address(source.scheme, url), tls_name=known_by_number)


def _is_number(host: str | None) -> bool:
    try:
        ipaddress.ip_address(host or "")
    except ValueError:
        return False
    return True
