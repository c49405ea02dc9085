"""Items of the lists that servers tell when asked, an event each: connections, accounts, streams, consumers."""

from collections.abc import Callable, Iterable
from typing import Any

from bridge.event import EventType, Field, Kind, as_number
from bridge.events.amounts import seconds, seconds_between, share
from bridge.events.fields import ACCOUNT, COMMON, catalogue
from bridge.events.lists import counted, is_behind, is_offline, items, largest, longest_silence

TRAFFIC: tuple[tuple[str, Kind, str], ...] = (("msgs", "number", "messages"), ("bytes", "bytes", "bytes"))
_GONE = ("server.shutdown", "server.lameduck")


def _item(
    name: str,
    request: str,
    about: str,
    series: tuple[str, ...],
    fields: Iterable[Field],
    *,
    account: str = "",
    tag: str = "",
) -> EventType:
    return EventType(
        name=f"poll.{name}",
        subjects=(),
        aliases=(f"$SYS.REQ.SERVER.*.{request}.{name.upper()}",),
        poll=request,
        about=about,
        fields=catalogue(COMMON, ACCOUNT if account else (), fields),
        account=account,
        tag=tag,
        series=series,
        # A stream or consumer goes on elsewhere when the server that led it stops.
        ends_with=_GONE if "server.name" in series else (),
    )


def _link(at: str, pending: str) -> tuple[Field, ...]:
    """What all connections have. `pending`: the name of what waits to be sent."""
    return (
        Field(f"{at}ip", "text", "address of the other side"),
        Field(f"{at}port", "number", "its port"),
        Field(f"{at}start", "time", "begin of the connection"),
        Field(f"{at}last_activity", "time", "when something came or went last"),
        Field(f"{at}idle", "text", "the time since then, as the server writes it"),
        Field(f"{at}idle_seconds", "seconds", "the same", derive=seconds, sources=(f"{at}idle",)),
        Field(f"{at}uptime", "text", "age of the connection, as the server writes it"),
        Field(f"{at}uptime_seconds", "seconds", "the same", derive=seconds, sources=(f"{at}uptime",)),
        *_round_trip(at),
        Field(f"{at}{pending}", "bytes", "what waits to be sent"),
        *_traffic(at),
    )


def _round_trip(at: str) -> tuple[Field, ...]:
    return (
        Field(f"{at}rtt", "text", "round trip time, as the server writes it"),
        Field(f"{at}rtt_seconds", "seconds", "the same", derive=seconds, sources=(f"{at}rtt",)),
    )


def _traffic(at: str) -> tuple[Field, ...]:
    return (
        *(
            Field(f"{at}{way}_{unit}", kind, f"{what} {verb}", counter=True)
            for way, verb in (("in", "received"), ("out", "sent"))
            for unit, kind, what in TRAFFIC
        ),
        Field(f"{at}subscriptions", "number", "subscriptions of the other side"),
    )


def _used(name: str, about: str, used: str, limit: str) -> Field:
    return Field(name, "percent", f"{about}, of the limit; absent without one", derive=share, sources=(used, limit))


def _since(name: str, about: str, moment: str) -> Field:
    return Field(name, "seconds", about, derive=seconds_between, sources=(moment, "server.time"))


def _replicas(size: str) -> tuple[Field, ...]:
    """Of a stream or consumer. `size`: where it says how many it wants."""
    replicas = ("data.cluster.replicas",)
    return (
        Field("data.cluster.leader", "text", "its leader"),
        Field("data.cluster.name", "text", "the cluster that it is in"),
        Field(size, "number", "replicas that it wants"),
        Field(
            "data.replicas.offline",
            "number",
            "replicas that are offline",
            zero=True,
            derive=counted(is_offline),
            sources=replicas,
        ),
        Field(
            "data.replicas.not_current",
            "number",
            "replicas that are behind",
            zero=True,
            derive=counted(is_behind),
            sources=replicas,
        ),
        Field(
            "data.replicas.lag_max",
            "number",
            "largest lag of a replica, in operations",
            zero=True,
            derive=largest("lag"),
            sources=replicas,
        ),
        Field(
            "data.replicas.seen_max",
            "seconds",
            "longest time since a replica was heard",
            zero=True,
            derive=longest_silence,
            sources=replicas,
        ),
    )


def _of_source(derive: Callable[[Any], float | None], name: str, kind: Kind, about: str) -> Field:
    return Field(f"data.sources.{name}", kind, about, zero=True, derive=derive, sources=("data.sources",))


def _name(mirror: Any) -> Any:
    return mirror.get("name") if isinstance(mirror, dict) else None


