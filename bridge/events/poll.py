"""What the bridge asks servers for: whole answers, and the items of their lists as an event each."""

from bridge.event import EventType, Field
from bridge.events.fields import COMMON, catalogue


def _answer(name: str, request: str, about: str, *fields: Field) -> EventType:
    return EventType(
        name=f"server.{name}",
        subjects=(),
        aliases=(f"$SYS.REQ.SERVER.*.{request}",),
        poll=request,
        about=about,
        fields=catalogue(COMMON, fields),
        series=("server.name",),
        ends_with=("server.shutdown", "server.lameduck"),
    )


def _item(name: str, request: str, about: str, key: tuple[str, ...], *fields: Field) -> EventType:
    """`key`: the fields that tell an item from others of the same server."""
    return EventType(
        name=f"poll.{name}",
        subjects=(),
        aliases=(f"$SYS.REQ.SERVER.*.{request}.{name.upper()}",),
        poll=request,
        about=about,
        fields=catalogue(COMMON, fields),
        series=("server.name", *key),
        ends_with=("server.shutdown", "server.lameduck"),
    )


TYPES: tuple[EventType, ...] = (
    _answer(
        "healthz",
        "HEALTHZ",
        "a server's answer on how it is",
        Field("data.status", "text", "ok, or unavailable or error"),
        Field("data.status_code", "number", "200 if all is well (servers from 2.10 on)"),
        Field("data.error", "text", "what is wrong"),
    ),
    _answer("varz", "VARZ", "a server's answer about itself"),
    _answer("jsz", "JSZ", "a server's answer about its JetStream"),
    _item("connection", "CONNZ", "a client's connection, as its server sees it", ()),
    _item("route", "ROUTEZ", "a route", ()),
    _item("gateway", "GATEWAYZ", "a gateway's connection", ()),
    _item("leafnode", "LEAFZ", "a leafnode's connection", ()),
    _item("account", "ACCOUNTZ", "an account on a server", ()),
    _item("stream", "JSZ", "a stream, as its leader sees it", ()),
    _item("consumer", "JSZ", "a consumer, as its leader sees it", ()),
)
