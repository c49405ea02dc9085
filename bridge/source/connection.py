"""One nats-py client from its connect to its end; only this module and `force` know its habits.

nats-py 2.16.0 dies in silence in many ways, so it is not trusted to come back: what is lost is closed by force, and the
next connection has a new client.
"""

import asyncio
import contextlib
import logging
import socket
import ssl
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from urllib.parse import ParseResult

from nats import errors as nats_errors
from nats.aio.client import Client, RawCredentials
from nats.aio.msg import Msg

from bridge.clock import Clock
from bridge.errors import SourceError, Unreachable, WrongAccount
from bridge.source import complaint
from bridge.source.force import abort, encrypted, forget_siblings, on_reading_end, reading_error, tasks_of
from bridge.source.gather import PING_SUBJECT, Answer, Gathered, Gatherer, Paged
from bridge.source.login import Login, read_login, tls_context
from bridge.source.permissions import Permissions, is_denial
from bridge.source.reports import Reports
from bridge.source.rollcall import Outcome, call_the_roll
from bridge.source.servers import Target
from bridge.source.settings import Limits, Settings
from bridge.source.sink import Sink
from bridge.source.subscription import Subscriptions
from bridge.values import SECOND

STATISTICS = "$SYS.SERVER.*.STATSZ"
STOPS = ("$SYS.SERVER.*.SHUTDOWN", "$SYS.SERVER.*.LAMEDUCK")
_PING_FOR_EVER = 24 * 3600
_FLOOD = 16
"""Messages in one piece."""
_CLOSE_MAX = 1.0
"""Seconds for a close in good order."""

_log = logging.getLogger("bridge.source")

# nats-py logs with a traceback what ends its reading; we say it in a line.
logging.getLogger("nats.aio.client").setLevel(logging.CRITICAL)


