"""Fields that rules compute: what a payload must hold so that they come out as a test says."""

import json
from collections.abc import Callable, Mapping
from typing import Any

Body = dict[str, Any]

Inverse = Callable[[Body, Any], None]
"""Puts what a field's value, a number or a text, comes from into a body."""

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


def _text(place: str) -> Inverse:
    def put(body: Body, text: str) -> None:
        body[place] = text

    return put


def _texts(*place: str) -> Inverse:
    def put(body: Body, text: str) -> None:
        for key in place[:-1]:
            body = body.setdefault(key, {})
        body[place[-1]] = text.split(", ")

    return put


def _pairs(make: Callable[[str], tuple[str, Any]], *place: str) -> Inverse:
    def put(body: Body, text: str) -> None:
        for key in place[:-1]:
            body = body.setdefault(key, {})
        body[place[-1]] = dict(make(each) for each in text.split(", "))

    return put


def _named(text: str) -> tuple[str, Any]:
    name, _, value = text.partition("=")
    return name, value


def _members(body: Body, text: str) -> None:
    """From `n1, n2 (behind), n3 (offline)`."""
    for told in text.split(", "):
        name, _, how = told.partition(" (")
        member = {"name": name, "current": not how, "active": 0, "peer": name}
        body.setdefault("replicas", []).append({**member, **({"offline": True} if how == "offline)" else {})})


def _member(key: str, scale: float = 1) -> Inverse:
    def put(body: Body, number: float) -> None:
        _members(body, "peer-0")
        body["replicas"][-1][key] = round(number * scale)

    return put


def _some(mark: str) -> Inverse:
    return lambda body, count: _members(body, ", ".join(f"peer-{n} ({mark})" for n in range(round(count))))


def _fault(key: str) -> Inverse:
    def put(body: Body, value: Any) -> None:
        answer = json.loads(body.get("response", "{}"))
        answer.setdefault("error", {})[key] = int(value) if isinstance(value, float) else value
        body["response"] = json.dumps(answer)

    return put


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
    "statsz.jetstream.limits": _pairs(_named, "statsz", "jetstream", "limits"),
    "server.tags": _texts("server", "tags"),
    "server.metadata": _pairs(_named, "server", "metadata"),
    "server.feature_flags": _pairs(lambda name: (name, True), "server", "feature_flags"),
    "client.tags": _texts("client", "tags"),
    "server.name": _text("server"),
    "server.id": _text("server_id"),
    "server.cluster": _text("cluster"),
    "leader": _text("leader"),
    "replicas": _members,
    "replicas.not_current": _some("behind"),
    "replicas.offline": _some("offline"),
    "replicas.lag_max": _member("lag"),
    "replicas.active_max": _member("active", 1e9),
    "error.code": _fault("code"),
    "error.err_code": _fault("err_code"),
    "error.description": _fault("description"),
}
"""By the path of the field."""
