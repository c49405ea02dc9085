"""JetStream's advisories and metrics: each once, though servers tell some of them in two accounts, and whose they are.

Leader, quorum and batch advisories come to the account and to the system account with one id, and only the copy of the
system account names the account. Whichever copy comes first is the event, at once. One whose account nothing says is
left out as soon as it is known that the other copies are heard too.
"""

from collections.abc import Callable
from typing import Any

from bridge.event import Event, EventType, hash_token
from bridge.events.accounts import Learned, NameOf, Names
from bridge.events.connections import Finish
from bridge.once import Once

Refuse = Callable[[str, bytes, int, str], Event | None]
"""Takes a message that is none of them, with a word about it."""


class Advisories:
    """How those of one type become events."""

    def __init__(self, kind: EventType, once: Once, names: Names, learned: Learned, name_of: NameOf | None) -> None:
        self._kind, self._once, self._learned, self._name_of = kind, once, learned, name_of
        self._hides_user = names.token_auth and "client.user" in kind.fields
        self._suffix = kind.name.removeprefix("js.")
        self._twofold = kind.told_to == "both"
        by_name: dict[str, list[str]] = {}
        for id, name in names.accounts.items():
            by_name.setdefault(name, []).append(id)
        self._given = {name: ids[0] for name, ids in by_name.items() if len(ids) == 1}
        """Ids by the operator's names, where a name stands for one account."""

    def finish(self, label: str, account: str, malformed: Refuse, stranger: Refuse) -> Finish:
        """For a subject that names its account `label`, heard by a connection of `account`; both may be "".

        `stranger` takes messages of another type than the subject's own.
        """
        once, learned, twofold, name_of = self._once, self._learned, self._twofold, self._name_of
        audits = self._kind.account == "client.acc"
        suffix, name, hides_user, has_account = (
            self._suffix,
            self._kind.name,
            self._hides_user,
            self._kind.account == "account",
        )

        def finish(subject: str, data: bytes, body: Any, at: int) -> Event | None:
            said = body.type
            if not isinstance(said, str):
                return malformed(subject, data, at, "no type")
            if said.rpartition(".")[2] != suffix:
                return stranger(subject, data, at, said)
            id = body.id if isinstance(body.id, str) else ""
            if has_account:
                told = body.account if isinstance(body.account, str) else ""
                if twofold:
                    learned.hears_owners |= bool(told)
                    if not (told or label or account) and learned.hears_owners:
                        return None
                    if id and not once.happenings.first(id):
                        learned.pair(id, told, label)
                        return None
                    if id:
                        learned.pair(id, told, label)
                elif not once.first(id, "", 0):
                    return None
                body.account = told or self._id(label) or account or None
            elif not once.first(id, "", 0):
                return None
            elif label and audits and isinstance(owner := body.client.acc, str) and owner:
                learned.call(owner, label)
            if hides_user and isinstance(user := body.client.user, str) and user:
                body.client.user = hash_token(user)  # These do not say the version of their server.
            return Event(name, at, subject, body, data, "", 0, "", None, name_of(body) if name_of else None)

        return finish

    def _id(self, label: str) -> str:
        return self._learned.ids.get(label) or self._given.get(label, label)