class Connection:
    """A connection to one server. `lost` is done once it does not work any more: with the reason, or a bug of ours."""

    def __init__(
        self, target: Target, settings: Settings, limits: Limits, sink: Sink, clock: Clock, reports: Reports
    ) -> None:
        self.target = target
        self.lost: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self.leaving = asyncio.Event()
        """The server has said that it will stop."""
        self.login = "without a login"
        self.name = f"nats-alert-bridge {socket.gethostname()}"
        """What servers and their operators see of it."""
        self.heard_at = clock.now()
        """The last sign of life, in microseconds."""
        self.sighted = False
        """Everything that was asked for is heard."""
        self._settings, self._limits, self._reports = settings, limits, reports
        self._sink, self._clock = sink, clock
        self._client = Client()
        forget_siblings(self._client)
        self._login: Login | None = None
        self._opening = True
        self._closed = asyncio.Event()
        self.statistics_heard = False
        """Some server's statistics came since somebody set this to False."""
        self._subscriptions = Subscriptions(self._client, self._hear, sink, limits.patience)
        self._gatherer = Gatherer(self._client, limits.quiet, self._take, self._answered)
        inbox = f"{settings.inbox_prefix}.>"
        self._permissions = Permissions(self._subscriptions, self._gatherer, inbox, self._describe, reports)

    @property
    def ready(self) -> bool:
        """Whether it is up."""
        return not self._opening and not self.lost.done()

    @property
    def server(self) -> str:
        """The server's name and version, for people."""
        about = self._client._server_info
        return f"server {about.get('server_name', '?')}, {about.get('version', '?')}"

    @property
    def server_id(self) -> str:
        """The server's, as it stands in subjects."""
        return str(self._client._server_info.get("server_id", ""))

    @property
    def siblings(self) -> list[ParseResult]:
        """The servers that this one has told of."""
        return self._client.discovered_servers

    async def open(self) -> None:
        """Connect and log in. Raises Unreachable or LoginFailed; call `close` in any case."""
        login = read_login(self._settings, self.target)
        context = tls_context(self._settings.tls, self.target)
        self.login, self._login = login.shown, login
        try:
            async with asyncio.timeout(self._limits.connect):
                await self._connect(login, context)
        except TimeoutError as error:
            raise self.unreachable(f"no login within {self._limits.connect:g} s") from error
        except ValueError as error:
            # The stream reader's word for a first line without an end.
            raise self.unreachable("it does not speak NATS") from error
        self._opening = False
        if not self._client.is_connected:
            # nats-py takes an end of the stream in place of the last answer for a success.
            raise self._refused(nats_errors.UnexpectedEOF())
        self._demand_tls()
        on_reading_end(self._client, lambda _: self._broken_off())
        self._sink.own(self.server_id, self._client.client_id or 0)

    async def listen(self, patterns: Iterable[str]) -> None:
        """Subscribe to these and to nothing else; what the user may not hear was reported when this returns.

        Raises Unreachable.
        """
        with self._translated():
            await self._subscriptions.change(patterns, self.probe)
        self._permissions.listened()

    async def call_the_roll(self) -> Outcome:
        """Ask all servers for their STATSZ, and wait for the answers. Raises Unreachable."""
        self._reports.clocks.drained(self._clock.now())
        with self._translated():
            return await call_the_roll(self._gatherer, self._limits, self._take, self._reports.namesakes)

    async def ask(
        self,
        subject: str,
        options: dict[str, object] | None = None,
        *,
        within: float,
        expected: int = 0,
        least: int = 1,
        optional: bool = False,
    ) -> Gathered:
        """Ask all servers, or one: see `gather`. `optional`: nobody is told if it is not allowed.

        Raises Unreachable.
        """
        with self._translated(), self._permissions.optional(subject) if optional else contextlib.nullcontext():
            return await self._gatherer.ask(subject, options, within=within, expected=expected, least=least)

    async def pages(self, paged: Paged, *, within: float, to: str = "", least: int = 1) -> AsyncIterator[Answer]:
        """All pages of a list: see `gather`. Raises Unreachable."""
        with self._translated():
            async for answer in self._gatherer.pages(paged, within=within, to=to, least=least):
                yield answer

    def take(self, messages: list[tuple[str, bytes]]) -> None:
        """Hand on what was made of answers, as if it had been heard."""
        self._take_all(messages)

    async def hear_stops(self, tell: Callable[[str], None]) -> None:
        """Call `tell(id)` for each server that says that it will stop, whoever else listens. Raises Unreachable."""

        async def hear(message: Msg) -> None:
            tell(message.subject.split(".")[2])

        with self._translated():
            for pattern in STOPS:
                await self._client.subscribe(pattern, cb=hear)

    def denies(self, subject: str) -> bool:
        """Whether the user may not use it."""
        return self._permissions.denies(subject)

    @property
    def active(self) -> int:
        """Servers that the latest STATSZ that was asked for counts; 0 before."""
        return self._gatherer.active

    async def ask_again(self) -> None:
        """Try what the user might not subscribe to: a server with other permissions does not say so. Raises
        Unreachable."""
        with self._translated():
            await self._permissions.ask_again(self.probe)

    @property
    def may_ask(self) -> bool:
        """Whether answers to the PING were possible, as far as permissions go."""
        return self.hears_answers and not self.denies(PING_SUBJECT)

    @property
    def hears_answers(self) -> bool:
        """Whether the user may listen to any."""
        return not self.denies(self._permissions.inbox)

    async def probe(self) -> None:
        """Make sure that the server answers, or at least goes on sending: under a flood its answer waits its turn.

        Raises Unreachable.
        """
        asked = self._clock.now()
        with self._translated():
            # A shorter timeout of nats-py's own would leave a trap: the late answer then ends its reading.
            ping = asyncio.create_task(self._client.rtt(_PING_FOR_EVER))
            try:
                await self._await_sign_of_life(ping)
            finally:
                ping.cancel()
                await asyncio.wait({ping})
                if not ping.cancelled():
                    ping.exception()
        self._reports.clocks.drained(asked)
        self.heard_at = max(self.heard_at, asked)

    def unreachable(self, reason: str, check: str = "") -> Unreachable:
        """The error that says so. `check`: what to look at, if it is not the server's address."""
        return complaint.unreachable(self.target, self._settings.file, reason, check)

    def wrong_account(self) -> WrongAccount:
        """The error that says that this is not the system account."""
        return complaint.wrong_account(self.target, self.login)

    def end(self, reason: str) -> None:
        """It does not work any more, or is not wanted any more."""
        if not self.lost.done():
            self.lost.set_result(reason)

    def fail(self, task: "asyncio.Task[None]") -> None:
        """A task of ours is over: if by a bug, that must end the process."""
        if not task.cancelled() and (error := task.exception()) is not None and not self.lost.done():
            self.lost.set_exception(error)

    async def close(self) -> None:
        """Leave neither task nor socket behind, whatever state the client is in."""
        self._opening = False
        broken = self.lost.done() or not self._client.is_connected
        self.end("closed")
        self.lost.exception()
        tasks = tasks_of(self._client)
        # What was read goes on to the sink first.
        await asyncio.sleep(0)
        if broken:
            await abort(self._client)
        await self._leave()
        await abort(self._client)
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    async def _leave(self) -> None:
        # A client that never got as far as its socket asserts that it has one.
        with contextlib.suppress(TimeoutError, OSError, AssertionError):
            async with asyncio.timeout(_CLOSE_MAX):
                try:
                    await (self._closed.wait() if self._client.is_closed else self._client.close())
                except (OSError, AssertionError):
                    raise
                except Exception as error:  # noqa: BLE001 - what its callbacks raise; the next client is a new one
                    _log.warning("closing the connection to %s: %r", self.target.address, error)

    async def _connect(self, login: Login, context: ssl.SSLContext | None) -> None:
        await self._client.connect(
            servers=[self.target.address],
            name=self.name,
            error_cb=self._on_error,
            closed_cb=self._on_closed,
            lame_duck_mode_cb=self._on_leaving,
            allow_reconnect=False,
            connect_timeout=self._limits.answer,
            ping_interval=10,
            max_outstanding_pings=2,
            inbox_prefix=self._settings.inbox_prefix,
            tls=context,
            tls_hostname=self.target.tls_name,
            tls_handshake_first=self._settings.tls.first,
            user=login.user,
            password=self._guard(login.password),
            token=self._guard(login.token),
            user_credentials=_raw(login) if login.jwt else None,
            nkeys_seed_str=login.seed if not login.jwt else None,
        )

    def _guard(self, secret: str | None) -> Callable[[], str] | None:
        if secret is None:
            return None

        def reveal() -> str:
            self._demand_tls()
            return secret

        return reveal

    def _demand_tls(self) -> None:
        # nats-py goes on without TLS where a server offers none, even for tls://.
        if self.target.tls and self.target.scheme != "wss" and not self._client._server_info.get("tls_required"):
            check = f"check nats.servers and nats.tls in {self._settings.file}"
            raise self.unreachable("the server offers no TLS, which nats.servers or nats.tls demand", check)

    async def _await_sign_of_life(self, ping: asyncio.Task[float]) -> None:
        while True:
            before = self._subscriptions.reads
            await asyncio.wait({ping}, timeout=self._limits.answer)
            if ping.done():
                ping.result()
                return
            if self._subscriptions.reads == before and not self._subscriptions.pausing:
                raise self.unreachable(f"no answer to a ping for {self._limits.answer} s")

    @property
    def listens_to_statistics(self) -> bool:
        """It is subscribed to those that servers send by themselves, and may hear them."""
        return STATISTICS in self._subscriptions.patterns and not self.denies(STATISTICS)

    def _hear(self, heard: list[tuple[str, bytes]]) -> None:
        if not self.statistics_heard:
            self.statistics_heard = any(subject.endswith(".STATSZ") for subject, _ in heard)
        self._take_all(heard)

    def _take(self, subject: str, data: bytes) -> None:
        self._take_all([(subject, data)])

    def _broken_off(self) -> None:
        # Where the server said why before, nats-py closes itself and tells `_on_closed`.
        if not self.lost.done() and not self._client.is_closed:
            self._reports.unreadable(self.target.address)
            self.end("the client stopped reading, after a message that it cannot read")

    def _take_all(self, heard: list[tuple[str, bytes]]) -> None:
        at = self.heard_at = self._clock.now()
        # The many of a flood have waited.
        for subject, data in heard if len(heard) < _FLOOD else ():
            if subject.endswith(".STATSZ"):
                self._reports.clocks.hear(data, at)
        try:
            self._sink.messages(heard, at)
        except Exception as error:  # noqa: BLE001
            # A bug of ours. nats-py would go on after it; it must end the process.
            if not self.lost.done():
                self.lost.set_exception(error)

    async def _on_error(self, error: Exception) -> None:
        if self._opening:
            # To raise is the only way out of connect(): nats-py would try this server for ever.
            raise self._refused(error) from error
        if not self._permissions.hear(error, STOPS):
            self.end(complaint.plain(error))

    def _refused(self, error: Exception) -> SourceError:
        assert self._login is not None
        if isinstance(error, OSError | nats_errors.UnexpectedEOF):
            error = reading_error(self._client) or error
        over_tls, now = encrypted(self._client), self._clock.now() / SECOND
        return complaint.refused(self.target, self._settings, error, self._login, over_tls, now)

    async def _on_closed(self) -> None:
        error = self._client.last_error
        self.end(complaint.plain(error) if error and not is_denial(error) else "the connection was closed")
        self._closed.set()

    async def _on_leaving(self) -> None:
        self.leaving.set()

    def _answered(self, subject: str) -> None:
        self._permissions.answered(subject)

    def _describe(self, subscribe: bool, subject: str) -> str:
        return complaint.denied(self.target, self.login, subscribe, subject)

    @contextlib.contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (nats_errors.Error, OSError) as error:
            raise complaint.broken(self.target, self._settings.file, error) from error


def _raw(login: Login) -> RawCredentials:
    """nats-py reads this layout and no other."""
    return RawCredentials(
        f"-----BEGIN NATS USER JWT-----\n{login.jwt}\n------END NATS USER JWT------\n"
        f"-----BEGIN USER NKEY SEED-----\n{login.seed}\n------END USER NKEY SEED------\n"
    )
