"""Whether names that operators write exist. What is wrong is a ValueError that says what to write instead."""

import difflib
from collections.abc import Sequence

from bridge.event import Field, Kind
from bridge.events import EVENT_TYPES

NUMERIC: frozenset[Kind] = frozenset(("number", "bytes", "seconds", "percent", "time"))


_NEAR, _SURE = 0.6, 0.85


def check_event(name: str) -> str:
    """An event type's name."""
    if name in EVENT_TYPES:
        return name
    raise ValueError(f"unknown event {name!r}{_suggest(name, list(EVENT_TYPES))}")


def nearest_event(name: str, sure: bool = False) -> str | None:
    """The event type that a misspelt name most likely stands for; `sure`: only if hardly another can be meant."""
    return next(iter(difflib.get_close_matches(name[:100], EVENT_TYPES, 1, _SURE if sure else _NEAR)), None)


def check_pattern(pattern: str) -> str:
    """What a rule may subscribe to: everything, or everything of the system account, is never needed."""
    tokens = pattern.split(".")
    if pattern.split() != [pattern] or "" in tokens or ">" in tokens[:-1]:
        raise ValueError(f"{pattern[:60]!r} is no subject; write names joined by dots, '*', or '>' at the end")
    if any("*" in token or ">" in token for token in tokens if len(token) > 1):
        raise ValueError(f"{pattern[:60]!r} has a part with more than '*' or '>' in it; such a sign stands alone")
    if tokens[0] in ("*", ">"):
        what = f"{pattern[:60]!r} takes in what servers say to each other"
        raise ValueError(f"{what}; name what to watch, such as '$SYS.ACCOUNT.>', '$SYS.SERVER.>' or '$JS.EVENT.>'")
    if tokens[0] == "$SYS" and tokens[1:2] in (["*"], [">"]):
        what = f"{pattern[:60]!r} takes in requests with credentials, and hides from those who ask that nobody answers"
        raise ValueError(f"{what}; write '$SYS.ACCOUNT.>' or '$SYS.SERVER.>'")
    return pattern


def check_field(path: str, events: Sequence[str]) -> Field | None:
    """A field that at least one of the events has; None for parts of the subject. No events: any path will do."""
    if path.startswith("token.") and path[6:].isdigit() and int(path[6:]) > 0:
        return None
    if not events:
        if not path or any(not part for part in path.split(".")):
            raise ValueError(f"{path!r} is not a field; write names joined by dots")
        return None
    known = [EVENT_TYPES[name].fields for name in events if name in EVENT_TYPES]
    for fields in known:
        if path in fields:
            return fields[path]
    if not known:
        return None
    names = sorted({name for fields in known for name in fields})
    raise ValueError(f"{' and '.join(events)} has no field {path!r}{_suggest(path, names)}")


def check_each(path: str, events: Sequence[str], because: str) -> None:
    """A field that all of the events have: `because` says why they must."""
    check_field(path, events)
    for name in events:
        try:
            check_field(path, [name])
        except ValueError as error:
            raise ValueError(f"the event {name} has no field {path!r}, {because}; name only events that do") from error


def check_number(path: str, events: Sequence[str]) -> Kind:
    """The kind of a field that measures."""
    field = check_field(path, events)
    if field is None:
        return "number"
    if field.kind not in NUMERIC:
        raise ValueError(f"{path!r} is text and measures nothing; choose a number")
    return field.kind


def _suggest(name: str, names: Sequence[str]) -> str:
    near = difflib.get_close_matches(name, names, n=1, cutoff=_NEAR)
    if not near:  # A leaf without its parents: `host` for `client.host`.
        near = [known for known in names if known.rpartition(".")[2] == name.rpartition(".")[2]][:1]
    if near:
        return f"; did you mean {near[0]!r}?"
    shown = [known for known in names if not known.startswith("bridge.")][:12]
    return f"; choose one of {', '.join(shown)}{' …' if len(names) > len(shown) else ''}"
