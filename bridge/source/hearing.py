"""Whether what rules need of other accounts can come: what is imported, held against what is listened to."""

from collections.abc import Collection, Iterable, Sequence

import msgspec

from bridge.events import EVENT_TYPES
from bridge.events.families import ADVISORIES, unlabelled
from bridge.source.imports import Import
from bridge.subject import covers, overlap

_SHOWN = 5
"""Accounts that are named in one sentence."""

_COME_ANYWAY = frozenset(
    subject
    for kind in EVENT_TYPES.values()
    for subject in kind.subjects
    if not kind.imported and subject.startswith(ADVISORIES)
)
"""The system account gets these by itself too."""


class Fault(msgspec.Struct, frozen=True):
    """Why nothing comes on a subject of the system account, and what to do."""

    subject: str
    what: str
    whole: bool = False
    """Nothing of any account can come."""


class Wanted(msgspec.Struct, frozen=True):
    """What can only come by an import. `own`: subjects as in the accounts; `heard`: what is listened to besides."""

    imports: str
    own: tuple[str, ...]
    heard: tuple[str, ...] = ()

    @property
    def local(self) -> list[str]:
        """What `own` is in the system account."""
        return [self.imports + one.removeprefix(ADVISORIES) for one in self.own]

    def hears(self, own: str, local: str) -> bool:
        """Whether messages on `own` are listened to where they come on `local`."""
        here = (own, self.imports + own.removeprefix(ADVISORIES)) if self.imports else (own,)
        return any(overlap(local, mine) for mine in (*here, *self.heard))


def wanted(subjects: Iterable[str], imports: str) -> Wanted:
    """Of all that the bridge listens to. `imports`: nats.imports; "": nothing is to be imported."""
    if not imports:
        return Wanted("", ())
    own, heard = [], []
    for subject in subjects:
        there, label = unlabelled(subject, imports)
        if subject.startswith("$"):
            continue
        if label and there not in _COME_ANYWAY:
            own.append(there)
        elif not label:
            heard.append(subject)
    return Wanted(imports, tuple(sorted(own)), tuple(sorted(heard)))


def faults(want: Wanted, imports: Sequence[Import]) -> list[Fault]:
    """All that is wrong, in the order of subjects; a single one if nothing can come at all."""
    told = [(one, _carries(want, one)) for one in imports]
    heard: set[str] = set()
    for _, carries in told:
        heard |= {own for own, hears in carries.items() if hears}
    lost = [one for one, carries in told if carries and not any(carries.values()) and not _twice(one, told)]
    if not heard:
        return [_deaf(want, lost)] if want.own else []
    return [
        *(_broken(one) for one, carries in told if not one.works and any(carries.values())),
        *(_misplaced(want, one) for one in lost),
        *(_lacking(want, own) for own in want.own if own not in heard),
    ]


def serves(want: Wanted, one: Import) -> bool:
    """Whether something that is wanted is heard by it."""
    return one.works and any(_carries(want, one).values())


def brings(want: Wanted, one: Import) -> bool:
    """Whether something that is wanted comes by it, on whatever subject."""
    return bool(_carries(want, one))


def suggestion(imports: Collection[Import]) -> str:
    """What nats.imports would have to be for these; "" if nothing fits them all."""
    found = {_prefix(one) for one in imports}
    return found.pop() if len(found) == 1 else ""


def _named(imports: Iterable[Import]) -> str:
    """The accounts, for people."""
    names = sorted({one.account for one in imports})
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")


def _carries(want: Wanted, one: Import) -> dict[str, bool]:
    """What is wanted of all that it brings, and whether that is heard."""
    if one.subject == f"{ADVISORIES}>" and _is_under(one.local, want.imports):
        return dict.fromkeys(want.own, True)  # as it should be: with a thousand accounts the rest takes its time
    return {own: want.hears(own, _carried(one, own)) for own in want.own if overlap(one.subject, own)}


def _is_under(local: str, imports: str) -> bool:
    tokens, prefix = local.split("."), imports.split(".")[:-1]
    whole = len(tokens) == len(prefix) + 1 and tokens[-1] == ">"
    return whole and all(mine in ("*", theirs) for mine, theirs in zip(prefix, tokens, strict=False))


def _carried(one: Import, own: str) -> str:
    """What messages on `own` come on, through this import."""
    parts = own.split(".")
    found: list[str] = []
    rest = [">"]
    for place, theirs in enumerate(one.subject.split(".")):
        part = parts[place] if place < len(parts) and parts[place] != ">" else "*"
        if theirs == ">":
            rest = parts[place:] or rest
        elif theirs == "*":
            found.append(part)
    captured = iter(found)
    local: list[str] = []
    for mine in one.local.split("."):
        local += rest if mine == ">" else [next(captured, "*") if mine == "*" else mine]
    return ".".join(local)


def _twice(one: Import, told: Iterable[tuple[Import, dict[str, bool]]]) -> bool:
    """Its account's events are heard by another import."""
    return any(other.account == one.account and any(carries.values()) for other, carries in told)


def _prefix(one: Import) -> str:
    """Its own, with a `*` for the account."""
    own = f"{ADVISORIES}>" if covers(one.subject, f"{ADVISORIES}>") else one.subject
    tail, local = "." + own.removeprefix(ADVISORIES), _carried(one, own)
    if not local.endswith(tail):
        return ""
    stem = local.removesuffix(tail).split(".")
    # In operator mode the account has an id, and the label is anything: most likely what stands last.
    place = stem.index(one.account) if one.account in stem else len(stem) - 1
    if "*" in stem or place == 0 or stem[0].startswith("$"):
        return ""
    return ".".join([*stem[:place], "*", *stem[place + 1 :]]) + "."


def _deaf(want: Wanted, lost: list[Import]) -> Fault:
    right = f'import $JS.EVENT.> of each account with to: "{want.imports.replace("*", "NAME")}>"'
    if not lost:
        why = f"the system account imports none of it; export the stream $JS.EVENT.> in each account, and {right}"
    else:
        better = suggestion(lost)
        why = f"the system account imports it as {lost[0].local} (of {_named(lost)}); "
        why += f"write imports: {better!r} under nats, or {right}" if better else right
    return Fault(f"{want.imports}>", f"nothing can come on {want.imports}>: {why}", whole=True)


def _broken(one: Import) -> Fault:
    what = f"nothing comes on {one.local}: the import of {one.subject} of the account {one.account}"
    if one.state == "invalid":
        why = "is invalid; see that this account exports it to the system account, and that nothing has expired"
    else:
        why = (
            "was not taken up by the server; see that this account exports it to the system account, and then push the "
            "claims of the system account again"
        )
    return Fault(one.local, f"{what} {why}")


def _misplaced(want: Wanted, one: Import) -> Fault:
    what = f"events of the account {one.account} come on {one.local}, where nobody listens"
    advice = f'import them with to: "{want.imports.replace("*", "NAME")}>"'
    return Fault(one.local, f"{what}; {advice}")


def _lacking(want: Wanted, own: str) -> Fault:
    local = want.imports + own.removeprefix(ADVISORIES)
    what = f"nothing can come on {local}: the system account imports no {own}"
    return Fault(local, f"{what}; let it import $JS.EVENT.> of each account")
