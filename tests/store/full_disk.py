"""Run by test_space.py with a small file system of its own, as `python -m tests.store.full_disk DIRECTORY WHEN`."""

import asyncio
import sys
from io import FileIO
from pathlib import Path

import pytest

from bridge.commit import Commit
from bridge.errors import StoreError
from bridge.store import Store
from tests.store.samples import Model, nth

LARGE = Commit(n=2, t=2, meta=b"x" * 1_000_000)


async def become_full_while_it_runs(directory: Path) -> None:
    store = await Store.open(directory / "state.db")
    await store.commit(nth(1))
    fill(directory)
    with pytest.raises(StoreError, match="the disk is full; free some space"):
        await store.commit(LARGE)
    assert await store.load() == Model([nth(1)]).snapshot()

    assert store.release_reserve()
    await store.commit(LARGE)
    assert await store.load() == Model([nth(1), LARGE]).snapshot()
    assert not store.restore_reserve()

    (directory / "filler").unlink()
    assert store.restore_reserve()
    await store.close()


async def be_full_at_the_start(directory: Path) -> None:
    store = await Store.open(directory / "state.db")
    await store.commit(nth(1))
    await store.close()
    fill(directory)

    store = await Store.open(directory / "state.db")
    assert (await store.load(), store.lost) == (Model([nth(1)]).snapshot(), None)
    await store.commit(LARGE)
    await store.close()


def fill(directory: Path) -> None:
    with FileIO(directory / "filler", "w") as file, pytest.raises(OSError, match="No space left"):
        write_for_ever(file)


def write_for_ever(file: FileIO) -> None:
    while True:
        file.write(bytes(4096))


if __name__ == "__main__":
    scene = be_full_at_the_start if sys.argv[2] == "at the start" else become_full_while_it_runs
    asyncio.run(scene(Path(sys.argv[1])))
    sys.stdout.write("survived\n")
