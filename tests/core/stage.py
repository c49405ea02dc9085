"""What tests of the core act on: rules as operators write them, messages as servers send them, and an engine."""

import json
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

import msgspec

from bridge.commit import Commit, OutboxRow
from bridge.cursor import Change
from bridge.engine import Engine
from bridge.events.accounts import Names
from bridge.inputs import Input, Message, Sight
from bridge.route import Route
from bridge.routing import Routing
from bridge.rule import Rule
from bridge.rules import RULE_TYPES
from bridge.setup import PlacedRule, Setup
from bridge.standins import Target
from bridge.values import HOUR, SECOND

START = 1_700_000_000 * SECOND


def rule(**keys: Any) -> Rule:
    """A rule from its YAML keys; `for_` is `for`."""
    if "for_" in keys:
        keys["for"] = keys.pop("for_")
    return RULE_TYPES[keys.get("type", "any")].model_validate({"type": "any", "alert": "A", **keys})


def setup(
    *rules: Rule,
    route: dict[str, Any] | None = None,
    targets: Iterable[Target] = (Target("ops/webhook/0"),),
    fallbacks: Iterable[Iterable[Target]] = (),
) -> Setup:
    """A configuration with one receiver, and perhaps those that it falls back on; every alert is its own group and is
    told at once."""
    given = {"receiver": "ops", "group_by": ["..."], "group_wait": "0", "group_interval": "1s", **(route or {})}
    receivers = {f"fallback-{nth}" if nth else "ops": tuple(each) for nth, each in enumerate((targets, *fallbacks))}
    names = list(receivers)
    routing = Routing(Route.model_validate(given), receivers, 72 * HOUR, fallbacks=dict(pairwise(names)))
    return Setup(tuple(PlacedRule(each) for each in rules), routing, names=Names())


def at(seconds: float) -> int:
    """An instant of the test, in seconds after its start."""
    return START + round(seconds * SECOND)


def login_failed(
    seconds: float, host: str = "10.0.0.9", user: str = "eve", number: int = 0, server: str = "n1"
) -> Message:
    """A failed login; `number` makes it another one."""
    id = f"auth-{seconds}-{host}-{number}-{server}"
    body = _connection(id, host, user, "Authentication Failure", "$G", server)
    return _message(f"$SYS.SERVER.{body['server']['id']}.CLIENT.AUTH.ERR", body, seconds)


def disconnected(
    seconds: float,
    name: str,
    reason: str = "Client Closed",
    number: int = 0,
    kind: str = "Client",
    server: str = "n1",
    client_id: int | None = None,
) -> Message:
    body = _connection(f"gone-{seconds}-{name}-{number}-{server}", "10.0.0.9", "app", reason, "APP", server)
    client_id = abs(hash((seconds, name, number))) % 10**6 if client_id is None else client_id
    body["client"].update(name=name, kind=kind, id=client_id)
    return _message("$SYS.ACCOUNT.APP.DISCONNECT", body, seconds)


def connected(seconds: float, name: str, client_id: int = 7, kind: str = "Client", number: int = 0) -> Message:
    body = _connection(f"come-{seconds}-{name}-{number}", "10.0.0.9", "app", "", "APP", "n1")
    body["client"].update(name=name, kind=kind, id=client_id)
    return _message("$SYS.ACCOUNT.APP.CONNECT", body, seconds)


def statsz(
    seconds: float, server: str = "n1", process: str = "P1", seq: int | None = None, **fields: object
) -> Message:
    """A server's statistics; `seq` grows with time unless given."""
    stamp = seq if seq is not None else round(seconds * 1000) + 1
    body = {
        "server": {"name": server, "id": process, "seq": stamp, "ver": "2.15.1"},
        "statsz": {"start": f"start of {process}", **fields},
    }
    return _message(f"$SYS.SERVER.{process}.STATSZ", body, seconds)


def goodbye(seconds: float, server: str = "n1", process: str = "P1", kind: str = "SHUTDOWN") -> Message:
    body = {"name": server, "id": process, "seq": 10**9 + round(seconds), "ver": "2.15.1"}
    return _message(f"$SYS.SERVER.{process}.{kind}", body, seconds)


def _connection(id: str, host: str, user: str, reason: str, account: str, server: str) -> dict[str, Any]:
    return {
        "type": "io.nats.server.advisory.v1.client_disconnect",
        "id": id,
        "server": {"name": server, "id": f"P{server[1:]}", "seq": 1, "ver": "2.15.1"},
        "client": {
            "host": host,
            "id": 1,
            "acc": account,
            "user": user,
            "name": "probe",
            "kind": "Client",
            "lang": "go",
        },
        "reason": reason,
    }


def _message(subject: str, body: dict[str, Any], seconds: float) -> Message:
    return Message(subject, json.dumps(body).encode(), at(seconds))


class Decision(msgspec.Struct, frozen=True):
    """One change of an alert, as tests compare it: seconds after the start, state, labels without the name, value."""

    seconds: float
    state: str
    labels: dict[str, str] = {}
    value: float | None = None
    reason: str = ""


class Stage:
    """An engine with sight, and all that it has decided so far."""

    def __init__(self, *rules: Rule, setup_: Setup | None = None, sighted: bool = True) -> None:
        self.setup = setup_ or setup(*rules)
        self.engine = Engine(self.setup, START)
        self.changes: dict[int, Change] = {}
        self.rows: dict[str, OutboxRow] = {}
        self.commits: list[Commit] = []
        self.engine.begin()
        if sighted:
            self.play(Sight(START))

    def play(self, *inputs: Input) -> "Stage":
        self.engine.process(inputs)
        return self.collect()

    def wait(self, until: float) -> "Stage":
        """Let time pass until so many seconds after the start, that instant excluded."""
        self.engine.advance(at(until))
        return self.collect()

    def reload(self, *rules: Rule, setup_: Setup | None = None, dormant: bool = False) -> "Stage":
        """The rules file was edited."""
        self.setup = setup_ or setup(*rules)
        self.engine.reload(self.setup, dormant)
        return self.collect()

    def collect(self) -> "Stage":
        commit = self.engine.drain()
        self.commits.append(commit)
        for row in commit.changes:
            self.changes[row.n] = msgspec.json.decode(row.body, type=Change)
        for outgoing in commit.rows:
            self.rows[outgoing.id] = outgoing
        return self

    @property
    def decisions(self) -> list[Decision]:
        return [
            Decision(
                (change.at - START) / SECOND,
                change.state,
                {name: text for name, text in change.facts.labels.items() if name != "alertname"},
                change.facts.tally.value,
                change.facts.reason,
            )
            for _, change in sorted(self.changes.items())
        ]

    @property
    def story(self) -> list[tuple[float, str]]:
        """When which state was entered."""
        return [(decision.seconds, decision.state) for decision in self.decisions]
