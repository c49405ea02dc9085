"""What other processes do to a database: commit until they are killed, hold it, run out of room, end in peace."""

import asyncio
import multiprocessing
import resource
from collections.abc import Callable
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bridge.errors import StoreError
from bridge.store import Store
from bridge.store.schema import MIGRATIONS
from tests.store.samples import nth

_CONTEXT = multiprocessing.get_context("forkserver")
_CONTEXT.set_forkserver_preload(["tests.store.children"])

ENDLESS_STEP = (
    "ALTER TABLE state ADD COLUMN note TEXT",
    "WITH RECURSIVE c (x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM c WHERE x < 10000000000) SELECT max(x) FROM c",
)
"""A migration that one has time to kill."""


def start(work: Callable[[Path, Connection], None], path: Path) -> tuple[ForkServerProcess, Connection]:
    """The process, and the end of a pipe on which it talks and hears."""
    ours, theirs = _CONTEXT.Pipe()
    process = _CONTEXT.Process(target=work, args=(path, theirs))
    process.start()
    theirs.close()
    return process, ours


def hear(pipe: Connection) -> object:
    assert pipe.poll(20), "the child says nothing"
    return pipe.recv()


def commit_until_killed(path: Path, pipe: Connection) -> None:
    """Goes on where the database ends; says the number of each commit once it is done."""

    async def work() -> None:
        store = await Store.open(path)
        last = await store.load()
        n = last.n if last else 0
        while True:
            n += 1
            await store.commit(nth(n))
            pipe.send(n)

    asyncio.run(work())


def commit_and_end(path: Path, pipe: Connection) -> None:
    async def work() -> None:
        store = await Store.open(path)
        await store.commit(nth(1))
        await store.close()

    asyncio.run(work())
    pipe.send("end")


def fail_and_end(path: Path, pipe: Connection) -> None:
    """`path` is one that cannot be used."""
    try:
        asyncio.run(_open(path))
    except StoreError as error:
        pipe.send(str(error))


def hold_until_told(path: Path, pipe: Connection) -> None:
    async def work() -> None:
        store = await Store.open(path)
        await store.commit(nth(1))
        pipe.send(multiprocessing.current_process().pid)
        await asyncio.to_thread(pipe.recv)
        await store.close()

    asyncio.run(work())


def migrate_until_killed(path: Path, pipe: Connection) -> None:
    asyncio.run(Store.open(path, steps=(*MIGRATIONS, ENDLESS_STEP)))


def outgrow_the_file_size_limit(path: Path, pipe: Connection) -> None:
    """Says how the first commit past the limit fails, and how the same one goes when there is room again."""

    async def work() -> None:
        store = await Store.open(path)
        unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, unlimited[1]))
        n = 1
        try:
            while True:
                await store.commit(nth(n))
                n += 1
        except StoreError as error:
            pipe.send((n, str(error)))
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
        await store.commit(nth(n))
        await store.close()

    asyncio.run(work())


async def _open(path: Path) -> None:
    store = await Store.open(path)
    await store.close()
