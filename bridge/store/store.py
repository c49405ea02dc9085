"""The one writer of the database. A commit is on disk, whole, when `commit` returns, and not at all when it raises."""

import asyncio
import logging
import sqlite3
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

from bridge.commit import AccountRow, ChangeRow, Commit, GroupRow, OutboxRow, SilenceRow, Snapshot, StateRow
from bridge.errors import StoreDamaged, StoreError
from bridge.store.files import prepare
from bridge.store.lock import Lock
from bridge.store.opening import Opened, begin_anew, open_database
from bridge.store.reserve import Reserve
from bridge.store.retention import JOURNAL_STEP, TRIM_JOURNAL, delete_older, give_back
from bridge.store.rows import (
    SELECT_ACCOUNTS,
    SELECT_CHANGES,
    SELECT_GROUPS,
    SELECT_JOURNAL,
    SELECT_OUTBOX,
    SELECT_SILENCES,
    SELECT_STATES,
    burial,
    read_row,
    statements,
)
from bridge.store.schema import MIGRATIONS, Migration
from bridge.store.transaction import transact
from bridge.store.translation import damaged, translated

LOG = logging.getLogger(__name__)

T = TypeVar("T")


class Store:
    """An open database. Its methods may be called by any task; they wait for each other."""

    def __init__(self, path: Path, lock: Lock, steps: Sequence[Migration], opened: Opened) -> None:
        self.lost = opened.lost
        """What a start found missing, for the operator; None if all that was committed is there."""
        self.damaged: list[str] = []
        """One line for each outbox row that `load` could not read; the next commit ends them as dead."""
        self._path, self._lock, self._steps, self._db = path, lock, steps, opened.db
        self._reserve = Reserve(path)
        self._turn = asyncio.Lock()
        self._closed = False
        self._trim = True
        self._unreadable: list[int] = []

    @classmethod
    async def open(cls, path: Path, steps: Sequence[Migration] = MIGRATIONS) -> "Store":
        """Locks, makes, checks and migrates the database.

        A damaged one of ours is moved aside and a new one begun; then `lost` says so.
        Raises StoreBusy if another process has it, StoreError if it cannot be used; either is one line.
        """
        path = prepare(path)
        lock = Lock.take(path)
        try:
            store = cls(path, lock, steps, await open_database(path, lock, steps))
        except BaseException:
            lock.release()
            raise
        if not store.restore_reserve():
            LOG.warning("no room for the reserve of the database path=%s", path)
        return store

    async def load(self) -> Snapshot | None:
        """What the last commit left; None if there never was one. Raises StoreError."""
        return await self._alone(self._read_or_begin_anew)

    async def begin_anew(self, why: str) -> None:
        """Move the database aside and begin a new one, as what was loaded is damaged: `why`; `lost` tells of it.

        Raises StoreError; nothing is open then.
        """
        await self._alone(lambda: self._begin_anew(damaged(self._path, why)))

    async def commit(self, commit: Commit) -> None:
        """One transaction, all or none. The same commit may be given again after an error, or twice.

        If the caller is cancelled it is finished all the same, and the cancellation goes on after it.
        Raises StoreError: nothing is written then, or all of it where the disk failed at the very end.
        """
        await self._alone(lambda: self._write(commit))

    async def prune(self, now: int, retention: int) -> bool:
        """One small step of deleting what ended more than `retention` before `now` (both microseconds): changes that
        were told, rows that are settled, attempts. True: there is more, call again soon. Raises StoreError.

        A reserve that was given to a full disk is taken back, once there is room.
        """
        return await self._alone(lambda: self._prune(now - retention))

    async def close(self) -> None:
        """Empties the log into the database, and lets go of both. A second call does nothing."""
        await _to_the_end(self._close())

    def release_reserve(self) -> bool:
        """Gives 16 MB back to a full disk; False if there was nothing to give. Raises StoreError."""
        return self._reserve.release()

    def restore_reserve(self) -> bool:
        """True if the reserve is there (again); False while the disk has not twice as much free."""
        return self._reserve.restore()

    async def _alone(self, work: Callable[[], Awaitable[T]]) -> T:
        return await _to_the_end(self._in_turn(work))

    async def _in_turn(self, work: Callable[[], Awaitable[T]]) -> T:
        async with self._turn:
            if self._closed:
                raise StoreError(f"{self._path} is closed")
            try:
                return await work()
            except sqlite3.Error as error:
                raise translated(error, self._path) from error

    async def _write(self, commit: Commit) -> None:
        work = statements(commit)
        if self._unreadable:
            # First: the engine may have sent the same message again, under the same id.
            work.insert(0, burial(self._unreadable, commit.t))
        if trims := self._trim or commit.journal_upto > 0:
            work.append(TRIM_JOURNAL)
        counts = await transact(self._db, work)
        self._unreadable.clear()
        self._trim = trims and counts[-1] == JOURNAL_STEP
        self._lock.remember(commit.n)

    async def _read_or_begin_anew(self) -> Snapshot | None:
        """The check at the opening does not see all damage: a page can be sound and its rows not."""
        try:
            return await self._read()
        except sqlite3.Error as error:
            damage = translated(error, self._path)
            if not isinstance(damage, StoreDamaged):
                raise
        await self._begin_anew(damage)
        return None

    async def _begin_anew(self, damage: StoreDamaged) -> None:
        self._closed = True
        await self._db.close()
        try:
            self._db, self.lost = await begin_anew(self._path, damage, self._steps)
        except BaseException:
            self._lock.release()
            raise
        self._closed = False
        self._unreadable, self.damaged = [], []

    async def _read(self) -> Snapshot | None:
        last = list(await self._db.execute_fetchall("SELECT n, t, journal_upto, body FROM meta"))
        if not last:
            return None
        ((n, t, journal_upto, meta),) = last
        return Snapshot(
            n=n,
            t=t,
            meta=meta,
            states=[StateRow(*row) for row in await self._db.execute_fetchall(SELECT_STATES)],
            journal=[(n, body) for n, body in await self._db.execute_fetchall(SELECT_JOURNAL, [journal_upto])],
            groups=[GroupRow(*row) for row in await self._db.execute_fetchall(SELECT_GROUPS)],
            changes=[ChangeRow(*row) for row in await self._db.execute_fetchall(SELECT_CHANGES)],
            rows=await self._read_outbox(),
            silences=[SilenceRow(*row) for row in await self._db.execute_fetchall(SELECT_SILENCES)],
            accounts=[AccountRow(*row) for row in await self._db.execute_fetchall(SELECT_ACCOUNTS)],
        )

    async def _read_outbox(self) -> list[OutboxRow]:
        self._unreadable, self.damaged, rows = [], [], []
        for rowid, *columns in await self._db.execute_fetchall(SELECT_OUTBOX):
            if row := read_row(columns):
                rows.append(row)
            else:
                self._unreadable.append(rowid)
                self.damaged.append(f"a message for {columns[1]!a} (row {columns[0]!a}) is damaged on disk")
        return rows

    async def _prune(self, before: int) -> bool:
        more = await delete_older(self._db, before)
        more = await give_back(self._db) or more
        self._reserve.restore()
        return more

    async def _close(self) -> None:
        async with self._turn:
            if self._closed:
                return
            self._closed = True
            try:
                # A reader may keep the log from being emptied; a stop does not wait for it.
                await self._db.execute_fetchall("PRAGMA busy_timeout = 0")
                await self._db.execute_fetchall("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.Error as error:
                # Nothing is lost: the log stays, and the next start reads it.
                LOG.warning("%s", translated(error, self._path))
            try:
                await self._db.close()
            finally:
                self._lock.release()


async def _to_the_end(work: Coroutine[Any, Any, T]) -> T:
    """Cancelling an await does not stop its SQL, and the next user of the connection would be in its transaction.

    So a cancelled caller waits for the end, and is cancelled then.
    """
    task = asyncio.ensure_future(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError as cancelled:
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        raise cancelled from (None if task.cancelled() else task.exception())
