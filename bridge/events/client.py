"""Clients and leafnodes: they come, go, and fail to log in."""

from bridge.event import EventType, Field
from bridge.events.fields import ACCOUNT, COMMON, catalogue
from bridge.events.lists import joined

_CLIENT = (
    Field("client.id", "number", "the connection's number; unique per process of a server"),
    Field("client.host", "text", "address of the client, without port"),
    Field("client.acc", "text", "account name, or its public key in operator mode; $G before login"),
    Field("client.user", "text", "user name, nkey or user public key"),
    Field("client.name", "text", "the connection's name, chosen by the client"),
    Field("client.lang", "text", "client library's language"),
    Field("client.ver", "text", "client library's version"),
    Field("client.kind", "text", "Client or Leafnode"),
    Field("client.client_type", "text", "nats, websocket or mqtt"),
    Field("client.client_id", "text", "MQTT client id"),
    Field("client.issuer_key", "text", "public key that signed the user"),
    Field("client.name_tag", "text", "account's name from 2.11 on, the user JWT's name before"),
    Field("client.tags", "text", "tags of the user", derive=joined, sources=("client.tags",)),
    Field("client.start", "time", "begin of the connection"),
    Field("claimed.name", "text", "name in the presented JWT, unverified"),
    Field("claimed.iss", "text", "issuer in the presented JWT, unverified"),
    Field("claimed.sub", "text", "subject (user key) in the presented JWT, unverified"),
    Field("claimed.account", "text", "account key in the presented JWT, unverified"),
    Field("claimed.exp", "time", "expiry in the presented JWT, unverified"),
    Field("id", "text", "id of the event"),
    Field("timestamp", "time", "the server's time of the event"),
)
_END = (
    Field("client.stop", "time", "end of the connection"),
    Field("client.rtt", "seconds", "last measured round trip", zero=True),
    Field("reason", "text", "why the connection ended, in the server's words"),
    Field("sent.msgs", "number", "messages that the client sent"),
    Field("sent.bytes", "bytes", "bytes that the client sent"),
    Field("received.msgs", "number", "messages that the client received"),
    Field("received.bytes", "bytes", "bytes that the client received"),
)
_COMES = catalogue(COMMON, _CLIENT, ACCOUNT)
_GOES = catalogue(COMMON, _CLIENT, ACCOUNT, _END)

TYPES = (
    EventType(
        name="client.connect",
        subjects=("$SYS.ACCOUNT.*.CONNECT",),
        about="a client logged in",
        fields=_COMES,
        account="client.acc",
        tag="client.name_tag",
    ),
    EventType(
        name="client.disconnect",
        subjects=("$SYS.ACCOUNT.*.DISCONNECT",),
        about="a logged-in client went",
        fields=_GOES,
        account="client.acc",
        tag="client.name_tag",
    ),
    EventType(
        name="client.auth_error",
        subjects=("$SYS.SERVER.*.CLIENT.AUTH.ERR",),
        about="a login failed",
        fields=_GOES,
        account="client.acc",
        tag="client.name_tag",
    ),
    EventType(
        name="client.rejected",
        subjects=("$SYS.ACCOUNT.$G.DISCONNECT",),
        about="a connection that never logged in: probe, TLS failure, timeout, server full (servers from 2.12 on)",
        since="2.12.0",
        fields=_GOES,
        account="client.acc",
        tag="client.name_tag",
    ),
    EventType(
        name="leafnode.connect",
        subjects=("$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.LEAFNODE.CONNECT"),
        about="a leafnode connected",
        fields=_COMES,
        account="client.acc",
        tag="client.name_tag",
    ),
    EventType(
        name="leafnode.disconnect",
        subjects=("$SYS.ACCOUNT.*.DISCONNECT",),
        about="a leafnode's connection ended",
        fields=_GOES,
        account="client.acc",
        tag="client.name_tag",
    ),
)
