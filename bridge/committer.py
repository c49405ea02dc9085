"""When what was decided is written, and what happens if it cannot be: nothing is told that is not on disk, unless the
disk itself has failed, and then everybody is told so."""

import asyncio
import logging
from collections.abc import Callable
from typing import Any, Protocol

from bridge.clock import Clock
from bridge.commit import Commit
from bridge.engine import Engine
from bridge.errors import StoreError
from bridge.store import Store
from bridge.store.backlog import Backlog
from bridge.values import MILLISECOND, SECOND

LOG = logging.getLogger(__name__)

PAUSE = 250 * MILLISECOND
"""An event is on disk that long after it was taken, at the latest; at once if an alert changed."""

HEARTBEAT = 5 * SECOND
"""So often the time is written even if nothing else is: it is where the blind span of a restart begins."""

AHEAD_MAX = 0.01
"""Seconds that the engine may go on while a commit is out; then it waits."""

ROWS_MAX = 10_000
"""Messages that may be on their way without being on disk."""


class Tell(Protocol):
    """Takes an event about the bridge itself: the part of its name after `bridge.`, and its fields."""

    def __call__(self, name: str, **fields: Any) -> None: ...


class Committer:
    """Writes what the engine has decided; hands new rows on once they are on disk."""

    def __init__(
        self,
        engine: Engine,
        store: Store,
        clock: Clock,
        hand_over: Callable[[Commit], None],
        ended: Callable[[], None],
        tell: Tell,
    ) -> None:
        """`hand_over` gets each commit once it is written; if the disk fails, its rows and outcomes before that.
        `ended` is told when the next one may begin; `tell`, as an event, when the disk fails and when it is well."""
        self._engine = engine
        self._store = store
        self._clock = clock
        self._hand_over = hand_over
        self._ended = ended
        self._tell = tell
        self._task: asyncio.Task[None] | None = None
        self._began = 0.0
        self._last = clock.now()
        self._on_disk = set(engine.outbox.rows)
        """Ids of rows that workers may have, whatever becomes of the disk."""
        self._backlog = Backlog()
        self._handed: set[str] = set()
        """Ids of rows that workers have though they are not on disk."""
        self._full = False
        self._retry_at = 0
        self.degraded = ""
        """Why the database cannot be written; empty while it can."""

    @property
    def idle(self) -> bool:
        return self._task is None or self._task.done()

    @property
    def next_at(self) -> int:
        """When something must be written, if nothing urgent comes before; microseconds."""
        if self.degraded:
            return self._retry_at
        return self._last + (PAUSE if self._engine.dirty else HEARTBEAT)

    @property
    def outrun(self) -> bool:
        """The engine is too far ahead of the commit that is out; it should wait until that is `written`."""
        return not self.idle and asyncio.get_running_loop().time() - self._began > AHEAD_MAX

    def begin(self, tasks: asyncio.TaskGroup) -> None:
        """Begin a commit, as one of `tasks`, if it is time for one and none is out."""
        if self.idle and self._due():
            self._task = tasks.create_task(self._save(self._drain()), name="commit")
            self._task.add_done_callback(lambda _: self._ended())

    async def written(self) -> None:
        """Once no commit is out. What is wrong with the program itself ends the group of tasks, and so all."""
        if self._task is not None:
            await asyncio.wait([self._task])

    async def flush(self) -> None:
        """Write what was decided so far, now."""
        await self.written()
        await self._save(self._drain())

    async def finish(self) -> None:
        """The last commit: everything, so that a start has nothing to repeat. Raises StoreError if it fails."""
        await self.written()
        await self._save(self._drain(everything=True))
        if self.degraded:
            last = self._backlog.commit()
            raise StoreError(
                f"not on disk at the stop: waiting={len(self._backlog.rows)} ended={len(last.settled)} "
                f"changes={len(last.changes)}, and what was heard since the disk failed: {self.degraded}"
            )

    def _due(self) -> bool:
        now = self._clock.now()
        return now >= self.next_at or (self._engine.urgent and not self.degraded)

    def _drain(self, everything: bool = False) -> Commit:
        """While the disk fails, journal entries are not kept: in their place, all states are."""
        self._last, self._began = self._clock.now(), asyncio.get_running_loop().time()
        return self._engine.drain(everything=everything or bool(self.degraded))

    async def _save(self, commit: Commit) -> None:
        if self.degraded:
            await self._catch_up(commit)
            return
        try:
            await self._commit(commit)
        except StoreError as error:
            LOG.debug("trying once more: %s", error)
            await self._try_again(commit)

    async def _commit(self, commit: Commit) -> None:
        await self._store.commit(commit)
        LOG.debug("on disk n=%d ms=%.1f", commit.n, (asyncio.get_running_loop().time() - self._began) * 1000)
        self._on_disk.update(row.id for row in commit.rows)
        self._on_disk.difference_update(settled.id for settled in commit.settled)
        self._hand_over(commit)

    async def _try_again(self, commit: Commit) -> None:
        """If that fails, too, messages go out although they are not on disk, and it is tried again every second."""
        try:
            await self._commit(commit)
        except StoreError as error:
            self.degraded = str(error)
            self._tell("store_degraded", reason=str(error))
            LOG.error("%s; messages go out all the same, and it is tried again every second", error)
            self._give_room()
            self._backlog.add(commit)
            self._hand(commit)

    async def _catch_up(self, commit: Commit) -> None:
        """Everything that waits, in one."""
        self._backlog.add(commit)
        try:
            await self._commit(self._backlog.commit())
        except StoreError as error:
            LOG.debug("not yet: %s", error)
            self._hand(commit)
            return
        self.degraded = ""
        self._backlog, self._handed, self._full = Backlog(), set(), False
        self._tell("store_recovered")
        LOG.warning("the database can be written again")
        self._store.restore_reserve()  # If it finds no room now, `prune` tries again.

    def _give_room(self) -> None:
        """A full disk may have enough for us once our reserve is gone."""
        try:
            self._store.release_reserve()
        except StoreError as error:
            LOG.error("%s", error)

    def _hand(self, commit: Commit) -> None:
        """What nobody has yet, as far as there is room, and news of what somebody has."""
        self._retry_at = self._clock.now() + SECOND
        self._handed.difference_update(settled.id for settled in commit.settled)
        news = [row for row in commit.rows if self._has(row.id)]
        new = [row for row in self._backlog.rows if not self._has(row.id)]
        room = ROWS_MAX - len(self._handed)
        if len(new) > room and not self._full:
            LOG.error("%d messages are on their way without being on disk; more wait until some have ended", ROWS_MAX)
        self._full = len(new) > room
        self._handed.update(row.id for row in new[:room])
        self._hand_over(Commit(commit.n, commit.t, b"", rows=[*news, *new[:room]], settled=commit.settled))

    def _has(self, row_id: str) -> bool:
        return row_id in self._on_disk or row_id in self._handed
