"""What the bridge's user may not subscribe or publish to, as the server says it, and what it may again."""

import contextlib
import re
from collections.abc import Awaitable, Callable, Iterator

from bridge.source.gather import Gatherer
from bridge.source.reports import Reports
from bridge.source.subscription import Subscriptions

_DENIED = re.compile(r'permissions violation for (subscription|publish)[^"]*"([^"]+)"')
"""nats-py hands on in lower case what the server says; 2.9.10 and 2.15.1 say the same."""
_REQUEST_ID = re.compile(r"(?:(?<=^\$SYS\.REQ\.SERVER\.)N|(?<=^\$SYS\.REQ\.ACCOUNT\.)A)[A-Z2-7]{55}(?=\.)")
"""Whose id stands in a request to a server or about an account: what is denied for one is denied for all."""


class Permissions:
    """Of one connection. A denial is told each time that it is met, so that its alert lasts as long as it does."""

    def __init__(
        self,
        subscriptions: Subscriptions,
        gatherer: Gatherer,
        inbox: str,
        describe: Callable[[bool, str], str],
        reports: Reports,
    ) -> None:
        """`inbox`: the pattern that answers come on, as permissions name it. `describe` a denial for people: whether it
        is one of subscribing, and the subject."""
        self.inbox = inbox
        self._subscriptions, self._gatherer = subscriptions, gatherer
        self._describe, self._reports = describe, reports
        self._denied: set[str] = set()
        self._hoped: set[str] = set()
        """Denied before and asked for again; what the server does not deny again it allows."""
        self._optional: set[str] = set()
        """Requests that it is no trouble to be refused."""

    def denies(self, subject: str) -> bool:
        """Whether the user may not use it."""
        return subject in self._denied

    def hear(self, error: Exception, others: tuple[str, ...]) -> bool:
        """Take in an error of the server, if it is a denial. `others`: patterns that are listened to by other ways."""
        found = _DENIED.search(str(error))
        if found:
            self._deny(found[1] == "subscription", found[2], others)
        return found is not None

    def answered(self, subject: str) -> None:
        """Somebody has answered a request, or the server has that nobody does: asking is allowed, and so is hearing."""
        for allowed in (_REQUEST_ID.sub("*", subject), self.inbox):
            self._denied.discard(allowed)
            self._reports.allowed(allowed)

    def listened(self) -> None:
        """The server has taken in all subscriptions: what it has not denied it allows, also if an earlier one did."""
        for pattern in self._subscriptions.patterns:
            if pattern not in self._denied:
                self._reports.allowed(pattern)

    async def ask_again(self, settle: Callable[[], Awaitable[None]]) -> None:
        """Try what the user might not subscribe to: a server with other permissions does not say so. `settle` returns
        when the server has taken that in. Raises nats.errors.Error and OSError."""
        # Before they are sent: the first may be denied again while the last still wait to be.
        self._hoped = self._subscriptions.refused | ({self.inbox} & self._denied)
        if not self._hoped:
            return
        await self._subscriptions.ask_again()
        if self.inbox in self._denied:
            await self._gatherer.ask_again()
        await settle()
        for pattern in self._hoped:
            self._denied.discard(pattern)
            self._subscriptions.allow(pattern)
            self._reports.allowed(pattern)
        self._hoped = set()

    @contextlib.contextmanager
    def optional(self, subject: str) -> Iterator[None]:
        """Nobody is told if the user may not ask this."""
        subject = _REQUEST_ID.sub("*", subject)
        self._optional.add(subject)
        try:
            yield
        finally:
            self._optional.discard(subject)

    def _deny(self, subscribe: bool, lowered: str, others: tuple[str, ...]) -> None:
        known = [*self._subscriptions.patterns, *others]
        subject = (
            next((one for one in known if one.lower() == lowered), "") or self._gatherer.refuse(lowered) or lowered
        )
        subject = _REQUEST_ID.sub("*", self.inbox if subject == self._gatherer.inbox else subject)
        self._hoped.discard(subject)
        if subject in self._optional:
            return
        if subject not in self._denied:
            self._denied.add(subject)
            self._subscriptions.refuse(subject)
        self._reports.denied(self._describe(subscribe, subject), subject)


def is_denial(error: Exception) -> bool:
    """It is about one subject only; the connection goes on."""
    return _DENIED.search(str(error)) is not None
