"""What becomes of decisions while the disk takes nothing, and when it does again."""

import asyncio
import resource
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.commit import Commit, Settled
from bridge.committer import ROWS_MAX, Committer
from bridge.engine import Engine
from bridge.errors import StoreError
from bridge.inputs import Happening, Message
from bridge.setup import Setup
from bridge.store import Store
from tests.clock import SimulatedClock
from tests.core.stage import START, Decision, Stage, disconnected, login_failed, rule, setup

BURST = rule(alert="Burst", events="client.auth_error", type="frequency", count=3, within="10m")
GONE = rule(alert="Gone", events="client.disconnect", by=["client.name"], keep_firing_for="1s")
RULES = setup(BURST, GONE)


@contextmanager
def dead_disk() -> Iterator[None]:
    """Files of this process cannot grow past their first byte."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (1, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


class Program:
    """The committer at work on a real store, with a clock of its own."""

    def __init__(self, store: Store, rules: Setup = RULES) -> None:
        self.store, self.clock, self.engine = store, SimulatedClock(start=START), Engine(rules, START)
        self.handed: list[Commit] = []
        self.engine.begin()
        self.committer = Committer(self.engine, store, self.clock, self.handed.append, lambda: None, self._tell)

    def _tell(self, name: str, **fields: object) -> None:
        self.engine.process([Happening(name, fields, self.clock.now())])

    async def play(self, *messages: Message) -> None:
        """Take these in, and let a second pass; then all is written, or has failed to be."""
        self.engine.process(messages)
        await self.clock.run(1.5)
        self.engine.advance(self.clock.now())
        await self.committer.flush()

    def end(self, *ids: str) -> None:
        """A worker has delivered these."""
        self.engine.process([Settled(id, "delivered", self.clock.now()) for id in ids])

    @property
    def rows(self) -> list[str]:
        """Ids of the rows that were handed over, each once."""
        return list(dict.fromkeys(row.id for commit in self.handed for row in commit.rows))

    async def restarted(self, rules: Setup = RULES) -> Stage:
        """What another process would find."""
        snapshot = await self.store.load()
        assert snapshot
        stage = Stage(setup_=rules, sighted=False)
        stage.engine = Engine(rules, self.clock.now())
        stage.engine.restore(snapshot, self.clock.now())
        return stage


Start = Callable[..., Awaitable[Program]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    stores: list[Store] = []

    async def begin(rules: Setup = RULES) -> Program:
        stores.append(await Store.open(tmp_path / "state.db"))
        program = Program(stores[-1], rules)
        await program.committer.flush()
        return program

    yield begin
    for store in stores:
        await store.close()


async def test_rows_go_out_though_the_disk_takes_nothing_and_nothing_is_lost_by_it(start: Start) -> None:
    program = await start()
    with dead_disk():
        await program.play(disconnected(0, "a"))
        assert program.committer.degraded
        assert len(program.rows) == 1
        await program.play(disconnected(2, "b"))
    told = len(program.rows)
    await program.play()
    assert not program.committer.degraded
    snapshot = await program.store.load()
    assert snapshot
    assert {row.id for row in snapshot.rows} <= set(program.rows)
    assert len(snapshot.rows) >= told >= 2


async def test_windows_of_the_time_without_disk_go_on_after_a_restart(start: Start) -> None:
    program = await start()
    with dead_disk():
        await program.play(login_failed(0, number=1))
        await program.play(login_failed(2, number=2))
    await program.play()
    stage = await program.restarted()
    stage.play(login_failed(20, number=3))
    assert Decision(20, "firing", value=3) in stage.decisions


async def test_a_state_that_ended_while_there_was_no_disk_does_not_come_back(start: Start) -> None:
    """It was born in a journal entry on disk, and its death is in one that is not."""
    short = rule(alert="Burst", events="client.auth_error", type="frequency", count=3, within="1s")
    program = await start(setup(short))
    program.engine.process([login_failed(0)])
    await program.committer.flush()
    with dead_disk():
        for _ in range(3):
            await program.play()
        assert program.committer.degraded
    await program.play()
    stage = await program.restarted(setup(short))
    assert stage.engine.drain(everything=True).states == []


async def test_what_waits_is_one_commit_that_time_does_not_make_larger(start: Start) -> None:
    program = await start()
    with dead_disk():
        for n in range(100):
            await program.play(login_failed(2 * n, host="10.0.0.9", number=n))
    program.handed.clear()
    await program.play()
    (whole,) = [commit for commit in program.handed if commit.meta]
    assert whole.n > 100
    assert len(whole.states) == 1


async def test_rows_without_disk_are_bounded_and_what_ends_makes_room(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    program = await start(setup(rule(alert="Gone", events="client.disconnect", by=["client.name"], limit=ROWS_MAX + 2)))
    names = [f"c{n}" for n in range(ROWS_MAX + 2)]
    with dead_disk():
        await program.play(*(disconnected(0, name) for name in names))
        assert program.committer.degraded
        assert len(program.rows) == ROWS_MAX
        await program.play()
        assert len(program.rows) == ROWS_MAX
        program.end(*program.rows[:1])
        await program.play()
        assert len(program.rows) == ROWS_MAX + 1
    assert caplog.text.count("messages are on their way without being on disk") == 1
    await program.play()
    assert len(program.rows) >= ROWS_MAX + 2


async def test_the_reserve_is_back_as_soon_as_the_disk_is(start: Start, tmp_path: Path) -> None:
    program, reserve = await start(), tmp_path / "state.db.reserve"
    with dead_disk():
        await program.play(disconnected(0, "a"))
        assert not reserve.exists()
    await program.play()
    assert reserve.exists()


async def test_a_stop_without_disk_says_what_is_lost(start: Start) -> None:
    program = await start()
    with dead_disk():
        await program.play(disconnected(0, "a"))
        with pytest.raises(StoreError, match=r"^not on disk at the stop: waiting=1 ended=0 changes=1, and what was"):
            await program.committer.finish()


async def test_a_stop_with_a_disk_again_loses_nothing(start: Start) -> None:
    program = await start()
    with dead_disk():
        await program.play(disconnected(0, "a"))
    await program.committer.finish()
    assert not program.committer.degraded


async def test_an_error_of_the_program_in_a_commit_ends_the_group_of_tasks(start: Start) -> None:
    program = await start()
    program.engine.watch.t = 2**63  # more than the database's integers hold
    await program.clock.run(10)
    with pytest.raises(ExceptionGroup) as caught:
        await in_a_group(program)
    assert caught.group_contains(OverflowError)


async def in_a_group(program: Program) -> None:
    async with asyncio.TaskGroup() as tasks:
        program.committer.begin(tasks)
        await asyncio.sleep(60)  # the group ends it
