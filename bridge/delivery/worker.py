"""The worker of one destination: takes committed rows, tries until they are told or dead, and reports all it does."""

import asyncio
import heapq
import logging
from functools import partial
from typing import Any

import msgspec

from bridge.commit import Attempt, Commit, OutboxRow, Settled
from bridge.delivery.backoff import PROBE, TRIES, burst, ladder
from bridge.delivery.conversation import hold
from bridge.delivery.http import Http
from bridge.delivery.pending import Pending, rank
from bridge.delivery.reports import Reports
from bridge.delivery.standing import NOTHING, Repetition, Standing
from bridge.errors import Refused, Rejected, Transient, Trouble
from bridge.notification import AlertView
from bridge.receiver import RETRY_AFTER_MAX, Destination, Reply, Request
from bridge.values import SECOND, format_duration

log = logging.getLogger(__name__)

IN_FLIGHT = 4
"""Rows, so groups, that are told at the same time."""


class Worker:
    """Tells one destination, whatever happens to the others.

    - A row gets a burst of tries, then waits on its own ladder, which is stored. While no try at all succeeds, one try
      takes the place of the burst; the first success brings all waiting rows forward, each once, so that one that
      fails for a reason of its own falls back to its ladder.
    - A destination that refuses is probed with one row in five minutes; all others wait.
    - A row that has waited through trouble asks what it should say by now.
    - A row whose time is over is dead, but not before it was tried here: the bridge may have been down all that time.
    - A kill at any moment leaves the row pending: it is told again with the same id, never lost.
    """

    def __init__(
        self, key: str, destination: Destination, http: Http, reports: Reports, standing: Standing = NOTHING
    ) -> None:
        self._key = key
        self._destination = destination
        self._http = http
        self._clock = http.clock
        self._reports = reports
        self._repetition = Repetition(self._clock, standing) if destination.resends else None
        self._known: set[str] = set()
        self._waiting: list[Pending] = []
        self._flights: dict[str, tuple[Pending, asyncio.Task[None]]] = {}
        self._sending: set[str] = set()
        self._held: set[str] = set()
        """Rows in flight that wait for a quota of their own; they take no other row's place."""
        self._troubled = False
        self._refusing = False
        self._reported = False
        self._inherited = False
        """Took over a row that was tried in vain: the destination may have been reported as refusing."""
        self._probe_at = 0
        self._next_expiry: int | None = None
        self._stopping = False
        self._wake = asyncio.Event()

    @property
    def pending(self) -> list[OutboxRow]:
        """The rows that are neither delivered nor dead, as last reported; for a successor after a reload."""
        return [pending.row for pending in self._waiting] + [pending.row for pending, _ in self._flights.values()]

    def put(self, row: OutboxRow) -> None:
        """Take charge of a committed row. A row that is here already is not taken twice."""
        if row.id in self._known:
            return
        self._known.add(row.id)
        self._inherited = self._inherited or row.attempts > 0
        # The clock may have been ahead when the row was written; nothing is ever postponed by more than this.
        ready = min(row.due, self._clock.now() + round(RETRY_AFTER_MAX * SECOND))
        self._queue(Pending(ready, row.created, row.id, row, stale=row.attempts > 0))

    def heed(self, commit: Commit) -> None:
        """What others decided about rows: some are wanted now, some have ended."""
        for row_id in commit.hastened:
            self._hurry(row_id)
        for outcome in commit.settled:
            self._forget(outcome.id)

    def _hurry(self, row_id: str) -> None:
        """A person wants it tried now, also while the destination refuses."""
        for pending in self._waiting:
            if pending.id == row_id:
                self._probe_at = pending.ready = self._clock.now()
                heapq.heapify(self._waiting)
                self._wake.set()
                return

    def _forget(self, row_id: str) -> None:
        """It has ended elsewhere. A request that is out goes on, and what comes of it is no news."""
        if row_id not in self._known:
            return
        self._known.discard(row_id)
        self._waiting = [pending for pending in self._waiting if pending.id != row_id]
        heapq.heapify(self._waiting)
        if row_id in self._flights and row_id not in self._sending:
            self._flights[row_id][1].cancel()
        self._wake.set()

    async def run(self) -> None:
        """Until `stop`. Raises only what is wrong with the program or its store; what destinations do is reported."""
        async with self._http, asyncio.TaskGroup() as tasks:
            resending = tasks.create_task(self._resend_all(self._repetition)) if self._repetition else None
            while not self._stopping:
                self._wake.clear()
                self._bury_expired()
                self._start_ready(tasks)
                await self._rest(tasks)
            if resending:
                resending.cancel()

    async def stop(self, grace: float) -> None:
        """Let requests that are out end within `grace` seconds; `run` ends. All else stays pending in the store."""
        self._stopping = True
        self._wake.set()
        for row_id, (_, task) in self._flights.items():
            if row_id not in self._sending:
                task.cancel()
        await self._ended(grace)
        for _, task in self._flights.values():
            task.cancel()
        await self._ended(None)

    async def _ended(self, within: float | None) -> None:
        if tasks := [task for _, task in self._flights.values()]:
            await asyncio.wait(tasks, timeout=within)

    # -- the queue

    def _queue(self, pending: Pending) -> None:
        heapq.heappush(self._waiting, pending)
        if pending.began:
            expires = pending.row.expires
            self._next_expiry = expires if self._next_expiry is None else min(self._next_expiry, expires)
        self._wake.set()

    def _start_ready(self, tasks: asyncio.TaskGroup) -> None:
        while (ready := self._next_start()) is not None and ready <= self._clock.now():
            pending = self._take_next()
            stale = pending.stale or self._troubled or self._refusing
            task = tasks.create_task(self._renew(pending) if stale else self._tell(pending))
            self._flights[pending.id] = (pending, task)
            task.add_done_callback(partial(self._landed, pending.id))

    def _take_next(self) -> Pending:
        """The oldest; where people read, and all is well, ends and what goes on come first, reminders last."""
        if not self._destination.digest or self._refusing or self._troubled or len(self._waiting) == 1:
            return heapq.heappop(self._waiting)
        now = self._clock.now()
        first = min((each for each in self._waiting if each.ready <= now), key=lambda each: (rank(each.row), each))
        self._waiting.remove(first)
        heapq.heapify(self._waiting)
        return first

    def _next_start(self) -> int | None:
        """When the next row may go; None if that depends on one that is under way, or there is none."""
        room = 1 if self._refusing else IN_FLIGHT + len(self._held)
        if not self._waiting or len(self._flights) >= room:
            return None
        return max(self._waiting[0].ready, self._probe_at if self._refusing else 0)

    def _landed(self, row_id: str, _: asyncio.Task[None]) -> None:
        del self._flights[row_id]
        self._wake.set()

    def _bury_expired(self) -> None:
        now = self._clock.now()
        if self._next_expiry is None or now < self._next_expiry:
            return
        expired = [pending for pending in self._waiting if pending.began and pending.row.expires <= now]
        self._waiting = [pending for pending in self._waiting if not pending.began or pending.row.expires > now]
        heapq.heapify(self._waiting)
        self._next_expiry = min((pending.row.expires for pending in self._waiting if pending.began), default=None)
        for pending in sorted(expired):
            age = format_duration(now - pending.created)
            self._bury(pending, f"given up after {age}, {pending.row.attempts} attempts")

    async def _rest(self, tasks: asyncio.TaskGroup) -> None:
        moments = [moment for moment in (self._next_start(), self._next_expiry) if moment is not None]
        alarm = tasks.create_task(self._alarm(min(moments))) if moments else None
        await self._wake.wait()
        if alarm:
            alarm.cancel()

    async def _alarm(self, moment: int) -> None:
        await self._clock.sleep(max(0, moment - self._clock.now()) / SECOND)
        self._wake.set()

    # -- what stands

    async def _resend_all(self, repetition: Repetition) -> None:
        """At the start and now and then. It is not stored and no attempt: what it could not tell, it tells later."""
        troubled = False
        while True:
            try:
                for batch in repetition.batches():
                    await self._resend(batch, repetition.external_url)
            except Trouble as trouble:
                if not troubled:
                    log.warning("what fires cannot be told again, trying on destination=%s: %s", self._key, trouble)
                troubled = True
            else:
                troubled = False
            await self._clock.sleep(self._destination.resends / SECOND)

    async def _resend(self, alerts: list[AlertView], external_url: str) -> None:
        async def send(request: Request) -> Reply:
            await self._http.turn(request)
            return await self._http.send(request)

        await hold(self._destination.resend(alerts, external_url), send)
        log.debug("told again alerts=%d destination=%s", len(alerts), self._key)

    # -- one row

    async def _renew(self, pending: Pending) -> None:
        before = pending.row.notification.id
        pending.row = await self._reports.renew(pending.id)
        self._check_wanted(pending)
        if (now := pending.row.notification.id) != before:
            log.info("renewed notification=%s as=%s destination=%s", pending.id, now, self._key)
        await self._tell(pending)

    async def _tell(self, pending: Pending) -> None:
        try:
            await self._burst(pending)
        except Rejected as trouble:
            self._check_wanted(pending)
            if pending.row.plain:
                self._bury(pending, f"rejected: {trouble}")
                return
            pending.row = msgspec.structs.replace(pending.row, plain=True)
            await self._tell(pending)
        except Transient as trouble:
            self._postpone(pending, trouble)
        except Refused as trouble:
            self._refuse(pending, trouble)
        else:
            self._delivered(pending)

    async def _burst(self, pending: Pending) -> None:
        tries = 1 if self._troubled or self._refusing else TRIES
        try:
            await self._try(pending)
        except Transient as trouble:
            failed = trouble
        else:
            return  # Nearly always: the machinery of bursts costs a twentieth of a message (measured).
        async for attempt in burst(tries, self._clock.sleep, lambda: not self._stopping and pending.id in self._known):
            with attempt:
                if attempt.retry_state.attempt_number == 1:
                    raise failed
                await self._try(pending)

    async def _try(self, pending: Pending) -> None:
        pending.began = self._clock.now()
        try:
            status = await self._converse(pending)
        except Trouble as trouble:
            self._attempted(pending, trouble)
            raise
        except asyncio.CancelledError:
            if self._stopping and pending.sent:
                self._attempted(pending, Transient("the bridge stopped before the answer"))
            raise
        self._attempted(pending, None, status)

    async def _converse(self, pending: Pending) -> int | None:
        async def remember(memory: dict[str, Any]) -> None:
            self._check_wanted(pending)  # Nobody would write it down.
            await self._reports.remember(pending.id, memory)
            pending.row = msgspec.structs.replace(pending.row, memory={**pending.row.memory, **memory})

        row, pending.sent = pending.row, 0
        talk = self._destination.deliver(row.notification, row.memory, row.plain, self._clock.now())
        reply = await hold(talk, partial(self._send, pending), remember)
        return reply.status if reply else None

    async def _send(self, pending: Pending, request: Request) -> Reply:
        self._check_wanted(pending)
        pending.gate = self._http.gate.of(request)
        await self._turn(pending, request)
        pending.began = self._clock.now()
        pending.sent += 1
        self._sending.add(pending.id)
        try:
            return await self._http.send(request)
        finally:
            self._sending.discard(pending.id)

    async def _turn(self, pending: Pending, request: Request) -> None:
        if request.quota is not None:
            self._held.add(pending.id)
            self._wake.set()
        try:
            await self._http.turn(request)
        finally:
            self._held.discard(pending.id)

    # -- outcomes

    def _attempted(self, pending: Pending, trouble: Trouble | None, status: int | None = None) -> None:
        pending.row = msgspec.structs.replace(pending.row, attempts=pending.row.attempts + 1)
        seconds = (self._clock.now() - pending.began) / SECOND
        kind, detail = (type(trouble).__name__.lower(), str(trouble)) if trouble else ("", "")
        status = trouble.status if trouble else status
        untaken = trouble is not None and trouble.is_untaken and pending.sent <= 1
        self._reports.attempted(Attempt(pending.id, self._key, pending.began, seconds, status, kind, detail, untaken))
        log.debug("attempt notification=%s destination=%s trouble=%s %s", pending.id, self._key, kind or "none", detail)
        if isinstance(trouble, Transient) and trouble.retry_after:
            (pending.gate or self._http.gate).pause(self._clock.now() + round(trouble.retry_after * SECOND))

    def _delivered(self, pending: Pending) -> None:
        self._settle(pending, "delivered")
        if self._repetition:
            self._repetition.told(pending.row.notification)
        log.info("delivered notification=%s destination=%s attempts=%d", pending.id, self._key, pending.row.attempts)
        if self._reported or self._inherited:
            self._reports.recovered(self._key)
        if self._refusing or self._troubled:
            log.info("destination takes messages again destination=%s", self._key)
            self._hasten(again=self._refusing)
        self._refusing = self._troubled = self._reported = self._inherited = False

    def _bury(self, pending: Pending, detail: str) -> None:
        self._settle(pending, "dead", detail)
        log.warning("notification is dead notification=%s destination=%s: %s", pending.id, self._key, detail)

    def _settle(self, pending: Pending, outcome: str, detail: str = "") -> None:
        self._known.discard(pending.id)
        self._reports.settled(Settled(pending.id, outcome, self._clock.now(), detail))

    def _postpone(self, pending: Pending, trouble: Transient) -> None:
        wait = max(ladder(pending.step), round((trouble.retry_after or 0) * SECOND))
        pending.step += 1
        if not (self._troubled or self._refusing):
            log.warning("destination does not take messages, trying on destination=%s: %s", self._key, trouble)
        self._troubled = True
        if self._refusing:
            self._probe_at = self._clock.now() + PROBE
        self._wait(pending, self._clock.now() + wait)

    def _refuse(self, pending: Pending, trouble: Refused) -> None:
        self._probe_at = self._clock.now() + PROBE
        if not (self._reported or pending.row.notification.about_bridge):
            self._reported = True
            self._reports.refused(self._key, str(trouble))
        if not self._refusing:
            log.warning("destination refuses us, probing every 5m destination=%s: %s", self._key, trouble)
        self._refusing = True
        self._wait(pending, self._probe_at)

    def _check_wanted(self, pending: Pending) -> None:
        """End the flight of a row that has ended elsewhere while its request was out."""
        if pending.id not in self._known:
            raise asyncio.CancelledError

    def _wait(self, pending: Pending, due: int) -> None:
        if pending.id not in self._known:
            return
        pending.row = msgspec.structs.replace(pending.row, due=due)
        pending.ready, pending.stale = due, True
        self._reports.postponed(pending.row)
        self._queue(pending)

    def _hasten(self, again: bool) -> None:
        for pending in self._waiting:
            pending.stale = True
            if again or not pending.hastened:
                pending.ready = min(pending.ready, pending.created)
                pending.hastened = True
        heapq.heapify(self._waiting)
        self._wake.set()
