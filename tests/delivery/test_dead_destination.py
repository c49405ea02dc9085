"""One destination of five is dead for hours: the others are told as if it were not there, and it is told in the end."""

import random
import sqlite3
import statistics
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.delivery.http import DEADLINE
from bridge.notification import Notification
from bridge.values import SECOND
from tests.core.stage import START, connected, disconnected
from tests.delivery.house import House, living, written
from tests.sink import Answer, Sink, answer, cut, hang

NAMES = [f"n{number:02}" for number in range(30)]
"""Each is a group."""
OTHERS = ("one", "two", "three", "four")
HOUR = 3600.0
BACK = 2 * HOUR
"""The time after the return, in which nothing new happens. The longest wait for a next try is a quarter of an hour."""
DEATHS: dict[str, Answer] = {"500": answer(500), "404": answer(404), "cut": cut(), "hang": hang()}
DOUBTFUL = {"cut", "hang"}
"""It may have the message all the same: what it is told under that id cannot change any more."""


class Row(msgspec.Struct, frozen=True):
    """A message as history has it: seconds after the start, and how long it took from being fixed to being taken."""

    destination: str
    created: float
    settled: float
    tries: int
    notification: Notification

    @property
    def client(self) -> str:
        return self.notification.group_labels.get("client_name", "")

    @property
    def says(self) -> set[tuple[str, str]]:
        return {(alert.id, alert.state) for alert in self.notification.alerts}


class Day(msgspec.Struct, frozen=True):
    """What became of it. `took`: seconds of CPU that the run took."""

    rows: list[Row]
    firing: set[str]
    """Clients that are gone in the end."""
    took: float

    def to(self, destination: str) -> list[Row]:
        return [row for row in self.rows if row.destination == f"ops/webhook/{destination}"]


async def day(folder: Path, hours: float, death: Answer | None) -> Day:
    """Clients come and go; `dead` is not well from the first minute on, and then all is quiet."""
    chance = random.Random(7)
    folder.mkdir()
    gone: set[str] = set()
    with closing_sinks() as (sinks, dead):
        hangs = death is DEATHS["hang"]
        began = time.process_time()
        loaded = written([receiver(sinks, dead)], ROUTE, folder)
        async with living(loaded, folder, lambda key: 0.05 if key.endswith("dead") and hangs else DEADLINE) as house:
            house.unheeded = {key for key in house.workers if key.endswith("dead")} if death else set()
            dead.then = death or answer()
            at = 60.0
            while at < hours * HOUR:
                name = chance.choice(NAMES)
                await move(house, at, name, gone)
                at += chance.expovariate(1 / 120)
                await house.upto(at)
            dead.then = answer()
            house.unheeded = set()
            await house.upto(hours * HOUR + BACK)
            assert not house.engine.outbox.rows
        return Day(read(folder), gone, time.process_time() - began)


@contextmanager
def closing_sinks() -> Iterator[tuple[list[Sink], Sink]]:
    with Sink() as one, Sink() as two, Sink() as three, Sink() as four, Sink() as dead:
        yield [one, two, three, four], dead


def receiver(sinks: list[Sink], dead: Sink) -> dict[str, Any]:
    named = [*zip(OTHERS, sinks, strict=True), ("dead", dead)]
    return {"name": "ops", "webhook_configs": [{"name": name, "url": sink.url} for name, sink in named]}


ROUTE = {"receiver": "ops", "group_by": ["client_name"], "group_wait": "10s", "group_interval": "5m"}


async def move(house: House, at: float, name: str, gone: set[str]) -> None:
    """Who is there goes, and who is not comes."""
    number = round(at * 1000)
    if name in gone:
        gone.remove(name)
        await house.hear(connected(at, name, client_id=number, number=number))
    else:
        gone.add(name)
        await house.hear(disconnected(at, name, client_id=number, number=number))


def read(folder: Path) -> list[Row]:
    with closing(sqlite3.connect(f"file:{folder / 'state.db'}?mode=ro", uri=True)) as db:
        tries = Counter(row for (row,) in db.execute("SELECT row FROM attempt"))
        found = db.execute(
            "SELECT id, destination, state, created, settled_at, body FROM outbox ORDER BY created"
        ).fetchall()
    assert {state for _, _, state, _, _, _ in found} == {"delivered"}
    rows = [
        Row(destination, seconds(created), seconds(settled), tries[id], msgspec.json.decode(body, type=Notification))
        for id, destination, _, created, settled, body in found
    ]
    return [row for row in rows if row.client]  # What the bridge says about the dead one is another matter.


def seconds(at: int) -> float:
    return (at - START) / SECOND


async def check(folder: Path, hours: float, death: str) -> None:
    well, ill = await day(folder / "well", hours, None), await day(folder / "ill", hours, DEATHS[death])
    for name in OTHERS:
        # The same messages, at the same instants, each at its first try.
        assert [(row.created, row.says) for row in ill.to(name)] == [(row.created, row.says) for row in well.to(name)]
        assert {row.tries for row in ill.to(name)} == {1}
        assert statistics.mean(row.settled - row.created for row in ill.to(name)) <= 0.01
    check_return(ill, hours, death in DOUBTFUL)
    assert ill.took < 3 * well.took + 5  # Each try in vain is two commits more.


def check_return(ill: Day, hours: float, doubtful: bool) -> None:
    """Of each group one message that tells how things are. One that it may have had when the trouble began goes first,
    as it was."""
    by_client: dict[str, list[Row]] = defaultdict(list)
    for row in ill.to("dead"):
        by_client[row.client].append(row)
    told_elsewhere: dict[str, list[Row]] = defaultdict(list)
    for row in ill.to("one"):
        told_elsewhere[row.client].append(row)
    assert by_client.keys() == told_elsewhere.keys()
    for client, rows in by_client.items():
        assert all(row.settled >= hours * HOUR for row in rows)
        assert len(rows) <= (2 if doubtful else 1), client
        assert rows[-1].notification.status == ("firing" if client in ill.firing else "resolved")
    assert max(row.settled for row in ill.to("dead")) <= hours * HOUR + HOUR


@pytest.mark.parametrize("death", ["500", "404"])
async def test_three_hours(tmp_path: Path, death: str) -> None:
    await check(tmp_path, 3, death)


@pytest.mark.long
@pytest.mark.timeout(600)
@pytest.mark.parametrize("death", list(DEATHS))
async def test_a_day(tmp_path: Path, death: str) -> None:
    await check(tmp_path, 24, death)
