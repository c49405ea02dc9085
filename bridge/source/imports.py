"""What the system account imports of other accounts' JetStream events.

As the server has it that the bridge is connected to: that one alone makes of the bridge's subscriptions some of the
accounts, so servers of a cluster whose configurations differ let it hear different things (2.9.10 and 2.15.1 do).
"""

from typing import Literal, NamedTuple, TypeVar

import msgspec

from bridge.events.families import ADVISORIES
from bridge.source.connection import Connection
from bridge.source.gather import Gathered, request
from bridge.subject import overlap

USER_INFO = "$SYS.REQ.USER.INFO"
"""Says whose account it is; servers from 2.10 on answer it in each account."""

State = Literal["taken", "invalid", "refused", "waiting"]
"""`invalid`: the account does not export it any more, or its permission has expired. `refused`: the claims of the
system account hold it, and the server, which knows the other account, has not taken it up. `waiting`: it does not know
that yet, as nobody of it is there; it takes the import up when somebody comes (seen with 2.9.10 and 2.15.1)."""

_T = TypeVar("_T")

Blank = Literal["denied", "elsewhere", "shared", "silent"]
"""Why nothing is known: the user may not ask; this is not the system account; that one lets others ask too, and
servers before 2.10 do not say who asks; there was no answer, or none that says it."""


class Import(NamedTuple):
    """Of JetStream's events. `subject`: which, as in their account; `local`: the same in the system account."""

    account: str
    subject: str
    local: str
    state: State = "taken"

    @property
    def works(self) -> bool:
        return self.state in ("taken", "waiting")


class Imports(msgspec.Struct):
    """`system`: the id of the system account; `accounts`: of all that the server knows."""

    system: str
    accounts: frozenset[str]
    all: list[Import]


class _Imported(msgspec.Struct):
    """As the server has it, or as claims say it (without `local_subject` `to` stands before the subject)."""

    subject: str = ""
    account: str = ""
    local_subject: str = ""
    to: str = ""
    type: str | int = ""
    invalid: bool = False


class _Exported(msgspec.Struct):
    subject: str = ""
    type: str | int = ""


class _Claims(msgspec.Struct):
    imports: list[_Imported] | None = None


class _Jwt(msgspec.Struct):
    nats: _Claims | None = None


class _Detail(msgspec.Struct):
    is_system: bool = False
    imports: list[_Imported] | None = None
    exports: list[_Exported] | None = None
    decoded_jwt: _Jwt | None = None


class _Accountz(msgspec.Struct):
    system_account: str = ""
    accounts: list[str] | None = None
    account_detail: _Detail | None = None


class _User(msgspec.Struct):
    account: str = ""


async def ask_imports(nats: Connection, within: float) -> Imports | Blank:
    """Ask for them. `within`: seconds for each answer. Raises Unreachable."""
    subject = request("ACCOUNTZ", nats.server_id)
    listed = await nats.ask(subject, within=within, optional=True)
    if (names := _read(listed, _Accountz)) is None:
        return _blank(listed)
    asked = await nats.ask(subject, {"account": names.system_account}, within=within, optional=True)
    answer = _read(asked, _Accountz)
    if answer is None or answer.account_detail is None or not answer.account_detail.is_system:
        return "silent"
    detail = answer.account_detail
    if _open_to_others(detail, subject) and (doubt := await _doubt(nats, names.system_account, within)):
        return doubt
    accounts = frozenset(names.accounts or ())
    return Imports(names.system_account, accounts, _all(detail, accounts))


def _blank(gathered: Gathered) -> Blank:
    if gathered.denied:
        return "denied"
    return "elsewhere" if gathered.nobody else "silent"


def _read(gathered: Gathered, kind: type[_T]) -> _T | None:
    for answer in gathered.answers.values():
        try:
            return msgspec.json.decode(answer.content, type=kind) if answer.content and not answer.error else None
        except (msgspec.DecodeError, RecursionError):
            return None
    return None


def _open_to_others(detail: _Detail, subject: str) -> bool:
    """The system account lets others ask this, so that an answer does not prove that it is ours."""
    return any(one.type == "service" and overlap(one.subject, subject) for one in detail.exports or ())


async def _doubt(nats: Connection, system: str, within: float) -> Blank | None:
    """Whether this may be another account."""
    user = _read(await nats.ask(USER_INFO, within=within, optional=True), _User)
    if user is None:
        return "shared"
    return None if user.account == system else "elsewhere"


def _all(detail: _Detail, accounts: frozenset[str]) -> list[Import]:
    found = {
        (one.account, one.subject): Import(
            one.account, one.subject, one.local_subject or one.subject, "invalid" if one.invalid else "taken"
        )
        for one in detail.imports or ()
        if _is_ours_to_hear(one)
    }
    claims = detail.decoded_jwt.nats if detail.decoded_jwt else None
    for one in claims.imports or () if claims else ():
        if _is_ours_to_hear(one) and (one.account, one.subject) not in found:
            state: State = "refused" if one.account in accounts else "waiting"
            found[one.account, one.subject] = Import(one.account, one.subject, _local(one), state)
    return sorted(found.values())


def _is_ours_to_hear(one: _Imported) -> bool:
    return one.type == "stream" and overlap(one.subject, f"{ADVISORIES}>")


def _local(one: _Imported) -> str:
    """Where claims put it; they write the second wildcard as `$2`."""
    if one.local_subject:
        return ".".join("*" if _is_reference(token) else token for token in one.local_subject.split("."))
    return f"{one.to}.{one.subject}" if one.to else one.subject


def _is_reference(token: str) -> bool:
    return token.startswith("$") and token[1:].isdecimal()
