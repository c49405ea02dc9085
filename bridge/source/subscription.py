"""The subscriptions of one connection: each message goes on once, however patterns overlap, also while they change."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable

from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription

from bridge.source.frames import Frames, TakeAll
from bridge.source.sink import Room
from bridge.subject import matches, needed, overlap


class _Ear:
    """One pattern. `rivals` overlap it and go first: what they match comes through them."""

    def __init__(self, pattern: str, subscriptions: "Subscriptions") -> None:
        self.pattern = pattern
        self.rivals: list[str] = []
        self.subscription: Subscription | None = None
        self._subscriptions = subscriptions

    @property
    def number(self) -> bytes:
        """The subscription's, as the protocol writes it; b"" before there is one."""
        return str(self.subscription._id).encode() if self.subscription else b""

    async def hear(self, message: Msg) -> None:
        """For messages that were queued before the queue was replaced."""
        self.take(message)

    def take(self, message: Msg) -> None:
        self.take_frame(message.subject, message.data)

    def take_frame(self, subject: str, data: bytes) -> None:
        self._subscriptions.hear(self, subject, data)


class _Straight(asyncio.Queue[Msg]):
    """Hands each message on as soon as it is read from the socket, instead of queueing it.

    nats-py gives each subscription a queue and a task of its own, so messages of different subjects overtake each
    other: a leafnode's CONNECT came before the DISCONNECT that preceded it. This way they stay in the order in which
    the server sent them, and the bridge's own inbox is the only queue there is.
    """

    def __init__(self, take: Callable[[Msg], None]) -> None:
        super().__init__()
        self._take = take

    def put_nowait(self, item: Msg) -> None:
        self._take(item)


class _Handover:
    """While old and new patterns overlap, some messages come twice; equal ones are told apart by counting."""

    def __init__(self, ears: Iterable[_Ear]) -> None:
        self._ears = {id(ear) for ear in ears}
        self._heard: Counter[tuple[int, str, bytes]] = Counter()
        self._taken: Counter[tuple[str, bytes]] = Counter()

    def is_copy(self, ear: _Ear, subject: str, data: bytes) -> bool:
        if id(ear) not in self._ears:
            return False
        self._heard[id(ear), subject, data] += 1
        if self._heard[id(ear), subject, data] <= self._taken[subject, data]:
            return True
        self._taken[subject, data] += 1
        return False


class Subscriptions:
    """What one client listens to."""

    def __init__(self, client: Client, take_all: TakeAll, room: Room, patience: float) -> None:
        self._client, self._take_all = client, take_all
        self._frames = Frames(client, take_all, room, patience)
        client._ps = self._frames
        self._ears: list[_Ear] = []
        self._refused: set[str] = set()
        self._handover: _Handover | None = None
        self._changing = asyncio.Lock()

    @property
    def patterns(self) -> list[str]:
        return [ear.pattern for ear in self._ears]

    @property
    def reads(self) -> int:
        """Grows as long as the server sends something that is read."""
        return self._frames.reads

    @property
    def pausing(self) -> bool:
        """It may send, but is not read."""
        return self._frames.pausing

    async def change(self, patterns: Iterable[str], settle: Callable[[], Awaitable[None]]) -> None:
        """Listen to these and no others: new ones first, then the old ones end, and what stays is not touched.

        `settle` returns when the server has taken in all that was sent. Raises nats.errors.Error and OSError.
        """
        async with self._changing:
            wanted = needed(patterns)
            gone = [ear for ear in self._ears if ear.pattern not in wanted]
            stay = [ear for ear in self._ears if ear.pattern in wanted]
            fresh = [_Ear(pattern, self) for pattern in wanted if pattern not in self.patterns]
            self._ears = stay + fresh
            self._rank()
            crossing = [ear for ear in self._ears if any(overlap(ear.pattern, old.pattern) for old in gone)]
            self._handover = _Handover(crossing + gone) if crossing else None
            self._connect_frames(gone)
            try:
                await self._replace(gone, fresh, settle)
            finally:
                self._handover = None
                self._connect_frames()

    async def _replace(self, gone: list[_Ear], fresh: list[_Ear], settle: Callable[[], Awaitable[None]]) -> None:
        for ear in fresh:
            subscription = await self._client.subscribe(ear.pattern, cb=ear.hear, pending_bytes_limit=0)
            subscription._pending_queue = _Straight(ear.take)
            ear.subscription = subscription
            self._frames.takes[ear.number] = ear.take_frame
        await settle()
        for ear in gone:
            if ear.subscription is not None:
                await ear.subscription.drain()  # type: ignore[no-untyped-call]
        # One turn of the loop, so that copies that wait in the new ones' queues are still known as such.
        await asyncio.sleep(0)

    def _connect_frames(self, going: Iterable[_Ear] = ()) -> None:
        """Whose messages nobody else could have heard take no detour. `going`: until they have ended."""
        alone = [ear for ear in self._ears if self._handover is None and ear.subscription and not ear.rivals]
        takes = {ear.number: ear.take_frame for ear in (*self._ears, *going) if ear.subscription}
        self._frames.connect([ear.number for ear in alone], takes)

    def hear(self, ear: _Ear, subject: str, data: bytes) -> None:
        if ear.rivals and any(matches(rival, subject) for rival in ear.rivals):
            return
        if self._handover is not None and self._handover.is_copy(ear, subject, data):
            return
        self._take_all([(subject, data)])

    def refuse(self, pattern: str) -> None:
        """The server does not allow it: nobody may count on it."""
        self._refused.add(pattern)
        self._rank()

    def allow(self, pattern: str) -> None:
        """The server does allow it now."""
        self._refused.discard(pattern)
        self._rank()

    @property
    def refused(self) -> set[str]:
        """What is subscribed to, and not allowed."""
        return self._refused.intersection(self.patterns)

    async def ask_again(self) -> None:
        """Subscribe anew to what the server did not allow: it may have changed its mind. Raises nats.errors.Error and
        OSError."""
        for subscription in [ear.subscription for ear in self._ears if ear.pattern in self._refused]:
            if subscription is not None:
                # Under its old number, which the server has not kept.
                await self._client._send_subscribe(subscription)

    def _rank(self) -> None:
        allowed = [ear.pattern for ear in self._ears if ear.pattern not in self._refused]
        for ear in self._ears:
            earlier = allowed[: allowed.index(ear.pattern)] if ear.pattern in allowed else []
            ear.rivals = [pattern for pattern in earlier if overlap(pattern, ear.pattern)]
        self._connect_frames()
