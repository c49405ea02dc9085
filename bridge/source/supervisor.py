"""The source: keeps one connection to NATS, whatever happens to it, and says so when it cannot."""

import asyncio
from collections.abc import Callable, Collection
from typing import Any

from bridge.clock import Clock
from bridge.errors import LoginFailed, SourceError
from bridge.source.connection import Connection
from bridge.source.expiry import next_expiry
from bridge.source.gather import PING_SUBJECT
from bridge.source.introductions import Introductions
from bridge.source.lookout import Lookout
from bridge.source.missed import Missed
from bridge.source.poller import Poller
from bridge.source.reports import Reports
from bridge.source.rollcall import Outcome
from bridge.source.servers import Servers, Target
from bridge.source.settings import Limits, Polls, Settings
from bridge.source.sink import Sink

_PLANNED = "the settings have changed"
_LEAVING = "the server will stop"


class Source:
    """Hears what NATS says on some subjects, and hands it to a sink, in order and each message once."""

    def __init__(
        self,
        settings: Settings,
        clock: Clock,
        sink: Sink,
        subjects: Collection[str],
        limits: Limits | None = None,
        give_up: Callable[[str], None] | None = None,
        polls: Polls = Polls(),  # noqa: B008 - it is frozen
    ) -> None:
        """`give_up` is told why, when only another process could log in; it is expected to end this one.

        Raises ValueError for a server's address that is none.
        """
        self._settings, self._clock, self._sink = settings, clock, sink
        self._subjects = tuple(subjects)
        self._limits = limits or Limits()
        self._servers = Servers(settings)
        self._reports = Reports(sink, clock, self._limits)
        self._poller = Poller(polls, sink, clock)
        self._missed = Missed(sink, clock)
        self._introductions = Introductions()
        self._lookout = Lookout(sink, clock, self._limits)
        self._imports = ""
        self._connection: Connection | None = None
        self._give_up = give_up
        self._refused_since: float | None = None
        self._changed = asyncio.Event()

    async def run(self) -> None:
        """Until cancelled. Trouble with NATS never ends it; an error that the sink raises does."""
        try:
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self._keep_connected())
                tasks.create_task(self._tell())
                tasks.create_task(self._watch_expiry())
        finally:
            self._reports.tick(self._servers.addresses)

    async def resubscribe(self, subjects: Collection[str], imports: str | None = None) -> None:
        """Listen to these subjects from now on. Nothing is lost of those that stay. Returns once it is so.

        `imports`: see `watch_imports`; None: as before."""
        self._subjects = tuple(subjects)
        self._imports = self._imports if imports is None else imports
        self._lookout.change(self._imports, self._subjects)
        connection = self._connection
        if connection and connection.ready:
            try:
                await connection.listen(self._subjects)
            except SourceError as error:
                connection.end(error.reason)

    def poll(self, polls: Polls) -> None:
        """Ask servers for this from now on."""
        self._poller.change(polls)

    def ask_names(self, ids: Collection[str]) -> None:
        """Ask what these accounts are called; the answers come as messages under the subjects of the requests."""
        self._introductions.want(ids)

    def watch_imports(self, imports: str) -> None:
        """Tell people if the system account does not import what is listened to, with subjects that begin so; "" if it
        is not to import anything."""
        self._imports = imports
        self._lookout.change(imports, self._subjects)

    def tolerate(self, subjects: Collection[str]) -> None:
        """It is no trouble if these may not be heard: the sink is told, and not the log."""
        self._reports.tolerated = frozenset(subjects)

    def ask_missed(self, wanted: bool, since: int | None = None) -> None:
        """Whether to ask, after each gap, who disconnected meanwhile. `since`: nothing was heard from then on, by the
        process before."""
        self._missed.wanted = wanted
        if since is not None:
            self._missed.begin(since)

    def reconfigure(self, settings: Settings) -> None:
        """Use these settings from now on; connects anew if they differ. Raises ValueError as the constructor does."""
        if settings == self._settings:
            return
        self._servers = Servers(settings)
        self._settings = settings
        self._reports.forget()
        self._refused_since = None
        self._changed.set()
        if self._connection:
            self._connection.end(_PLANNED)

    def dropped(self, count: int = 1) -> None:
        """Tell people, within a second, of messages that the sink's own queue could not hold."""
        self._reports.dropped(count)

    async def _tell(self) -> None:
        while True:
            await asyncio.sleep(self._limits.told_every)
            self._reports.tick(self._servers.addresses)

    async def _watch_expiry(self) -> None:
        while True:
            self._reports.expiry(next_expiry(self._settings))
            await asyncio.sleep(self._limits.expiry)

    async def _keep_connected(self) -> None:
        while True:
            await self._stay_connected(await self._next())

    async def _next(self) -> Target:
        loop = asyncio.get_running_loop()
        while (target := self._servers.due(loop.time())) is None:
            self._changed.clear()
            await _happens(self._changed, within=self._servers.wait(loop.time()))
        return target

    async def _stay_connected(self, target: Target) -> None:
        connection = Connection(target, self._settings, self._limits, self._sink, self._clock, self._reports)
        # A reconfiguration brings new ones, which have not failed.
        servers = self._servers
        self._connection = connection
        try:
            reason = await self._attend(connection)
            self._ended(connection, servers, connection.unreachable(reason))
        except SourceError as error:
            self._ended(connection, servers, error)
        finally:
            # Ends sight when the task is cancelled; says nothing where an end was reported above.
            self._reports.lost(target.address, "the bridge stops listening", planned=True)
            self._connection = None
            if connection.sighted:
                self._missed.begin(connection.heard_at)
            servers.learn(connection.siblings, target)
            await connection.close()

    def _ended(self, connection: Connection, servers: Servers, error: SourceError) -> None:
        target, now = connection.target, asyncio.get_running_loop().time()
        planned = error.reason in (_PLANNED, _LEAVING)
        if connection.sighted or planned:
            self._reports.lost(target.address, error.reason, planned)
            servers.failed(target, None, now)
        else:
            self._reports.failed(error)
            servers.failed(target, error, now)
            if isinstance(error, LoginFailed):
                self._refused(error, now)

    def _refused(self, error: LoginFailed, now: float) -> None:
        self._refused_since = now if self._refused_since is None else self._refused_since
        if self._give_up and self._settings.sealed and now - self._refused_since >= self._limits.refused:
            self._give_up(str(error))

    async def _attend(self, connection: Connection) -> str:
        """Returns why the connection ended. Raises SourceError if it came to nothing or does not answer."""
        talk = asyncio.create_task(self._talk(connection))
        try:
            either: set[asyncio.Future[Any]] = {talk, connection.lost}
            await asyncio.wait(either, return_when=asyncio.FIRST_COMPLETED)
            if not connection.lost.done():
                talk.result()
            return await connection.lost
        finally:
            # More than once: asyncio.wait_for, which nats-py uses, can lose a cancellation before Python 3.12.
            while not talk.done():
                talk.cancel()
                await asyncio.wait({talk}, timeout=0.1)
            if not talk.cancelled():
                # Whatever it says of a lost connection is a consequence.
                talk.exception()

    async def _talk(self, connection: Connection) -> None:
        await connection.open()
        self._refused_since = None
        self._reports.reached()
        await connection.listen(self._subjects)
        outcome = await connection.call_the_roll()
        if outcome is Outcome.OUTSIDE:
            raise connection.wrong_account()
        connection.sighted = True
        self._reports.connected(connection.target.address, connection.server, connection.login, len(self._subjects))
        if outcome is Outcome.SILENT and connection.may_ask:
            self._reports.silent(_silence(connection, self._limits.roll_call))
        asks = (self._missed.tell, self._poller.run, self._introductions.run, self._lookout.run)
        asking = {asyncio.create_task(ask(connection)) for ask in asks}
        for task in asking:
            task.add_done_callback(connection.fail)
        try:
            await self._watch(connection)
        finally:
            for task in asking:
                task.cancel()
            await asyncio.wait(asking)

    async def _watch(self, connection: Connection) -> None:
        loop = asyncio.get_running_loop()
        began, moving = loop.time(), False
        asked, silent = began, 0
        while True:
            if moving:
                await asyncio.sleep(self._limits.probe)
            elif await _happens(connection.leaving, within=self._limits.probe):
                moving = True
                await self._move(connection)
            await connection.probe()
            silent = 0 if connection.statistics_heard or not connection.listens_to_statistics else silent + 1
            connection.statistics_heard = False
            if silent * self._limits.probe >= self._limits.statistics:
                # The server answers, and yet what it must have sent does not come: it has forgotten what we listen to.
                connection.end(f"no statistics of any server came for {self._limits.statistics:g} s")
            if loop.time() - began >= self._limits.probe:
                self._servers.worked(connection.target)
            if loop.time() - asked >= self._limits.retry:
                asked = loop.time()
                await connection.ask_again()

    async def _move(self, connection: Connection) -> None:
        """To another server, if one is known; else the connection is good until the server closes it."""
        self._servers.learn(connection.siblings, connection.target)
        if len(self._servers.addresses) > 1:
            await asyncio.sleep(self._limits.move)
            connection.end(_LEAVING)


def _silence(connection: Connection, seconds: float) -> str:
    return (
        f"logged in to {connection.target.address} {connection.login}, but no server answered {PING_SUBJECT} within "
        f"{seconds:g} s; if no events come, use a user of the system account"
    )


async def _happens(event: asyncio.Event, within: float) -> bool:
    try:
        async with asyncio.timeout(within):
            await event.wait()
    except TimeoutError:
        return False
    return True
