"""Tries causes, all at once, each with servers and a program of its own."""

import asyncio
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from bridge.source.settings import Limits
from tests.causes.causes import CAUSES, Cause
from tests.causes.stage import Stage
from tests.sink import Sink

ALLOWED = 30.0
"""Seconds to be told, and from the end of the trouble to a connection that works."""


class Times(msgspec.Struct, frozen=True):
    """In seconds; `trouble` says what never came."""

    cause: Cause
    told: float | None = None
    recovered: float | None = None
    trouble: str = ""

    @property
    def good(self) -> bool:
        """Both came in time."""
        return all(seconds is not None and seconds <= ALLOWED for seconds in (self.told, self.recovered))


async def try_causes(
    binary: Path, limits: Limits, dwell: float, causes: Sequence[Cause] = CAUSES, apart: float = 0.3
) -> list[Times]:
    """`dwell`: seconds for which a cause lasts after it was told, so that pauses between tries grow. `apart`: seconds
    between two starts."""
    return await asyncio.gather(
        *(_later(place * apart, binary, limits, dwell, cause) for place, cause in enumerate(causes))
    )


async def _later(seconds: float, binary: Path, limits: Limits, dwell: float, cause: Cause) -> Times:
    await asyncio.sleep(seconds)
    with tempfile.TemporaryDirectory() as directory, Sink() as sink:
        stage = Stage(binary, Path(directory), sink, limits, dwell)
        with stage.entered():
            return await _try(stage, cause)


async def _try(stage: Stage, cause: Cause) -> Times:
    told: float | None = None
    recovered: float | None = None
    try:
        async for _ in cause.play(stage):
            if cause.heals:
                recovered = await stage.recovered(cause.sign)
                told = await stage.told(cause.alert)
            else:
                told = await stage.told(cause.alert)
                await asyncio.sleep(stage.dwell)
        return Times(cause, told, recovered or await stage.recovered(cause.sign))
    except AssertionError as error:
        return Times(cause, told, None, "\n".join([str(error), *stage.lines]))
