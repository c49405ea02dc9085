"""From a message to an event. Total: whatever comes is an event, a double, or a malformed event; nothing is raised."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from bridge.event import Event, clean, hash_token, parse_time
from bridge.events import EVENT_TYPES
from bridge.events.reading import Names, hides_tokens, sources
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

SUBJECTS_MAX = 10_000
"""Subjects whose family is remembered."""

SEQ_END = 1 << 63
"""No server has sent so many messages, and no store takes a larger number."""

Finish = Callable[[str, bytes, Any, int], Event | None]
"""From a decoded body to an event."""

Way = tuple[Callable[[bytes], Any], Finish]


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
        self._families: dict[str, Way] = {}
        for family, types in _FAMILIES.items():
            if asked := [name for name in types if name in wanted]:
                decoder: msgspec.json.Decoder[Any] = msgspec.json.Decoder(_body_type(family, asked, wanted))
                self._families[family] = decoder.decode, self._finish(family)
        self._ways: dict[str, Way | None] = {}
        """By subject: there are few, and each comes often."""

    def decode(self, subject: str, data: bytes, at: int) -> Event | None:
        """None: nobody asks for it, or it is a double, or one of the bridge's own connections."""
        try:
            way = self._ways[subject]
        except KeyError:
            way = self._find(subject)
        if way is None:
            return self._unknown(subject, data, at) if self._raw else None
        if len(data) > SIZE_MAX:
            return self._malformed(subject, data, at, f"larger than {SIZE_MAX // 1024} KiB")
        parse, finish = way
        try:
            body = parse(data)
        except (ValueError, RecursionError) as error:
            return self._malformed(subject, data, at, _why(data, error))
        return finish(subject, data, body, at)

    def _find(self, subject: str) -> Way | None:
        if len(self._ways) >= SUBJECTS_MAX:
            self._ways.clear()
        way = self._ways[subject] = self._families.get(_family(subject))
        return way

    def _finish(self, family: str) -> Finish:
        match family:
            case "ACCOUNT.DISCONNECT":
                return self._gone
            case "ACCOUNT.CONNECT":
                return self._come
            case "SERVER.CLIENT.AUTH.ERR":
                return self._refused
            case "SERVER.SHUTDOWN" | "SERVER.LAMEDUCK":
                return partial(self._of_server, _FAMILIES[family][0], _Stop)
            case _:
                return partial(self._of_server, _FAMILIES[family][0], None)

    def _of_server(
        self, name: str, wrap: type["_Stop"] | None, subject: str, data: bytes, body: Any, at: int
    ) -> Event | None:
        body = wrap(body) if wrap else body
        server = body.server
        server_id = server.id if isinstance(server.id, str) else ""
        seq = _seq(server.seq)
        if not server_id:
            return self._malformed(subject, data, at, "no server.id")
        if not self._once.first(None, server_id, seq):
            return None
        return Event(name, at, subject, body, data, server_id, seq)

    def _gone(self, subject: str, data: bytes, body: Any, at: int) -> Event | None:
        """A DISCONNECT."""
        server, client, once = body.server, body.client, self._once
        server_id, seq = server.id, server.seq
        if type(server_id) is not str or type(seq) is not int:
            server_id, seq = server_id if isinstance(server_id, str) else "", _seq(seq)
        if not once.first(body.id, server_id, seq):
            return None
        connection = server_id, client.id if isinstance(client.id, int) else 0
        if once.owns(connection):
            return None
        once.disconnected(connection)
        account = client.acc
        if account == "$G" and body.reason == "Authentication Failure":
            return None  # The twin of an authentication error, which servers from 2.12 on send as well.
        if self._names.token_auth:
            self._hide_token(body)
        if client.kind == "Leafnode":
            name = "leafnode.disconnect"
        elif account == "$G" and not client.user and not client.lang:
            name = "client.rejected"
        else:
            name = "client.disconnect"
        return Event(name, at, subject, body, data, server_id, seq if 0 <= seq < SEQ_END else 0)

    def _come(self, subject: str, data: bytes, body: Any, at: int) -> Event | None:
        """A CONNECT."""
        server, client, once = body.server, body.client, self._once
        server_id, seq = server.id if isinstance(server.id, str) else "", _seq(server.seq)
        if not once.first(body.id, server_id, seq):
            return None
        connection = server_id, client.id if isinstance(client.id, int) else 0
        if once.owns(connection):
            return None
        if connection[1] and not once.connected(connection):
            return None
        if _is_repeated(client.start, body.timestamp):
            return None
        if self._names.token_auth:
            self._hide_token(body)
        name = "leafnode.connect" if client.kind == "Leafnode" else "client.connect"
        return Event(name, at, subject, body, data, server_id, seq)

    def _refused(self, subject: str, data: bytes, body: Any, at: int) -> Event | None:
        """A failed login."""
        server_id, seq = body.server.id if isinstance(body.server.id, str) else "", _seq(body.server.seq)
        if not self._once.first(body.id, server_id, seq):
            return None
        if self._names.token_auth:
            self._hide_token(body)
        return Event("client.auth_error", at, subject, body, data, server_id, seq)

    def _hide_token(self, body: Any) -> None:
        if isinstance(body.client.user, str) and not hides_tokens(body.server.ver):
            body.client.user = hash_token(body.client.user)

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
    return value if isinstance(value, int) and 0 <= value < SEQ_END else 0


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
