"""Asks servers for what they tell only when asked: in rounds, from the beginning of sight on, if rules want it."""

import asyncio
import contextlib
import logging

from bridge.clock import Clock
from bridge.errors import SourceError
from bridge.source.connection import Connection
from bridge.source.gather import Answer, request
from bridge.source.questions import Message, Pose, Question, questions
from bridge.source.roster import Roster
from bridge.source.settings import Polls
from bridge.source.sink import Room, Sink

_log = logging.getLogger("bridge.source")

BATCH = 256
"""Messages that are handed on at once."""
COMPLAINTS_MAX = 1000
"""Errors of servers that are remembered, so that each is told once."""


class Poller:
    """Outlives connections: it knows who answered before."""

    def __init__(self, polls: Polls, sink: Sink, clock: Clock) -> None:
        self._polls = polls
        self._room: Room = sink
        self._roster = Roster(sink, clock)
        self._changed = asyncio.Event()
        self._complaints: dict[tuple[str, str], str] = {}

    def change(self, polls: Polls) -> None:
        """Ask for these from now on; at once if they are others."""
        if polls == self._polls:
            return
        self._polls = polls
        if not polls.wants:
            self._roster.dissolve()
        self._changed.set()

    async def run(self, nats: Connection) -> None:
        """As long as the connection works, which it ends if it does not."""
        try:
            await self._run(nats)
        except* SourceError as trouble:
            nats.end(_first(trouble).reason)

    async def _run(self, nats: Connection) -> None:
        loop = asyncio.get_running_loop()
        resumed, hears_stops = True, False
        while True:
            self._changed.clear()
            if not (polls := self._polls).wants:
                await self._changed.wait()
                continue
            if not hears_stops:
                await nats.hear_stops(self._roster.leave)
                hears_stops = True
            began = loop.time()
            await self._round(nats, polls, resumed)
            resumed = False
            # A round that took longer than the interval is followed by the next; none is made up for.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(max(0.0, began + polls.interval - loop.time())):
                    await self._changed.wait()

    async def _round(self, nats: Connection, polls: Polls, resumed: bool) -> None:
        posed = questions(polls.wants, polls.hide_tokens)
        asked = {question.endpoint: question for question in posed}
        roster = self._roster
        roster.begin(["", *asked])
        called = await nats.ask(request(), within=polls.timeout, least=max(1, roster.expected))
        here = [answer for answer in called.answers.values() if roster.hear(answer.server, "")]
        async with asyncio.TaskGroup() as tasks:
            for question in posed:
                tasks.create_task(self._pose(nats, question, Pose(polls.timeout, max(1, len(here)))))
        if not nats.hears_answers:
            return  # Nobody knows who would have answered.
        roster.excuse(endpoint for endpoint in ("", *asked) if nats.denies(request(endpoint)))
        async with asyncio.TaskGroup() as tasks:
            for server, endpoints in roster.lacking():
                unanswered = [asked.get(endpoint) for endpoint in sorted(endpoints)]
                tasks.create_task(self._insist(nats, unanswered, server.id, polls.timeout))
        for endpoint in asked:
            for answer in here:
                self._note_deaf(nats, answer, endpoint)
        roster.end(gone=resumed and 0 < nats.active <= len(here))

    async def _pose(self, nats: Connection, question: Question, pose: Pose) -> None:
        async for answer, messages in question.ask(nats, pose):
            self._roster.hear(answer.server, question.endpoint)
            self._complain(answer, question.endpoint)
            await self._hand_on(nats, messages)

    async def _insist(self, nats: Connection, asked: list[Question | None], server_id: str, within: float) -> None:
        """Once more, itself: an answer may be lost where servers lose each other for a moment."""
        gathered = await nats.ask(request("", server_id), within=within)
        for answer in gathered.answers.values():
            self._roster.hear(answer.server, "")
            for question in asked:
                if question is not None:
                    await self._pose(nats, question, Pose(within, to=server_id))

    async def _hand_on(self, nats: Connection, messages: list[Message]) -> None:
        for begin in range(0, len(messages), BATCH):
            if self._room.crowded:
                await self._room.room()
            nats.take(messages[begin : begin + BATCH])
            await asyncio.sleep(0)

    def _complain(self, answer: Answer, endpoint: str) -> None:
        """Each change of what a server has against a request is told once."""
        self._note(answer, endpoint, f"answers {endpoint} with an error: {answer.error[:200]}" if answer.error else "")

    def _note_deaf(self, nats: Connection, answer: Answer, endpoint: str) -> None:
        if not self._roster.knows(answer.server, endpoint) and not nats.denies(request(endpoint)):
            self._note(answer, endpoint, f"does not answer {endpoint}; its version may not know it")

    def _note(self, answer: Answer, endpoint: str, what: str) -> None:
        key = answer.server.name or answer.server.id, endpoint
        if self._complaints.get(key, "") == what:
            return
        if what:
            if len(self._complaints) >= COMPLAINTS_MAX:
                self._complaints.clear()
            self._complaints[key] = what
            _log.warning("server %s (%s) %s", key[0], answer.server.ver, what)
        else:
            del self._complaints[key]
            _log.info("server %s answers %s again", *key)


def _first(trouble: BaseExceptionGroup[SourceError]) -> SourceError:
    error: BaseException = trouble
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    assert isinstance(error, SourceError)
    return error
