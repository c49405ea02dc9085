"""Where everything that the engine must be told waits for its turn. Whoever puts something in never waits; only the
source is asked to, long before the inbox is full."""

import asyncio
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import count
from typing import Any

from bridge.clock import Clock
from bridge.command import Command
from bridge.commit import Answer, Attempt, OutboxRow, Settled
from bridge.inputs import Asked, Blind, Happening, Input, Message, Own, Postponed, Remembered, Renewing, Sight, Tried

MESSAGES_MAX = 200_000
BYTES_MAX = 256 * 1024 * 1024
"""Of messages that wait; what comes on top is dropped and counted."""

CROWDED = 100_000
CROWDED_BYTES = 96 * 1024 * 1024
"""Of messages that wait; more stay with the nats-server, which holds 64 MB for us. Less of our own would make it cut us
off earlier in a storm of system events: it slows clients down that send too much, but not itself."""

ROOM = 0.75
"""The part of these that is left when the source reads on. What lies between takes the engine some 0.3 s."""


class Inbox:
    """Takes from the source (see source.Sink) and from the workers (see delivery.Reports), in one order."""

    def __init__(self, clock: Clock, dropped: Callable[[int], None]) -> None:
        """`dropped` is told of messages that found no room."""
        self.received = 0
        """Messages of NATS that were taken, since the start, answers to the bridge's own requests included."""
        self.dropped = 0
        """Those that found no room. The two together are all that the servers have sent to the bridge."""
        self._clock = clock
        self._dropped = dropped
        self._inputs: deque[Input] = deque()
        self._bytes = 0
        self._full = False
        self._held = False
        self._eased = asyncio.Event()
        self._filled = asyncio.Event()
        self._asked: dict[int, asyncio.Future[Answer]] = {}
        self._numbers = count(1)
        self._remembering: list[tuple[str, dict[str, Any], asyncio.Future[None]]] = []
        self._renewing: dict[int, asyncio.Future[OutboxRow]] = {}

    def __len__(self) -> int:
        return len(self._inputs)

    def take(self, most: int) -> list[Input]:
        """The oldest inputs, at most so many."""
        inputs = self._inputs
        taken = [inputs.popleft() for _ in range(min(most, len(inputs)))]
        if inputs:
            self._bytes -= sum([len(given.data) for given in taken if type(given) is Message])
        else:
            self._bytes = 0
            self._filled.clear()
        if self._full and len(inputs) <= ROOM * CROWDED and self._bytes <= ROOM * CROWDED_BYTES:
            self._full = False
            self._eased.set()
        return taken

    async def wait(self, seconds: float) -> None:
        """Until there is something, or so much time has passed."""
        if self._inputs:
            return
        try:
            async with asyncio.timeout(seconds):
                await self._filled.wait()
        except TimeoutError:
            return

    def wake(self) -> None:
        """End a wait, though nothing may have come."""
        self._filled.set()

    @contextmanager
    def held(self) -> Iterator[None]:
        """Nothing is taken out for a while, so the source should not work either."""
        self._held = True
        try:
            yield
        finally:
            self._held = False
            self._eased.set()

    # -- what the source tells ----------------------------------------------------------------------------------

    @property
    def crowded(self) -> bool:
        """From the limit on, until a quarter of it is free; and while it is held."""
        return self._full or self._held

    async def room(self) -> None:
        while self.crowded:
            self._eased.clear()
            await self._eased.wait()

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        size = sum([len(data) for _, data in heard])
        if len(self._inputs) + len(heard) > MESSAGES_MAX or self._bytes + size > BYTES_MAX:
            self._take_some(heard, at)
        else:
            self._bytes += size
            self.received += len(heard)
            self._inputs.extend([Message(subject, data, at) for subject, data in heard])
        self._full = self._full or len(self._inputs) >= CROWDED or self._bytes >= CROWDED_BYTES
        self._filled.set()

    def _take_some(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        """As many as there is room for."""
        for place, (subject, data) in enumerate(heard):
            if len(self._inputs) >= MESSAGES_MAX or self._bytes + len(data) > BYTES_MAX:
                self.dropped += len(heard) - place
                self._dropped(len(heard) - place)
                return
            self._bytes += len(data)
            self.received += 1
            self._inputs.append(Message(subject, data, at))

    def own(self, server_id: str, client_id: int) -> None:
        self.put(Own(server_id, client_id, self._clock.now()))

    def sight(self, at: int) -> None:
        self.put(Sight(at))

    def blind(self, at: int) -> None:
        self.put(Blind(at))

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        self.put(Happening(event_name, fields, at))

    # -- what the workers report --------------------------------------------------------------------------------

    def attempted(self, attempt: Attempt) -> None:
        self.put(Tried(attempt, attempt.at))

    def postponed(self, row: OutboxRow) -> None:
        self.put(Postponed(row, self._clock.now()))

    def settled(self, settled: Settled) -> None:
        self.put(settled)

    def refused(self, destination: str, detail: str) -> None:
        self.tell("receiver_dead", destination=destination, reason=detail)

    def recovered(self, destination: str) -> None:
        self.tell("receiver_recovered", destination=destination)

    async def remember(self, row_id: str, memory: dict[str, Any]) -> None:
        """Returns once it is on disk."""
        done = asyncio.get_running_loop().create_future()
        self._remembering.append((row_id, memory, done))
        self.put(Remembered(row_id, memory, self._clock.now()))
        await done

    async def renew(self, row_id: str) -> OutboxRow:
        """Returns what it is once that is on disk; never, if it has ended."""
        number = next(self._numbers)
        renewed: asyncio.Future[OutboxRow]
        renewed = self._renewing[number] = asyncio.get_running_loop().create_future()
        self.put(Renewing(row_id, number, self._clock.now()))
        try:
            return await renewed
        finally:
            del self._renewing[number]

    async def ask(self, command: Command) -> Answer:
        """Returns once what it did is on disk."""
        number = next(self._numbers)
        answer: asyncio.Future[Answer]
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        self.put(Asked(number, command, self._clock.now()))
        try:
            return await answer
        finally:
            del self._asked[number]

    def committed(self, rows: list[OutboxRow], answers: Sequence[Answer] = ()) -> None:
        """These rows are on disk: whoever waits for that goes on, and who has given a command."""
        for answer in answers:
            asked = self._asked.get(answer.number)
            if asked is not None and not asked.done():
                asked.set_result(answer)
        for row in rows:
            if (renewed := self._renewing.get(row.asked)) and not renewed.done():
                renewed.set_result(row)
        written = {row.id: row.memory for row in rows}
        waiting = self._remembering
        self._remembering = []
        for row_id, memory, done in waiting:
            if row_id in written and memory.items() <= written[row_id].items():
                if not done.done():
                    done.set_result(None)
            else:
                self._remembering.append((row_id, memory, done))

    # -- what the program tells ---------------------------------------------------------------------------------

    def tell(self, name: str, **fields: Any) -> None:
        """Something about the bridge itself."""
        self.put(Happening(name, fields, self._clock.now()))

    def put(self, given: Input) -> None:
        self._inputs.append(given)
        self._filled.set()
