"""Fields that every event has, and how families put theirs together."""

from collections.abc import Iterable, Mapping

from bridge.event import Field

COMMON = (
    Field("type", "text", "name of the event type"),
    Field("subject", "text", "subject of the message"),
    Field("server.name", "text", "name of the server: its identity over restarts"),
    Field("server.id", "text", "id of the server's process: new at each start"),
    Field("server.ver", "text", "version of the server"),
    Field("server.cluster", "text", "cluster of the server"),
    Field("server.host", "text", "address that the server listens on"),
    Field("server.domain", "text", "JetStream domain of the server"),
    Field("server.seq", "number", "number of the message, per process of the server"),
    Field("server.time", "time", "time at the server"),
)


def catalogue(*parts: Iterable[Field]) -> Mapping[str, Field]:
    """Fields by path."""
    return {field.path: field for part in parts for field in part}
