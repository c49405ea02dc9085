"""The program's clock, and the one of the tests."""

import time

from bridge.clock import Clock, SystemClock
from tests.clock import START, SimulatedClock


def test_the_system_clock_shows_wall_time_in_microseconds() -> None:
    assert abs(SystemClock().now() - time.time_ns() // 1000) < 1_000_000


async def test_the_system_clock_never_goes_back_and_sleeps_its_own_time() -> None:
    clock = SystemClock()
    before = clock.now()
    await clock.sleep(0.02)
    assert 20_000 <= clock.now() - before < 2_000_000


async def test_a_simulated_day_takes_no_time() -> None:
    clock: Clock
    clock = simulated = SimulatedClock()
    began = time.monotonic()
    await simulated.run(86_400)
    assert clock.now() == START + 86_400_000_000
    assert time.monotonic() - began < 1
