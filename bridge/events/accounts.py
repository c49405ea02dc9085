"""The accounts of events: their names, as operators give them or servers tell them."""

from collections import ChainMap
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import lru_cache
from operator import attrgetter
from typing import Any

import msgspec

from bridge.event import TEXT_MAX, EventType, as_text
from bridge.events.introductions import ID

ACCOUNTS_MAX = 10_000
"""Accounts whose name is remembered."""

PAIRS_MAX = 1_000
"""Messages that come twice, whose account is remembered until the other copy comes."""

VERSION_MAX = 64
"""Characters; no version is longer."""

_TOKEN_HIDDEN = ((2, 10, 28), (2, 11, 0), (2, 11, 2))
"""From the first on a server hides tokens, but for those between the second and the third."""

_TAG_MEANS_ACCOUNT = (2, 11)
"""Before, a client's `name_tag` is the name of its user, not of its account."""


class Names(msgspec.Struct, frozen=True):
    """What the operator says about accounts: names for ids, whether `user` may be a token, where SYS imports events."""

    accounts: Mapping[str, str] = {}
    token_auth: bool = False
    imports: str = ""
    """What subjects of imported JetStream events begin with, such as `acct.*.`; the `*` is the account. "": none."""


class Learned:
    """What servers have told about accounts. Lives as long as the engine, and is bounded: the first are kept."""

    def __init__(self) -> None:
        self.names: dict[str, str] = {}
        """By id."""
        self.worked_out: dict[tuple[str, str | None, str | None], str | None] = {}
        """Names by (account, tag, version of the server), so that each is worked out once and not for every event."""
        self.ids: dict[str, str] = {}
        """By the name that stands in the subject of imported events."""
        self.hears_owners = False
        """Of what servers tell an account and the system account, the copy that names the account is heard."""
        self.news: dict[tuple[str, str], str] = {}
        """What was learned and is on no disk yet: ("name", id) → name, and ("id", the name in a subject) → id."""
        self.nameless: list[str] = []
        """Ids that were seen and whose name nobody has told, until somebody takes them to ask."""
        self._wondered: set[str] = set()
        self._pairs: dict[str, tuple[str, str]] = {}

    def beside(self, names: Names) -> Names:
        """The operator's names, and for other accounts those that are known at the time of asking."""
        self.worked_out.clear()
        return msgspec.structs.replace(names, accounts=ChainMap(dict(names.accounts), self.names))

    def learn(self, id: object, name: object) -> None:
        """A server says that this is the account's name."""
        if not isinstance(id, str) or not isinstance(name, str) or not id or not name or name == id:
            return
        if len(id) > TEXT_MAX or self.names.get(id) == name:
            return
        if id in self.names or len(self.names) < ACCOUNTS_MAX:
            self.names[id] = self.news["name", id] = as_text(name) or ""
            self.worked_out.clear()

    def restore(self, told: Iterable[tuple[str, str, str]]) -> None:
        """What was learned before: as `news` has it."""
        for kind, key, value in told:
            (self.names if kind == "name" else self.ids)[key] = value

    def wonder(self, account: str) -> None:
        """An account was seen that has no name but, in operator mode, its id. Each is noted once."""
        if account in self._wondered or len(self._wondered) >= ACCOUNTS_MAX or not ID.fullmatch(account):
            return
        self._wondered.add(account)
        self.nameless.append(account)

    def call(self, account: str, label: str) -> None:
        """The system account imports this account's events under a label: its name, unless it has one."""
        if account == label or self.ids.get(label) == account or len(self.ids) >= ACCOUNTS_MAX:
            return
        self.ids[label] = self.news["id", label] = account
        if account not in self.names:
            self.learn(account, label)

    def pair(self, event: str, account: str, label: str) -> None:
        """A copy of an event says its account, or its subject has a label for it: together they say who is who."""
        known_account, known_label = self._pairs.pop(event, ("", ""))
        account, label = account or known_account, label or known_label
        if account and label:
            self.call(account, label)
            return
        if len(self._pairs) >= PAIRS_MAX:
            del self._pairs[next(iter(self._pairs))]
        self._pairs[event] = account, label


NameOf = Callable[[Any], str | None]
"""From a decoded body to the name of its account."""


def account_namer(kinds: Sequence[EventType], names: Names, learned: Learned) -> NameOf:
    """How to name the account of events of these types, which have it at the same place."""
    kind = kinds[0]
    if kind.tag == "client.name_tag":
        return ConnectionNames(names, learned).of
    account_at = attrgetter(kind.account)
    tag_at = attrgetter(kind.tag) if kind.tag else None

    def of(body: Any) -> str | None:
        account = account_at(body)
        if tag_at is not None:
            learned.learn(account, tag_at(body))
        if not isinstance(account, str):
            return None
        name = names.accounts.get(account)
        if name is None:
            learned.wonder(account)
        return as_text(account if name is None else name)

    return of


class ConnectionNames:
    """The names of connections' accounts: a flood is mostly of these."""

    def __init__(self, names: Names, learned: Learned) -> None:
        self._names = names
        self._learned = learned
        self._known = learned.worked_out

    def of(self, body: Any) -> str | None:
        """Of the account that a connection's event tells of."""
        client, ver = body.client, body.server.ver
        account, tag = client.acc, client.name_tag
        try:
            return self._known[account, tag, ver]
        except (KeyError, TypeError):  # TypeError: a list where text is expected
            pass
        called: object = account
        if isinstance(tag, str) and tag and version(ver) >= _TAG_MEANS_ACCOUNT:
            self._learned.learn(account, tag)
            called = tag
        elif isinstance(account, str) and account not in self._names.accounts:
            self._learned.wonder(account)
        name = as_text(self._names.accounts.get(account, called) if isinstance(account, str) else called)
        if all(part is None or type(part) is str for part in (account, tag, ver)):
            self._remember((account, tag, ver), name)
        return name

    def _remember(self, key: tuple[str, str | None, str | None], name: str | None) -> None:
        if sum(len(part or "") for part in key) > TEXT_MAX:
            return
        if len(self._known) >= ACCOUNTS_MAX:
            self._known.clear()
        self._known[key] = name


def version(text: object) -> tuple[int, ...]:
    """`2.10.21-RC.1` → (2, 10, 21); () if it is no version."""
    return _version(text) if isinstance(text, str) and len(text) <= VERSION_MAX else ()


@lru_cache(maxsize=256)
def _version(text: str) -> tuple[int, ...]:
    numbers = text.split("-", maxsplit=1)[0].split(".")
    return (
        tuple(int(number) for number in numbers)
        if all(number.isascii() and number.isdigit() for number in numbers)
        else ()
    )


def hides_tokens(text: object) -> bool:
    """Whether a server of this version hides the tokens of logins, so that a user is a user."""
    number = version(text)
    first, gap_begin, gap_end = _TOKEN_HIDDEN
    return number >= first and not gap_begin <= number < gap_end