def _lag(mirror: Any) -> float | None:
    return as_number(mirror.get("lag")) or 0.0 if isinstance(mirror, dict) else None


_CONNECTION = (
    Field("data.cid", "number", "number of the connection on its server"),
    Field("data.kind", "text", "Client or Leafnode"),
    Field("data.type", "text", "nats, websocket or mqtt"),
    Field("data.name", "text", "name that the client gives itself"),
    Field("data.lang", "text", "client library"),
    Field("data.version", "text", "version of the client library"),
    Field("data.authorized_user", "text", "user"),
    Field("data.account", "text", "account name, or its public key in operator mode"),
    Field("data.tls_version", "text", "version of TLS; absent without"),
    Field("data.mqtt_client", "text", "MQTT client id"),
    *_link("data.", "pending_bytes"),
    Field("data.stalls", "number", "times it was held back as a producer", zero=True, counter=True),
)

_ROUTE = (
    Field("data.rid", "number", "number of the route on its server"),
    Field("data.remote_id", "text", "id of the server that it leads to"),
    Field("data.remote_name", "text", "name of the server that it leads to"),
    Field("data.did_solicit", "text", "true: this server made the connection"),
    Field("data.is_configured", "text", "true: the route is in the configuration"),
    Field("data.account", "text", "the account that the route is for; absent: for others"),
    Field("data.compression", "text", "how it is compressed"),
    *_link("data.", "pending_size"),
)

_GATEWAY = (
    Field("data.direction", "text", "outbound or inbound"),
    Field("data.gateway", "text", "name of the cluster at the other side"),
    Field("data.configured", "text", "true: the gateway is in the configuration"),
    Field("data.connection.cid", "number", "number of the connection on its server"),
    Field("data.connection.name", "text", "id of the server at the other side"),
    *_link("data.connection.", "pending_bytes"),
)

_LEAFNODE = (
    Field("data.name", "text", "name of the server at the other side"),
    Field("data.is_spoke", "text", "true: the other side is the hub"),
    Field("data.account", "text", "the account on this side"),
    Field("data.ip", "text", "address of the other side"),
    Field("data.port", "number", "its port"),
    Field("data.compression", "text", "how it is compressed"),
    *_round_trip("data."),
    *_traffic("data."),
)

_ACCOUNT = (
    Field("data.account_name", "text", "account name, or its public key in operator mode"),
    Field("data.name_tag", "text", "the account's name in operator mode"),
    Field("data.is_system", "text", "true: the system account"),
    Field("data.expired", "text", "true: its claims have expired"),
    Field("data.jetstream_enabled", "text", "true: it may use JetStream"),
    Field("data.update_time", "time", "when its claims came last"),
    Field("data.client_connections", "number", "clients on this server"),
    Field("data.leafnode_connections", "number", "leafnodes on this server"),
    Field("data.subscriptions", "number", "subscriptions on this server"),
    Field("data.limits.conn", "number", "clients that it may have, on all servers; -1: no limit (operator mode)"),
    Field("data.limits.leaf", "number", "leafnodes that it may have; -1: no limit (operator mode)"),
    Field("data.limits.subs", "number", "subscriptions that it may have; -1: no limit (operator mode)"),
    _used("data.connections_used", "clients on this server", "data.client_connections", "data.limits.conn"),
    _used("data.leafnodes_used", "leafnodes on this server", "data.leafnode_connections", "data.limits.leaf"),
    _used("data.subscriptions_used", "subscriptions on this server", "data.subscriptions", "data.limits.subs"),
)

_WHOSE = (
    Field("data.account", "text", "account name, or its public key in operator mode"),
    Field("data.account_name", "text", "the account's name"),
)

