"""A short way for messages that we only listen to: nats-py's own parser, which does the rest, costs 4 µs for each.

It takes whole `MSG` frames of known subscriptions out of what was read and leaves all else, in its order, to nats-py
(2.16.0). The protocol: https://docs.nats.io/reference/reference-protocols/nats-protocol#msg
"""

from collections.abc import Callable

from nats.aio.client import Client
from nats.protocol.parser import AWAITING_CONTROL_LINE, Parser

Take = Callable[[str, bytes], None]
TakeAll = Callable[[list[tuple[str, bytes]]], None]

TAIL_MAX = 256 * 1024
"""Bytes of a frame that is not complete yet; a larger one is nats-py's, which does not copy them for each read."""

SUBJECTS_MAX = 10_000
"""Subjects whose text is remembered."""


class Frames(Parser):
    """Takes the place of a client's parser."""

    def __init__(self, client: Client, take_all: TakeAll) -> None:
        super().__init__(client)
        self.straight: frozenset[bytes] = frozenset()
        """Subscriptions, by number, whose messages go to `take_all`, all those of one read at once."""
        self.takes: dict[bytes, Take] = {}
        """Who takes the messages of other subscriptions."""
        self._take_all = take_all
        self._tail = b""
        self._subjects: dict[bytes, str] = {}

    def reset(self) -> None:
        """A connection begins."""
        super().reset()
        self._tail = b""

    async def parse(self, data: bytes = b"") -> None:
        """What was read from the socket."""
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
        place, size, straight, subjects = 0, len(data), self.straight, self._subjects
        heard: list[tuple[str, bytes]] = []
        waits = False
        while data.startswith(b"MSG ", place):
            line = data.find(b"\r\n", place + 4)
            argument = data[place + 4 : line].split(b" ") if line >= 0 else []
            if len(argument) != 3 or ((number := argument[1]) not in straight and number not in self.takes):
                waits = line < 0
                break
            if not argument[2].isdigit():
                break
            begin = line + 2
            end = begin + int(argument[2])
            if end + 2 > size:
                waits = True
                break
            subject = subjects.get(argument[0]) or self._subject(argument[0])
            if number in straight:
                heard.append((subject, data[begin:end]))
            else:
                self._hand_over(heard)
                heard = []
                self.takes[number](subject, data[begin:end])
                self._count(1, end - begin)
            place = end + 2
        self._hand_over(heard)
        return place, waits or (0 < size - place < 4 and b"MSG ".startswith(data[place:]))

    def _hand_over(self, heard: list[tuple[str, bytes]]) -> None:
        if heard:
            self._take_all(heard)
            self._count(len(heard), sum(len(data) for _, data in heard))

    def _count(self, messages: int, size: int) -> None:
        """nats-py's own statistics, which tell that the other side lives."""
        self.nc.stats["in_msgs"] += messages
        self.nc.stats["in_bytes"] += size

    def _subject(self, written: bytes) -> str:
        if len(self._subjects) >= SUBJECTS_MAX:
            self._subjects.clear()
        subject = self._subjects[written] = written.decode()
        return subject
