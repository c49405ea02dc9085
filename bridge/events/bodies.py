"""The shape of payloads, with the fields that rules ask for and no other: what no rule asks for is not even parsed."""

from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any

import msgspec

from bridge.event import TEXT_MAX, as_text
from bridge.events import EVENT_TYPES
from bridge.events.cleaning import Parse, parser
from bridge.events.families import Family
from bridge.events.reading import is_cleaned, sources

_OF_SERVERS = ("server.id", "server.name", "server.seq", "server.ver")
_OF_CONNECTIONS = ("id", "client.id", "client.acc", "client.kind", "client.user", "client.lang", "reason")
_OF_LOGINS = ("client.start", "timestamp")
_OF_ADVISORIES = ("id", "type")
_BARE = ("server.shutdown", "server.lameduck")
"""Messages that are a server object and nothing around it."""

_SHORT = Annotated[str, msgspec.Meta(max_length=TEXT_MAX)] | None


def body_parser(family: Family, types: Collection[str], wanted: Mapping[str, Iterable[str]]) -> Parse:
    """From a payload to a struct with what is wanted of these types of the family; raises as msgspec does."""
    paths = _paths(family, types, wanted)
    texts = {path for name in types for path in wanted[name] if is_cleaned(EVENT_TYPES[name], path)}
    return parser(_body_type(family, paths, texts), _body_type(family, paths), _wrap(family, paths), texts)


def _paths(family: Family, types: Iterable[str], wanted: Mapping[str, Iterable[str]]) -> set[str]:
    """What has to be decoded."""
    paths = {source for name in types for path in wanted[name] for source in sources(EVENT_TYPES[name], path)}
    kind = family.types[0]
    if kind.account:
        paths.add(kind.account)
    if kind.name.startswith("js."):
        return paths.union(_OF_ADVISORIES, ("client.user",) if "client.user" in kind.fields else ())
    paths.update(_OF_SERVERS)
    if kind.name.startswith(("client.", "leafnode.")):
        paths.update(_OF_CONNECTIONS, _OF_LOGINS if family.name == "connect" else ())
    elif "id" in kind.fields:
        paths.add("id")
    return paths


class _Stop:
    """SHUTDOWN and LAMEDUCK are a bare server object; rules read it as `server.…` like everywhere."""

    __slots__ = ("server",)

    def __init__(self, server: Any) -> None:
        self.server = server


def _wrap(family: Family, paths: set[str]) -> Callable[[Any], Any] | None:
    if family.name in _BARE:
        return _Stop
    if family.name == "leafnode":
        return _leafnode(_struct("body", _tree(paths - {"acc"}, ())))
    return None


def _leafnode(body_type: type) -> Callable[[Any], Any]:
    """A super-cluster's notice of a leafnode says `acc` and nothing else of the connection."""

    def wrap(told: Any) -> Any:
        body = body_type(server=told.server)
        body.client.acc, body.client.kind = as_text(told.acc), "Leafnode"
        return body

    return wrap


def _body_type(family: Family, paths: set[str], texts: Collection[str] = ()) -> type:
    """`texts`: those that must be text, and short."""
    if family.name == "leafnode":
        server = {path for path in paths if path.startswith("server.")}
        return _struct("body", _tree(server | {"acc"}, texts))
    tree = _tree(paths, texts)
    return _struct("server", tree["server"]) if family.name in _BARE else _struct("body", tree)


def _tree(paths: Iterable[str], texts: Collection[str]) -> dict[str, Any]:
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
    return tree


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
