"""Each message once, and what is lost is counted."""

import asyncio

import pytest
from nats.aio.client import Client

from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, Heard, client, run, settings_for
from tests.waiting import eventually


async def test_overlapping_subjects_deliver_once(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    subjects = ["ev.a", "ev.*.x", "ev.b.*", "ev.b.x", "other.>", "other.>"]
    async with run(settings_for(server), subjects) as it, client(server) as other:
        await eventually(lambda: it.heard.sees)
        sent = ["ev.a", "ev.b.x", "ev.b.y", "ev.c.x", "other.a.b"]
        for subject in sent:
            await other.publish(subject)
        await other.publish("ev.a", b"end")
        await eventually(lambda: ("ev.a", b"end") in it.heard.heard_on())
        await eventually(lambda: len(it.heard.heard_on("ev.") + it.heard.heard_on("other.")) == len(sent) + 1)
        heard = sorted(str(subject) for subject, data in it.heard.heard_on() if not data)
        assert heard == sorted(sent)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (["ev.stay", "ev.old"], ["ev.stay", "ev.new"]),
        (["ev.*"], ["ev.>"]),
        (["ev.>"], ["ev.*"]),
        (["ev.>"], ["ev.stay", "ev.new"]),
        (["ev.stay", "*.stay"], ["*.stay", "ev.new"]),
    ],
)
async def test_a_change_of_subjects_loses_and_doubles_nothing(
    start_server: StartServer, before: list[str], after: list[str]
) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), before) as it, client(server) as other:
        await eventually(lambda: it.heard.sees)
        stop = asyncio.Event()
        flood = asyncio.create_task(publish_until(stop, other))
        await eventually(lambda: len(it.heard.heard_on("ev.stay")) > 200)
        await it.source.resubscribe(after)
        count = len(it.heard.heard_on("ev.stay"))
        await eventually(lambda: len(it.heard.heard_on("ev.stay")) > count + 200)
        stop.set()
        sent = await flood
        await eventually(lambda: len(it.heard.heard_on("ev.stay")) >= sent)
        numbers = [int(str(data, "ascii")) for data in payloads(it.heard, "ev.stay")]
        assert sorted(numbers) == list(range(sent))
        await other.publish("ev.new")
        await eventually(lambda: it.heard.heard_on("ev.new"))
        assert len(it.heard.heard_on("ev.new")) == 1


async def test_what_is_not_wanted_any_more_is_not_heard(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), ["ev.old"]) as it, client(server) as other:
        await eventually(lambda: it.heard.sees)
        await it.source.resubscribe(["ev.new"])
        await other.publish("ev.old")
        await other.publish("ev.new")
        await eventually(lambda: it.heard.heard_on("ev.new"))
        assert not it.heard.heard_on("ev.old")


async def test_a_change_while_disconnected_holds_after_the_connect(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    server.kill()
    async with run(settings_for(server), ["ev.old"]) as it:
        await it.source.resubscribe(["ev.new"])
        server.start()
        await eventually(lambda: it.heard.sees, within=4)
        async with client(server) as other:
            await other.publish("ev.new")
            await eventually(lambda: it.heard.heard_on("ev.new"))


async def test_messages_of_all_subjects_come_in_the_order_in_which_they_were_sent(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    sent = [(f"ev.{number % 3}", b"%d" % number) for number in range(3000)]
    async with run(settings_for(server), ["ev.0", "ev.1", "ev.2"]) as it, client(server) as other:
        await eventually(lambda: it.heard.sees)
        for subject, data in sent:
            await other.publish(subject, data)
        await eventually(lambda: len(it.heard.heard_on("ev.")) == len(sent))
        assert it.heard.heard_on("ev.") == sent


async def test_what_the_sink_drops_is_told_with_the_rest(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.sees)
        it.source.dropped(3)
        it.source.dropped()
        await eventually(lambda: dropped(it.heard) == 4)
        assert len(it.heard.tales("events_dropped")) == 1


def dropped(heard: Heard) -> int:
    return sum(int(str(tale["count"])) for tale in heard.tales("events_dropped"))


def payloads(heard: Heard, subject: str) -> list[bytes]:
    return [data for _, data in heard.heard_on(subject) if isinstance(data, bytes)]


async def publish_until(stop: asyncio.Event, other: Client) -> int:
    number = 0
    while not stop.is_set():
        for _ in range(20):
            await other.publish("ev.stay", b"%d" % number)
            number += 1
        await other.flush()
    return number
