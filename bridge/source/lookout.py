"""Looks, as long as rules need imported events, whether the system account still imports them: nobody says when not."""

import asyncio
import contextlib
import logging
from collections.abc import Iterable

from bridge.clock import Clock
from bridge.errors import SourceError
from bridge.source.connection import Connection
from bridge.source.gather import request
from bridge.source.hearing import Fault, Wanted, faults, serves, wanted
from bridge.source.imports import Import, Imports, ask_imports
from bridge.source.settings import Limits
from bridge.source.sink import Sink

SUBJECT = request("ACCOUNTZ", "*")
"""What it asks on, with the id of the server that the bridge is connected to."""

WITHIN = 5.0
"""Seconds for an answer."""

FAULTS_MAX = 100
"""Told at once; there is one cause for more."""

CLEARED_MAX = 1000
"""Subjects of which a new process says that they are well: no rule has more alerts."""

_log = logging.getLogger("bridge.source")


class Lookout:
    """Outlives connections: it knows what was imported before. A fault is told as long as it lasts."""

    def __init__(self, sink: Sink, clock: Clock, limits: Limits) -> None:
        self._sink, self._clock, self._limits = sink, clock, limits
        self._want = Wanted("", ())
        self._seen: dict[Import, None] = {}
        """Imports that worked when they were last looked at."""
        self._told: dict[str, str] = {}
        """By subject: what was told last."""
        self._gone: dict[Import, None] = {}
        """Imports that are no more, while their account is: told once, as it may be meant."""
        self._blank = ""
        self._began = False
        """What is well was told, for alerts of before a restart."""
        self._changed = asyncio.Event()

    def change(self, imports: str, subjects: Iterable[str]) -> None:
        """What is listened to from now on, and what imported subjects begin with ("": nothing is imported)."""
        want = wanted(subjects, imports)
        if want != self._want:
            self._want = want
            self._changed.set()

    async def run(self, nats: Connection) -> None:
        """As long as the connection works, which it ends if it does not."""
        try:
            while True:
                self._changed.clear()
                wait = await self._look(nats)
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(wait):
                        await self._changed.wait()
        except SourceError as error:
            nats.end(error.reason)

    async def _look(self, nats: Connection) -> float | None:
        """Returns the seconds until the next look; None: there is nothing to look for."""
        want = self._want
        if not want.own:
            self._gone, self._seen = {}, {}
            self._settle([], nats)
            return None
        found = await ask_imports(nats, WITHIN)
        if isinstance(found, Imports):
            self._blank = ""
            self._notice(want, found)
            wrong = faults(want, found.all)
            if not self._began:
                self._began = True
                self._clear(want, {fault.subject for fault in wrong}, nats)
            self._settle(wrong, nats)
            return self._limits.imports
        if found == "denied" and self._blank != found:
            _log.warning(
                "nobody will be told if the system account imports events no more: the bridge may not publish to %s; "
                "allow it in permissions.publish of its user",
                SUBJECT,
            )
        self._blank = found
        return self._limits.imports if found == "silent" else self._limits.unseen

    def _notice(self, want: Wanted, found: Imports) -> None:
        """Of which accounts nothing is imported any more, though they are still there."""
        imported = {one.account for one in found.all}
        missing = found.accounts - imported
        self._gone = {one: None for one in (*self._gone, *self._seen) if one.account in missing}
        self._seen = {one: None for one in found.all if serves(want, one)}

    def _clear(self, want: Wanted, wrong: set[str], nats: Connection) -> None:
        """End what the process before may have told."""
        well = [f"{want.imports}>", *want.local, *(one.local for one in self._seen)]
        for subject in [one for one in well if one not in wrong][:CLEARED_MAX]:
            self._end(subject, nats)

    def _end(self, subject: str, nats: Connection) -> None:
        if not nats.denies(subject):
            self._sink.told("permission_granted", {"denied": subject}, self._clock.now())

    def _settle(self, found: list[Fault], nats: Connection) -> None:
        """Tell what is wrong, and what is no more."""
        lasting = {fault.subject: fault.what for fault in found[:FAULTS_MAX]}
        # Where nothing comes at all, that is the news.
        whole = any(fault.whole for fault in found)
        once = {one.local: _removed(one) for one in self._gone if not whole}
        for subject in [one for one in self._told if one not in lasting and one not in once]:
            del self._told[subject]
            _log.info("nothing is wrong any more with what comes on %s", subject)
            self._end(subject, nats)
        for subject, what in (once | lasting).items():
            reason = f"connected to {nats.target.address}: {what}"
            news = self._told.get(subject) != reason
            if news:
                self._told[subject] = reason
                _log.warning("%s", reason)
            if news or subject in lasting:
                self._sink.told("permission_denied", {"reason": reason, "denied": subject}, self._clock.now())


def _removed(one: Import) -> str:
    return (
        f"nothing comes on {one.local} any more: the system account no longer imports {one.subject} of the account "
        f"{one.account}; import it again, unless that is meant"
    )
