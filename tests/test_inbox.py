"""What waits for the engine: in order, within bounds, and the source is told in time to wait."""

import asyncio

import pytest

from bridge.inbox import BYTES_MAX, CROWDED, CROWDED_BYTES, MESSAGES_MAX, ROOM, Inbox
from bridge.inputs import Message
from tests.clock import SimulatedClock

READ = 100
"""Messages that come at once."""

LARGE = b"x" * (CROWDED_BYTES // 50)


class Filled:
    """An inbox, and what it has dropped."""

    def __init__(self) -> None:
        self.dropped: list[int] = []
        self.inbox = Inbox(SimulatedClock(), self.dropped.append)

    def hear(self, count: int, data: bytes = b"{}") -> None:
        for begin in range(0, count, READ):
            self.inbox.messages([("s", data)] * min(READ, count - begin), 0)


@pytest.fixture
def filled() -> Filled:
    return Filled()


def test_inputs_come_out_in_the_order_in_which_they_went_in(filled: Filled) -> None:
    inbox = filled.inbox
    inbox.messages([("1", b""), ("2", b"")], 1)
    inbox.sight(2)
    inbox.messages([("3", b"")], 3)
    assert [given.at for given in inbox.take(3)] == [1, 1, 2]
    assert inbox.take(3) == [Message("3", b"", 3)]


def test_it_is_crowded_from_a_number_of_messages_on(filled: Filled) -> None:
    filled.hear(CROWDED - 1)
    assert not filled.inbox.crowded
    filled.hear(1)
    assert filled.inbox.crowded


def test_it_is_crowded_until_a_part_of_them_was_taken(filled: Filled) -> None:
    filled.hear(CROWDED)
    much = round(CROWDED * (1 - ROOM))
    filled.inbox.take(much - 1)
    assert filled.inbox.crowded
    filled.inbox.take(1)
    assert not filled.inbox.crowded


def test_a_few_large_messages_crowd_it_as_well(filled: Filled) -> None:
    filled.hear(51, LARGE)
    assert filled.inbox.crowded
    filled.inbox.take(12)
    assert filled.inbox.crowded
    filled.inbox.take(2)
    assert not filled.inbox.crowded


async def test_room_is_awaited_by_all_who_wait_for_it(filled: Filled) -> None:
    filled.hear(CROWDED)
    waiting = [asyncio.create_task(filled.inbox.room()) for _ in range(2)]
    filled.inbox.take(READ)
    done, _ = await asyncio.wait(waiting, timeout=0.01)
    assert not done
    filled.inbox.take(CROWDED)
    async with asyncio.timeout(1):
        await asyncio.gather(*waiting)


async def test_there_is_no_room_while_it_is_held(filled: Filled) -> None:
    with filled.inbox.held():
        waiting = asyncio.create_task(filled.inbox.room())
        await asyncio.wait([waiting], timeout=0.01)
        assert not waiting.done()
    async with asyncio.timeout(1):
        await waiting


async def test_the_end_of_a_hold_is_no_room_if_it_is_full(filled: Filled) -> None:
    with filled.inbox.held():
        waiting = asyncio.create_task(filled.inbox.room())
        filled.hear(CROWDED)
    done, _ = await asyncio.wait([waiting], timeout=0.01)
    assert not done
    filled.inbox.take(CROWDED)
    async with asyncio.timeout(1):
        await waiting


def test_who_goes_on_all_the_same_is_heard_up_to_the_limit_and_the_rest_is_counted(filled: Filled) -> None:
    filled.hear(MESSAGES_MAX - 30)
    filled.hear(READ)
    filled.hear(READ)
    assert len(filled.inbox) == MESSAGES_MAX
    assert sum(filled.dropped) == 2 * READ - 30


def test_bytes_have_a_limit_too(filled: Filled) -> None:
    fit = BYTES_MAX // len(LARGE)
    filled.hear(fit + 5, LARGE)
    assert len(filled.inbox) == fit
    assert sum(filled.dropped) == 5


def test_received_and_dropped_are_all_that_came(filled: Filled) -> None:
    filled.hear(MESSAGES_MAX + READ // 2)
    filled.hear(READ)
    assert filled.inbox.received == MESSAGES_MAX
    assert filled.inbox.dropped == sum(filled.dropped) == READ // 2 + READ
    filled.inbox.take(MESSAGES_MAX)
    filled.hear(READ)
    assert (filled.inbox.received, filled.inbox.dropped) == (MESSAGES_MAX + READ, READ // 2 + READ)
