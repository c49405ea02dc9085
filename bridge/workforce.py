"""The workers, one for each destination: hired when the rules file names it, let go when it does not any more."""

import asyncio
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

import msgspec

from bridge.clock import Clock
from bridge.commit import Commit, OutboxRow
from bridge.delivery.gate import Gates
from bridge.delivery.http import Http
from bridge.delivery.standing import Standing
from bridge.delivery.worker import Worker
from bridge.inbox import Inbox
from bridge.notification import AlertView
from bridge.outbox import Outbox
from bridge.receiver import Destination
from bridge.values import MINUTE

HASTEN_MAX = 15 * MINUTE
"""A message that waits no longer than this for its next try gets it when its worker starts. Longer pauses were asked
for by the other side."""

STOP_GRACE = 2.5
"""Seconds that requests under way get at the end; systemd and people wait for 5."""


class Employed(NamedTuple):
    """A worker, for whom, and its task."""

    destination: Destination
    worker: Worker
    task: asyncio.Task[None]


class Workforce:
    """All workers, and which rows they have."""

    def __init__(self, clock: Clock, inbox: Inbox, outbox: Outbox) -> None:
        self._clock = clock
        self._inbox = inbox
        self._outbox = outbox
        self._workers: dict[str, Employed] = {}
        self._given: set[str] = set()
        """Rows that workers have, until their end is on disk."""
        self._gates = Gates()

    def __len__(self) -> int:
        return len(self._workers)

    def hire(self, wanted: Mapping[str, Destination], tasks: asyncio.TaskGroup) -> None:
        """For destinations that have none. What waits for them is tried at once: the cause may have been mended."""
        now = self._clock.now()
        rows = [
            msgspec.structs.replace(row, due=now) if row.due - now <= HASTEN_MAX else row
            for row in self._outbox.rows.values()
        ]
        for key, destination in wanted.items():
            if key in self._workers:
                continue
            http = Http(self._clock, self._gates.of(destination), destination.way)
            worker = Worker(key, destination, http, self._inbox, self._standing(key))
            self._workers[key] = Employed(destination, worker, tasks.create_task(worker.run(), name=f"worker {key}"))
            mine = [row for row in rows if row.destination == key]
            self._given.difference_update(row.id for row in mine)
            for row in mine:
                self._give(row)

    async def dismiss(self, wanted: Mapping[str, Destination]) -> None:
        """Those whose destination was removed or has other settings."""
        gone = [key for key, employed in self._workers.items() if wanted.get(key) != employed.destination]
        await self._stop(gone)
        for key in gone:
            await self._workers.pop(key).task
            if key not in wanted:
                self._inbox.recovered(key)  # It refuses nothing any more.

    async def stop(self) -> None:
        """Requests under way end, no other begins."""
        await self._stop(self._workers)

    def committed(self, commit: Commit) -> None:
        """A commit is on disk: its rows may go out."""
        over = {outcome.id for outcome in commit.settled}
        for row in commit.rows:
            if row.id not in over:
                self._give(row)
        self._given -= over
        for employed in self._workers.values():
            employed.worker.heed(commit)

    async def _stop(self, keys: Iterable[str]) -> None:
        await asyncio.gather(*(self._workers[key].worker.stop(STOP_GRACE) for key in keys))

    def _give(self, row: OutboxRow) -> None:
        """To its worker, once: later commits hold the row again whenever it was tried in vain."""
        if row.id not in self._given and row.destination in self._workers:
            self._given.add(row.id)
            self._workers[row.destination].worker.put(row)

    def _standing(self, key: str) -> Standing:
        """What fires and a destination was told of."""

        def alerts() -> Iterator[list[AlertView]]:
            for group in list(self._outbox.groups):
                yield self._outbox.standing(group, key, self._clock.now())

        return Standing(alerts, lambda: self._outbox.routing.external_url)
