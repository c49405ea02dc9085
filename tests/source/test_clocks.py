"""Servers whose clocks are wrong are told of; messages that were late are not."""

import asyncio
from datetime import UTC, datetime

import pytest

from bridge.clock import SystemClock
from bridge.source.clocks import Clocks
from bridge.source.supervisor import Source
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, QUICK, Heard, settings_for
from tests.waiting import eventually

NOW = 1_700_000_000_000_000
SECOND = 1_000_000


class Told:
    def __init__(self) -> None:
        self.all: list[tuple[str, float]] = []

    def __call__(self, server: str, ahead: float, at: int) -> None:
        self.all.append((server, ahead))


def statsz(at: int, name: str = "n1") -> bytes:
    moment = datetime.fromtimestamp(at / SECOND, UTC).isoformat().replace("+00:00", "Z")
    return f'{{"server":{{"id":"N","name":"{name}","time":"{moment}"}},"statsz":{{}}}}'.encode()


@pytest.mark.parametrize(
    ("sent", "asked", "ahead"),
    [
        pytest.param(0, -1, None, id="in step"),
        pytest.param(9, -1, None, id="a little ahead"),
        pytest.param(11, -1, 11, id="ahead"),
        pytest.param(-10, -1, None, id="a little behind"),
        pytest.param(-13, -1, -12, id="behind when asked"),
        pytest.param(-60, -70, None, id="late by a minute, and so it says"),
        pytest.param(-60, 5, None, id="our own clock was set back"),
    ],
)
def test_only_what_a_late_message_cannot_explain_is_skew(sent: int, asked: int, ahead: float | None) -> None:
    told = Told()
    clocks = Clocks(10, told)
    clocks.drained(NOW + asked * SECOND)
    clocks.hear(statsz(NOW + sent * SECOND), NOW)
    assert told.all == ([] if ahead is None else [("n1", ahead)])


def test_a_server_is_told_again_after_five_minutes_only() -> None:
    told = Told()
    clocks = Clocks(10, told)
    for seconds in range(0, 601, 10):
        at = NOW + seconds * SECOND
        clocks.drained(at - SECOND)
        clocks.hear(statsz(at + 20 * SECOND), at)
        clocks.hear(statsz(at, "n2"), at)
    assert told.all == [("n1", 20.0)] * 3


@pytest.mark.parametrize("data", [b"", b"{}", b"[1]", b'{"server":{"time":"noon"}}', b'{"server":{"time":7}}'])
def test_what_is_no_statsz_is_no_skew(data: bytes) -> None:
    told = Told()
    clocks = Clocks(10, told)
    clocks.drained(NOW)
    clocks.hear(data, NOW)
    assert told.all == []


class Wrong(SystemClock):
    """Off by so many seconds."""

    def __init__(self, seconds: int) -> None:
        super().__init__()
        self._wrong = seconds * SECOND

    def now(self) -> int:
        return super().now() + self._wrong


@pytest.mark.parametrize(("seconds", "words"), [(-60, "s ahead of the bridge's"), (60, "s behind the bridge's")])
async def test_a_real_servers_clock_is_looked_at_from_the_first_answer_on(
    start_server: StartServer, seconds: int, words: str
) -> None:
    server, heard = start_server(ACCOUNTS, name="n1"), Heard()
    task = asyncio.create_task(Source(settings_for(server), Wrong(seconds), heard, (), QUICK).run())
    try:
        [tale] = await eventually(lambda: heard.tales("clock_skew"))
        assert str(tale["reason"]).startswith("the clock of server n1 is ")
        assert words in str(tale["reason"])
        assert tale["server"] == {"name": "n1"}
    finally:
        task.cancel()
        await asyncio.wait({task})


async def test_a_server_in_step_is_not_told_of(start_server: StartServer) -> None:
    server, heard = start_server(ACCOUNTS), Heard()
    task = asyncio.create_task(Source(settings_for(server), SystemClock(), heard, (), QUICK).run())
    try:
        await eventually(lambda: heard.sees)
        assert not heard.tales("clock_skew")
    finally:
        task.cancel()
        await asyncio.wait({task})
