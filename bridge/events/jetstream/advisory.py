"""What all of JetStream's advisories and metrics have in common, and how one is written down."""

from collections.abc import Iterable
from typing import Any

from bridge.event import EventType, Field, Hearer
from bridge.events.fields import ACCOUNT, OWN, catalogue


def same(value: Any) -> Any:
    return value


_COMMON = (
    *OWN,
    Field("id", "text", "id of the event"),
    Field("timestamp", "time", "the server's time of the event"),
    Field("domain", "text", "JetStream domain"),
)
STREAM = (Field("stream", "text", "the stream"),)
CONSUMER = (*STREAM, Field("consumer", "text", "the consumer"))
SERVER = Field("server.name", "text", "name of the server", derive=same, sources=("server",))
CLIENT = tuple(
    Field(f"client.{name}", kind, about)  # type: ignore[arg-type]
    for name, kind, about in (
        ("id", "number", "number of the connection"),
        ("host", "text", "address of the client, without port"),
        ("acc", "text", "account of the client"),
        ("user", "text", "user name, nkey or user public key"),
        ("name", "text", "the connection's name, chosen by the client"),
        ("lang", "text", "client library's language"),
        ("ver", "text", "client library's version"),
        ("kind", "text", "Client or Leafnode"),
        ("client_type", "text", "nats, websocket or mqtt"),
        ("server", "text", "server of the connection"),
        ("cluster", "text", "cluster of that server"),
        ("start", "time", "begin of the connection"),
        ("rtt", "seconds", "last measured round trip"),
        ("issuer_key", "text", "public key that signed the user"),
        ("name_tag", "text", "account's name from 2.11 on, the user JWT's name before"),
        ("svc", "text", "account of the service import that the request came through"),
    )
)


def advisory(
    name: str,
    subjects: str | Iterable[str],
    about: str,
    *fields: Iterable[Field],
    told_to: Hearer = "account",
    account: str = "account",
    severity: str = "info",
    since: str = "",
    series: tuple[str, ...] = (),
) -> EventType:
    """`subjects`: after `$JS.EVENT.`. `account`: where it stands, unless it is of no account."""
    ends = (subjects,) if isinstance(subjects, str) else tuple(subjects)
    own = tuple(f"$JS.EVENT.{end}" for end in ends)
    forwarded = tuple(f"$SYS.ACCOUNT.*.JS.EVENT.{end}" for end in ends)
    whose = "" if told_to == "system" else account
    return EventType(
        name=f"js.{name}",
        subjects=own + forwarded if whose else own,
        about=about,
        fields=catalogue(_COMMON, ACCOUNT if whose else (), *fields),
        account=whose,
        told_to=told_to,
        severity=severity,
        since=since,
        series=series,
    )
