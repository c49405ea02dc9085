"""The one way in which tests wait."""

import asyncio

import pytest

from tests.waiting import eventually


async def test_the_first_true_answer_is_returned() -> None:
    answers = iter(["", "", "there"])
    assert await eventually(lambda: next(answers)) == "there"


async def test_an_async_condition_is_awaited() -> None:
    async def condition() -> int:
        await asyncio.sleep(0)
        return 7

    assert await eventually(condition) == 7


async def test_a_condition_that_stays_false_fails_with_its_last_answer() -> None:
    with pytest.raises(AssertionError, match=r"0\.05 s; the last answer was \[\]"):
        await eventually(list, within=0.05)


async def test_an_assertion_in_the_condition_is_what_fails_the_test() -> None:
    def condition() -> bool:
        raise AssertionError("two messages, not one")

    with pytest.raises(AssertionError, match="two messages"):
        await eventually(condition, within=0.05)
