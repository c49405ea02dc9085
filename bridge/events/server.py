"""Servers: the statistics that they publish, and their planned stops."""

import msgspec

from bridge.event import EventType, Field
from bridge.events.amounts import per_core, share
from bridge.events.fields import COMMON, catalogue
from bridge.events.lists import counted, distinct_names, is_behind, is_offline, largest, pairs

_STATSZ = (
    Field("statsz.start", "time", "start of the server's process"),
    Field("statsz.mem", "bytes", "resident memory"),
    Field("statsz.cores", "number", "processor cores"),
    Field("statsz.cpu", "percent", "processor use, in percent of one core"),
    Field(
        "statsz.cpu_per_core",
        "percent",
        "processor use, in percent of all cores",
        derive=per_core,
        sources=("statsz.cpu", "statsz.cores"),
    ),
    Field("statsz.connections", "number", "client connections now"),
    Field("statsz.total_connections", "number", "client connections since the start, refused ones included"),
    Field("statsz.active_accounts", "number", "accounts with connections"),
    Field("statsz.subscriptions", "number", "subscriptions, internal ones included"),
    Field("statsz.sent.msgs", "number", "messages sent since the start"),
    Field("statsz.sent.bytes", "bytes", "bytes sent since the start"),
    Field("statsz.received.msgs", "number", "messages received since the start"),
    Field("statsz.received.bytes", "bytes", "bytes received since the start"),
    Field("statsz.sent_to_clients.msgs", "number", "messages sent to clients (servers from 2.12.9 on)"),
    Field("statsz.sent_to_clients.bytes", "bytes", "bytes sent to clients (servers from 2.12.9 on)"),
    Field("statsz.received_from_clients.msgs", "number", "messages received from clients (servers from 2.12.9 on)"),
    Field("statsz.received_from_clients.bytes", "bytes", "bytes received from clients (servers from 2.12.9 on)"),
    Field(
        "statsz.slow_consumers",
        "number",
        "slow consumer detections since the start; some versions count one client twice",
    ),
    *(
        Field(f"statsz.slow_consumer_stats.{kind}", "number", f"of these at {kind} (servers from 2.11 on)", zero=True)
        for kind in ("clients", "routes", "gateways", "leafs")
    ),
    Field("statsz.stale_connections", "number", "stale connections since the start (servers from 2.12 on)", zero=True),
    *(
        Field(
            f"statsz.stale_connection_stats.{kind}", "number", f"of these at {kind} (servers from 2.12 on)", zero=True
        )
        for kind in ("clients", "routes", "gateways", "leafs")
    ),
    Field("statsz.stalled_clients", "number", "times a producer was held back (servers from 2.12 on)", zero=True),
    Field("statsz.active_servers", "number", "servers that this one knows, itself included"),
    Field("statsz.gomemlimit", "bytes", "memory limit of the process"),
    Field("statsz.gomaxprocs", "number", "threads of the process"),
    Field(
        "statsz.route_peers",
        "number",
        "servers that routes lead to",
        zero=True,
        derive=distinct_names,
        sources=("statsz.routes",),
    ),
    Field(
        "statsz.route_pending_max",
        "bytes",
        "longest queue of a route",
        zero=True,
        derive=largest("pending"),
        sources=("statsz.routes",),
    ),
    Field(
        "statsz.gateway_peers",
        "number",
        "gateways that lead out",
        zero=True,
        derive=distinct_names,
        sources=("statsz.gateways",),
    ),
    Field("statsz.jetstream.config.max_memory", "bytes", "JetStream's memory limit"),
    Field("statsz.jetstream.config.max_storage", "bytes", "JetStream's storage limit"),
    Field("statsz.jetstream.config.sync_interval", "seconds", "how often JetStream syncs its files to the disk"),
    Field("statsz.jetstream.config.compress_ok", "text", "true: streams may be compressed"),
    Field("statsz.jetstream.config.strict", "text", "true: requests to the API must be exact (servers from 2.11 on)"),
    Field(
        "statsz.jetstream.limits",
        "text",
        "JetStream's other limits (servers from 2.10.28 on)",
        derive=pairs,
        sources=("statsz.jetstream.limits",),
    ),
    Field("statsz.jetstream.stats.memory", "bytes", "JetStream memory in use"),
    Field("statsz.jetstream.stats.storage", "bytes", "JetStream storage in use"),
    Field("statsz.jetstream.stats.reserved_memory", "bytes", "JetStream memory that streams have reserved"),
    Field("statsz.jetstream.stats.reserved_storage", "bytes", "JetStream storage that streams have reserved"),
    Field("statsz.jetstream.stats.accounts", "number", "accounts with JetStream"),
    Field("statsz.jetstream.stats.ha_assets", "number", "replicated streams and consumers"),
    Field("statsz.jetstream.stats.api.total", "number", "API requests since the start"),
    Field("statsz.jetstream.stats.api.errors", "number", "failed API requests since the start"),
    Field("statsz.jetstream.stats.api.level", "number", "version of the API (servers from 2.11 on)"),
    Field("statsz.jetstream.stats.api.inflight", "number", "API requests under way", zero=True),
    Field("statsz.jetstream.meta.leader", "text", "leader of the meta group; empty: there is none"),
    Field("statsz.jetstream.meta.name", "text", "the cluster's name where the leader tells it, else _meta_"),
    Field("statsz.jetstream.meta.peer", "text", "the meta group's id for this server"),
    Field("statsz.jetstream.meta.pending", "number", "meta changes to be applied (servers from 2.10.21 on)", zero=True),
    Field("statsz.jetstream.meta.pending_requests", "number", "API requests waiting (servers from 2.14 on)", zero=True),
    Field(
        "statsz.jetstream.meta.pending_infos", "number", "requests for infos waiting (servers from 2.14 on)", zero=True
    ),
    Field("statsz.jetstream.meta.quorum_needed", "number", "members that a majority needs (servers from 2.15 on)"),
    Field("statsz.jetstream.meta.rescue", "text", "true: a smaller quorum was forced (servers from 2.15 on)"),
    Field(
        "statsz.jetstream.meta.snapshot.pending_entries",
        "number",
        "meta changes since the last snapshot (servers from 2.14 on)",
        zero=True,
    ),
    Field("statsz.jetstream.meta.snapshot.pending_size", "bytes", "size of these (servers from 2.14 on)", zero=True),
    Field("statsz.jetstream.meta.snapshot.last_time", "time", "time of the last snapshot (servers from 2.14 on)"),
    Field(
        "statsz.jetstream.meta.snapshot.last_duration", "seconds", "how long it took (servers from 2.14 on)", zero=True
    ),
    Field("statsz.jetstream.meta.cluster_size", "number", "members of the meta group"),
    Field(
        "statsz.jetstream.meta.not_current",
        "number",
        "replicas of the meta group that are behind, as its leader sees them",
        derive=counted(is_behind),
        sources=("statsz.jetstream.meta.replicas",),
    ),
    Field(
        "statsz.jetstream.meta.offline",
        "number",
        "replicas of the meta group that are offline, as its leader sees them",
        derive=counted(is_offline),
        sources=("statsz.jetstream.meta.replicas",),
    ),
    Field(
        "statsz.jetstream.meta.lag_max",
        "number",
        "largest lag of a replica of the meta group, as its leader sees it",
        derive=largest("lag"),
        sources=("statsz.jetstream.meta.replicas",),
    ),
    Field(
        "statsz.jetstream.storage_used",
        "percent",
        "JetStream storage in use, of its limit",
        derive=share,
        sources=("statsz.jetstream.stats.storage", "statsz.jetstream.config.max_storage"),
    ),
    Field(
        "statsz.jetstream.memory_used",
        "percent",
        "JetStream memory in use, of its limit",
        derive=share,
        sources=("statsz.jetstream.stats.memory", "statsz.jetstream.config.max_memory"),
    ),
)
_OCSP = (
    Field("id", "text", "id of the event"),
    Field("timestamp", "time", "the server's time of the event"),
    Field("reason", "text", "status of the certificate, in the server's words"),
)


