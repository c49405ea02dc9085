"""From a message to an event. Total: whatever comes is an event, a double, or a malformed event; nothing is raised."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from bridge.event import Event, clean
from bridge.events.accounts import Learned, NameOf, Names, account_namer
from bridge.events.advisories import Advisories
from bridge.events.bodies import body_parser
from bridge.events.cleaning import Parse
from bridge.events.connections import Finish, connects, disconnects, leafnodes, preparer, refused
from bridge.events.families import FAMILIES, SIZE_MAX, Family, find
from bridge.events.introductions import account_in, name_in
from bridge.events.numbering import numbered, seq_of
from bridge.events.pushes import parse as parse_push
from bridge.events.pushes import pushes
from bridge.once import Once
from bridge.subject import overlap

SUBJECTS_MAX = 10_000
"""Subjects whose family is remembered."""

UNKNOWN_MAX = 1_000
"""Unknown subjects that are counted apart; the rest together, as `…`."""

_ID = re.compile(r"(?<![^.])[ACNOUSX][A-Z2-7]{55}(?![^.])")
"""A public key of NATS as a part of a subject."""


class Way(msgspec.Struct, frozen=True):
    """How messages of a subject become events."""

    parse: Parse
    finish: Finish
    size_max: int = SIZE_MAX


Bind = Callable[[str, str], Way]
"""The way of a family, for a subject with this label of an account, heard by a connection of this account; both may
be ""."""


class Decoder:
    """Decodes exactly the fields that rules ask for. What no rule asks for is not even parsed."""

    def __init__(
        self,
        wanted: Mapping[str, Iterable[str]],
        once: Once,
        names: Names,
        raw: Collection[str] = (),
        learned: Learned | None = None,
    ) -> None:
        """`wanted`: the paths that rules read, by event type. `raw`: the subjects of rules that watch one."""
        self._once = once
        self._learned = learned or Learned()
        self._names = names if learned else self._learned.beside(names)
        self._raw = bool(raw)
        self.malformed = 0
        """Messages that were no events."""
        self.latest_malformed = ""
        self.unknown: dict[str, int] = {}
        """How many messages came on subjects, or with types, that the catalogue does not know."""
        self._families: dict[str, Bind] = {}
        for family in FAMILIES:
            asked = {kind.name: wanted[kind.name] for kind in family.types if kind.name in wanted}
            if not asked and any(overlap(pattern, subject) for pattern in family.patterns for subject in raw):
                asked = {family.types[0].name: ()}  # A rule on its subject: it is the same event for all rules.
            if asked:
                self._families[family.name] = self._binder(family, asked)
        self._ways: dict[str, Way | None] = {}
        """By subject: there are few, and each comes often."""

    def decode(self, subject: str, data: bytes, at: int, account: str = "") -> Event | None:
        """None: nobody asks for it, or it is a double, or one of the bridge's own connections.

        `account`: whose connection heard it, if that is known.
        """
        try:
            way = self._ways[subject] if not account else self._find(subject, account)
        except KeyError:
            way = self._find(subject)
        if way is None:
            return self._unknown(subject, data, at) if self._raw else None
        if len(data) > way.size_max:
            return self._malformed(subject, data, at, f"larger than {way.size_max // 1024} KiB")
        try:
            body = way.parse(data)
        except (ValueError, RecursionError) as error:
            return self._malformed(subject, data, at, _why(data, error))
        return way.finish(subject, data, body, at)

    def _find(self, subject: str, account: str = "") -> Way | None:
        key = f"{subject} {account}" if account else subject
        if key in self._ways:
            return self._ways[key]
        if len(self._ways) >= SUBJECTS_MAX:
            self._ways.clear()
        family, label = find(subject, self._names.imports)
        bind = self._families.get(family.name) if family else None
        way = bind(label, account) if bind else None
        if family is None and (id := account_in(subject)):
            way = self._introduction(id)
        self._ways[key] = way
        return way

    def _introduction(self, id: str) -> Way:
        """What an account is called: learned, and no event. Requests of others on that subject are what they were."""

        def finish(subject: str, data: bytes, name: Any, at: int) -> Event | None:
            if name:
                self._learned.learn(id, name)
                return None
            return self._unknown(subject, data, at) if self._raw else None

        return Way(name_in, finish)

    # -- the way of each family ---------------------------------------------------------------------------------

    def _binder(self, family: Family, asked: Mapping[str, Iterable[str]]) -> Bind:
        kind = family.types[0]
        name_of = None
        if any("account.name" in paths for paths in asked.values()):
            name_of = account_namer(family.types, self._names, self._learned)
        if kind.responder:
            way = Way(parse_push, pushes(kind.name, name_of))
            return lambda label, account: way
        parse = body_parser(family, asked, asked)
        if kind.name.startswith("js."):
            advisories = Advisories(kind, self._once, self._names, self._learned, name_of)
            refuse = self._malformed, self._stranger
            return lambda label, account: Way(parse, advisories.finish(label, account, *refuse))
        way = Way(parse, self._finish(family, name_of), family.size_max)
        return lambda label, account: way

    def _finish(self, family: Family, name_of: NameOf | None) -> Finish:
        prepare = preparer(name_of, self._names.token_auth)
        match family.name:
            case "connect":
                return connects(self._once, prepare)
            case "disconnect":
                return disconnects(self._once, prepare)
            case "leafnode":
                return leafnodes(self._once, prepare)
            case "client.auth_error":
                return refused(self._once, prepare)
        kind = family.types[0]
        return partial(self._of_server, kind.name, "id" in kind.fields, bool(kind.poll), name_of)

    def _of_server(
        self,
        name: str,
        has_id: bool,
        asked: bool,
        name_of: NameOf | None,
        subject: str,
        data: bytes,
        body: Any,
        at: int,
    ) -> Event | None:
        """`asked`: it was made of an answer to the bridge, which comes once and may be many events."""
        server_id, seq = numbered(body)
        if not server_id:
            return self._malformed(subject, data, at, "no server.id")
        if not asked and not self._once.first(body.id if has_id else None, server_id, seq):
            return None
        return Event(name, at, subject, body, data, server_id, seq, "", None, name_of(body) if name_of else None)

    # -- what is outside of the catalogue -----------------------------------------------------------------------

    def _unknown(self, subject: str, data: bytes, at: int) -> Event | None:
        self._count_unknown(_shape(subject))
        return self._outside(subject, data, at)

    def _stranger(self, subject: str, data: bytes, at: int, said: str) -> Event | None:
        """A message of a type that is not the one of its subject."""
        self._count_unknown(f"{_shape(subject)} ({clean(said)})")
        return self._outside(subject, data, at) if self._raw else None

    def _count_unknown(self, shape: str) -> None:
        if shape not in self.unknown and len(self.unknown) >= UNKNOWN_MAX:
            shape = "…"
        self.unknown[shape] = self.unknown.get(shape, 0) + 1

    def _outside(self, subject: str, data: bytes, at: int) -> Event | None:
        if len(data) > SIZE_MAX:
            return self._malformed(subject, data, at, f"larger than {SIZE_MAX // 1024} KiB")
        try:
            body = msgspec.json.decode(data)
        except (ValueError, RecursionError) as error:
            return self._malformed(subject, data, at, _why(data, error))
        if not isinstance(body, dict):
            return self._malformed(subject, data, at, "no JSON object")
        server = body["server"] if isinstance(body.get("server"), dict) else {}
        server_id, seq = server.get("id"), server.get("seq")
        server_id, seq = server_id if isinstance(server_id, str) else "", seq_of(seq)
        if not self._once.first(body.get("id"), server_id, seq):
            return None
        kind = body.get("type")
        return Event("", at, subject, body, data, server_id, seq, kind if isinstance(kind, str) else "")

    def _malformed(self, subject: str, data: bytes, at: int, reason: str) -> Event:
        """What stands for a message that is no event."""
        self.malformed += 1
        self.latest_malformed = f"{clean(subject)}: {reason} ({len(data)} bytes)"
        body = {"reason": reason, "from": subject, "bytes": len(data)}
        return Event("bridge.malformed_event", at, "bridge.malformed_event", body)


def _shape(subject: str) -> str:
    """A subject without the ids in it, so that equal ones are counted together."""
    return clean(_ID.sub("*", subject))


def _why(data: bytes, error: Exception) -> str:
    if not data:
        return "empty"
    return "nested too deeply" if isinstance(error, RecursionError) else str(error)[:200]
