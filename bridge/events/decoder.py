"""From a message to an event. Total: whatever comes is an event, a double, or a malformed event; nothing is raised."""

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Annotated, Any

import msgspec

from bridge.event import TEXT_MAX, Event, clean, hash_token, parse_time
from bridge.events import EVENT_TYPES
from bridge.events.cleaning import parser
from bridge.events.reading import AccountNames, Names, hides_tokens, is_cleaned, sources
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

Prepare = Callable[[Any], str | None]
"""Hides what is to be hidden in a connection's body. Returns the name of its account, if a rule reads that."""


class Way(msgspec.Struct, frozen=True):
    """How messages of a subject become events."""

    parse: Callable[[bytes], Any]
    finish: Finish


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
                paths = _paths(family, asked, wanted)
                texts = _texts(asked, wanted)
                parse = parser(_body_type(family, paths, texts), _body_type(family, paths), _wrap(family), texts)
                self._families[family] = Way(parse, self._finish(family, self._preparer(asked, wanted)))
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
        try:
            body = way.parse(data)
        except (ValueError, RecursionError) as error:
            return self._malformed(subject, data, at, _why(data, error))
        return way.finish(subject, data, body, at)

    def _find(self, subject: str) -> Way | None:
        if len(self._ways) >= SUBJECTS_MAX:
            self._ways.clear()
        way = self._ways[subject] = self._families.get(_family(subject))
        return way

    def _finish(self, family: str, prepare: Prepare) -> Finish:
        match family:
            case "ACCOUNT.DISCONNECT":
                return self._disconnects(prepare)
            case "ACCOUNT.CONNECT":
                return self._connects(prepare)
            case "SERVER.CLIENT.AUTH.ERR":
                return partial(self._refused, prepare)
            case _:
                return partial(self._of_server, _FAMILIES[family][0])

    def _of_server(self, name: str, subject: str, data: bytes, body: Any, at: int) -> Event | None:
        server_id, seq = _numbered(body)
        if not server_id:
            return self._malformed(subject, data, at, "no server.id")
        if not self._once.first(None, server_id, seq):
            return None
        return Event(name, at, subject, body, data, server_id, seq)

    def _disconnects(self, prepare: Prepare) -> Finish:
        """Whatever is looked up for each of them is at hand: a flood is mostly of these."""
        once, first, fresh = self._once, self._once.first, self._once.happenings.first
        mine, disconnected = once.mine, once.connections.forget

        def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
            server, client, id = body.server, body.client, body.id
            server_id, seq = server.id, server.seq
            if type(server_id) is not str or type(seq) is not int or not 0 <= seq < SEQ_END:
                server_id, seq = server_id if isinstance(server_id, str) else "", _seq(seq)
            if not (fresh(id) if type(id) is str and id else first(None, server_id, seq)):
                return None
            number = client.id
            connection = server_id, number if isinstance(number, int) else 0
            if connection in mine:
                return None
            disconnected(connection)
            account = client.acc
            if account == "$G" and body.reason == "Authentication Failure":
                return None  # The twin of an authentication error, which servers from 2.12 on send as well.
            if client.kind == "Leafnode":
                name = "leafnode.disconnect"
            elif account == "$G" and not client.user and not client.lang:
                name = "client.rejected"
            else:
                name = "client.disconnect"
            return Event(name, at, subject, body, data, server_id, seq, "", None, prepare(body))

        return finish

    def _connects(self, prepare: Prepare) -> Finish:
        once, first, fresh = self._once, self._once.first, self._once.happenings.first

        def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
            (server_id, seq), client, id = _numbered(body), body.client, body.id
            if not (fresh(id) if type(id) is str and id else first(None, server_id, seq)):
                return None
            connection = server_id, client.id if isinstance(client.id, int) else 0
            if connection in once.mine:
                return None
            if connection[1] and not once.connections.first(connection):
                return None
            if _is_repeated(client.start, body.timestamp):
                return None
            name = "leafnode.connect" if client.kind == "Leafnode" else "client.connect"
            return Event(name, at, subject, body, data, server_id, seq, "", None, prepare(body))

        return finish

    def _refused(self, prepare: Prepare, subject: str, data: bytes, body: Any, at: int) -> Event | None:
        """A failed login."""
        server_id, seq = _numbered(body)
        if not self._once.first(body.id, server_id, seq):
            return None
        return Event("client.auth_error", at, subject, body, data, server_id, seq, account=prepare(body))

    def _preparer(self, types: list[str], wanted: Mapping[str, Iterable[str]]) -> Prepare:
        account_of = AccountNames(self._names).of if any("account.name" in wanted[name] for name in types) else None
        if self._names.token_auth:
            return partial(self._hide_token, account_of)
        return account_of or (lambda body: None)

    def _hide_token(self, account_of: Prepare | None, body: Any) -> str | None:
        if isinstance(body.client.user, str) and not hides_tokens(body.server.ver):
            body.client.user = hash_token(body.client.user)
        return account_of(body) if account_of else None

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
    return value if type(value) is int and 0 <= value < SEQ_END else 0


class _Stop:
    """SHUTDOWN and LAMEDUCK are a bare server object; rules read it as `server.…` like everywhere."""

    __slots__ = ("server",)

    def __init__(self, server: Any) -> None:
        self.server = server


def _numbered(body: Any) -> tuple[str, int]:
    """Which process of a server sent it, and its number there; "" and 0 where the body does not say."""
    server = body.server
    server_id, seq = server.id, server.seq
    if type(server_id) is str and type(seq) is int and 0 <= seq < SEQ_END:
        return server_id, seq
    return server_id if isinstance(server_id, str) else "", _seq(seq)


def _paths(family: str, types: list[str], wanted: Mapping[str, Iterable[str]]) -> set[str]:
    """What has to be decoded."""
    paths = {source for name in types for path in wanted[name] for source in sources(EVENT_TYPES[name], path)}
    paths.update(_ALWAYS)
    if types[0].startswith(("client.", "leafnode.")):
        paths.update(_CLIENT, _LOGIN if family == "ACCOUNT.CONNECT" else ())
    return paths


def _texts(types: list[str], wanted: Mapping[str, Iterable[str]]) -> set[str]:
    """What rules read as text that lies in the body as it is."""
    return {path for name in types for path in wanted[name] if is_cleaned(EVENT_TYPES[name], path)}


def _wrap(family: str) -> Callable[[Any], Any] | None:
    return _Stop if family.endswith(("SHUTDOWN", "LAMEDUCK")) else None


def _body_type(family: str, paths: Iterable[str], texts: Collection[str] = ()) -> type:
    """`texts`: those that must be text, and short."""
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        *parents, leaf = path.split(".")
        for parent in parents:
            node = node.setdefault(parent, {})
            if not isinstance(node, dict):
                break  # The whole object is wanted already.
        else:
            if not node.get(leaf):
                node[leaf] = _SHORT if path in texts else Any
    if family.endswith(("SHUTDOWN", "LAMEDUCK")):
        return _struct("server", tree["server"])
    return _struct("body", tree)


_SHORT = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] | None


def _struct(name: str, tree: dict[str, Any]) -> type:
    """A struct whose leaves take any JSON value, so that a surprising type in one field costs only that field."""
    fields: list[tuple[str, Any, Any]] = []
    for key, below in tree.items():
        if isinstance(below, dict):
            inner = _struct(key, below)
            fields.append((key, inner, msgspec.field(default_factory=inner)))
        else:
            fields.append((key, below, None))
    return msgspec.defstruct(name, fields, gc=False)
