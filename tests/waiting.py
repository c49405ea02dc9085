"""How tests wait: for a condition with a deadline, never for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

PATIENCE = 20.0
"""Seconds that anything may take on a machine that is busy with other things; what comes is not waited for longer."""


@overload
async def eventually(condition: Callable[[], Awaitable[T]], within: float = PATIENCE) -> T: ...
@overload
async def eventually(condition: Callable[[], T], within: float = PATIENCE) -> T: ...
async def eventually(condition: Callable[[], object], within: float = PATIENCE) -> object:
    """Ask until the answer is true, and return it. `within` is in seconds.

    An AssertionError means "not yet" and is what fails the test at the deadline; other errors pass at once.
    """
    deadline = time.monotonic() + within
    while True:
        late = time.monotonic() > deadline
        try:
            answer = condition()
            if inspect.isawaitable(answer):
                answer = await answer
        except AssertionError:
            if late:
                raise
        else:
            if answer:
                return answer
            assert not late, f"not so within {within} s; the last answer was {answer!r}"
        await asyncio.sleep(0.01)
