"""Servers: the statistics that they publish, and their planned stops."""

from collections.abc import Callable
from typing import Any

from bridge.event import EventType, Field, as_number
from bridge.events.fields import COMMON, catalogue


def _items(value: Any) -> list[dict[str, Any]]:
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def _names(items: Any) -> float:
    """How many distinct peers: pooled connections repeat a peer's name."""
    return float(len({str(item.get("name")) for item in _items(items)}))


def _largest(name: str, scale: float = 1.0) -> Callable[[Any], float]:
    return lambda items: max((as_number(item.get(name)) or 0.0 for item in _items(items)), default=0.0) * scale


def _per_core(cpu: object, cores: object) -> float | None:
    used, count = as_number(cpu), as_number(cores)
    return used / count if used is not None and count else None


def _used(used: object, limit: object) -> float | None:
    part, most = as_number(used), as_number(limit)
    return 100 * part / most if part is not None and most and most > 0 else None


def _counted(test: Callable[[dict[str, Any]], bool]) -> Callable[[Any], float]:
    return lambda replicas: float(sum(1 for item in _items(replicas) if test(item)))


_STATSZ = (
    Field("statsz.start", "time", "start of the server's process"),
    Field("statsz.mem", "bytes", "resident memory"),
    Field("statsz.cores", "number", "processor cores"),
    Field("statsz.cpu", "percent", "processor use, in percent of one core"),
    Field(
        "statsz.cpu_per_core",
        "percent",
        "processor use, in percent of all cores",
        derive=_per_core,
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
        derive=_names,
        sources=("statsz.routes",),
    ),
    Field(
        "statsz.route_pending_max",
        "bytes",
        "longest queue of a route",
        zero=True,
        derive=_largest("pending"),
        sources=("statsz.routes",),
    ),
    Field(
        "statsz.gateway_peers",
        "number",
        "gateways that lead out",
        zero=True,
        derive=_names,
        sources=("statsz.gateways",),
    ),
    Field("statsz.jetstream.config.max_memory", "bytes", "JetStream's memory limit"),
    Field("statsz.jetstream.config.max_storage", "bytes", "JetStream's storage limit"),
    Field("statsz.jetstream.stats.memory", "bytes", "JetStream memory in use"),
    Field("statsz.jetstream.stats.storage", "bytes", "JetStream storage in use"),
    Field("statsz.jetstream.stats.reserved_memory", "bytes", "JetStream memory that streams have reserved"),
    Field("statsz.jetstream.stats.reserved_storage", "bytes", "JetStream storage that streams have reserved"),
    Field("statsz.jetstream.stats.accounts", "number", "accounts with JetStream"),
    Field("statsz.jetstream.stats.ha_assets", "number", "replicated streams and consumers"),
    Field("statsz.jetstream.stats.api.total", "number", "API requests since the start"),
    Field("statsz.jetstream.stats.api.errors", "number", "failed API requests since the start"),
    Field("statsz.jetstream.stats.api.inflight", "number", "API requests under way", zero=True),
    Field("statsz.jetstream.meta.leader", "text", "leader of the meta group; empty: there is none"),
    Field("statsz.jetstream.meta.cluster_size", "number", "members of the meta group"),
    Field(
        "statsz.jetstream.meta.not_current",
        "number",
        "replicas of the meta group that are behind, as its leader sees them",
        derive=_counted(lambda replica: replica.get("current") is False),
        sources=("statsz.jetstream.meta.replicas",),
    ),
    Field(
        "statsz.jetstream.meta.offline",
        "number",
        "replicas of the meta group that are offline, as its leader sees them",
        derive=_counted(lambda replica: replica.get("offline") is True),
        sources=("statsz.jetstream.meta.replicas",),
    ),
    Field(
        "statsz.jetstream.meta.lag_max",
        "number",
        "largest lag of a replica of the meta group, as its leader sees it",
        derive=_largest("lag"),
        sources=("statsz.jetstream.meta.replicas",),
    ),
    Field(
        "statsz.jetstream.storage_used",
        "percent",
        "JetStream storage in use, of its limit",
        derive=_used,
        sources=("statsz.jetstream.stats.storage", "statsz.jetstream.config.max_storage"),
    ),
    Field(
        "statsz.jetstream.memory_used",
        "percent",
        "JetStream memory in use, of its limit",
        derive=_used,
        sources=("statsz.jetstream.stats.memory", "statsz.jetstream.config.max_memory"),
    ),
)
_STOP = ("server.shutdown", "server.lameduck")

TYPES = (
    EventType(
        name="server.statsz",
        subjects=("$SYS.SERVER.*.STATSZ",),
        about="a server's statistics, every 10 s (every 30 s before 2.10.21)",
        fields=catalogue(COMMON, _STATSZ),
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
    ),
)
