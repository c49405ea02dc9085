"""What servers say of themselves only when asked: the whole answers of HEALTHZ, VARZ and JSZ."""

from collections.abc import Iterable

from bridge.event import EventType, Field
from bridge.events import item
from bridge.events.amounts import per_core, seconds_between, share
from bridge.events.fields import COMMON, catalogue
from bridge.events.lists import counted, is_behind, is_offline, largest

_KINDS = ("clients", "routes", "gateways", "leafs")


def _answer(name: str, request: str, about: str, fields: Iterable[Field], severity: str = "info") -> EventType:
    return EventType(
        name=f"server.{name}",
        subjects=(),
        aliases=(f"$SYS.REQ.SERVER.*.{request}",),
        poll=request,
        about=about,
        fields=catalogue(COMMON, fields),
        severity=severity,
        series=("server.name",),
        ends_with=("server.shutdown", "server.lameduck"),
    )


def _jetstream(at: str, stats: str, meta: str) -> tuple[Field, ...]:
    """`at`, `stats`, `meta`: where the configuration, the figures and the meta group stand."""
    replicas = (f"{meta}.replicas",)
    return (
        Field(f"{at}config.max_memory", "bytes", "JetStream's memory limit"),
        Field(f"{at}config.max_storage", "bytes", "JetStream's storage limit"),
        Field(f"{at}config.domain", "text", "JetStream's domain"),
        Field(f"{stats}memory", "bytes", "JetStream memory in use"),
        Field(f"{stats}storage", "bytes", "JetStream storage in use"),
        Field(f"{stats}reserved_memory", "bytes", "JetStream memory that streams have reserved"),
        Field(f"{stats}reserved_storage", "bytes", "JetStream storage that streams have reserved"),
        Field(f"{stats}accounts", "number", "accounts with JetStream"),
        Field(f"{stats}ha_assets", "number", "replicated streams and consumers"),
        Field(f"{stats}api.level", "number", "level of the API (servers from 2.11 on)"),
        Field(f"{stats}api.total", "number", "API requests since the start", counter=True),
        Field(f"{stats}api.errors", "number", "failed API requests since the start", counter=True),
        Field(f"{stats}api.inflight", "number", "API requests under way", zero=True),
        Field(
            f"{at}storage_used",
            "percent",
            "JetStream storage in use, of its limit",
            derive=share,
            sources=(f"{stats}storage", f"{at}config.max_storage"),
        ),
        Field(
            f"{at}memory_used",
            "percent",
            "JetStream memory in use, of its limit",
            derive=share,
            sources=(f"{stats}memory", f"{at}config.max_memory"),
        ),
        Field(f"{meta}.leader", "text", "leader of the meta group; empty: there is none"),
        Field(f"{meta}.cluster_size", "number", "members of the meta group"),
        Field(f"{meta}.pending", "number", "changes that the meta group has to work off", zero=True),
        Field(
            f"{meta}.not_current",
            "number",
            "replicas of the meta group that are behind, as its leader sees them",
            derive=counted(is_behind),
            sources=replicas,
        ),
        Field(
            f"{meta}.offline",
            "number",
            "replicas of the meta group that are offline, as its leader sees them",
            derive=counted(is_offline),
            sources=replicas,
        ),
        Field(
            f"{meta}.lag_max",
            "number",
            "largest lag of a replica of the meta group, as its leader sees it",
            derive=largest("lag"),
            sources=replicas,
        ),
    )


_HEALTHZ = (
    Field("data.status", "text", "ok, or unavailable or error"),
    Field("data.status_code", "number", "200 if all is well (servers from 2.10 on)"),
    Field("data.error", "text", "what is wrong"),
)

