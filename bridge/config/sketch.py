"""A rule as far as it can be read: what it listens to and asks for, also where something else of it is wrong."""

from collections.abc import Iterator, Mapping
from typing import NamedTuple

from bridge.config.document import KeyPath, Plain
from bridge.event import EventType
from bridge.events import EVENT_TYPES
from bridge.events.checking import nearest_event
from bridge.matcher import Matcher

_LISTENERS = ("resolve_on", "unless", "then")
"""Keys of a rule that name other events."""


class Listening(NamedTuple):
    """One place that names events: the rule itself, or what stands under a key of it."""

    at: KeyPath
    kinds: tuple[EventType, ...]
    """Those that are known, or misspelt so little that it is plain what is meant."""
    whole: bool
    """These are all that it names."""
    matchers: tuple[tuple[KeyPath, Matcher], ...]
    """Those that can be read, with their places."""


def listenings(at: KeyPath, rule: Mapping[str, Plain]) -> Iterator[Listening]:
    """The rule's own events first."""
    yield _listening(at, rule)
    for key in _LISTENERS:
        if isinstance(other := rule.get(key), dict):
            yield _listening((*at, key), other)


def meant(name: str) -> str:
    """The event that a name stands for; the name itself if that is not plain."""
    return name if name in EVENT_TYPES else nearest_event(name, sure=True) or name


def mended(rule: Mapping[str, Plain]) -> dict[str, Plain]:
    """The rule with the names of events as they are meant."""
    fixed = dict(rule)
    match rule.get("events"):
        case str(name):
            fixed["events"] = meant(name)
        case list(names):
            fixed["events"] = [meant(name) if isinstance(name, str) else name for name in names]
    for key in _LISTENERS:
        if isinstance(other := rule.get(key), dict):
            fixed[key] = mended(other)
    return fixed


def _listening(at: KeyPath, rule: Mapping[str, Plain]) -> Listening:
    names = [meant(name) for name in _texts(rule.get("events"))]
    kinds = tuple(EVENT_TYPES[name] for name in names if name in EVENT_TYPES)
    matchers = (found for key in ("where", "matching") for found in _matchers((*at, key), rule.get(key)))
    return Listening(at, kinds, len(kinds) == len(names), tuple(matchers))


def _texts(value: Plain) -> list[str]:
    """Of one text, or of a list of them."""
    return [each for each in (value if isinstance(value, list) else [value]) if isinstance(each, str)]


def _matchers(at: KeyPath, lines: Plain) -> Iterator[tuple[KeyPath, Matcher]]:
    for index, line in enumerate(lines if isinstance(lines, list) else []):
        try:
            matcher = Matcher.parse(line) if isinstance(line, str) else None
        except ValueError:  # told where single keys are checked
            continue
        if matcher is not None:
            yield (*at, index), matcher
