"""Accounts: their connections on each server, and requests to change them."""

from bridge.event import EventType, Field, Kind
from bridge.events.fields import ACCOUNT, COMMON, OWN, catalogue

_UNITS: tuple[tuple[str, Kind, str], ...] = (("msgs", "number", "messages"), ("bytes", "bytes", "bytes"))
_LINKS = (
    ("", "of all kinds"),
    ("gateways.", "over gateways (servers from 2.11.5 on)"),
    ("routes.", "over routes (servers from 2.11.5 on)"),
    ("leafs.", "over leafnodes (servers from 2.11.5 on)"),
)
_CONNECTIONS = (
    Field("id", "text", "id of the event"),
    Field("timestamp", "time", "the server's time of the event"),
    Field("acc", "text", "account name, or its public key in operator mode"),
    Field("name", "text", "the account's name (servers from 2.11 on)"),
    Field("conns", "number", "clients connected to this server"),
    Field("leafnodes", "number", "leafnodes connected to this server"),
    Field("total_conns", "number", "both together"),
    Field("num_subscriptions", "number", "subscriptions on this server (servers from 2.10 on)"),
    *(
        Field(f"{way}.{link}{unit}", kind, f"{what} {verb}, {link_about}", counter=True)
        for way, verb in (("sent", "sent to the account's connections"), ("received", "received from them"))
        for link, link_about in _LINKS
        for unit, kind, what in _UNITS
    ),
    Field("slow_consumers", "number", "slow consumers of the account on this server", counter=True),
)

_UNVERIFIED = (
    Field("claimed.name", "text", "name in the JWT, unverified"),
    Field("claimed.iss", "text", "key that signed the JWT, unverified"),
    Field("claimed.sub", "text", "whom the JWT is about, unverified"),
)
_UPDATE = (
    *_UNVERIFIED,
    Field("claimed.account", "text", "the account that the JWT is about, unverified"),
    Field("claimed.exp", "time", "expiry of the account, unverified"),
)
_DELETE = (
    *_UNVERIFIED,
    Field("claimed.accounts", "text", "the accounts to delete, unverified; account.id if it is one"),
)

TYPES = (
    EventType(
        name="account.connections",
        subjects=("$SYS.ACCOUNT.*.SERVER.CONNS",),
        aliases=("$SYS.SERVER.ACCOUNT.*.CONNS",),
        about="an account's connections on one server: at each change, and every 30 s while there are any",
        fields=catalogue(COMMON, ACCOUNT, _CONNECTIONS),
        account="acc",
        tag="name",
        series=("server.name", "account.id"),
        ends_with=("server.shutdown", "server.lameduck"),
    ),
    EventType(
        name="account.claims_update",
        subjects=(
            "$SYS.REQ.CLAIMS.UPDATE",
            "$SYS.REQ.ACCOUNT.*.CLAIMS.UPDATE",
            "$SYS.ACCOUNT.*.CLAIMS.UPDATE",
        ),
        about="somebody asks to set an account's claims; whether it was done is not told",
        fields=catalogue(OWN, ACCOUNT, _UPDATE),
        account="account",
        responder=True,
    ),
    EventType(
        name="account.claims_delete",
        subjects=("$SYS.REQ.CLAIMS.DELETE",),
        about="somebody asks to delete accounts; whether it was done is not told",
        fields=catalogue(OWN, ACCOUNT, _DELETE),
        account="account",
        severity="warning",
        responder=True,
    ),
)
