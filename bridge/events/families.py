"""Which subject brings which types of events, and what a subject says about their account."""

from collections.abc import Iterable, Iterator

import msgspec

from bridge.event import EventType
from bridge.events import EVENT_TYPES

SIZE_MAX = 1024 * 1024
"""Bytes; no event of a server is larger."""
ANSWER_MAX = 64 * 1024 * 1024
"""Bytes of an answer to a poll; NATS itself allows no larger message."""

ADVISORIES = "$JS.EVENT."
"""What the subjects of JetStream's events begin with in the account that they are about, and in the system account."""
FORWARDED = "$SYS.ACCOUNT.*.JS.EVENT."
"""The same where servers forward those of all accounts to the system account."""

CONNECT = "$SYS.ACCOUNT.*.CONNECT"
DISCONNECT = "$SYS.ACCOUNT.*.DISCONNECT"
LEAFNODE = "$SYS.ACCOUNT.*.LEAFNODE.CONNECT"


class Family(msgspec.Struct, frozen=True):
    """Types of events that come on the same subjects, in messages of the same shape."""

    name: str
    types: tuple[EventType, ...]
    patterns: tuple[str, ...]

    @property
    def size_max(self) -> int:
        return ANSWER_MAX if self.types[0].poll else SIZE_MAX


def _families() -> Iterator[Family]:
    def named(*names: str) -> tuple[EventType, ...]:
        return tuple(EVENT_TYPES[name] for name in names)

    yield Family("connect", named("client.connect", "leafnode.connect"), (CONNECT,))
    yield Family("disconnect", named("client.disconnect", "leafnode.disconnect", "client.rejected"), (DISCONNECT,))
    yield Family("leafnode", named("leafnode.connect"), (LEAFNODE,))
    shared = {CONNECT, DISCONNECT, LEAFNODE}
    for kind in EVENT_TYPES.values():
        if not kind.own and not shared.intersection(kind.subjects) and kind.name != "client.rejected":
            yield Family(kind.name, (kind,), (*kind.subjects, *kind.aliases))


FAMILIES = tuple(_families())

_BY_LENGTH: dict[int, list[tuple[list[str], Family]]] = {}
for _family in FAMILIES:
    for _pattern in _family.patterns:
        if not _pattern.startswith(FORWARDED):
            _BY_LENGTH.setdefault(_pattern.count(".") + 1, []).append((_pattern.split("."), _family))


def find(subject: str, imports: str = "") -> tuple[Family | None, str]:
    """The family of a subject's messages, and the account that the subject of a JetStream event names."""
    subject, label = unlabelled(subject, imports)
    tokens = subject.split(".")
    for pattern, family in _BY_LENGTH.get(len(tokens), ()):
        if all(ours in ("*", theirs) for ours, theirs in zip(pattern, tokens, strict=True)):
            return family, label
    return None, label


def size_max_of(subject: str) -> int:
    """Bytes that a message on a subject may have."""
    family, _ = find(subject)
    return family.size_max if family else SIZE_MAX


def unlabelled(subject: str, imports: str) -> tuple[str, str]:
    """A JetStream event's subject as in its own account, and what stood in the place of the account."""
    for prefix in (FORWARDED, imports):
        if prefix and (found := _strip(subject.split("."), prefix.rstrip(".").split("."))):
            return found
    return subject, ""


def _strip(tokens: list[str], prefix: list[str]) -> tuple[str, str] | None:
    if len(tokens) <= len(prefix) or not all(a in ("*", b) for a, b in zip(prefix, tokens, strict=False)):
        return None
    return ADVISORIES + ".".join(tokens[len(prefix) :]), tokens[prefix.index("*")]


def subscriptions(names: Iterable[str], imports: str = "") -> frozenset[str]:
    """What to subscribe to for events of these types."""
    kinds = [EVENT_TYPES[name] for name in names]
    imported = {subject for kind in kinds for subject in imports_of(kind, imports)} if imports else set()
    return frozenset(imported.union(*(kind.subjects for kind in kinds)))


def imports_of(kind: EventType, imports: str) -> list[str]:
    """The subjects on which the system account gets events of this type that it imports."""
    own = [subject for subject in kind.subjects if subject.startswith(ADVISORIES) and kind.account]
    return [imports + subject.removeprefix(ADVISORIES) for subject in own]