_STREAM = (
    *_WHOSE,
    Field("data.name", "text", "name of the stream"),
    Field("data.created", "time", "when it was made"),
    *_replicas("data.config.num_replicas"),
    Field("data.config.storage", "text", "file or memory"),
    Field("data.config.retention", "text", "limits, interest or workqueue"),
    Field("data.config.discard", "text", "what goes when it is full: old or new"),
    Field("data.config.max_msgs", "number", "messages that it may hold; -1: no limit"),
    Field("data.config.max_bytes", "bytes", "bytes that it may hold; -1: no limit"),
    Field("data.config.max_consumers", "number", "consumers that it may have; -1: no limit"),
    Field("data.config.max_age", "seconds", "age that its messages reach; 0: no limit"),
    Field("data.state.messages", "number", "messages in it"),
    Field("data.state.bytes", "bytes", "its size"),
    Field("data.state.first_seq", "number", "number of its first message"),
    Field("data.state.last_seq", "number", "number of its last message", counter=True),
    Field("data.state.num_subjects", "number", "subjects in it", zero=True),
    Field("data.state.num_deleted", "number", "messages that were deleted from between others", zero=True),
    Field("data.state.consumer_count", "number", "consumers of it"),
    _since("data.first_message_age", "age of its first message", "data.state.first_ts"),
    _since("data.last_message_age", "age of its last message", "data.state.last_ts"),
    _used("data.messages_used", "messages in it", "data.state.messages", "data.config.max_msgs"),
    _used("data.bytes_used", "its size", "data.state.bytes", "data.config.max_bytes"),
    _used("data.consumers_used", "consumers of it", "data.state.consumer_count", "data.config.max_consumers"),
    Field("data.mirror_of", "text", "the stream that it mirrors", derive=_name, sources=("data.mirror",)),
    Field("data.mirror_lag", "number", "how far it is behind that stream", derive=_lag, sources=("data.mirror",)),
    _of_source(lambda given: float(len(items(given))), "count", "number", "streams that it takes from"),
    _of_source(largest("lag"), "lag_max", "number", "how far it is behind any of these"),
    _of_source(longest_silence, "seen_max", "seconds", "longest time since one of these was heard"),
)

_CONSUMER = (
    *_WHOSE,
    Field("data.stream_name", "text", "name of the stream"),
    Field("data.name", "text", "name of the consumer"),
    Field("data.created", "time", "when it was made"),
    *_replicas("data.config.num_replicas"),
    Field("data.config.durable_name", "text", "its name if it is durable"),
    Field("data.config.ack_policy", "text", "none, all or explicit"),
    Field("data.config.max_deliver", "number", "times a message is delivered; -1: no limit"),
    Field("data.config.max_ack_pending", "number", "messages that may wait for an acknowledgement; -1: no limit"),
    Field("data.config.max_waiting", "number", "pulls that may wait"),
    Field("data.delivered.consumer_seq", "number", "deliveries so far", counter=True),
    Field("data.delivered.stream_seq", "number", "number of the latest message delivered", counter=True),
    Field("data.ack_floor.consumer_seq", "number", "all deliveries up to this one are acknowledged", counter=True),
    Field("data.ack_floor.stream_seq", "number", "all messages up to this one are acknowledged", counter=True),
    _since("data.last_delivery_age", "time since the latest delivery", "data.delivered.last_active"),
    _since("data.last_ack_age", "time since the latest acknowledgement", "data.ack_floor.last_active"),
    Field("data.num_pending", "number", "messages that were not delivered yet: its lag"),
    Field("data.num_ack_pending", "number", "messages that wait for an acknowledgement"),
    _used("data.ack_pending_used", "what waits for it", "data.num_ack_pending", "data.config.max_ack_pending"),
    Field("data.num_redelivered", "number", "messages that were delivered more than once"),
    Field("data.num_waiting", "number", "pulls that wait"),
    Field("data.push_bound", "text", "true: somebody listens to what it pushes"),
    Field("data.paused", "text", "true: it is paused (servers from 2.11 on)"),
)

_OF_ACCOUNT = ("server.domain", "account.id")
"""Names of streams are one for each account of a JetStream domain."""

TYPES = (
    _item(
        "connection",
        "CONNZ",
        "a client's connection, as its server sees it",
        ("server.name", "data.cid"),
        _CONNECTION,
        account="data.account",
    ),
    _item("route", "ROUTEZ", "a connection to another server of the cluster", ("server.name", "data.rid"), _ROUTE),
    _item(
        "gateway",
        "GATEWAYZ",
        "a connection to another cluster",
        ("server.name", "data.direction", "data.gateway", "data.connection.cid"),
        _GATEWAY,
    ),
    _item(
        "leafnode",
        "LEAFZ",
        "a connection to a leafnode, or of one to its hub",
        ("server.name", "data.account", "data.name", "data.ip", "data.port"),
        _LEAFNODE,
        account="data.account",
    ),
    _item(
        "account",
        "ACCOUNTZ",
        "an account on a server",
        ("server.name", "account.id"),
        _ACCOUNT,
        account="data.account_name",
        tag="data.name_tag",
    ),
    _item(
        "stream",
        "JSZ",
        "a stream, as its leader sees it",
        (*_OF_ACCOUNT, "data.name"),
        _STREAM,
        account="data.account",
        tag="data.account_name",
    ),
    _item(
        "consumer",
        "JSZ",
        "a consumer, as its leader sees it",
        (*_OF_ACCOUNT, "data.stream_name", "data.name"),
        _CONSUMER,
        account="data.account",
        tag="data.account_name",
    ),
)
