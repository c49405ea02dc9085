"""The NATS servers: reachable, the login, the account, permissions, versions, and whether events really come."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import UTC, datetime

from msgspec.structs import replace

from bridge.clock import Clock
from bridge.doctor.finding import Finding, count, failed, ok, some, warning
from bridge.doctor.imports import examine_imports, examine_unimported, unheard
from bridge.doctor.needs import Needs, parse_version, too_old
from bridge.errors import LoginFailed, SourceError
from bridge.events import EVENT_TYPES
from bridge.events.families import subscriptions
from bridge.source.connection import Connection
from bridge.source.expiry import next_expiry
from bridge.source.gather import PING_SUBJECT, Gathered, Origin, namesakes
from bridge.source.imports import Blank, Imports, ask_imports
from bridge.source.settings import Limits, Settings
from bridge.source.visit import Nobody, visit
from bridge.subject import matches
from bridge.values import SECOND, format_duration

LIMITS = Limits(connect=6, answer=3, roll_call=5, quiet=1)
STATSZ, CONNECTS = "$SYS.SERVER.*.STATSZ", ("$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT")
_OFTEN, _SELDOM = 12.0, 32.0
"""Seconds within which a server sends its STATSZ: from 2.10.21 on, and before."""
_NO_ACCOUNT = "A" * 56
"""Stands where a request names an account: what is denied for one is denied for all."""
_NEAR = 90 * 86400.0
"""Seconds that people count in days; beyond them a date says more."""
_OWN = 3.0
"""Seconds within which a connection of our own is told."""


class _Ear(Nobody):
    """Keeps what is denied, and on which subjects something came."""

    def __init__(self) -> None:
        self.denied: dict[str, str] = {}
        self.heard: set[str] = set()
        self.server_id = ""
        """Of the server that we are connected to."""
        self._news = asyncio.Event()

    def messages(self, heard: Sequence[tuple[str, bytes]], at: int) -> None:
        self.heard.update(subject for subject, _ in heard)
        self._news.set()

    async def until(self, condition: Callable[[], bool], within: float) -> bool:
        """Whether it holds after so many seconds at most. Asked whenever something was heard."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while not condition():
                    self._news.clear()
                    await self._news.wait()
        return condition()

    def own(self, server_id: str, client_id: int) -> None:
        self.server_id = server_id

    def told(self, event_name: str, fields: dict[str, object], at: int) -> None:
        if event_name == "permission_denied":
            self.denied[str(fields["denied"])] = str(fields["reason"])

    def heard_on(self, pattern: str) -> set[str]:
        return {subject for subject in self.heard if matches(pattern, subject)}


async def examine_servers(settings: Settings, needs: Needs, clock: Clock) -> AsyncIterator[Finding]:
    """Each configured server by itself; what is the same for all of a system is looked at once."""
    for finding in _examine_credentials(settings, clock.now() / SECOND):
        yield finding
    seen: _Examined | None = None
    for url in settings.servers:
        examined = _Examined(replace(settings, servers=(url,)), needs, clock)
        async for finding in examined.all(whole=seen is None):
            yield finding
        if seen is not None and seen.answered and examined.answered and not seen.answered & examined.answered:
            yield failed(
                f"servers: {url} is cut off from {seen.url}, or belongs to another NATS system: no server answers at "
                "both; a bridge watches one system, the other needs a bridge of its own"
            )
        seen = seen or (examined if examined.inside else None)


def _examine_credentials(settings: Settings, now: float) -> list[Finding]:
    expiry = next_expiry(settings)
    if expiry is None:
        return []
    day = datetime.fromtimestamp(expiry.ends, UTC).date().isoformat()
    left = format_duration(round(abs(expiry.ends - now)) * SECOND)
    if expiry.ends <= now:
        expired = f"expired on {day}, {left} ago; put a new one in its place"
        return [failed(f"credentials: {expiry.key} {expiry.file} {expired}")]
    span = f", {left} more" if expiry.ends - now < _NEAR else ""
    what = f"credentials: {expiry.key} {expiry.file} is good until {day}{span}"
    return [warning(f"{what}; renew it") if expiry.soon(now) else ok(what)]


