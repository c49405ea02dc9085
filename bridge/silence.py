"""Silences: who must not hear of which alerts for a while, and why."""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from bridge.alert import digest
from bridge.label_matchers import LabelMatchers, Labels, Selects, select
from bridge.time_interval import TimeIntervals
from bridge.values import DAY, MINUTE, NEVER

KEPT = 5 * DAY
"""How long a silence that has ended can still be listed; Alertmanager's default."""

LIVING_MAX = 1000
"""Silences that have not ended, without those of the file: each is asked about every alert. As many that have ended
are kept."""

NOTICE = 15 * MINUTE
"""So long before its end a silence that still mutes firing alerts says so; a short one when a quarter is left."""


class Silence(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One silence. Instants are microseconds since the epoch; the end is not in it."""

    id: str
    matchers: tuple[str, ...]
    """As written; all must hold."""
    starts_at: int
    ends_at: int | None = None
    """None: it has `time_intervals`, in which it mutes, and no end."""
    time_intervals: tuple[str, ...] = ()
    """Names; it mutes only while one of these contains the instant."""
    comment: str = ""
    created_by: str = ""
    created_at: int = 0
    expire_on_resolve: bool = False
    """It ends when the last firing alert that it matches is resolved."""
    declared: bool = False
    """It stands in the rules file."""
    expired: str = ""
    """Why it ended before its time; empty if it did not."""
    noticed: bool = False
    """Its coming end was told."""

    @property
    def end(self) -> int:
        return NEVER if self.ends_at is None else self.ends_at

    @property
    def notice_at(self) -> int:
        """When its coming end is told, if it then mutes anything; NEVER if not at all."""
        if self.noticed or self.expired or self.ends_at is None:
            return NEVER
        return self.ends_at - min(NOTICE, (self.ends_at - self.starts_at) // 4)

    def state(self, at: int) -> str:
        """`pending`, `active` or `expired`. An active one with time intervals mutes within these only."""
        return "expired" if at >= self.end else "active" if at >= self.starts_at else "pending"


def dump(silence: Silence) -> bytes:
    """A silence for the store."""
    return msgspec.json.encode(silence)


def load(body: bytes) -> Silence:
    """As `dump` left it. Raises msgspec.MsgspecError."""
    return msgspec.json.decode(body, type=Silence)


def new_id(silence: Silence) -> str:
    """An id from all that it says, for a silence that has none yet. 16 hex digits."""
    return digest(*msgspec.structs.astuple(msgspec.structs.replace(silence, id="")))


def declared(silence: Silence) -> Silence:
    """One of the rules file, with an id that it keeps as long as it says the same of whom it mutes and when."""
    said = msgspec.structs.replace(silence, id="", comment="", created_by="")
    return msgspec.structs.replace(silence, id=new_id(said))


def check(silence: Silence, at: int) -> None:
    """Raises ValueError for one that nobody can have meant."""
    matchers = [LabelMatchers.parse(text) for text in silence.matchers]
    if not matchers:
        raise ValueError("a silence needs matchers, such as alertname=AuthErrorBurst")
    if select(matchers)({}):
        raise ValueError("these matchers mean alerts without any label too; name a label that must have a value")
    if silence.ends_at is None and not silence.time_intervals:
        raise ValueError("a silence needs an end, or time intervals")
    if silence.ends_at is not None and silence.ends_at <= max(silence.starts_at, at):
        raise ValueError("the end of the silence is over already, or before its beginning")


class Silences:
    """All that are known, and what they mute."""

    def __init__(self) -> None:
        self.known: dict[str, Silence] = {}
        self._selects: dict[str, Selects] = {}
        self._intervals: Mapping[str, TimeIntervals] = {}
        self._next_notice: tuple[int, str] | None = None
        self._changed: set[str] = set()
        self._gone: set[str] = set()

    # -- what they say ------------------------------------------------------------------------------------------

    def muting(self, labels: Labels, at: int) -> Silence | None:
        """One that mutes an alert with these labels now."""
        for id, silence in self.known.items():
            if self._mutes_at(silence, at) and self._selects[id](labels):
                return silence
        return None

    def matches(self, id: str, labels: Labels) -> bool:
        """Whether it means this alert, whatever the time is."""
        return self._selects[id](labels)

    def mutes(self, id: str, at: int) -> bool:
        """Whether it is its time now."""
        return self._mutes_at(self.known[id], at)

    def full(self, at: int) -> bool:
        """There is no room for one more, unless one ends."""
        return sum(not each.declared and each.state(at) != "expired" for each in self.known.values()) >= LIVING_MAX

    def complaints(self, at: int) -> list[str]:
        """Of each that has not ended and names time intervals that the rules file does not have any more: it mutes
        nothing within these, and nobody would know why."""
        found = []
        for id, each in self.known.items():
            gone = [name for name in each.time_intervals if name not in self._intervals]
            if gone and not each.declared and each.state(at) != "expired":
                found.append(
                    f"silence {id} ({', '.join(each.matchers)}) does not mute within {', '.join(gone)} any more: the "
                    "rules file has no such time interval; put it back, or give the silence others with `silence "
                    "update`, or expire it"
                )
        return found

    # -- what happens to them -----------------------------------------------------------------------------------

    def declare(self, declared: Iterable[Silence], intervals: Mapping[str, TimeIntervals], at: int) -> None:
        """The rules file was read: those that it no longer has are gone; what others have become stays."""
        self._intervals = intervals
        wanted = {silence.id: silence for silence in declared}
        for id in [id for id, silence in self.known.items() if silence.declared and id not in wanted]:
            self._drop(id)
        for id, silence in wanted.items():
            if known := self.known.get(id):
                said = msgspec.structs.replace(known, comment=silence.comment, created_by=silence.created_by)
                if said != known:
                    self._put(said)
            else:
                self.add(msgspec.structs.replace(silence, created_at=at, starts_at=silence.starts_at or at), at)

    def add(self, silence: Silence, at: int) -> None:
        """A new one, or an edit of the one with the same id. Raises ValueError for matchers that are none.

        What has ended long ago makes room.
        """
        self._forget(at)
        self._selects[silence.id] = select(map(LabelMatchers.parse, silence.matchers))
        self._put(silence)

    def expire(self, id: str, at: int, why: str) -> None:
        """It ends now. One that is not known, or has ended, stays as it is."""
        silence = self.known.get(id)
        if silence and silence.state(at) != "expired":
            starts = min(silence.starts_at, at)
            self._put(msgspec.structs.replace(silence, starts_at=starts, ends_at=at, expired=why))

    def resolved(self, labels: Labels, firing: Collection[Labels], at: int) -> None:
        """An alert has ended; `firing` are the labels of those that go on."""
        for id, silence in list(self.known.items()):
            if not silence.expire_on_resolve or silence.state(at) != "active":
                continue
            if self._selects[id](labels) and not any(map(self._selects[id], firing)):
                self.expire(id, at, "all that it muted is resolved")

    def next_notice(self) -> tuple[int, str] | None:
        """The earliest notice of a coming end, and of which silence."""
        return self._next_notice

    def notice(self, id: str) -> Silence:
        """Its notice is due; there is no second one."""
        silence = msgspec.structs.replace(self.known[id], noticed=True)
        self._put(silence)
        return silence

    def shift(self, by: int) -> None:
        """The wall clock was set back. What people wrote as an instant stays; what has happened moves."""
        for silence in list(self.known.values()):
            if silence.expired and silence.ends_at is not None:
                starts = min(silence.starts_at, silence.ends_at + by)
                self._put(msgspec.structs.replace(silence, starts_at=starts, ends_at=silence.ends_at + by))

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def changed(self) -> bool:
        return bool(self._changed or self._gone)

    def drain(self) -> tuple[list[Silence], list[str]]:
        """Those that are new or have changed, and the ids of those that are gone, since the last call."""
        changed, gone = [self.known[id] for id in sorted(self._changed)], sorted(self._gone)
        self._changed.clear()
        self._gone.clear()
        return changed, gone

    def restore(self, bodies: Iterable[bytes]) -> None:
        """As the last commit left them; `declare` follows. Raises msgspec.MsgspecError, ValueError."""
        for body in bodies:
            silence = load(body)
            self.known[silence.id] = silence
            self._selects[silence.id] = select(map(LabelMatchers.parse, silence.matchers))
        self._look_ahead()

    # -- inside -------------------------------------------------------------------------------------------------

    def _mutes_at(self, silence: Silence, at: int) -> bool:
        if not silence.starts_at <= at < silence.end:
            return False
        named = silence.time_intervals
        return not named or any(name in self._intervals and self._intervals[name].contains(at) for name in named)

    def _put(self, silence: Silence) -> None:
        self.known[silence.id] = silence
        self._changed.add(silence.id)
        self._gone.discard(silence.id)
        self._look_ahead()

    def _drop(self, id: str) -> None:
        del self.known[id], self._selects[id]
        self._changed.discard(id)
        self._gone.add(id)
        self._look_ahead()

    def _forget(self, at: int) -> None:
        """Declared ones stay, or they would begin anew."""
        ended = [each for each in self.known.values() if each.state(at) == "expired" and not each.declared]
        ended.sort(key=lambda each: (each.end, each.id))
        for place, each in enumerate(ended):
            if each.end + KEPT <= at or len(ended) - place > LIVING_MAX:
                self._drop(each.id)

    def _look_ahead(self) -> None:
        first = min(((silence.notice_at, id) for id, silence in self.known.items()), default=(NEVER, ""))
        self._next_notice = first if first[0] < NEVER else None
