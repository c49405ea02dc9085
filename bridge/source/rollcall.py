"""The PING after a connect: all servers answer with their STATSZ; outside the system account nobody does."""

import asyncio
from collections.abc import Callable
from enum import Enum

from bridge.source.frames import Take
from bridge.source.gather import PING_SUBJECT, Gatherer, namesakes
from bridge.source.settings import Limits


class Outcome(Enum):
    """How a roll call ended."""

    ANSWERED = "answered"
    SILENT = "silent"
    OUTSIDE = "outside"
    """Nobody listens to such requests: this is not the system account."""


async def call_the_roll(
    gatherer: Gatherer, limits: Limits, take: Take, confuse: Callable[[list[str]], None]
) -> Outcome:
    """Ask, and wait for the answers; late ones are events too, as long as the connection lasts. `confuse` is told the
    names that several servers have.

    The servers' count includes those that crashed in the last minutes, so the rest gets `limits.quiet` after each
    answer. Raises nats.errors.Error and OSError.
    """
    loop = asyncio.get_running_loop()
    end = loop.time() + limits.roll_call
    gathered = await gatherer.ask(
        PING_SUBJECT,
        within=limits.roll_call,
        each=lambda answer: take(f"$SYS.SERVER.{answer.server.id}.STATSZ", answer.body),
    )
    if gathered.nobody and not gathered.answers:
        return Outcome.OUTSIDE
    confuse(namesakes(answer.server for answer in gathered.answers.values()))
    if gathered.denied:
        # By then most servers have sent their STATSZ of themselves.
        await asyncio.sleep(end - loop.time())
    return Outcome.ANSWERED if gathered.answers else Outcome.SILENT
