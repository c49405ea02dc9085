"""All servers of the system at one moment: what each says of itself, and how well it is."""

from typing import Any, Literal

import msgspec

from bridge.errors import SourceError
from bridge.event import as_number, clean, parse_time, walk
from bridge.source.connection import Connection
from bridge.source.gather import PING_SUBJECT, Answer, request
from bridge.values import SECOND

Health = Literal["ok", "ill", "unknown"]


class Use(msgspec.Struct):
    """How much is used, of how much; None: there is no limit."""

    used: int
    limit: int | None


class JetStream(msgspec.Struct):
    """What a server with JetStream keeps, in bytes."""

    storage: Use
    memory: Use


class Seen(msgspec.Struct, kw_only=True):
    """One server. Sizes are in bytes, spans in seconds."""

    name: str
    id: str
    cluster: str
    version: str
    uptime: float | None
    connections: int
    slow_consumers: int
    cpu: float
    """Percent of all cores."""
    cores: int
    memory: int
    jetstream: JetStream | None
    health: Health = "unknown"
    trouble: str = ""
    """What is wrong, or why the health is unknown."""


class Survey(msgspec.Struct):
    """The servers, by name. `expected`: how many they count themselves, the crashed ones of the last minutes too."""

    expected: int
    missing: int
    servers: list[Seen]

    @property
    def well(self) -> bool:
        return not self.missing and all(server.health != "ill" for server in self.servers)


async def call(nats: Connection, within: float) -> dict[str, Answer]:
    """The STATSZ of all servers, by their id. Raises SourceError if there is none."""
    gathered = await nats.ask(request(), within=within)
    if gathered.nobody and not gathered.answers:
        raise nats.wrong_account()
    if gathered.denied:
        what = f"{nats.target.address} lets the bridge, {nats.login}, not publish to {PING_SUBJECT}"
        raise SourceError(f"{what}; allow it in permissions.publish of this user", nats.target.address, "denied")
    if not gathered.answers:
        what = f"no server answered {PING_SUBJECT} at {nats.target.address} within {within:g} s"
        raise SourceError(f"{what}; use a user of the system account", nats.target.address, "no answer")
    return gathered.answers


async def survey(nats: Connection, within: float) -> Survey:
    """Look at all servers. `within`: seconds for each of the two questions. Raises SourceError."""
    answers = await call(nats, within)
    seen = {id: _seen(answer) for id, answer in answers.items()}
    subject = request("HEALTHZ")
    health = await nats.ask(subject, within=within, least=len(seen))
    for id, server in seen.items():
        if health.denied:
            server.trouble = f"may not publish to {subject}"
        elif (answer := health.answers.get(id)) is not None:
            server.health, server.trouble = _health(answer)
        else:
            server.trouble = "no answer to HEALTHZ"
    expected = max(nats.active, len(seen))
    return Survey(
        expected, expected - len(seen), sorted(seen.values(), key=lambda server: (server.cluster, server.name))
    )


def _health(answer: Answer) -> tuple[Health, str]:
    if answer.error:
        return "unknown", clean(answer.error)
    status = walk(answer.data, "status")
    if status == "ok":
        return "ok", ""
    if not isinstance(status, str):
        return "unknown", "its answer to HEALTHZ says nothing"
    error = walk(answer.data, "error")
    return "ill", clean(error if isinstance(error, str) and error else status)


def _seen(answer: Answer) -> Seen:
    statsz, server = answer.data, answer.server
    cores = _number(statsz, "cores")
    began, now = parse_time(walk(statsz, "start")), parse_time(walk(msgspec.json.decode(answer.body), "server.time"))
    return Seen(
        name=clean(server.name or server.id),
        id=server.id,
        cluster=clean(server.cluster),
        version=clean(server.ver),
        uptime=(now - began) / SECOND if began is not None and now is not None else None,
        connections=_number(statsz, "connections"),
        slow_consumers=_number(statsz, "slow_consumers"),
        cpu=(as_number(walk(statsz, "cpu")) or 0.0) / (cores or 1),
        cores=cores,
        memory=_number(statsz, "mem"),
        jetstream=JetStream(_use(statsz, "storage"), _use(statsz, "memory")) if walk(statsz, "jetstream") else None,
    )


def _use(statsz: Any, what: str) -> Use:
    limit = _number(statsz, f"jetstream.config.max_{what}")
    return Use(_number(statsz, f"jetstream.stats.{what}"), limit if limit > 0 else None)


def _number(body: Any, path: str) -> int:
    return int(as_number(walk(body, path)) or 0)
