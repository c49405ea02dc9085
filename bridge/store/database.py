"""Opens the database: tells ours from other people's, checks it, brings it to this version's tables."""

import logging
import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import aiosqlite

from bridge.errors import StoreError
from bridge.store.files import beside, make_empty, make_file
from bridge.store.schema import APPLICATION_ID, OLDEST_SQLITE, Migration
from bridge.store.transaction import transaction
from bridge.store.translation import BUSY_TIMEOUT, damaged, translated

LOG = logging.getLogger(__name__)

_PRAGMAS = (
    "PRAGMA synchronous = FULL",  # NORMAL loses the last commits at a power cut
    "PRAGMA journal_size_limit = 67108864",
    "PRAGMA wal_autocheckpoint = 1000",
    "PRAGMA foreign_keys = ON",
    "PRAGMA trusted_schema = OFF",
    "PRAGMA mmap_size = 0",  # an I/O error under a mapping is a SIGBUS
)


async def connect(path: Path, steps: Sequence[Migration]) -> tuple[aiosqlite.Connection, int | None]:
    """The connection that writes, and the number of the last commit in the file.

    Raises StoreDamaged, StoreBusy, StoreError; then nothing stays open.
    """
    check_library(sqlite3.sqlite_version_info)
    make_file(path)
    try:
        db = await aiosqlite.connect(path, isolation_level=None, timeout=BUSY_TIMEOUT)
    except sqlite3.Error as error:
        raise translated(error, path) from error
    try:
        await _make_ready(db, path, steps)
        return db, await _ask(db, "SELECT n FROM meta")
    except sqlite3.Error as error:
        await db.close()
        raise translated(error, path) from error
    except BaseException:
        # A connection that is not closed keeps its thread, and with it the process, alive.
        await db.close()
        raise


def check_library(version: tuple[int, ...]) -> None:
    """Raises StoreError if SQLite is too old."""
    running = ".".join(map(str, version))
    if version < OLDEST_SQLITE:
        oldest = ".".join(map(str, OLDEST_SQLITE))
        raise StoreError(f"this Python uses SQLite {running}; {oldest} or newer is needed")
    if version < (3, 51, 3):
        # sqlite.org/wal.html#the_wal_reset_bug needs a second connection that writes, and there is none.
        LOG.debug("SQLite %s has the WAL-reset bug; one writing connection cannot meet it", running)


async def _make_ready(db: aiosqlite.Connection, path: Path, steps: Sequence[Migration]) -> None:
    # Damaged text must come back as it is, so that the checksum and not the decoder judges it.
    db.text_factory = lambda raw: raw.decode("utf-8", "surrogateescape")
    version = await _recognise(db, path, len(steps))
    if not version:
        await _ask(db, "PRAGMA auto_vacuum = INCREMENTAL")  # no effect once the file has a page
    if await _ask(db, "PRAGMA journal_mode = WAL") != "wal":
        raise StoreError(f"cannot use {path}: no write-ahead log on its file system; set another storage.path")
    for pragma in _PRAGMAS:
        await _ask(db, pragma)
    if (verdict := await _ask(db, "PRAGMA quick_check(1)")) != "ok":
        raise damaged(path, " ".join(str(verdict).split()))
    if 0 < version < len(steps):
        await _back_up(db, beside(path, f".before-v{len(steps)}"))
    for number, step in enumerate(steps[version:], version + 1):
        async with transaction(db):
            for statement in (*step, *_signature(number)):
                await db.execute_fetchall(statement)


async def _recognise(db: aiosqlite.Connection, path: Path, newest: int) -> int:
    """The version of its tables; 0: there are none yet. Reads only, because the file may be somebody else's."""
    owner = await _ask(db, "PRAGMA application_id")
    version = await _ask(db, "PRAGMA user_version")
    if not owner and not await _ask(db, "SELECT count(*) FROM sqlite_schema"):
        return 0
    if owner != APPLICATION_ID:
        raise StoreError(f"cannot use {path}: it is another program's database; set another storage.path")
    if version > newest:
        raise StoreError(
            f"cannot use {path}: a newer nats-alert-bridge wrote it (version {version}, this one knows {newest}); "
            "install that again, or set another storage.path"
        )
    return int(version)


def _signature(version: int) -> tuple[str, str]:
    return f"PRAGMA application_id = {APPLICATION_ID}", f"PRAGMA user_version = {version}"


async def _back_up(db: aiosqlite.Connection, copy: Path) -> None:
    """A whole copy in one file; one that an interrupted migration left is made again."""
    make_empty(copy)
    await db.execute_fetchall("VACUUM INTO ?", [str(copy)])
    LOG.info("copied the database before its migration copy=%s", copy)


async def _ask(db: aiosqlite.Connection, question: str) -> Any:
    """The first value of the answer, None if there is none."""
    rows = await db.execute_fetchall(question)
    return next((row[0] for row in rows), None)
