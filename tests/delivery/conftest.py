"""What the tests of delivery share: a ledger for reports, rows, and workers that end with their test."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest

from bridge.clock import Clock, SystemClock
from bridge.commit import Attempt, OutboxRow, Settled
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.delivery.worker import Worker
from bridge.receiver import Destination
from bridge.receivers.webhook import Webhook
from bridge.values import HOUR
from tests.clock import SimulatedClock
from tests.receivers.notifications import alert, notification

KEY = "nats-ops/webhook_configs[0]"


class Ledger:
    """Keeps all reports, as the program's main loop does."""

    def __init__(self) -> None:
        self.attempts: list[Attempt] = []
        self.rows: list[OutboxRow] = []
        self.ends: list[Settled] = []
        self.turns: list[str] = []
        self.memories: list[tuple[str, dict[str, Any]]] = []
        self.asked: list[str] = []
        self.renewed: dict[str, OutboxRow] = {}
        """What a row becomes, if it is to change at its next try."""
        self.workers: list[Worker] = []
        self.committed = asyncio.Event()
        self.committed.set()

    def attempted(self, attempt: Attempt) -> None:
        self.attempts.append(attempt)

    def postponed(self, row: OutboxRow) -> None:
        self.rows.append(row)

    def settled(self, settled: Settled) -> None:
        self.ends.append(settled)

    def refused(self, destination: str, detail: str) -> None:
        self.turns.append(f"refused {detail}")

    def recovered(self, destination: str) -> None:
        self.turns.append("recovered")

    async def remember(self, row_id: str, memory: dict[str, Any]) -> None:
        self.memories.append((row_id, memory))
        await self.committed.wait()

    async def renew(self, row_id: str) -> OutboxRow:
        self.asked.append(row_id)
        await self.committed.wait()
        rows = [row for worker in self.workers for row in worker.pending]
        return self.renewed.get(row_id) or next(row for row in rows if row.id == row_id)

    @property
    def delivered(self) -> list[str]:
        return [end.id for end in self.ends if end.outcome == "delivered"]

    @property
    def dead(self) -> list[Settled]:
        return [end for end in self.ends if end.outcome == "dead"]


def make_row(clock: Clock, n: int = 0, lifetime: int = 72 * HOUR, **changes: Any) -> OutboxRow:
    """A row of its own group, due now, created `n` microseconds after the first."""
    row_id = f"{n:016x}"
    fields: dict[str, Any] = {
        "id": row_id,
        "destination": KEY,
        "group": f"group {n}",
        "created": clock.now() + n,
        "due": clock.now() + n,
        "expires": clock.now() + lifetime,
        "notification": notification(alert(n=n), id=row_id),
    }
    return OutboxRow(**{**fields, **changes})


@pytest.fixture
def ledger() -> Ledger:
    return Ledger()


@pytest.fixture
def clock() -> SystemClock:
    return SystemClock()


@pytest.fixture
def time() -> SimulatedClock:
    """For workers whose hours and days take none."""
    return SimulatedClock()


@pytest.fixture
def http(time: SimulatedClock) -> Http:
    """By that clock, which waits for requests."""
    harness = Http(time, Gate(None))
    time.busy = lambda: harness.in_flight > 0
    return harness


StartWorker = Callable[..., Worker]


@pytest.fixture
async def start(ledger: Ledger, clock: SystemClock) -> AsyncIterator[StartWorker]:
    """Starts a worker for a URL or a destination; it is ended with the test, and must have ended well."""
    started: list[tuple[Worker, asyncio.Task[None]]] = []

    def begin(to: str | Destination, http: Http | None = None, reports: Ledger = ledger) -> Worker:
        destination = Webhook.model_validate({"url": to}) if isinstance(to, str) else to
        worker = Worker(KEY, destination, http or Http(clock, Gate(None)), reports)
        reports.workers.append(worker)
        started.append((worker, asyncio.create_task(worker.run())))
        return worker

    yield begin
    for worker, task in started:
        await worker.stop(0)
        await task
