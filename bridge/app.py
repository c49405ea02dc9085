"""The composition root: puts source, engine, store and delivery together, and owns every task."""

import asyncio
import contextlib
import gc
import logging
import signal
import sqlite3
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from bridge import __version__, log, story, systemd
from bridge.clock import SystemClock
from bridge.commit import Commit
from bridge.committer import Committer
from bridge.config import Loaded, load
from bridge.configuration import destinations, polls, settings, setup
from bridge.engine import Engine
from bridge.errors import ConfigError, StoreError
from bridge.inbox import Inbox
from bridge.recorder import Recorder
from bridge.source.settings import Limits
from bridge.source.supervisor import Source
from bridge.store import Store
from bridge.values import MINUTE, SECOND
from bridge.web.api import Bridge
from bridge.web.server import Web
from bridge.workforce import Workforce

LOG = logging.getLogger(__name__)

SLICE = 0.001
"""Seconds that the engine works before others get their turn."""

INPUTS_MAX = 64
"""Inputs that are taken at once, a part of a slice."""

FLOOD = 32
"""So many inputs at once are a flood."""

GATHER = 0.001
"""Seconds in which a flood may gather before the next slice: a round of the loop costs as much as ten events."""

LOGIN_REFUSED = 75
"""The exit code (EX_TEMPFAIL) where credentials that cannot change in a living process are refused for too long."""


