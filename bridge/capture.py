"""Makes a recording without rules: hears NATS as the bridge does, and writes down what it hears."""

import asyncio
import contextlib
import logging
import signal
from collections.abc import Collection, Sequence

from bridge.clock import Clock
from bridge.errors import RecordingError
from bridge.inputs import Blind, Input, Message, Own, Sight
from bridge.recorder import Recorder
from bridge.source.settings import Limits, Polls, Settings
from bridge.source.supervisor import Source

_log = logging.getLogger(__name__)

LIMITS = Limits(retry=3600.0)
"""What is denied to a user with the least permissions is much, and the server logs each try."""


class Capture:
    """Takes from the source (see source.Sink) into a recording. What it loses sight of is blind in it."""

    def __init__(self, recorder: Recorder, clock: Clock, spare: Collection[str] = ()) -> None:
        """`spare`: subjects that a recording can do without, if they are denied."""
        self._recorder, self._clock = recorder, clock
        self._spare, self._denied = frozenset(spare), set[str]()
        self._sighted = False
        self._over = asyncio.Event()

    async def run(self, settings: Settings, subjects: Collection[str], polls: Polls, seconds: float | None) -> None:
        """Until SIGTERM or SIGINT, or for so many seconds. Raises RecordingError if the file cannot be written."""
        source = Source(settings, self._clock, self, subjects, LIMITS, polls=polls)
        source.tolerate(self._spare)
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._over.set)
        async with asyncio.TaskGroup() as tasks:
            writing = tasks.create_task(self._recorder.run())
            writing.add_done_callback(lambda _: self._over.set())
            hearing = tasks.create_task(source.run())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._over.wait()
            self._over.set()
            hearing.cancel()
            await asyncio.wait({hearing})
            await self._recorder.close()
        if self._recorder.trouble:
            raise RecordingError(str(self._recorder.path), 0, f"{self._recorder.trouble}; make room and begin anew")

    @property
    def heard(self) -> bool:
        """Whether there was a moment of sight."""
        return self._sighted

    # -- what the source tells ----------------------------------------------------------------------------------

    @property
    def crowded(self) -> bool:
        return self._recorder.crowded

    async def room(self) -> None:
        await self._recorder.room()

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        self._recorder.take([Message(subject, data, at) for subject, data in heard], at)

    def own(self, server_id: str, client_id: int) -> None:
        self._take(Own(server_id, client_id, self._clock.now()))

    def sight(self, at: int) -> None:
        """A recording is sighted from its first line on."""
        if self._sighted:
            self._take(Sight(at))
        elif self._denied:
            _log.warning(
                "%d subjects are not recorded, as the bridge's user may not hear them, among them %s; "
                "the rules need none of them",
                len(self._denied),
                min(self._denied),
            )
        self._sighted = True

    def blind(self, at: int) -> None:
        if not self._over.is_set():
            self._take(Blind(at))

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        """The log says it; it is not about the bridge that will play the recording."""
        if event_name == "permission_denied" and fields["denied"] in self._spare:
            self._denied.add(str(fields["denied"]))

    def _take(self, given: Input) -> None:
        self._recorder.take((given,), given.at)
