"""What the system account imports of other accounts' JetStream events: whether the rules hear it."""

from collections.abc import Iterable

from bridge.config.advice import HOW_TO_IMPORT
from bridge.doctor.finding import Finding, count, failed, ok, some, warning
from bridge.doctor.needs import Needs
from bridge.events import EVENT_TYPES
from bridge.events.families import ADVISORIES
from bridge.source.hearing import Wanted, brings, faults, serves, suggestion
from bridge.source.imports import Blank, Import, Imports

_GLOBAL = "$G"
"""The account of clients without one; nothing can be imported of it where accounts are configured."""


def examine_imports(needs: Needs, found: Imports | Blank) -> list[Finding]:
    """As one server has them. Where the user may not ask, that was reported."""
    want = needs.imports
    if not want.own or found == "denied":
        return []
    if not isinstance(found, Imports):
        why = "the server does not say" if found == "silent" else "it cannot be asked in this account"
        return [warning(f"imports: {why} whether something is imported as {want.imports}>; see its configuration")]
    wrong = [
        failed(f"imports: {fault.what}{_victims(needs) if fault.whole else ''}") for fault in faults(want, found.all)
    ]
    return [*wrong, *_sound(needs, found)]


def _victims(needs: Needs) -> str:
    return f"; needed by {some(needs.importing)}" if needs.importing else ""


def _sound(needs: Needs, found: Imports) -> list[Finding]:
    fine = [one for one in found.all if serves(needs.imports, one)]
    if not fine:
        return []
    here = _named(needs, (one.account for one in fine if one.state == "taken"))
    waiting = _named(needs, (one.account for one in fine if one.state == "waiting"))
    parts = [f"brings events of {count(len(here), 'account')} ({some(here)})"] if here else []
    parts += [f"will bring those of {some(waiting)} once a client of it is there"] if waiting else []
    missing = _named(needs, found.accounts - {one.account for one in found.all} - {found.system, _GLOBAL})
    nothing = f"; nothing is imported of {some(missing)}" if missing else ""
    return [ok(f"imports: {needs.imports.imports}> {' and '.join(parts)}{nothing}")]


def examine_unimported(needs: Needs, found: Imports | Blank) -> list[Finding]:
    """Events of the rules that only other accounts hear, where `nats.imports` names no imports. Another account than
    that of the system hears its own."""
    if not needs.unimported or found == "elsewhere":
        return []
    imports = found.all if isinstance(found, Imports) else []
    deaf = unheard(needs, found)
    heard = [name for name in needs.unimported if name not in deaf]
    elsewhere = [one for one in imports if any(brings(_plainly(name), one) for name in deaf)]
    return [*([_nameless(heard)] if heard else []), *([_deaf(needs, deaf, elsewhere)] if deaf else [])]


def unheard(needs: Needs, found: Imports | Blank) -> list[str]:
    """Those events of the rules of which nothing comes."""
    if found == "elsewhere":
        return []
    imports = found.all if isinstance(found, Imports) else []
    return [name for name in needs.unimported if not any(serves(_plainly(name), one) for one in imports)]


def _plainly(name: str) -> Wanted:
    """An event by its own subjects."""
    return Wanted("", tuple(one for one in EVENT_TYPES[name].subjects if one.startswith(ADVISORIES)))


def _nameless(heard: list[str]) -> Finding:
    what = f"events: {some(heard)} can come, by imports without to:, and nobody knows from which account"
    return warning(f"{what}; to know it, import with to: \"acct.NAME.>\" and write imports: 'acct.*.' under nats")


def _deaf(needs: Needs, names: list[str], elsewhere: list[Import]) -> Finding:
    what = f"events: nothing of {some(names)} comes from other accounts"
    if prefix := suggestion(elsewhere):
        of = some(_named(needs, (one.account for one in elsewhere)))
        return warning(f"{what}, and yet the system account imports it of {of}; write imports: {prefix!r} under nats")
    return warning(f"{what}; to hear it, {HOW_TO_IMPORT}")


def _named(needs: Needs, accounts: Iterable[str]) -> list[str]:
    """As the rules file calls them."""
    return sorted({needs.names.get(one, one) for one in accounts})
