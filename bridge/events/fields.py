"""Fields that every event has, and how families put theirs together."""

from collections.abc import Iterable, Mapping

from bridge.event import Field
from bridge.events.lists import joined, pairs, switched_on

OWN = (
    Field("type", "text", "name of the event type"),
    Field("subject", "text", "subject of the message"),
)
ACCOUNT = (
    Field("account.id", "text", "the account: its name, or its public key in operator mode"),
    Field("account.name", "text", "its name, as far as it is known"),
)
COMMON = (
    *OWN,
    Field("server.name", "text", "name of the server: its identity over restarts"),
    Field("server.id", "text", "id of the server's process: new at each start"),
    Field("server.ver", "text", "version of the server"),
    Field("server.cluster", "text", "cluster of the server"),
    Field("server.host", "text", "address that the server listens on"),
    Field("server.domain", "text", "JetStream domain of the server"),
    Field("server.jetstream", "text", "true where JetStream was on at the start"),
    Field("server.flags", "number", "what the server can do, as bits (servers from 2.10 on)"),
    Field("server.tags", "text", "tags of the server", derive=joined, sources=("server.tags",)),
    Field(
        "server.metadata",
        "text",
        "metadata of the server (servers from 2.12 on)",
        derive=pairs,
        sources=("server.metadata",),
    ),
    Field(
        "server.feature_flags",
        "text",
        "features that are switched on (servers from 2.14 on)",
        derive=switched_on,
        sources=("server.feature_flags",),
    ),
    Field("server.seq", "number", "number of the message, per process of the server"),
    Field("server.time", "time", "time at the server"),
)


def catalogue(*parts: Iterable[Field]) -> Mapping[str, Field]:
    """Fields by path."""
    return {field.path: field for part in parts for field in part}
