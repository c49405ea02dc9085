"""The whole way of an alert but for NATS: engine, committer, store and workers put together as `bridge.app` does it, on
a clock of the tests, so that a day of deliveries over real HTTP and a real disk takes no day."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bridge.clock import Clock
from bridge.commit import Commit, OutboxRow
from bridge.committer import Committer
from bridge.config import Loaded, load
from bridge.configuration import destinations, setup
from bridge.delivery.gate import Gate, Gates
from bridge.delivery.http import DEADLINE, Http
from bridge.delivery.standing import Standing
from bridge.delivery.worker import Worker
from bridge.engine import Engine
from bridge.inbox import Inbox
from bridge.inputs import Input, Sight
from bridge.notification import AlertView
from bridge.receiver import Reply, Request, Way
from bridge.store import Store
from bridge.values import SECOND
from tests.clock import SimulatedClock
from tests.core.stage import START

LOST = {
    "alert": "Lost",
    "events": "client.disconnect",
    "resolve_on": {"events": "client.connect"},
    "by": ["client.name"],
    "annotations": {"summary": "{{ labels.client_name }} is gone"},
}
"""Fires for each client that disconnects, and ends when that comes back."""


def written(receivers: Sequence[dict[str, Any]], route: dict[str, Any], folder: Path) -> Loaded:
    """A rules file with these, as an operator would load it."""
    rules = {
        "nats": {"user": "sys", "password": "p"},
        "storage": {"path": "state.db"},
        "http": None,
        "receivers": receivers,
        "route": route,
        "rules": [LOST],
    }
    path = folder / "rules.yaml"
    path.write_text(json.dumps(rules))
    return load(path, {})


class Line(Http):
    """The way to a destination, which says when a request is under way, and how long each may be: in seconds."""

    def __init__(self, key: str, asked: set[str], deadline: Callable[[str], float], clock: Clock, gate: Gate, way: Way):
        super().__init__(clock, gate, way)
        self._key, self._asked, self._patience = key, asked, deadline

    async def send(self, request: Request) -> Reply:
        self._deadline = self._patience(self._key)
        self._asked.add(self._key)
        try:
            return await super().send(request)
        finally:
            if not self.in_flight:
                self._asked.discard(self._key)


class House:
    """Decides, commits and tells. `deadlines`: seconds that a request to a destination may take, if not the usual ones;
    the clock does not wait for those whose key is in `unheeded`."""

    def __init__(self, loaded: Loaded, store: Store, deadlines: Callable[[str], float] = lambda key: DEADLINE) -> None:
        self.clock = SimulatedClock(self._busy, START)
        self.inbox = Inbox(self.clock, lambda count: None)
        self.engine = Engine(setup(loaded), START)
        self.unheeded: set[str] = set()
        self.workers: dict[str, Worker] = {}
        self._asked: set[str] = set()
        self._committer = Committer(self.engine, store, self.clock, self._committed, self.inbox.wake, self.inbox.tell)
        self._given: set[str] = set()
        self._alarm: asyncio.Task[None] | None = None
        self._tasks: asyncio.TaskGroup
        gates = Gates()
        for key, destination in destinations(loaded).items():
            http = Line(key, self._asked, deadlines, self.clock, gates.of(destination), destination.way)
            self.workers[key] = Worker(key, destination, http, self.inbox, self._standing(key))

    async def hear(self, *inputs: Input) -> None:
        """Take these in, and let all happen that can without time."""
        for given in inputs:
            self.inbox.put(given)
        await self.clock.run(0)

    async def upto(self, seconds: float) -> None:
        """Let time pass until so many seconds after the start."""
        await self.clock.run(START / SECOND + seconds - self.clock.now() / SECOND)

    async def run(self, tasks: asyncio.TaskGroup) -> None:
        """Until `stop`."""
        self._tasks = tasks
        self.engine.begin()
        await self._committer.flush()
        self._running = [tasks.create_task(worker.run()) for worker in self.workers.values()]
        self._main = tasks.create_task(self._decide())

    async def stop(self) -> None:
        """As the program does it."""
        await asyncio.gather(*(worker.stop(0) for worker in self.workers.values()), *self._running)
        self._main.cancel()
        if self._alarm:
            self._alarm.cancel()
        while inputs := self.inbox.take(64):
            self.engine.process(inputs)
        await self._committer.finish()

    async def _decide(self) -> None:
        while True:
            await self.inbox.wait(3600)
            while inputs := self.inbox.take(64):
                self.engine.process(inputs)
            self.engine.advance(self.clock.now())
            if self.engine.dirty:
                self._committer.begin(self._tasks)
            if self._alarm:
                self._alarm.cancel()
            self._alarm = self._tasks.create_task(self._wake_in_time())

    async def _wake_in_time(self) -> None:
        due = self.engine.next_due + 1
        if self.engine.dirty and self._committer.idle:
            due = min(due, self._committer.next_at)
        await self.clock.sleep(max(0, due - self.clock.now()) / SECOND)
        self.inbox.wake()

    def _busy(self) -> bool:
        """Something real is under way: a request, a commit, or what it leads to."""
        if self._asked - self.unheeded or not self._committer.idle:
            return True
        return bool(len(self.inbox)) or self.engine.urgent

    def _committed(self, commit: Commit) -> None:
        self.inbox.committed(commit.rows, commit.answers)
        over = {outcome.id for outcome in commit.settled}
        for row in commit.rows:
            if row.id not in over:
                self._give(row)
        self._given -= over
        for worker in self.workers.values():
            worker.heed(commit)

    def _give(self, row: OutboxRow) -> None:
        if row.id not in self._given:
            self._given.add(row.id)
            self.workers[row.destination].put(row)

    def _standing(self, key: str) -> Standing:
        def alerts() -> Iterator[list[AlertView]]:
            for group in list(self.engine.outbox.groups):
                yield self.engine.outbox.standing(group, key, self.clock.now())

        return Standing(alerts)


@asynccontextmanager
async def living(
    loaded: Loaded, folder: Path, deadlines: Callable[[str], float] = lambda key: DEADLINE
) -> AsyncIterator[House]:
    """A house that hears NATS, and is stopped at the end."""
    store = await Store.open(folder / "state.db")
    try:
        async with asyncio.TaskGroup() as tasks:
            house = House(loaded, store, deadlines)
            await house.run(tasks)
            await house.hear(Sight(START))
            yield house
            await house.stop()
    finally:
        await store.close()
