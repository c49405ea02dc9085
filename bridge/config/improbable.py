"""Texts that a matcher asks for and that no server ever writes into its field."""

import difflib
import re
from collections.abc import Iterator, Sequence

from bridge.config.document import clip
from bridge.event import EventType
from bridge.matcher import Matcher

_NEAR = 0.5
_SHOWN_MAX = 12
_SIGNS = re.compile(r"[\\^$.*+?]")


def never_given(matcher: Matcher, kinds: Sequence[EventType]) -> Iterator[str]:
    """What a matcher asks for and servers never write into its field."""
    fields = [kind.fields.get(matcher.field) for kind in kinds]
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
    """Quoted by hand: a pattern is shown as it is to be written, without its backslashes doubled."""
    near = difflib.get_close_matches(plain, sorted(known), 1, _NEAR)
    written = [re.sub(r"([().])", r"\\\1", value) if pattern else value for value in near]
    shown = sorted(known)[:_SHOWN_MAX]
    others = f"write one of {', '.join(shown)}{' …' if len(known) > len(shown) else ''}"
    advice = f"did you mean '{written[0]}'?" if near else others
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
