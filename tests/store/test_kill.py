"""Processes that end: by SIGKILL at any moment, or in peace."""

import asyncio
import random
import time
from multiprocessing.connection import Connection
from pathlib import Path

import pytest

from bridge.errors import StoreBusy
from bridge.store import Store
from tests.store.children import commit_and_end, commit_until_killed, fail_and_end, hear, hold_until_told, start
from tests.store.samples import Model, nth

KILLS = 30


def test_kill_9_loses_no_commit_that_returned_and_halves_none(path: Path) -> None:
    chance, model = random.Random(7), Model()
    for _ in range(KILLS):
        said = commit_and_kill(path, chance)
        found = asyncio.run(compare(path, model))
        # One more may be on disk than was said: the kill came between the commit and the word.
        assert found in (said, said + 1)


def commit_and_kill(path: Path, chance: random.Random) -> int:
    """The last commit that the child said to be done."""
    process, pipe = start(commit_until_killed, path)
    said = [hear(pipe) for _ in range(chance.randrange(1, 40))]
    time.sleep(chance.uniform(0, 0.003))  # waits for nothing: the moment of the kill is the input
    process.kill()
    process.join()
    said += rest(pipe)
    assert isinstance(said[-1], int)
    return said[-1]


def rest(pipe: Connection) -> list[object]:
    words = []
    try:
        while True:
            words.append(pipe.recv())
    except (EOFError, ConnectionResetError):
        return words


async def compare(path: Path, model: Model) -> int:
    """Holds all there is against the model, after bringing that up to the last commit on disk, which it gives."""
    store = await Store.open(path)
    loaded = await store.load()
    await store.close()
    assert loaded
    for n in range(model.last[0] + 1, loaded.n + 1):
        model.take(nth(n))
    assert (loaded, store.lost, store.damaged) == (model.snapshot(), None, [])
    return loaded.n


async def test_a_second_process_is_refused_and_told_by_whom(path: Path) -> None:
    process, pipe = start(hold_until_told, path)
    pid = await asyncio.to_thread(hear, pipe)
    with pytest.raises(StoreBusy) as refused:
        await Store.open(path)
    assert str(refused.value) == (
        f"another nats-alert-bridge (pid {pid}) uses {path}; stop it or give this one its own storage.path"
    )

    pipe.send("enough")
    process.join(10)
    store = await Store.open(path)
    assert await store.load() == Model([nth(1)]).snapshot()
    await store.close()


async def test_a_second_store_in_one_process_is_refused_through_any_name(path: Path, tmp_path: Path) -> None:
    store = await Store.open(path)
    (tmp_path / "link.db").symlink_to(path)
    with pytest.raises(StoreBusy):
        await Store.open(tmp_path / "link.db")
    await store.close()


def test_a_process_ends_after_close(path: Path) -> None:
    process, pipe = start(commit_and_end, path)
    assert hear(pipe) == "end"
    process.join(10)
    assert process.exitcode == 0


def test_a_process_ends_after_a_database_that_cannot_be_opened(path: Path) -> None:
    path.write_text("this is no database, it is a letter\n" * 100)
    process, pipe = start(fail_and_end, path)
    assert "it is no database" in str(hear(pipe))
    process.join(10)
    assert process.exitcode == 0
