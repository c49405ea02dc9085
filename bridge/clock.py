"""The clock that the program runs on: wall time at its start, carried on by the monotonic clock."""

import asyncio
import time
from typing import Protocol


class Clock(Protocol):
    """Tells the time and lets it pass. The tests have a second one, in which a day takes no time."""

    def now(self) -> int:
        """Microseconds since the epoch; never goes back."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return when so much of this clock's time has passed."""
        ...


class SystemClock:
    """Whoever sets the machine's clock neither turns this one back nor makes it jump."""

    def __init__(self) -> None:
        self._offset = time.time_ns() - time.monotonic_ns()

    def now(self) -> int:
        return (self._offset + time.monotonic_ns()) // 1000

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)
