"""When what was decided is written, and what happens if it cannot be: nothing is told that is not on disk, unless the
disk itself has failed, and then everybody is told so."""

import asyncio
import logging
from collections.abc import Callable

from bridge.clock import Clock
from bridge.commit import Commit, OutboxRow
from bridge.engine import Engine
from bridge.errors import StoreError
from bridge.store import Store
from bridge.values import MILLISECOND, SECOND

LOG = logging.getLogger(__name__)

PAUSE = 250 * MILLISECOND
"""An event is on disk that long after it was taken, at the latest; at once if an alert changed."""

HEARTBEAT = 5 * SECOND
"""So often the time is written even if nothing else is: it is where the blind span of a restart begins."""

AHEAD_MAX = 0.02
"""Seconds that the engine may go on while a commit is out; then it waits."""

ROWS_MAX = 10_000
"""Messages that may be on their way without being on disk."""

JOURNAL_MAX = 64 * 1024 * 1024
"""Bytes of journal that wait for a disk; past it, states are written whole as soon as that is possible."""


class Committer:
    """Writes what the engine has decided; hands new rows on once they are on disk."""

    def __init__(self, engine: Engine, store: Store, clock: Clock, hand_over: Callable[[Commit], None]) -> None:
        """`hand_over` gets each commit once it is written; if the disk fails, its rows alone before that."""
        self._engine = engine
        self._store = store
        self._clock = clock
        self._hand_over = hand_over
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0
        self._last = clock.now()
        self._unsaved: list[Commit] = []
        self._handed = 0
        self._retry_at = 0
        self._everything = False
        self.degraded = ""
        """Why the database cannot be written; empty while it can."""

    @property
    def idle(self) -> bool:
        return self._task is None or self._task.done()

    @property
    def next_at(self) -> int:
        """When something must be written, if nothing urgent comes before; microseconds."""
        if self._unsaved:
            return self._retry_at
        return self._last + (PAUSE if self._engine.dirty else HEARTBEAT)

    async def step(self) -> None:
        """Begin a commit if it is time for one; wait if the engine is too far ahead of the last one."""
        if self._task is not None and not self._task.done():
            loop = asyncio.get_running_loop()
            if loop.time() - self._began > AHEAD_MAX:
                await asyncio.shield(self._task)
            return
        if self._task is not None:
            task, self._task = self._task, None
            task.result()  # What is wrong with the program itself is raised here.
        if self._due():
            self._began = asyncio.get_running_loop().time()
            self._task = asyncio.create_task(self._save(self._drain()))

    async def flush(self) -> None:
        """Write what was decided so far, now."""
        if self._task is not None:
            await asyncio.shield(self._task)
        await self._save(self._drain())

    async def finish(self) -> None:
        """The last commit: everything, so that a start has nothing to repeat."""
        if self._task is not None:
            await asyncio.shield(self._task)
        await self._save(self._engine.drain(everything=True))

    def _due(self) -> bool:
        now = self._clock.now()
        if self._unsaved:
            return now >= self._retry_at
        return self._engine.urgent or now >= self.next_at

    def _drain(self) -> Commit:
        self._last = self._clock.now()
        return self._engine.drain(self._everything)

    async def _save(self, commit: Commit) -> None:
        self._unsaved.append(commit)
        try:
            await self._write()
        except StoreError as error:
            await self._fail(error)
            return
        self._everything = False
        if self.degraded:
            self.degraded = ""
            self._handed = 0
            self._engine.tell("store_recovered")
            LOG.warning("the database can be written again")

    async def _write(self) -> None:
        """Everything that waits, in order."""
        while self._unsaved:
            commit = self._unsaved[0]
            await self._store.commit(commit)
            self._unsaved.pop(0)
            self._hand_over(commit)

    async def _fail(self, error: StoreError) -> None:
        """Once more; then messages go out although they are not on disk, and it is tried again every second."""
        if not self.degraded:
            try:
                await self._write()
                return
            except StoreError as again:
                error = again
            self.degraded = str(error)
            self._engine.tell("store_degraded", reason=str(error))
            LOG.error("%s; messages go out all the same, and it is tried again every second", error)
            for commit in self._unsaved:
                self._hand(commit)
            self._give_room()
        else:
            self._hand(self._unsaved[-1])
        self._bound()
        self._retry_at = self._clock.now() + SECOND

    def _bound(self) -> None:
        """What waits must not fill the memory: without its journal entries a commit is small."""
        if sum(len(commit.journal or b"") for commit in self._unsaved) > JOURNAL_MAX:
            for commit in self._unsaved:
                commit.journal = None
            self._everything = True

    def _give_room(self) -> None:
        """A full disk may have enough for us once our reserve is gone."""
        try:
            self._store.release_reserve()
        except StoreError as error:
            LOG.error("%s", error)

    def _hand(self, commit: Commit) -> None:
        room = ROWS_MAX - self._handed
        if len(commit.rows) > room:
            LOG.error("%d messages wait until the database can be written again", len(commit.rows) - room)
        rows: list[OutboxRow] = commit.rows[: max(0, room)]
        self._handed += len(rows)
        self._hand_over(Commit(commit.n, commit.t, b"", rows=rows))
