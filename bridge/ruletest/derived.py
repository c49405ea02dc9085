"""Fields that rules compute: what a payload must hold so that they come out as a test says."""

from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]

Inverse = Callable[[Body, float], None]

_LIMIT = 2**40
"""Bytes that JetStream may use, if the test does not say."""


def _per_core(body: Body, percent: float) -> None:
    statsz = body["statsz"]
    statsz["cpu"] = percent * statsz.setdefault("cores", 1)


def _peers(key: str) -> Inverse:
    def place(body: Body, count: float) -> None:
        links = body["statsz"].setdefault(key, [])
        links.extend({"name": f"peer-{n}", "pending": 0} for n in range(len(links), round(count)))

    return place


def _pending(body: Body, size: float) -> None:
    _peers("routes")(body, 1)
    body["statsz"]["routes"][0]["pending"] = round(size)


def _replicas(mark: Callable[[Body], None]) -> Inverse:
    def place(body: Body, count: float) -> None:
        replicas = _below(body, "meta").setdefault("replicas", [])
        replicas.extend({"name": f"peer-{n}", "current": True} for n in range(len(replicas), round(count)))
        for replica in replicas[: round(count)]:
            mark(replica)

    return place


def _lag(body: Body, lag: float) -> None:
    _replicas(lambda replica: None)(body, 1)
    _below(body, "meta")["replicas"][0]["lag"] = round(lag)


def _used(part: str) -> Inverse:
    def place(body: Body, percent: float) -> None:
        limit = _below(body, "config").setdefault(f"max_{part}", _LIMIT)
        _below(body, "stats")[part] = round(percent / 100 * limit)

    return place


def _below(body: Body, key: str) -> Body:
    below: Body = body["statsz"].setdefault("jetstream", {}).setdefault(key, {})
    return below


INVERSES: Mapping[str, Inverse] = {
    "statsz.cpu_per_core": _per_core,
    "statsz.route_peers": _peers("routes"),
    "statsz.route_pending_max": _pending,
    "statsz.gateway_peers": _peers("gateways"),
    "statsz.jetstream.meta.not_current": _replicas(lambda replica: replica.update(current=False)),
    "statsz.jetstream.meta.offline": _replicas(lambda replica: replica.update(offline=True)),
    "statsz.jetstream.meta.lag_max": _lag,
    "statsz.jetstream.storage_used": _used("storage"),
    "statsz.jetstream.memory_used": _used("memory"),
}
"""By the path of the field."""
