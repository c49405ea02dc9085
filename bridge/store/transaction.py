"""All or none, on one connection that nobody else uses meanwhile."""

import logging
import sqlite3
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager

import aiosqlite

from bridge.store.rows import Statement

LOG = logging.getLogger(__name__)


async def transact(db: aiosqlite.Connection, statements: Iterable[Statement]) -> list[int]:
    """Gives the number of rows that each statement changed. Raises sqlite3.Error; nothing is changed then."""
    async with transaction(db):
        return [(await db.executemany(sql, rows)).rowcount for sql, rows in statements]


@asynccontextmanager
async def transaction(db: aiosqlite.Connection) -> AsyncIterator[None]:
    if db.in_transaction:
        await db.rollback()
    try:
        # Not the deferred BEGIN: its first write can fail with SQLITE_BUSY_SNAPSHOT without waiting for the lock.
        await db.execute_fetchall("BEGIN IMMEDIATE")
        yield
        await db.execute_fetchall("COMMIT")
    except BaseException:
        await _roll_back(db)
        raise


async def _roll_back(db: aiosqlite.Connection) -> None:
    """Runs after whatever is still running on the connection's thread; does nothing if SQLite has done it itself."""
    try:
        await db.rollback()
    except sqlite3.Error as error:
        LOG.warning("rollback failed, it is tried again before the next transaction: %s", error)
