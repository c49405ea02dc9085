"""From a message to an event. Total: whatever comes is an event, a double, or a malformed event; nothing is raised."""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from bridge.event import Event, clean, hash_token, parse_time
from bridge.events import EVENT_TYPES
from bridge.events.reading import Names, sources, version
from bridge.once import Once
from bridge.values import MINUTE

SIZE_MAX = 1024 * 1024
"""Bytes; no event of a server is larger. NATS itself allows messages of 64 MiB."""

_FAMILIES: Mapping[str, tuple[str, ...]] = {
    "ACCOUNT.CONNECT": ("client.connect", "leafnode.connect"),
    "ACCOUNT.DISCONNECT": ("client.disconnect", "leafnode.disconnect", "client.rejected"),
    "SERVER.CLIENT.AUTH.ERR": ("client.auth_error",),
    "SERVER.STATSZ": ("server.statsz",),
    "SERVER.SHUTDOWN": ("server.shutdown",),
    "SERVER.LAMEDUCK": ("server.lameduck",),
}
_ALWAYS = ("server.id", "server.name", "server.seq", "server.ver")
_CLIENT = ("id", "client.id", "client.acc", "client.kind", "client.user", "client.lang", "reason")
_LOGIN = ("client.start", "timestamp")
LOGIN_MAX = MINUTE
"""A CONNECT that comes later after the beginning of its connection is a repeated one: a reload of the server's
configuration brings one for each living connection, also for those that came before the bridge did. Servers give a
client 2 s to log in (`authorization.timeout`), and nobody gives it a minute."""

_TOKEN_HIDDEN = ((2, 10, 28), (2, 11, 0), (2, 11, 2))
"""From the first on a server hides tokens, but for those between the second and the third."""


class Decoder:
    """Decodes exactly the fields that rules ask for. What no rule asks for is not even parsed."""

    def __init__(self, wanted: Mapping[str, Iterable[str]], once: Once, names: Names, raw: bool = False) -> None:
        """`wanted`: the paths that rules read, by event type. `raw`: rules on subjects need whole payloads as well."""
        self._once = once
        self._names = names
        self._raw = raw
        self.malformed = 0
        """Messages that were no events."""
        self.latest_malformed = ""
        self._decoders: dict[str, msgspec.json.Decoder[Any]] = {}
        for family, types in _FAMILIES.items():
            if asked := [name for name in types if name in wanted]:
                self._decoders[family] = msgspec.json.Decoder(_body_type(family, asked, wanted))

    def decode(self, subject: str, data: bytes, at: int) -> Event | None:
        """None: nobody asks for it, or it is a double, or one of the bridge's own connections."""
        family = _family(subject)
        decoder = self._decoders.get(family)
        if decoder is None:
            return self._unknown(subject, data, at) if self._raw else None
        if len(data) > SIZE_MAX:
            return self._malformed(subject, data, at, f"larger than {SIZE_MAX // 1024} KiB")
        try:
            body = decoder.decode(data)
        except (ValueError, RecursionError) as error:
            return self._malformed(subject, data, at, _why(data, error))
        if family.endswith(("SHUTDOWN", "LAMEDUCK")):
            body = _Stop(body)
        return self._event(family, subject, data, body, at)

    def _event(self, family: str, subject: str, data: bytes, body: Any, at: int) -> Event | None:
        server = body.server
        server_id = server.id if isinstance(server.id, str) else ""
        seq = _seq(server.seq)
        name = _FAMILIES[family][0]
        if name.startswith("client."):
            if self._names.token_auth and isinstance(body.client.user, str) and not _hides_tokens(server.ver):
                body.client.user = hash_token(body.client.user)
            if not self._once.first(body.id, server_id, seq):
                return None
            known = self._classify(family, server_id, body)
            if known is None:
                return None
            name = known
        elif not server_id:
            return self._malformed(subject, data, at, "no server.id")
        elif not self._once.first(None, server_id, seq):
            return None
        return Event(name, at, subject, body, data, server_id, seq)

    def _classify(self, family: str, server_id: str, body: Any) -> str | None:
        client = body.client
        if family == "SERVER.CLIENT.AUTH.ERR":
            return "client.auth_error"
        client_id = client.id if isinstance(client.id, int) else 0
        if self._once.owns(server_id, client_id):
            return None
        if family == "ACCOUNT.CONNECT":
            if client_id and not self._once.connected(server_id, client_id):
                return None
            if _is_repeated(client.start, body.timestamp):
                return None
            return "leafnode.connect" if client.kind == "Leafnode" else "client.connect"
        self._once.disconnected(server_id, client_id)
        if client.acc == "$G" and body.reason == "Authentication Failure":
            return None  # The twin of an authentication error, which servers from 2.12 on send as well.
        if client.kind == "Leafnode":
            return "leafnode.disconnect"
        return "client.rejected" if client.acc == "$G" and not client.user and not client.lang else "client.disconnect"

    def _unknown(self, subject: str, data: bytes, at: int) -> Event | None:
        if len(data) > SIZE_MAX:
            return self._malformed(subject, data, at, f"larger than {SIZE_MAX // 1024} KiB")
        try:
            body = msgspec.json.decode(data)
        except (ValueError, RecursionError) as error:
            return self._malformed(subject, data, at, _why(data, error))
        if not isinstance(body, dict):
            return self._malformed(subject, data, at, "no JSON object")
        server = body["server"] if isinstance(body.get("server"), dict) else {}
        server_id, seq = server.get("id"), server.get("seq")
        server_id, seq = server_id if isinstance(server_id, str) else "", _seq(seq)
        if not self._once.first(body.get("id"), server_id, seq):
            return None
        kind = body.get("type")
        return Event("", at, subject, body, data, server_id, seq, kind if isinstance(kind, str) else "")

    def _malformed(self, subject: str, data: bytes, at: int, reason: str) -> Event:
        """What stands for a message that is no event."""
        self.malformed += 1
        self.latest_malformed = f"{clean(subject)}: {reason} ({len(data)} bytes)"
        body = {"reason": reason, "from": subject, "bytes": len(data)}
        return Event("bridge.malformed_event", at, "bridge.malformed_event", body)