class _Examined:
    """One server, and what lies behind it."""

    def __init__(self, settings: Settings, needs: Needs, clock: Clock) -> None:
        self.inside = False
        """The login works, and in the system account."""
        self.answered: set[str] = set()
        """The ids of servers."""
        self.url = settings.servers[0]
        self._settings, self._needs, self._clock = settings, needs, clock
        self._ear = _Ear()

    async def all(self, whole: bool) -> AsyncIterator[Finding]:
        try:
            async with visit(self._settings, LIMITS, self._clock, self._ear) as nats:
                address = nats.target.address
                yield ok(f"nats: {address} is reached ({nats.server}) and lets the bridge in {nats.login}")
                async for finding in self._inside(nats, whole):
                    yield finding
        except LoginFailed as error:
            yield failed(f"login: {error}")
        except SourceError as error:
            yield failed(f"nats: {error}")

    async def _inside(self, nats: Connection, whole: bool) -> AsyncIterator[Finding]:
        # First, while nothing is subscribed to that would look like somebody who answers.
        roll = await nats.ask(PING_SUBJECT, within=LIMITS.roll_call)
        if roll.nobody and not roll.answers:
            yield failed(f"account: {nats.wrong_account()}")
            return
        self.inside, self.answered = True, set(roll.answers)
        imports = await ask_imports(nats, LIMITS.answer)
        if roll.answers:
            yield ok(f"account: {_whose(imports, count(len(roll.answers), 'server'))}")
        elif not roll.denied:
            yield failed(
                f"account: no server answered {PING_SUBJECT} within {LIMITS.roll_call:g} s; if this is not the system "
                "account, use a user of it"
            )
        async for finding in self._permissions(nats):
            yield finding
        for finding in examine_imports(self._needs, imports):
            yield finding
        if whole:
            servers = [answer.server for answer in roll.answers.values()]
            for finding in (*_examine_versions(servers, self._needs), *_examine_names(servers)):
                yield finding
            for finding in _missing(roll, nats.active):
                yield finding
            async for finding in self._arrivals(nats, roll, imports):
                yield finding

    async def _permissions(self, nats: Connection) -> AsyncIterator[Finding]:
        await nats.listen(self._needs.subjects)
        to_one = [subject.replace("*", self._ear.server_id) for subject in self._needs.requests_to_one]
        for subject in [*self._needs.requests[1:], *to_one]:
            # What is not allowed ends at once.
            await nats.ask(subject.replace("*", _NO_ACCOUNT), within=LIMITS.answer)
        for subject, reason in self._ear.denied.items():
            alerts = self._needs.who_needs(subject)
            if without := self._needs.optional.get(subject):
                yield warning(f"permissions: {reason}, or {without}")
            else:
                yield failed(f"permissions: {reason}" + (f"; needed by {some(alerts)}" if alerts else ""))
        if not self._ear.denied:
            yield ok(
                f"permissions: {count(len(self._needs.subjects), 'subject')} of the rules and the requests are allowed"
            )

    async def _arrivals(self, nats: Connection, roll: Gathered, imports: Imports | Blank) -> AsyncIterator[Finding]:
        """What can be made to come must come; of all else only the interest is known."""
        allowed = [subject for subject in self._needs.subjects if subject not in self._ear.denied]
        provable = [pattern for pattern in (STATSZ, *CONNECTS) if pattern in allowed]
        if any(pattern in allowed for pattern in CONNECTS):
            async with visit(self._settings, LIMITS, self._clock):
                pass
        for pattern in provable:
            yield await self._arrival(nats, pattern, roll)
        for finding in examine_unimported(self._needs, imports):
            yield finding
        rest = len(set(allowed) - set(provable) - subscriptions(unheard(self._needs, imports)))
        if rest:
            yield ok(
                f"events: {count(rest, 'more subject')} can be listened to; nothing comes there while nothing happens"
            )

    async def _arrival(self, nats: Connection, pattern: str, roll: Gathered) -> Finding:
        """Waits for it."""
        if pattern != STATSZ:
            if await self._ear.until(lambda: bool(self._ear.heard_on(pattern)), _OWN):
                return ok(f"events: {pattern} comes (of a connection of our own)")
            return failed(f"events: {pattern} did not come of a connection of our own; is account tracking cut off?")
        servers = {answer.server.id: answer.server for answer in roll.answers.values()}
        old = any(parse_version(server.ver) < (2, 10, 21) for server in servers.values())
        wanted = {pattern.replace("*", id) for id in servers}
        seconds = _SELDOM if old else _OFTEN
        await self._ear.until(
            lambda: wanted <= self._ear.heard if wanted else bool(self._ear.heard_on(pattern)), seconds
        )
        silent = [
            server.name or id for id, server in servers.items() if pattern.replace("*", id) not in self._ear.heard
        ]
        if silent or not self._ear.heard_on(pattern):
            return failed(f"events: no {pattern} within {seconds:g} s of {some(silent) or 'any server'}; see its log")
        return ok(f"events: {pattern} comes" + (f", from {count(len(servers), 'server')}" if servers else ""))


def _whose(imports: Imports | Blank, servers: str) -> str:
    """Which account it is, in which so many servers answer the PING."""
    if isinstance(imports, Imports):
        return f"it is the system account, {servers} answered"
    if imports == "elsewhere":
        return f"{servers} answered; it is not the system account but imports from it, and only what it imports comes"
    return f"{servers} answered, as in the system account"


def _missing(roll: Gathered, active: int) -> list[Finding]:
    if len(roll.answers) < active and roll.answers:
        return [
            warning(
                f"servers: {active} are counted and {len(roll.answers)} answer; one that crashed is counted for some "
                "minutes more"
            )
        ]
    return []


def _examine_versions(servers: list[Origin], needs: Needs) -> list[Finding]:
    if not servers:
        return []
    shown = ", ".join(sorted(f"{server.name or server.id} {server.ver}" for server in servers))
    findings = [ok(f"servers: {shown}")]
    for rule in needs.rules:
        deaf = {server.name or server.id: too_old(rule, parse_version(server.ver)) for server in servers}
        lacking = {name: events for name, events in deaf.items() if events}
        if not lacking:
            continue
        events = list(dict.fromkeys(event for events in lacking.values() for event in events))
        since = "; ".join(f"servers tell it from {EVENT_TYPES[event].since} on" for event in events)
        what = f"versions: the rule {rule.alert} gets no {some(events)} from {some(list(lacking))}: {since}"
        whole = bool(rule.events) and len(lacking) == len(servers)
        whole = whole and all(set(rule.events) <= set(events) for events in lacking.values())
        findings.append(
            failed(f"{what}; upgrade, or remove the rule") if whole else warning(f"{what}; the rest is heard")
        )
    return findings


def _examine_names(servers: list[Origin]) -> list[Finding]:
    """Rules know servers by their names."""
    findings = []
    if unnamed := sorted(server.id for server in servers if server.name in ("", server.id)):
        findings.append(
            warning(
                f"names: {some(unnamed)} {'has' if len(unnamed) == 1 else 'have'} no name, and so a new one at each "
                "start; set server_name in the configuration"
            )
        )
    if names := namesakes(servers):
        findings.append(
            warning(
                f"names: more than one server is called {some(names)}: alerts cannot tell them apart, and one that "
                "falls silent is not missed; give each its own server_name"
            )
        )
    return findings