def _certificate(of: str) -> tuple[Field, ...]:
    return (
        Field(f"{of}.subject", "text", f"subject of the {of}'s certificate"),
        Field(f"{of}.issuer", "text", f"issuer of the {of}'s certificate"),
        Field(f"{of}.fingerprint", "text", f"fingerprint of the {of}'s certificate"),
    )


_STOP = ("server.shutdown", "server.lameduck")

_COUNTERS = (
    "total_connections",
    "sent.",
    "received.",
    "sent_to_clients.",
    "received_from_clients.",
    "slow_consumer",
    "stale_connection",
    "stalled_clients",
    "jetstream.stats.api.total",
    "jetstream.stats.api.errors",
)
"""What these statistics begin with only grows."""
_MEASURED = tuple(
    msgspec.structs.replace(field, counter=field.path.removeprefix("statsz.").startswith(_COUNTERS))
    for field in _STATSZ
)

TYPES = (
    EventType(
        name="server.statsz",
        subjects=("$SYS.SERVER.*.STATSZ",),
        about="a server's statistics, every 10 s (every 30 s before 2.10.21)",
        fields=catalogue(COMMON, _MEASURED),
        series=("server.name",),
        ends_with=_STOP,
    ),
    EventType(
        name="server.shutdown",
        subjects=("$SYS.SERVER.*.SHUTDOWN",),
        about="a server stops; no disconnects of its clients follow",
        fields=catalogue(COMMON),
    ),
    EventType(
        name="server.lameduck",
        subjects=("$SYS.SERVER.*.LAMEDUCK",),
        about="a server drains; nothing more comes from it (servers from 2.9.22 on)",
        fields=catalogue(COMMON),
        since="2.9.22",
    ),
    EventType(
        name="server.ocsp_reject",
        subjects=("$SYS.SERVER.*.OCSP.PEER.CONN.REJECT",),
        about="a TLS connection was refused because of its certificate's status",
        fields=catalogue(COMMON, _OCSP, _certificate("peer"), (Field("kind", "text", "kind of the connection"),)),
        severity="warning",
        since="2.9.21",
    ),
    EventType(
        name="server.ocsp_link_invalid",
        subjects=("$SYS.SERVER.*.OCSP.PEER.LINK.INVALID",),
        about="a certificate in a peer's chain is not valid",
        fields=catalogue(COMMON, _OCSP, _certificate("peer"), _certificate("link")),
        severity="warning",
        since="2.9.21",
    ),
)
