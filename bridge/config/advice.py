"""What is no error of a rule, and still not what its author can want: a warning each."""

from collections.abc import Iterator, Mapping

from bridge.config.document import KeyPath, Plain
from bridge.config.improbable import never_given
from bridge.config.sketch import Listening, listenings
from bridge.config.substitution import Substituted
from bridge.errors import Problem
from bridge.event import EventType
from bridge.events import EVENT_TYPES
from bridge.events.checking import check_pattern
from bridge.events.families import ADVISORIES
from bridge.subject import overlap

README = "see 'Events that must be imported' in the README"
HOW_TO_IMPORT = (
    'export the stream $JS.EVENT.> in each account, import it in the system account with to: "acct.NAME.>", and write '
    f"imports: 'acct.*.' under nats ({README})"
)
_HEARERS: Mapping[str, str] = {
    "account": "never {come} to the system account by {self}: servers tell {it} only to the account concerned",
    "asker": "{come} to the system account only of its own requests: servers tell {it} to the account that asked",
}
_ONE = {"come": "comes", "it": "it", "self": "itself", "has": "has", "its": "its", "a": "make it a rule of its own"}
_MORE = {
    "come": "come",
    "it": "them",
    "self": "themselves",
    "has": "have",
    "its": "their",
    "a": "make them a rule of their own",
}


def advise(given: Substituted, at: KeyPath, rule: Mapping[str, Plain], imports: str | None) -> Iterator[Problem]:
    """All that can be said about a rule, which stands at a path of the file, whatever else is wrong with it.

    `imports`: what the main file says of them, which may be nothing; None: it is not known.
    """
    subject = _sound(rule.get("subject"))
    listened = list(listenings(at, rule))
    yield from _responding(given, at, listened, subject)
    if imports == "":
        for listening in listened:
            yield from _deaf(given, listening)
    yield from _deaf_subject(given, at, subject)
    yield from _lacking(given, at, rule, listened[0])
    for listening in listened:
        for path, matcher in listening.matchers if listening.whole else ():
            for what in never_given(matcher, listening.kinds):
                yield given.document.problem(path, what, "warning")


def _sound(subject: Plain) -> str:
    """A pattern of subjects, or "": what is wrong with one is told elsewhere."""
    try:
        return check_pattern(subject) if isinstance(subject, str) else ""
    except ValueError:
        return ""


def _responding(given: Substituted, at: KeyPath, listened: list[Listening], subject: str) -> Iterator[Problem]:
    """Rules that make the bridge listen to requests of others."""
    watched = {kind.name for listening in listened for kind in listening.kinds}
    requests = [kind for kind in EVENT_TYPES.values() if kind.responder]
    for kind in requests:
        heard = subject and any(overlap(subject, theirs) for theirs in kind.subjects)
        if kind.name in watched or heard:
            what = f"to hear {kind.name} the bridge subscribes to requests and never answers them"
            advice = "where no resolver listens, a push of claims then times out instead of failing at once"
            yield given.document.problem(
                at, f"{what}; keep this rule only where a resolver is, since {advice}", "warning"
            )
            return


def _deaf(given: Substituted, listening: Listening) -> Iterator[Problem]:
    """Events that never reach the system account by themselves, where nothing is imported."""
    for told_to, whom in _HEARERS.items():
        if names := [kind.name for kind in listening.kinds if kind.told_to == told_to]:
            words = _ONE if len(names) == 1 else _MORE
            what = f"{_listed(names)} {whom.format(**words)}; to hear {words['it']}, {HOW_TO_IMPORT}"
            yield given.document.problem((*listening.at, "events"), what, "warning")


def _deaf_subject(given: Substituted, at: KeyPath, subject: str) -> Iterator[Problem]:
    """A pattern on which the system account hears nothing, whatever it imports under another name."""
    kinds = [kind for kind in EVENT_TYPES.values() if any(overlap(subject, theirs) for theirs in kind.subjects)]
    if subject.startswith(ADVISORIES) and kinds and all(kind.told_to == "account" for kind in kinds):
        imported = f"acct.*.{subject.removeprefix(ADVISORIES)}"
        what = "servers tell this only to the account that it is about; let the system account import it"
        yield given.document.problem((*at, "subject"), f"{what} and write {imported!r} ({README})", "warning")


def _lacking(given: Substituted, at: KeyPath, rule: Mapping[str, Plain], own: Listening) -> Iterator[Problem]:
    """Fields of `by` that some of the rule's events have and others never do."""
    by = rule.get("by")
    for index, field in enumerate(by if isinstance(by, list) else []):
        lacking = [kind.name for kind in own.kinds if not _has(kind, field)]
        if lacking and len(lacking) < len(own.kinds):
            words = _ONE if len(lacking) == 1 else _MORE
            what = f"{_listed(lacking)} {words['has']} no field {field!r}"
            advice = f"without this label all of {words['its']} events are one combination: {words['a']}"
            yield given.document.problem((*at, "by", index), f"{what}; {advice}", "warning")


def _has(kind: EventType, field: Plain) -> bool:
    return not isinstance(field, str) or field in kind.fields or field.startswith("token.")


def _listed(names: list[str]) -> str:
    return " and ".join(names) if len(names) < 3 else f"{', '.join(names[:-1])} and {names[-1]}"
