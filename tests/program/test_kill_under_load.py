"""`kill -9` again and again under load, with destinations of every kind, some of them in trouble: every change of an
alert reaches each of them at least once, and twice only under the same id, where the kill swallowed the answer."""

import asyncio
import json
import random
import re
import sqlite3
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing, contextmanager
from itertools import pairwise
from pathlib import Path
from threading import Event, Thread
from typing import Any

import msgspec
import pytest

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.program import Program
from tests.program.rules import PASSWORD
from tests.program.trouble import SERVER, fail_login
from tests.sink import Answer, Received, Sink, answer, cut, hang, reset
from tests.slack import TOKEN, FakeSlack
from tests.waiting import eventually

KILLS = 100
"""Of each server version."""
NAMES = 50
SEED = 20_000
SHOWN = re.compile(rb"(?<![0-9a-f-])[0-9a-f-]{8}(?![0-9a-f-])")
"""The end of a message's id, as chats show it."""
FOOTER = re.compile(r" (?:·|\\u00b7) ([0-9a-f-]{8})(?![0-9a-f-])")
"""Where it stands."""

FILE = """\
nats: {{servers: ['{server}'], user: sys, password: {password}}}
storage: {{path: state.db}}
http: null
log: {{level: info, format: text}}
receivers:
  - name: ops
    webhook_configs: [{{name: steady, url: '{steady}'}}, {{name: moody, url: '{moody}'}}]
    slack_configs:
      - {{name: hook, webhook_url: '{hook}'}}
      - {{name: app, bot_token: {token}, channel: '#nats-ops', mode: thread, base_url: '{app}'}}
    alertmanager_configs: [{{name: peers, urls: ['{peers}']}}]
  - name: absent
    webhook_configs: [{{name: absent, url: '{absent}'}}]
    fallback: spare
  - name: spare
    webhook_configs: [{{name: spare, url: '{spare}'}}]
route:
  receiver: ops
  group_by: ['...']
  group_wait: 50ms
  group_interval: 1s
  routes: [{{receiver: absent, continue: true}}, {{receiver: ops}}]
rules:
  - alert: Suspect
    events: client.auth_error
    by: [client.name]
    keep_firing_for: 700ms
"""


class Witness(Sink):
    """Takes requests in its moods, and notes those that it said yes to, when it said so."""

    def __init__(self, chance: random.Random, trouble: float = 0.0) -> None:
        super().__init__()
        self.taken: list[tuple[float, Received]] = []
        self.refuses = False
        self._chance, self._trouble = chance, trouble
        self.then = self._decide

    async def _decide(self, writer: asyncio.StreamWriter) -> None:
        request = self.requests[-1]
        if self.refuses:
            await answer(404, b"gone")(writer)
        elif self._chance.random() < self._trouble:
            await self._mood()(writer)
        else:
            # The kill may come while the answer is on its way.
            await answer(after=self._chance.uniform(0, 0.02))(writer)
            self.taken.append((time.monotonic(), request))

    def _mood(self) -> Answer:
        moods = [answer(503), answer(429, Retry_After="1"), answer(500), reset(), cut(b"HTTP/1.1 2"), hang()]
        return self._chance.choice(moods)


class World:
    """The destinations, the load, and the instants of the kills."""

    def __init__(self, stack: ExitStack, chance: random.Random) -> None:
        self.steady, self.moody, self.hook, self.peers, self.absent, self.spare = (
            stack.enter_context(Witness(chance, 0.2 if nth == 1 else 0.0)) for nth in range(6)
        )
        self.app = stack.enter_context(FakeSlack())
        self.kills: list[float] = []

    def rules(self, server: NatsServer) -> str:
        return FILE.format(
            server=server.url,
            password=PASSWORD,
            token=TOKEN,
            app=self.app.url,
            peers=f"http://127.0.0.1:{self.peers.port}",
            **{name: getattr(self, name).url for name in ("steady", "moody", "hook", "absent", "spare")},
        )


class Change(msgspec.Struct, frozen=True):
    """As history has it."""

    n: int
    alert: str
    state: str
    client: str


class Row(msgspec.Struct, frozen=True):
    """A message as history has it; `says`: pairs of alert and state."""

    id: str
    destination: str
    state: str
    says: frozenset[tuple[str, str]]
    alerts: tuple[dict[str, Any], ...]


@pytest.mark.long
@pytest.mark.timeout(900)
async def test_a_hundred_kills_lose_nothing(start_server: StartServer, tmp_path: Path) -> None:
    chance = random.Random(SEED)
    server = start_server(SERVER)
    with ExitStack() as stack:
        world = World(stack, chance)
        program = stack.enter_context(Program(tmp_path / "bridge", world.rules(server)))
        with load(server, chance):
            for turn in range(KILLS):
                world.absent.refuses = turn // 10 % 3 == 1
                # Waits for nothing: the moment is the input. A start takes about a second.
                await asyncio.sleep(chance.uniform(0.1, 3))
                world.kills.append(time.monotonic())
                program.kill()
                program.start()
        world.absent.refuses = False
        await eventually(lambda: not waiting(program.database), within=240)
        assert await asyncio.to_thread(program.stop) == 0
        changes, rows = read(program.database)
        assert len(changes) > 5 * KILLS, "the kills have met nothing"
        check_changes(changes, rows)
        check_doubles(world)
        check_order(changes, world)
        check_taken(rows, world)
        print_table(changes, rows, world)