class App:
    """The running service."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        loaded: Loaded,
        recording: Path | None = None,
        limits: Limits | None = None,
    ) -> None:
        """`loaded` is what `path` says; it is read again at each reload. All that the engine is told goes into
        `recording` as well. Raises RecordingError if it cannot be written."""
        self._path = path
        self._environ = environ
        self._limits = limits
        self._clock = SystemClock()
        self._loaded = loaded
        self._engine: Engine
        self._source: Source
        self._store: Store
        self._web: Web
        self._committer: Committer
        self._tasks: asyncio.TaskGroup
        self._inbox = Inbox(self._clock, self._dropped)
        self._recorder = Recorder(recording, setup(loaded).names, append=True) if recording else None
        self._workers: Workforce
        self._down_since: int | None = None
        """The process before has heard nothing from then on."""
        self._malformed = story.Malformed()
        self._unknown = story.Unknown()
        self._stopping = False
        self._reload_asked = False
        self._exit_code = 0

    async def run(self) -> int:
        """Until SIGTERM or SIGINT. Returns the exit code: 1 if not all is on disk, 75 if only a new process could
        log in. Raises StoreError if it cannot
        begin."""
        # Without this, a busy event loop keeps the database's thread waiting for seconds (measured: 4 to 27 s).
        sys.setswitchinterval(0.0001)
        self._warn(self._loaded)
        self._store = await Store.open(self._loaded.config.storage.path)
        try:
            # What is loaded stays: to look for garbage among it, again and again as it grows, only takes time.
            gc.disable()
            try:
                await self._begin()
            finally:
                gc.freeze()
                gc.enable()
            async with asyncio.TaskGroup() as self._tasks:
                await self._serve()
        finally:
            await self._store.close()
        return self._exit_code

    # -- begin and end ------------------------------------------------------------------------------------------

    async def _begin(self) -> None:
        resumed = await self._restore()
        self._workers = Workforce(self._clock, self._inbox, self._engine.outbox)
        self._down_since = self._engine.watch.blind_since if resumed else None
        if self._recorder and (since := self._engine.watch.blind_since) is not None:
            self._recorder.begin(since, resumed, self._engine.names_learned)
        self._committer = Committer(
            self._engine, self._store, self._clock, self._committed, self._inbox.wake, self._inbox.tell
        )
        self._inbox.tell("started", version=__version__)
        for lost in [self._store.lost, *self._store.damaged]:
            if lost:
                LOG.error("%s", lost)
                self._inbox.tell("state_lost", reason=lost)
        self._tell_broken(self._loaded)
        LOG.debug("sqlite=%s python=%s", sqlite3.sqlite_version, sys.version.split()[0])

    async def _restore(self) -> bool:
        """An engine that goes on where the last commit ended (then True), or one that begins."""
        snapshot = await self._store.load()
        now = self._clock.now()
        self._engine = Engine(setup(self._loaded), now)
        if snapshot is None:
            self._engine.begin()
            return False
        self._inbox.tell("store_recovered")
        try:
            self._engine.restore(snapshot, now, dormant=bool(self._loaded.broken))
        except (msgspec.MsgspecError, ValueError) as error:
            # SQLite's own checks see broken pages, not a byte that changed inside a value: no text or number any more.
            await self._store.begin_anew(f"what it holds cannot be read: {error}")
            self._engine = Engine(setup(self._loaded), now)
            self._engine.begin()
            return False
        self._engine.advance(now)
        return True

    async def _serve(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._stop)
        loop.add_signal_handler(signal.SIGHUP, self._ask_reload)
        # What came due while the bridge was down has been decided now: a row before it is a network call.
        await self._committer.flush()
        self._workers.hire(destinations(self._loaded), self._tasks)
        self._source = Source(
            settings(self._loaded, self._path, self._environ),
            self._clock,
            self._inbox,
            self._engine.subjects,
            self._limits,
            self._give_up,
            polls(self._loaded, self._engine.polls),
        )
        self._source.ask_missed(self._engine.watches_disconnects, self._down_since)
        self._source.watch_imports(self._loaded.config.nats.imports)
        source = self._tasks.create_task(self._source.run())
        self._tell_idle_silences()
        LOG.info(
            "nats-alert-bridge %s started rules=%d destinations=%d database=%s",
            __version__,
            len(self._loaded.rules),
            len(self._workers),
            self._loaded.config.storage.path,
        )
        self._web = self._make_web()
        systemd.ready(self._status())
        prune = self._tasks.create_task(self._prune())
        web = self._tasks.create_task(self._web.run(), name="web")
        if self._recorder:
            self._tasks.create_task(self._recorder.run(), name="recording")
        try:
            await self._decide()
        finally:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                loop.remove_signal_handler(number)
        systemd.stopping("stopping")
        await self._end(web, source, prune)

    async def _end(self, *listening: asyncio.Task[None]) -> None:
        """Hear nothing more, let requests under way end, write everything."""
        for task in listening:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        await self._workers.stop()
        while self._take_in():
            pass
        if self._recorder:
            await self._recorder.close()
        try:
            await self._committer.finish()
        except StoreError as error:
            LOG.error("%s", error)
            self._exit_code = 1
        LOG.info("stopped received=%d dropped=%d", self._inbox.received, self._inbox.dropped)

    def _make_web(self) -> Web:
        """What people ask and command comes through it."""
        config = self._loaded.config
        bridge = Bridge(
            database=config.storage.path.absolute(),
            degraded=lambda: self._committer.degraded,
            now=self._clock.now,
            muted=lambda labels: self._engine.outbox.muted(labels, self._clock.now()),
            ask=self._inbox.ask,
        )
        return Web(bridge, self._clock, config.http, config.external_url)

    def _dropped(self, count: int) -> None:
        self._source.dropped(count)

    def _give_up(self, reason: str) -> None:
        """Only another process could log in: systemd gives credentials to a process when it starts it."""
        LOG.error("%s; ending, so that systemd starts the bridge with the credentials of now", reason)
        self._exit_code = LOGIN_REFUSED
        self._stop()

    def _stop(self) -> None:
        self._stopping = True
        self._inbox.wake()

    def _ask_reload(self) -> None:
        self._reload_asked = True
        self._inbox.wake()

    # -- the main loop ------------------------------------------------------------------------------------------

    async def _decide(self) -> None:
        """Receive, decide, commit."""
        engine, inbox, committer = self._engine, self._inbox, self._committer
        watchdog = systemd.watchdog_interval()
        next_sign = 0.0
        while not self._stopping:
            await inbox.wait(self._patience(watchdog))
            taken = self._slice()
            committer.begin(self._tasks)
            if committer.outrun:
                # With nothing else to do, the loop leaves the interpreter to the database's thread.
                with inbox.held():
                    await committer.written()
            if self._reload_asked:
                self._reload_asked = False
                await self._reload()
            self._malformed.tell(engine, self._clock.now())
            self._unknown.tell(engine, self._clock.now())
            story.tell_unnamed(engine.take_unnamed())
            if nameless := engine.take_nameless():
                self._source.ask_names(nameless)
            if watchdog is not None and time.monotonic() >= next_sign:
                next_sign = time.monotonic() + watchdog / 2
                systemd.watchdog()
                systemd.status(self._status())
            await asyncio.sleep(GATHER if taken >= FLOOD and not len(inbox) else 0)

    def _slice(self) -> int:
        """Decide for a while. Returns how many inputs it took."""
        end, taken = time.perf_counter() + SLICE, 0
        while count := self._take_in():
            taken += count
            if time.perf_counter() >= end:
                return taken
        now = self._clock.now()
        while not self._engine.step(now) and time.perf_counter() < end:
            pass
        return taken

    def _take_in(self) -> int:
        """Tell the engine some of what waits. Returns how many inputs that were."""
        inputs = self._inbox.take(INPUTS_MAX)
        if self._recorder:
            self._recorder.take(inputs, self._engine.watch.t)
        self._engine.process(inputs)
        return len(inputs)

    def _patience(self, watchdog: float | None) -> float:
        """Seconds until something must be done though nothing comes."""
        committer = self._committer
        if committer.idle and self._engine.urgent and not committer.degraded:
            return 0.0
        # One microsecond more: what is due at an instant happens once that instant is over.
        due = self._engine.next_due + 1
        if committer.idle:
            due = min(due, committer.next_at)
        seconds = max(0.0, (due - self._clock.now()) / SECOND)
        return min(seconds, watchdog / 2 if watchdog else 1.0, 1.0)

    def _committed(self, commit: Commit) -> None:
        """A commit is on disk: what it decided may be told now."""
        story.tell(commit)
        self._inbox.committed(commit.rows, commit.answers)
        self._workers.committed(commit)

    async def _prune(self) -> None:
        """Forget history that is older than `storage.retention`, a little at a time."""
        while True:
            await self._clock.sleep(MINUTE / SECOND)
            retention = self._loaded.config.storage.retention
            try:
                while not self._committer.degraded and await self._store.prune(self._clock.now(), retention):
                    await self._clock.sleep(0.1)
            except StoreError as error:
                LOG.warning("old history stays for now: %s", error)

    # -- reload -------------------------------------------------------------------------------------------------

    async def _reload(self) -> None:
        """SIGHUP: read the files anew. What is broken stays as it was."""
        systemd.reloading()
        try:
            loaded = load(self._path, self._environ)
        except ConfigError as error:
            for problem in error.problems:
                LOG.error("%s", problem)
            LOG.error("reload failed; the configuration of before goes on")
            self._inbox.tell("config_invalid", file=str(self._path), reason=str(error.problems[0]))
            systemd.ready(self._status())
            return
        self._warn(loaded)
        before, self._loaded = self._loaded, _with_last_good(loaded, self._loaded)
        self._tell_broken(loaded)
        if loaded.config.storage.path != before.config.storage.path:
            LOG.warning("storage.path has changed; restart the service to use %s", loaded.config.storage.path)
        await self._workers.dismiss(destinations(self._loaded))
        while self._take_in():
            pass
        self._engine.advance(self._clock.now())
        self._engine.reload(setup(self._loaded), dormant=bool(loaded.broken))
        if self._recorder:
            self._recorder.names = setup(self._loaded).names
        log.configure(loaded.config.log.format, loaded.config.log.level)
        await self._committer.flush()
        self._workers.hire(destinations(self._loaded), self._tasks)
        self._source.reconfigure(settings(self._loaded, self._path, self._environ))
        self._source.ask_missed(self._engine.watches_disconnects)
        await self._source.resubscribe(self._engine.subjects, self._loaded.config.nats.imports)
        self._source.poll(polls(self._loaded, self._engine.polls))
        self._web.reconfigure(loaded.config.http, loaded.config.external_url)
        self._tell_reloaded(loaded)
        systemd.ready(self._status())

    def _tell_reloaded(self, loaded: Loaded) -> None:
        counts = f"rules={len(self._loaded.rules)} destinations={len(self._workers)}"
        at_work = {rule.file for rule in self._loaded.rules}
        for path in map(str, loaded.broken):
            fate = "keeps its last good version" if path in at_work else "is left out"
            LOG.warning("reloaded, but %s %s %s", path, fate, counts)
        if not loaded.broken:
            LOG.info("reloaded %s", counts)
        self._tell_idle_silences()

    def _tell_idle_silences(self) -> None:
        for complaint in self._engine.outbox.muting.silences.complaints(self._clock.now()):
            LOG.warning("%s", complaint)

    def _tell_broken(self, loaded: Loaded) -> None:
        for path, problems in loaded.broken.items():
            for problem in problems:
                LOG.error("%s", problem)
            self._inbox.tell("config_invalid", file=str(path), reason=str(problems[0]))
        if not loaded.broken:
            self._inbox.tell("config_valid")

    def _warn(self, loaded: Loaded) -> None:
        for problem in loaded.warnings:
            LOG.warning("%s", problem)

    def _status(self) -> str:
        """The line that `systemctl status` shows."""
        nats = "NATS is not heard" if self._engine.watch.blind else "NATS is heard"
        store = f", {self._committer.degraded}" if self._committer.degraded else ""
        web = f", {self._web.trouble}" if self._web.trouble else ""
        return f"{nats}, {len(self._engine.outbox.rows)} messages wait{store}{web}"


def _with_last_good(loaded: Loaded, before: Loaded) -> Loaded:
    """The rules of a file that is broken now stay what they were, but for those that have moved to a sound one."""
    broken = {str(path) for path in loaded.broken}
    sound = {rule.rule.id for rule in loaded.rules}
    kept = [rule for rule in before.rules if rule.file in broken and rule.rule.id not in sound]
    return loaded._replace(rules=[*loaded.rules, *kept])
