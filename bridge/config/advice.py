"""What is no error of a rule, and still not what its author can want: a warning each."""

import difflib
import re
from collections.abc import Iterator, Sequence

from bridge.config.document import KeyPath, clip
from bridge.config.substitution import Substituted
from bridge.errors import Problem
from bridge.events import EVENT_TYPES
from bridge.matcher import Matcher
from bridge.rule import Rule
from bridge.subject import overlap
from bridge.watched import Watched

_NEAR = 0.5
_SIGNS = re.compile(r"[\\^$.*+?]")


def advise(given: Substituted, at: KeyPath, rule: Rule) -> Iterator[Problem]:
    """All that can be said about a sound rule, which stands at a path of the file."""
    yield from _responding(given, at, rule)
    for path, events, matchers in _matchers(at, rule):
        for index, matcher in enumerate(matchers):
            for what in _never_holds(matcher, events):
                place = (*path, index) if given.document.has((*path, index)) else path
                yield given.document.problem(place, what, "warning")


def _responding(given: Substituted, at: KeyPath, rule: Rule) -> Iterator[Problem]:
    """Rules that make the bridge listen to requests of others."""
    watched = {*rule.events, *(name for _, other in _others(rule) for name in other.events)}
    requests = [kind for kind in EVENT_TYPES.values() if kind.responder]
    for kind in requests:
        heard = rule.subject and any(overlap(rule.subject, subject) for subject in kind.subjects)
        if kind.name in watched or heard:
            what = f"to hear {kind.name} the bridge subscribes to requests and never answers them"
            advice = "where no resolver listens, a push of claims then times out instead of failing at once"
            yield given.document.problem(
                at, f"{what}; keep this rule only where a resolver is, since {advice}", "warning"
            )
            return


def _others(rule: Rule) -> Iterator[tuple[str, Watched]]:
    for key in ("resolve_on", "unless", "then"):
        if isinstance(other := getattr(rule, key, None), Watched):
            yield key, other


def _matchers(at: KeyPath, rule: Rule) -> Iterator[tuple[KeyPath, Sequence[str], Sequence[Matcher]]]:
    """Where matchers stand, the events that they judge, and they themselves."""
    yield (*at, "where"), rule.events, rule.where
    yield (*at, "matching"), rule.events, getattr(rule, "matching", [])
    for key, other in _others(rule):
        yield (*at, key, "where"), other.events, other.where


def _never_holds(matcher: Matcher, events: Sequence[str]) -> Iterator[str]:
    """What a matcher asks for and servers never write into its field."""
    fields = [EVENT_TYPES[name].fields.get(matcher.field) for name in events]
    known = {value for field in fields if field for value in field.values}
    if not known or not all(field is None or field.values for field in fields):
        return
    if matcher.op in ("=", "!=") and matcher.value and matcher.value not in known:
        yield _never(matcher.field, matcher.value, matcher.value, known)
    if matcher.op in ("=~", "!~"):
        for alternative in _alternatives(matcher.value):
            if not any(Matcher(matcher.field, "=~", alternative).compile("text")(value) for value in ("", *known)):
                yield _never(matcher.field, alternative, _SIGNS.sub("", alternative), known, pattern=True)


def _never(field: str, asked: str, plain: str, known: set[str], pattern: bool = False) -> str:
    near = difflib.get_close_matches(plain, sorted(known), 1, _NEAR)
    written = [re.sub(r"([().])", r"\\\1", value) if pattern else value for value in near]
    advice = f"did you mean {written[0]}?" if near else f"write one of {', '.join(sorted(known))}"
    return f"no server ever gives the {field} {clip(asked)!r}; {advice}"


def _alternatives(pattern: str) -> list[str]:
    """What stands between the outermost `|`."""
    parts, depth, escaped = [""], 0, False
    for character in pattern:
        depth += {"(": 1, "[": 1, ")": -1, "]": -1}.get(character, 0) if not escaped else 0
        if character == "|" and not depth and not escaped:
            parts.append("")
            continue
        parts[-1] += character
        escaped = character == "\\" and not escaped
    return parts