@contextmanager
def load(server: NatsServer, chance: random.Random) -> Iterator[None]:
    """Failed logins of many names, so that alerts fire and end all the time."""
    end = Event()

    def flow() -> None:
        while not end.wait(0.07):
            fail_login(server, name=f"n{chance.randrange(NAMES)}")

    thread = Thread(target=flow)
    thread.start()
    try:
        yield
    finally:
        end.set()
        thread.join()


def waiting(database: Path) -> int:
    """Messages, and changes that wait to be told, and groups."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        (rows,) = db.execute("SELECT count(*) FROM outbox WHERE state = 'pending'").fetchone()
        (changes,) = db.execute("SELECT count(*) FROM change WHERE told = 0").fetchone()
        return int(rows) + int(changes)


def read(database: Path) -> tuple[list[Change], list[Row]]:
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        changes = [
            Change(n, alert, state, json.loads(body)["facts"]["labels"].get("client_name", ""))
            for n, alert, state, body in db.execute("SELECT n, alert, state, body FROM change ORDER BY n")
        ]
        rows = []
        for destination, state, body in db.execute("SELECT destination, state, body FROM outbox"):
            told = json.loads(body)
            alerts = told["alerts"]
            says = frozenset((alert["id"], alert["state"]) for alert in alerts)
            rows.append(Row(told["id"], destination.split("/")[-1], state, says, tuple(alerts)))
        return [change for change in changes if change.client], rows


def check_changes(changes: list[Change], rows: list[Row]) -> None:
    """Each was told to each destination, or overtaken by a later one of the same alert that was."""
    assert {row.state for row in rows} == {"delivered"}, Counter(row.state for row in rows)
    by_client = defaultdict(list)
    for change in changes:
        by_client[change.client].append(change)
    for names in (["steady"], ["moody"], ["hook"], ["app"], ["peers"], ["absent", "spare"]):
        told = {pair for row in rows if row.destination in names for pair in row.says}
        for mine in by_client.values():
            for nth, change in enumerate(mine):
                later = [(each.alert, each.state) for each in mine[nth:]]
                assert told.intersection(later), (names, change)
            # What nothing has overtaken was told itself.
            assert (mine[-1].alert, mine[-1].state) in told, (names, mine[-1])


def check_doubles(world: World) -> None:
    """A message comes twice only where a kill lies between, and what it says comes under no other id."""
    for witness in (world.steady, world.moody, world.absent, world.spare):
        times: dict[str, list[float]] = defaultdict(list)
        ids: dict[tuple[str, str], set[str]] = defaultdict(set)
        for at, request in witness.taken:
            times[request.json["id"]].append(at)
            for alert in request.json["alerts"]:
                ids[alert["id"], alert["state"]].add(request.json["id"])
        check_twice(times, world)
        assert max(map(len, ids.values())) == 1, {pair: each for pair, each in ids.items() if len(each) > 1}
    shown: dict[str, list[float]] = defaultdict(list)
    for at, request in world.hook.taken:
        (id,) = FOOTER.findall(request.body.decode())
        shown[id].append(at)
    check_twice(shown, world)


def check_twice(times: dict[str, list[float]], world: World) -> None:
    """By the id of a message, when it was taken."""
    for id, moments in times.items():
        for earlier, later in pairwise(moments):
            assert any(earlier - 0.1 <= kill <= later for kill in world.kills), id


def check_order(changes: list[Change], world: World) -> None:
    """Nobody hears of an end before the beginning, or of an earlier episode after a later one."""
    numbers = {(change.alert, change.state): change.n for change in changes}
    for witness in (world.steady, world.moody):
        latest: dict[str, int] = {}
        seen: set[str] = set()
        for _, request in witness.taken:
            if request.json["id"] in seen:
                continue
            seen.add(request.json["id"])
            for alert in request.json["alerts"]:
                if client := alert["labels"].get("client_name"):
                    n = numbers[alert["id"], alert["state"]]
                    assert n > latest.get(client, 0), (client, alert)
                    latest[client] = n


def check_taken(rows: list[Row], world: World) -> None:
    """What history calls delivered was taken."""
    taken = {
        name: {request.json["id"] for _, request in getattr(world, name).taken}
        for name in ("steady", "moody", "absent", "spare")
    }
    shown = {
        "hook": {id for _, request in world.hook.taken for id in re.findall(SHOWN, request.body)},
        "app": {id for request in world.app.requests for id in re.findall(SHOWN, request.body)},
    }
    posted = {
        (alert["labels"].get("client_name"), alert["startsAt"])
        for _, request in world.peers.taken
        for alert in request.json
    }
    for row in rows:
        if row.destination in taken:
            assert row.id in taken[row.destination], row
        elif row.destination in shown:
            assert row.id[-8:].encode() in shown[row.destination], row
        else:
            assert {alert["labels"].get("client_name") for alert in row.alerts} <= {client for client, _ in posted}


def print_table(changes: list[Change], rows: list[Row], world: World) -> None:
    """For `pytest -rP`."""
    lines = [f"seed={SEED} kills={len(world.kills)} changes={len(changes)}"]
    for name, count in sorted(Counter(row.destination for row in rows).items()):
        witness = getattr(world, name)
        doubles = ""
        if name in ("steady", "moody", "absent", "spare"):
            taken = Counter(request.json["id"] for _, request in witness.taken)
            doubles = f" doubles={sum(taken.values()) - len(taken)}"
        lines.append(f"  {name:8} messages={count} requests={len(witness.requests)}{doubles}")
    sys.stdout.write("\n".join([*lines, ""]))
