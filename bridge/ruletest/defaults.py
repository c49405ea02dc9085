"""What events have that tests do not say: an idle server of today, and a client like any other."""

from collections.abc import Mapping

from bridge.event import EventType
from bridge.ruletest.written import Written

SERVER: Mapping[str, Written] = {
    "server.name": "nats-1",
    "server.host": "0.0.0.0",  # noqa: S104 - what servers send that listen everywhere
    "server.ver": "2.12.0",
    "server.time": 0.0,
}

_CONNECTION: Mapping[str, Written] = {
    "client.host": "192.0.2.1",
    "client.acc": "APP",
    "client.user": "app",
    "client.name": "client",
    "client.lang": "go",
    "client.ver": "1.40.0",
    "client.kind": "Client",
    "client.client_type": "nats",
    "client.name_tag": None,
}
_LEAFNODE: Mapping[str, Written] = {
    **_CONNECTION,
    "client.name": "leaf",
    "client.kind": "Leafnode",
    "client.lang": None,
    "client.ver": None,
    "client.client_type": None,
}
_END: Mapping[str, Written] = {
    "client.stop": 0.0,
    "reason": "Client Closed",
    "sent.msgs": 0.0,
    "sent.bytes": 0.0,
    "received.msgs": 0.0,
    "received.bytes": 0.0,
}

DEFAULTS: Mapping[str, Mapping[str, Written]] = {
    "client.connect": _CONNECTION,
    "client.disconnect": {**_CONNECTION, **_END},
    "client.auth_error": {**_CONNECTION, **_END, "client.acc": "$G", "reason": "Authentication Failure"},
    "client.rejected": {
        **dict.fromkeys(_CONNECTION),
        **_END,
        "client.host": "192.0.2.1",
        "client.acc": "$G",
        "client.kind": "Client",
        "client.client_type": "nats",
    },
    "leafnode.connect": _LEAFNODE,
    "leafnode.disconnect": {**_LEAFNODE, **_END},
    "server.statsz": {
        "statsz.start": "2025-12-01T00:00:00Z",
        "statsz.mem": 16.0 * 2**20,
        "statsz.cores": 4.0,
        "statsz.cpu": 0.0,
        "statsz.connections": 0.0,
        "statsz.total_connections": 0.0,
        "statsz.active_accounts": 0.0,
        "statsz.subscriptions": 0.0,
        "statsz.sent.msgs": 0.0,
        "statsz.sent.bytes": 0.0,
        "statsz.received.msgs": 0.0,
        "statsz.received.bytes": 0.0,
        "statsz.slow_consumers": 0.0,
        "statsz.active_servers": 1.0,
    },
}
"""By event; None: left out."""

_ADVISORY: Mapping[str, Written] = {"stream": "ORDERS", "consumer": "worker"}


def defaults(kind: EventType) -> Mapping[str, Written]:
    """What an event of this type has that a test does not say."""
    if kind.name.startswith("js."):
        family = "metric" if kind.subjects[0].startswith("$JS.EVENT.METRIC.") else "advisory"
        said = {"type": f"io.nats.jetstream.{family}.v1.{kind.name.removeprefix('js.')}"}
        return {**said, **{path: value for path, value in _ADVISORY.items() if path in kind.fields}}
    if kind.responder:
        return {"claimed.name": "APP", "claimed.sub": "APP"}
    return DEFAULTS.get(kind.name, {})
