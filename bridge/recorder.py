"""Writes recordings. Whoever hands inputs over never waits; a disk that fails ends the recording and nothing else."""

import asyncio
import contextlib
import fcntl
import logging
import os
import stat
from collections.abc import Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from bridge.errors import RecordingError
from bridge.events.accounts import Names
from bridge.events.introductions import ID, answer, request
from bridge.inputs import Blind, Happening, Input, Message, Sight
from bridge.recording import write
from bridge.values import SECOND

LOG = logging.getLogger(__name__)

WAITING_MAX = 100_000
"""Inputs that wait to be written; messages that come on top are left out, and the recording is blind for so long."""
BYTES_MAX = 128 * 1024 * 1024
"""Of messages that wait."""
CROWDED = 0.5
"""The part of these from which on whoever can wait should."""
GATHERING = 0.05
"""Seconds in which inputs are gathered for one write."""


class Recorder:
    """A recording that is being made. `run` writes it; `close` ends that once everything is written."""

    def __init__(self, path: Path, names: Names, append: bool) -> None:
        """`append`: go on with a file that is there. Raises RecordingError."""
        self.path = path
        self.names = names
        """Users may be hashed by them."""
        self.trouble = ""
        """Why nothing is written any more; empty while all is well."""
        self.events = 0
        """Messages of NATS that are in the file, of this recorder."""
        self._file = _open(path, append)
        self._end = _mend(self._file)
        self._waiting: list[tuple[Input, int]] = []
        self._bytes = 0
        self._blind = False
        self._resumed: int | None = None
        self._missing = 0
        self._filled = asyncio.Event()
        self._emptied = asyncio.Event()
        self._closing = False
        self._closed = asyncio.Event()

    def begin(self, since: int, resumed: bool, accounts: Mapping[str, str] = MappingProxyType({})) -> None:
        """The engine is blind since then. `resumed`: it goes on where another process ended. `accounts`: names by id
        that it knows from then, which a replay must know too."""
        self._resumed = since if resumed else None
        self.take((Blind(since),), since)
        known = ((id, name) for id, name in accounts.items() if ID.fullmatch(id))
        self.take((Message(request(id), answer(name), since) for id, name in known), since)

    def take(self, inputs: Iterable[Input], t: int) -> None:
        """What the engine is told now. `t` is its time, in microseconds: each input counts from then on."""
        if self.trouble:
            return
        for given in inputs:
            t = max(t, given.at)
            match given:
                case Message():
                    self._take_message(given, t)
                case Blind() | Sight():
                    self._blind = isinstance(given, Blind)
                    if not self._missing:
                        self._put(given, t)
                    if not self._blind and self._resumed is not None:
                        self._put(_reconnected(self._resumed, t), t)
                        self._resumed = None
                case _:
                    self._put(given, t)

    @property
    def crowded(self) -> bool:
        """So much waits that something may be left out soon."""
        much = len(self._waiting) >= CROWDED * WAITING_MAX or self._bytes >= CROWDED * BYTES_MAX
        return much and not self.trouble

    async def room(self) -> None:
        """Returns when it is not crowded any more."""
        while self.crowded:
            self._emptied.clear()
            await self._emptied.wait()

    async def run(self) -> None:
        """Until `close`, or until the file cannot be written."""
        try:
            while not (self._closing and not self._waiting) and not self.trouble:
                await self._filled.wait()
                if not self._closing:
                    await asyncio.sleep(GATHERING)
                self._filled.clear()
                batch, self._waiting, self._bytes = self._waiting, [], 0
                self._emptied.set()
                await asyncio.to_thread(self._write, batch)
            os.close(self._file)  # Not if this is cancelled: the thread may still write.
        finally:
            self._emptied.set()
            self._closed.set()

    async def close(self) -> None:
        """Returns when everything is written."""
        self._closing = True
        self._filled.set()
        await self._closed.wait()

    def _take_message(self, message: Message, t: int) -> None:
        if len(self._waiting) >= WAITING_MAX or self._bytes + len(message.data) > BYTES_MAX:
            if not self._missing and not self._blind:
                self._put(Blind(t), t)
            self._missing += 1
            return
        if self._missing:
            LOG.warning("%s: %d messages are missing, the disk was too slow", self.path, self._missing)
            self._missing = 0
            if not self._blind:
                self._put(Sight(t), t)
        self._bytes += len(message.data)
        self._put(message, t)

    def _put(self, given: Input, t: int) -> None:
        self._waiting.append((given, t))
        self._filled.set()

    def _write(self, batch: list[tuple[Input, int]]) -> None:
        """In a thread of its own."""
        lines = [line for given, t in batch if (line := write(given, t, self.names)) is not None]
        try:
            _write_all(self._file, b"".join(lines))
        except OSError as error:
            with contextlib.suppress(OSError):  # No half line should stay behind.
                os.ftruncate(self._file, self._end)
            self.trouble = f"cannot write the recording {self.path}: {error.strerror}"
            LOG.error("%s; it ends here, and nothing else does", self.trouble)
            return
        self._end += sum(map(len, lines))
        self.events += sum(isinstance(given, Message) for given, _ in batch)


def _open(path: Path, append: bool) -> int:
    """For this user only: a recording tells who connects from where."""
    exclusive = 0 if append else os.O_EXCL
    flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | exclusive
    try:
        file = os.open(path, flags, 0o600)
    except FileExistsError:
        raise RecordingError(str(path), 0, "the file is there already; remove it, or name another one") from None
    except OSError as error:
        what = f"the recording cannot be written ({error.strerror}); name a file in a directory that can be"
        raise RecordingError(str(path), 0, what) from error
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise RecordingError(str(path), 0, "this is no regular file; name another one")
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(file)
        raise RecordingError(str(path), 0, "another process writes this recording; name another file") from None
    return file


def _reconnected(since: int, t: int) -> Happening:
    """What an engine that goes on after a restart tells itself at its first sight; the one of a replay does not."""
    return Happening("nats_reconnected", {"since": since / SECOND, "seconds": (t - since) / SECOND}, t)


def _mend(file: int) -> int:
    """Cut off a last line that a crash left unfinished. Returns the size."""
    size = end = os.fstat(file).st_size
    while end > 0:
        begin = max(0, end - 64 * 1024)
        newline = os.pread(file, end - begin, begin).rfind(b"\n")
        if newline >= 0:
            end = begin + newline + 1
            break
        end = begin
    if end < size:
        os.ftruncate(file, end)
    return end


def _write_all(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]
