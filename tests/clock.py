"""A clock of the tests: its time passes only when told to, so that a day takes no time."""

import asyncio
import heapq
import math
from collections.abc import Callable

from bridge.values import SECOND

START = 1_800_000_000 * SECOND


class SimulatedClock:
    """`busy` says that something real, such as a request, is under way: no time passes until it is over."""

    def __init__(self, busy: Callable[[], bool] = lambda: False, start: int = START) -> None:
        self.busy = busy
        self._now = start
        self._sleepers: list[tuple[int, int, asyncio.Future[None]]] = []
        self._count = 0

    def now(self) -> int:
        return self._now

    async def sleep(self, seconds: float) -> None:
        self._count += 1
        sleeper = asyncio.get_running_loop().create_future()
        heapq.heappush(self._sleepers, (self._now + math.ceil(seconds * SECOND), self._count, sleeper))
        await sleeper

    async def run(self, seconds: float) -> None:
        """Let so much time pass, from one sleeper to the next; between them, all that can happen happens."""
        end = self._now + round(seconds * SECOND)
        await self._settle()
        while self._sleepers and self._sleepers[0][0] <= end:
            at, _, sleeper = heapq.heappop(self._sleepers)
            if not sleeper.done():
                self._now = max(self._now, at)
                sleeper.set_result(None)
                await self._settle()
        self._now = end

    async def _settle(self) -> None:
        """Until all tasks wait for this clock: a task's chain of awaits is shorter than so many turns of the loop."""
        quiet = 0
        while quiet < 50:
            await asyncio.sleep(0.001 if self.busy() else 0)
            quiet = 0 if self.busy() else quiet + 1
