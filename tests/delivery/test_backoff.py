"""When a failed delivery is tried again."""

import pytest

from bridge.delivery.backoff import LADDER, burst, ladder
from bridge.errors import Refused, Rejected, Transient
from bridge.values import MINUTE


async def pauses(*troubles: Exception, tries: int = 4) -> list[float]:
    """The pauses of a burst in which each try raises the next trouble; the last one is raised again and again."""
    slept: list[float] = []
    raised = list(troubles)

    async def sleep(seconds: float) -> None:
        slept.append(seconds)

    async def fail() -> None:
        async for attempt in burst(tries, sleep, lambda: True):
            with attempt:
                raise raised.pop(0) if len(raised) > 1 else raised[0]

    with pytest.raises(type(troubles[-1])):
        await fail()
    return slept


async def test_a_burst_is_four_tries_with_doubling_pauses() -> None:
    slept = await pauses(Transient("x"))
    assert [0.4 <= slept[0] <= 0.6, 0.8 <= slept[1] <= 1.2, 1.6 <= slept[2] <= 2.4] == [True] * 3
    assert len(slept) == 3


async def test_a_short_retry_after_is_waited_for() -> None:
    assert await pauses(Transient("x", retry_after=7.0), tries=2) == [7.0]


async def test_a_long_retry_after_ends_the_burst() -> None:
    assert await pauses(Transient("x", retry_after=11.0)) == []


@pytest.mark.parametrize("trouble", [Rejected("x"), Refused("x")])
async def test_what_time_does_not_heal_is_not_tried_again(trouble: Exception) -> None:
    assert await pauses(trouble) == []


async def test_pauses_differ_so_that_rows_do_not_march_in_line() -> None:
    assert len({(await pauses(Transient("x"), tries=2))[0] for _ in range(20)}) > 10


def test_the_ladder_goes_up_to_a_quarter_of_an_hour_and_stays_there() -> None:
    for step in range(20):
        expected = LADDER[min(step, 6)]
        assert all(0.8 * expected <= ladder(step) <= 1.2 * expected for _ in range(50))
    assert LADDER[-1] == 15 * MINUTE