_VARZ = (
    Field("data.version", "text", "version of the server"),
    Field("data.go", "text", "version of Go that it was built with"),
    Field("data.system_account", "text", "the system account"),
    Field("data.start", "time", "start of the server's process"),
    Field("data.config_load_time", "time", "when the configuration was read"),
    Field("data.config_digest", "text", "digest of the configuration (servers from 2.11 on)"),
    Field(
        "data.running_for",
        "seconds",
        "time since the start",
        derive=seconds_between,
        sources=("data.start", "data.now"),
    ),
    Field("data.auth_required", "text", "true: clients must log in"),
    Field("data.tls_required", "text", "true: clients must use TLS"),
    Field("data.tls_verify", "text", "true: clients must show a certificate"),
    Field("data.tls_cert_not_after", "time", "end of the certificate for clients (servers from 2.11.12 on)"),
    *(
        Field(f"data.{part}.tls_cert_not_after", "time", f"end of the certificate for {what} (servers from 2.11.12 on)")
        for part, what in (
            ("cluster", "routes"),
            ("gateway", "gateways"),
            ("leaf", "leafnodes"),
            ("websocket", "websockets"),
            ("mqtt", "MQTT"),
        )
    ),
    Field("data.mem", "bytes", "resident memory"),
    Field("data.gomemlimit", "bytes", "memory limit of the process"),
    Field("data.gomaxprocs", "number", "threads of the process"),
    Field("data.cores", "number", "processor cores"),
    Field("data.cpu", "percent", "processor use, in percent of one core"),
    Field(
        "data.cpu_per_core",
        "percent",
        "processor use, in percent of all cores",
        derive=per_core,
        sources=("data.cpu", "data.cores"),
    ),
    Field("data.max_connections", "number", "clients that may be connected at once"),
    Field("data.max_payload", "bytes", "largest message"),
    Field("data.max_pending", "bytes", "what may wait for a client before it is cut off"),
    Field("data.write_deadline", "seconds", "how long a client may take to read"),
    Field("data.connections", "number", "client connections now"),
    Field(
        "data.connections_used",
        "percent",
        "client connections now, of those that may be",
        derive=share,
        sources=("data.connections", "data.max_connections"),
    ),
    Field(
        "data.total_connections", "number", "client connections since the start, refused ones included", counter=True
    ),
    Field("data.routes", "number", "connections to servers of the cluster"),
    Field("data.remotes", "number", "servers of the cluster that routes lead to"),
    Field("data.leafnodes", "number", "leafnodes connected now"),
    Field("data.subscriptions", "number", "subscriptions, internal ones included"),
    *(
        Field(f"data.{way}{of}_{unit}", kind, f"{unit_about} {verb} since the start{since}", counter=True)
        for way, verb in (("in", "received"), ("out", "sent"))
        for of, since in (("", ""), ("_client", ", of clients only (servers from 2.12.9 on)"))
        for unit, kind, unit_about in item.TRAFFIC
    ),
    Field("data.slow_consumers", "number", "slow consumer detections since the start", counter=True),
    *(
        Field(f"data.slow_consumer_stats.{kind}", "number", f"of these at {kind}", zero=True, counter=True)
        for kind in _KINDS
    ),
    Field("data.stale_connections", "number", "stale connections since the start", zero=True, counter=True),
    *(
        Field(f"data.stale_connection_stats.{kind}", "number", f"of these at {kind}", zero=True, counter=True)
        for kind in _KINDS
    ),
    Field("data.stalled_clients", "number", "times a producer was held back", zero=True, counter=True),
    Field("data.disk_io_wait_stats.waiters", "number", "what waits for the disk now", zero=True),
    Field("data.disk_io_wait_stats.waits", "number", "waits for the disk since the start", zero=True, counter=True),
    Field("data.disk_io_wait_stats.max_wait_time", "seconds", "longest wait for the disk", zero=True),
    *_jetstream("data.jetstream.", "data.jetstream.stats.", "data.jetstream.meta"),
)

_JSZ = (
    Field("data.disabled", "text", "true: the server has no JetStream"),
    Field("data.streams", "number", "streams on this server"),
    Field("data.consumers", "number", "consumers on this server"),
    Field("data.messages", "number", "messages in its streams"),
    Field("data.bytes", "bytes", "size of its streams"),
    *_jetstream("data.", "data.", "data.meta_cluster"),
)

TYPES: tuple[EventType, ...] = (
    _answer("healthz", "HEALTHZ", "a server's answer on how it is", _HEALTHZ),
    _answer("varz", "VARZ", "a server's answer about itself", _VARZ),
    _answer("jsz", "JSZ", "a server's answer about its JetStream", _JSZ),
    *item.TYPES,
)
