"""What people are told about the bridge's own hearing: each change once, as an event and as one line of log."""

import logging
from collections.abc import Container, Iterable
from datetime import UTC, datetime

from bridge.clock import Clock
from bridge.errors import LoginFailed, SourceError, WrongAccount
from bridge.event import clean
from bridge.source.clocks import Clocks
from bridge.source.expiry import Expiry
from bridge.source.settings import Limits
from bridge.source.sink import Sink
from bridge.values import DAY, SECOND, format_duration

_log = logging.getLogger("bridge.source")

_REASONS_MAX = 100
"""Different troubles remembered during one outage; beyond that some are told again."""


class Reports:
    """Knows what was told during this outage, and what was dropped since it was told last."""

    def __init__(self, sink: Sink, clock: Clock, limits: Limits) -> None:
        self._sink, self._clock, self._limits = sink, clock, limits
        self._blind_since: int | None = clock.now()
        self._reached = False
        self._reason = "no connection yet"
        self._said: set[tuple[type[SourceError], str]] = set()
        self._alarmed = False
        self._dropped = self._dropped_before = 0
        self._expiring: tuple[Expiry, int] | None = None
        """What was told last of credentials that end soon, and when."""
        self._valid = False
        """The credentials were said to be good for long."""
        self._namesakes: list[str] = []
        self._denied: set[str] = set()
        """Subjects that some server did not allow, and none has allowed since."""
        self.tolerated: Container[str] = ()
        """Subjects that it is no trouble not to be allowed: the log says nothing of them."""
        self.clocks = Clocks(limits.skew, self._skewed)

    def reached(self) -> None:
        """A server took the login: an outage, if there is one, is not the network's."""
        self._reached = True

    def connected(self, address: str, server: str, login: str, subjects: int) -> None:
        """Sight begins."""
        now = self._clock.now()
        _log.info("connected to %s (%s) %s, listening to %d subjects", address, server, login, subjects)
        since, self._blind_since = self._blind_since or now, None
        self._sink.sight(now)
        if self._alarmed:
            seconds = (now - since) / SECOND
            _log.warning("NATS is heard again after %.0f s", seconds)
            self._sink.told("nats_reconnected", {"since": since / SECOND, "seconds": seconds}, now)
        self._alarmed = False
        self.forget()

    def lost(self, address: str, reason: str, planned: bool) -> None:
        """The connection is gone: sight ends, if it had begun."""
        self._reached = False
        if self._blind_since is not None:
            return
        self._blind_since = self._clock.now()
        self._sink.blind(self._blind_since)
        self._reason = f"{address}: {reason}"
        if planned:
            _log.info("left %s: %s", address, reason)
        else:
            _log.warning("lost the connection to %s: %s", address, reason)

    def failed(self, error: SourceError) -> None:
        """A server was tried in vain."""
        self._reached = False
        self._reason = str(error)
        key = (type(error), error.reason if isinstance(error, LoginFailed | WrongAccount) else str(error))
        if key in self._said:
            return
        if len(self._said) >= _REASONS_MAX:
            self._said.clear()
        self._said.add(key)
        _log.warning("%s; trying again", error)
        match error:
            case LoginFailed():
                self._alarm("login_failed", {"reason": str(error), "server": error.server})
            case WrongAccount():
                self._alarm("wrong_account", {"reason": str(error)})

    def silent(self, what: str) -> None:
        """The login works, and yet it looks as if no event would ever come."""
        _log.warning("%s", what)
        self._alarm("wrong_account", {"reason": what})

    def denied(self, what: str, subject: str) -> None:
        """The server does not allow something that the bridge needs. Told each time; logged if it is news."""
        if subject not in self._denied:
            self._denied.add(subject)
            if subject not in self.tolerated:
                _log.warning("%s", what)
        self._sink.told("permission_denied", {"reason": what, "denied": subject}, self._clock.now())

    def allowed(self, subject: str) -> None:
        """The server allows it; told if it, or the server before, did not."""
        if subject in self._denied:
            self._denied.discard(subject)
            _log.info("the server allows %s now", subject)
            self._sink.told("permission_granted", {"denied": subject}, self._clock.now())

    def namesakes(self, names: list[str]) -> None:
        """These names belong to several servers each."""
        for name in names if names != self._namesakes else ():
            _log.warning(
                "more than one server is called %s: alerts cannot tell them apart, and one that falls silent is not "
                "missed; give each its own server_name",
                clean(name),
            )
        self._namesakes = names

    def unreadable(self, address: str) -> None:
        """The client broke at a message; the connection will be made anew."""
        reason = "reading broke off at it, and the connection was made anew"
        fields: dict[str, object] = {"reason": reason, "from": "a subject or header that is no text", "bytes": 0}
        _log.warning("%s sent a message whose subject or header is no text: %s", address, reason)
        self._sink.told("malformed_event", fields, self._clock.now())

    def expiry(self, expiry: Expiry | None) -> None:
        """What the credentials' end is now: told once a day from when they should be renewed, until they are."""
        now = self._clock.now()
        if expiry is not None and expiry.soon(now / SECOND):
            if self._expiring is None or self._expiring[0] != expiry or now - self._expiring[1] >= DAY:
                self._expiring, self._valid = (expiry, now), False
                self._expires(expiry, now)
        elif self._expiring is not None or (expiry is not None and not self._valid):
            # Once at each start as well: an alert of before a restart must end.
            self._expiring, self._valid = None, True
            self._sink.told("credentials_valid", {}, now)

    def _expires(self, expiry: Expiry, now: int) -> None:
        left = round(expiry.ends * SECOND) - now
        end = datetime.fromtimestamp(expiry.ends, UTC).isoformat(sep=" ", timespec="minutes").removesuffix("+00:00")
        span = format_duration(abs(left) // SECOND * SECOND)
        still = f"is good for {span} more" if left > 0 else f"has not been good for {span}"
        reason = f"{expiry.key} {expiry.file} {still} (until {end} UTC); put a new one in its place"
        _log.warning("%s", reason)
        fields: dict[str, object] = {"reason": reason, "file": str(expiry.file), "expires": expiry.ends}
        self._sink.told("credentials_expiring", fields | {"seconds": left / SECOND}, now)

    def _skewed(self, server: str, ahead: float, at: int) -> None:
        way = "ahead of" if ahead > 0 else "behind"
        reason = f"the clock of server {server} is {abs(ahead):.0f} s {way} the bridge's"
        _log.warning("%s; times in alerts may be wrong, set both by NTP and restart the bridge", reason)
        self._sink.told("clock_skew", {"reason": reason, "server": {"name": server}, "seconds": ahead}, at)

    def dropped(self, count: int) -> None:
        """Messages were lost between the socket and the engine; told with the next `tick`."""
        self._dropped += count

    def forget(self) -> None:
        """A new beginning: what is still wrong is told anew."""
        self._said.clear()

    def tick(self, addresses: Iterable[str]) -> None:
        """Tell what has waited: dropped messages, and an outage that lasts."""
        self._tell_dropped()
        since, now = self._blind_since, self._clock.now()
        if since is None or self._reached or self._alarmed or now - since < self._limits.grace * SECOND:
            return
        servers = ", ".join(addresses)
        seconds = (now - since) / SECOND
        _log.warning("NATS has not been heard for %.0f s: %s; servers tried: %s", seconds, self._reason, servers)
        self._alarm("nats_disconnected", {"reason": self._reason, "since": since / SECOND, "servers": servers})

    def _tell_dropped(self) -> None:
        count, self._dropped = self._dropped, 0
        if count:
            reason = "they came faster than they could be taken in"
            self._dropped_before += count
            _log.warning("dropped %d messages, %d since the start: %s", count, self._dropped_before, reason)
            self._sink.told("events_dropped", {"count": count, "reason": reason}, self._clock.now())

    def _alarm(self, event_name: str, fields: dict[str, object]) -> None:
        self._alarmed = True
        self._sink.told(event_name, fields, self._clock.now())
