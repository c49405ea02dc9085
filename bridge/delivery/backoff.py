"""When a failed delivery is tried again: a burst of tries within seconds, then a ladder of minutes, on disk."""

import random
from collections.abc import Awaitable, Callable

from tenacity import AsyncRetrying, RetryCallState, retry_if_exception, stop_after_attempt

from bridge.errors import Transient
from bridge.values import MINUTE, SECOND

TRIES = 4
"""In one burst."""
FIRST_PAUSE = 0.5
"""Seconds; it doubles from try to try."""
PATIENCE = 10.0
"""Seconds; a Retry-After up to this is waited for within the burst, a longer one ends it."""
PROBE = 5 * MINUTE
"""How often a destination that refuses is asked again."""
LADDER = (10 * SECOND, 30 * SECOND, MINUTE, 2 * MINUTE, 5 * MINUTE, 10 * MINUTE, 15 * MINUTE)
"""Between bursts; the last step goes on until the row is given up."""
JITTER = 0.2


def burst(tries: int, sleep: Callable[[float], Awaitable[None]], go_on: Callable[[], bool]) -> AsyncRetrying:
    """Up to `tries` tries while `go_on` says so; what the last of them raised is raised."""
    return AsyncRetrying(
        sleep=sleep,
        stop=stop_after_attempt(tries),
        wait=_pause,
        retry=retry_if_exception(lambda error: go_on() and _passes_soon(error)),
        reraise=True,
    )


def ladder(step: int) -> int:
    """Microseconds to the next burst after `step` + 1 of them failed, ±20 % so that rows do not march in line."""
    return round(LADDER[min(step, len(LADDER) - 1)] * random.uniform(1 - JITTER, 1 + JITTER))  # noqa: S311 - no secret


def _passes_soon(error: BaseException) -> bool:
    return isinstance(error, Transient) and (error.retry_after or 0) <= PATIENCE


def _pause(state: RetryCallState) -> float:
    error = state.outcome.exception() if state.outcome else None
    asked = error.retry_after if isinstance(error, Transient) else None
    doubling: float = FIRST_PAUSE * 2 ** (state.attempt_number - 1)
    return max(doubling * random.uniform(1 - JITTER, 1 + JITTER), asked or 0.0)  # noqa: S311 - no secret
