"""A short way for messages that we only listen to: nats-py's own parser, which does the rest, costs 4 µs for each.

It takes whole `MSG` frames of known subscriptions out of what was read and leaves all else, in its order, to nats-py
(2.16.0). The protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol#msg
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping

from nats.aio.client import Client
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

from bridge.source.sink import Room

Take = Callable[[str, bytes], None]
TakeAll = Callable[[list[tuple[str, bytes]]], None]

TAIL_MAX = 256 * 1024
"""Bytes of a frame that is not complete yet; a larger one is nats-py's, which does not copy them for each read."""

HEADERS_MAX = 10_000
"""First lines of frames whose meaning is remembered: there are few subjects, and few lengths."""

Header = tuple[str, bytes | None, int]
"""Subject, subscription (None: its messages go straight), and length."""

CR = 0x0D


class Frames(Parser):
    """Takes the place of a client's parser. nats-py reads no further until `parse` returns."""

    def __init__(self, client: Client, take_all: TakeAll, room: Room, patience: float) -> None:
        """`patience`: seconds at most that nothing is read for want of `room`."""
        super().__init__(client)
        self.takes: dict[bytes, Take] = {}
        self.reads = 0
        """Grows when something was read, and when a pause ended."""
        self.pausing = False
        """Nothing is read now, though there may be something."""
        self._take_all = take_all
        self._room, self._patience = room, patience
        self._patient = True
        self._straight: frozenset[bytes] = frozenset()
        self._headers: dict[bytes, Header] = {}
        self._tail = b""

    def connect(self, straight: Iterable[bytes], takes: Mapping[bytes, Take]) -> None:
        """Whose messages, by the number of the subscription, go to `take_all`, all those of one read at once, and who
        takes those of the others."""
        self._straight, self.takes = frozenset(straight), dict(takes)
        self._headers.clear()

    def reset(self) -> None:
        """A connection begins."""
        super().reset()
        self._tail = b""

    async def parse(self, data: bytes = b"") -> None:
        """What was read from the socket. Returns when more may be read."""
        self.reads += 1
        await self._parse(data)
        if not self._room.crowded:
            self._patient = True
        elif self._patient:
            await self._pause()

    async def _pause(self) -> None:
        self.pausing = True
        try:
            async with asyncio.timeout(self._patience):
                await self._room.room()
        except TimeoutError:
            self._patient = False
        finally:
            self.pausing = False
            self.reads += 1

    async def _parse(self, data: bytes) -> None:
        if self._tail:
            data, self._tail = self._tail + data, b""
        while data:
            if self.buf or self.state != AWAITING_CONTROL_LINE:
                # nats-py waits for the rest of a frame: it gets that, and no more.
                data = await self._complete(data)
                continue
            place, waits = self._take_frames(data)
            data = data[place:]
            if waits and len(data) < TAIL_MAX:
                self._tail = data
                return
            if data:
                await super().parse(data)
            return

    async def _complete(self, data: bytes) -> bytes:
        """Returns what is left."""
        if self.state == AWAITING_CONTROL_LINE:
            data = bytes(self.buf) + data
            self.buf.clear()
            end = data.find(b"\r\n")
            if end < 0:
                await super().parse(data)
                return b""
            if data.startswith(b"MSG "):
                return data
            await super().parse(data[: end + 2])
            return data[end + 2 :]
        missing = self.needed + 2 - len(self.buf)
        await super().parse(data[:missing])
        return data[missing:]

    def _take_frames(self, data: bytes) -> tuple[int, bool]:
        """Hand over the messages that `data` begins with.

        Returns where the first other frame begins, and whether that one is ours too but not complete yet.
        """
        place, size, headers = 0, len(data), self._headers
        heard: list[tuple[str, bytes]] = []
        waits = False
        while (line := data.find(CR, place)) >= 0:
            known = headers.get(data[place:line]) or self._learn(data[place:line])
            if known is None:
                break
            subject, number, length = known
            begin = line + 2
            end = begin + length
            if end + 2 > size:
                waits = True
                break
            if number is None:
                heard.append((subject, data[begin:end]))
            else:
                self._hand_over(heard)
                heard = []
                self.takes[number](subject, data[begin:end])
                self._count(1, length)
            place = end + 2
        else:
            waits = data.startswith(b"MSG ", place) or (place < size and b"MSG ".startswith(data[place:]))
        self._hand_over(heard)
        return place, waits

    def _learn(self, header: bytes) -> Header | None:
        """What the first line of a frame says; None: not of one that is ours."""
        argument = header[4:].split(b" ")
        if not header.startswith(b"MSG ") or len(argument) != 3 or not argument[2].isdigit():
            return None
        subject, number, length = argument
        if number not in self._straight and number not in self.takes:
            return None
        if len(self._headers) >= HEADERS_MAX:
            self._headers.clear()
        known = self._headers[header] = (
            subject.decode(),
            None if number in self._straight else number,
            int(length),
        )
        return known

    def _hand_over(self, heard: list[tuple[str, bytes]]) -> None:
        if heard:
            self._take_all(heard)
            self._count(len(heard), sum(len(data) for _, data in heard))

    def _count(self, messages: int, size: int) -> None:
        """nats-py's own statistics, which tell that the other side lives."""
        self.nc.stats["in_msgs"] += messages
        self.nc.stats["in_bytes"] += size
