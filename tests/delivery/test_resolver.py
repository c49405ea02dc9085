"""Look-ups: shared by those who ask for the same, and nobody's impatience harms another."""

import asyncio
import socket
import threading
from collections.abc import Iterator
from typing import Any

import pytest

from bridge.delivery.resolver import Resolver
from tests.waiting import eventually


class SlowNames:
    """The system's resolver, which takes until `answer` for every name."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = threading.Event()

    def look_up(self, host: str, port: int, **_: Any) -> list[Any]:
        self.asked.append(host)
        assert self.answer.wait(10)
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", port))] * 2


@pytest.fixture
def names(monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowNames]:
    slow = SlowNames()
    monkeypatch.setattr(socket, "getaddrinfo", slow.look_up)
    yield slow
    slow.answer.set()


async def test_all_who_ask_meanwhile_share_one_look_up(names: SlowNames) -> None:
    resolver = Resolver()
    asking = [asyncio.create_task(resolver.look_up("slow.example", 443)) for _ in range(20)]
    await eventually(lambda: names.asked)
    names.answer.set()
    assert await asyncio.gather(*asking) == [["192.0.2.1"]] * 20
    assert names.asked == ["slow.example"]


async def test_one_that_waits_no_longer_does_not_end_the_look_up_of_others(names: SlowNames) -> None:
    resolver = Resolver()
    hasty, patient = (asyncio.create_task(resolver.look_up("slow.example", 443)) for _ in range(2))
    await eventually(lambda: names.asked)
    hasty.cancel()
    await asyncio.wait([hasty])
    names.answer.set()
    assert await patient == ["192.0.2.1"]


async def test_each_later_look_up_asks_anew(names: SlowNames) -> None:
    resolver = Resolver()
    names.answer.set()
    for _ in range(2):
        await resolver.look_up("slow.example", 443)
    assert len(names.asked) == 2


@pytest.mark.parametrize("address", ["192.0.2.7", "::1"])
async def test_an_address_is_not_looked_up(names: SlowNames, address: str) -> None:
    assert await Resolver().look_up(address, 80) == [address]
    assert names.asked == []


@pytest.mark.parametrize("host", ["nobody.invalid", "x" * 300, "a..b"])
async def test_what_is_no_name_is_an_error_of_the_system(host: str) -> None:
    with pytest.raises(OSError):  # noqa: PT011 - the text is the system's
        await Resolver().look_up(host, 80)
