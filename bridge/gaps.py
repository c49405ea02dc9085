"""Times in which NATS is not heard: the clock of rules stands still, and afterwards people are told of the gap."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

from bridge.absence import Absence
from bridge.ledger import Ledger
from bridge.values import SECOND
from bridge.watch import Watch


class Gaps:
    """Closes and opens the eyes. `tell` tells an event about the bridge, by its name and fields."""

    def __init__(self, watch: Watch, ledger: Ledger, tell: Callable[..., None]) -> None:
        self.absence = Absence()
        self._watch = watch
        self._ledger = ledger
        self._tell = tell
        self._resumed = False
        self._first = True  # There is nothing that could have been missed yet.

    def resume(self) -> None:
        """The process goes on where another one ended."""
        self._resumed, self._first = True, False

    def begin(self) -> None:
        """NATS is not heard any more, or still not."""
        if not self._watch.blind:
            self._watch.close_eyes()
            self._ledger.clock()
        self.tell_away()
        self.absence.begin()

    def end(self, report: bool) -> None:
        """It is heard again. `report`: servers are asked what they remember, and the story of the gap waits for it."""
        since, watch = self._watch.blind_since, self._watch
        if since is None:
            return
        watch.open_eyes()
        self._ledger.clock()
        missed = self.absence.end(since, watch.t)
        if self._resumed:
            # What the process before told about NATS ends here; this one's source does not know of it.
            self._tell("nats_reconnected", since=since / SECOND, seconds=(watch.t - since) / SECOND)
        if not self._first:
            self.absence.hold(missed, watch.t)
            if not report:
                self.tell_away()
        self._resumed = self._first = False

    def tell_away(self, more: Mapping[str, Any] = MappingProxyType({})) -> None:
        """Of the gap before, if that waits. `more`: what servers remember of it."""
        if (story := self.absence.release()) is not None:
            self._tell("away", **{**more, **story})