def _is_repeated(start: object, timestamp: object) -> bool:
    begun, told = parse_time(start), parse_time(timestamp)
    return begun is not None and told is not None and told - begun > LOGIN_MAX


def _family(subject: str) -> str:
    parts = subject.split(".", 3)
    return f"{parts[1]}.{parts[3]}" if len(parts) == 4 and parts[0] == "$SYS" else ""


def _why(data: bytes, error: Exception) -> str:
    if not data:
        return "empty"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]


def _seq(value: object) -> int:
    """A server's number of an event; 0 for what is none, or what no server could have reached and no store takes."""
    return value if isinstance(value, int) and 0 <= value < 1 << 63 else 0


def _hides_tokens(text: object) -> bool:
    number = version(text)
    first, gap_begin, gap_end = _TOKEN_HIDDEN
    return number >= first and not gap_begin <= number < gap_end


class _Stop:
    """SHUTDOWN and LAMEDUCK are a bare server object; rules read it as `server.…` like everywhere."""

    __slots__ = ("server",)

    def __init__(self, server: Any) -> None:
        self.server = server


def _body_type(family: str, types: list[str], wanted: Mapping[str, Iterable[str]]) -> type:
    paths = {source for name in types for path in wanted[name] for source in sources(EVENT_TYPES[name], path)}
    paths.update(_ALWAYS)
    if types[0].startswith(("client.", "leafnode.")):
        paths.update(_CLIENT, _LOGIN if family == "ACCOUNT.CONNECT" else ())
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        *parents, leaf = path.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if node is None:
                break  # The whole object is wanted already.
        else:
            if not node.get(leaf):
                node[leaf] = None
    if family.endswith(("SHUTDOWN", "LAMEDUCK")):
        return _struct("server", tree["server"])
    return _struct("body", tree)


def _struct(name: str, tree: dict[str, Any]) -> type:
    """A struct whose leaves take any JSON value, so that a surprising type in one field costs only that field."""
    fields: list[tuple[str, Any, Any]] = []
    for key, below in tree.items():
        if below is None:
            fields.append((key, Any, None))
        else:
            inner = _struct(key, below)
            fields.append((key, inner, msgspec.field(default_factory=inner)))
    return msgspec.defstruct(name, fields)
