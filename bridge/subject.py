"""Subjects of NATS and their patterns: `*` is one token, `>` all the rest."""

import re
from collections.abc import Callable


def heeds(pattern: str) -> Callable[[str], bool]:
    """Whether a subscription to the pattern gets a subject."""
    parts = ["[^.]+" if token == "*" else ".+" if token == ">" else re.escape(token) for token in pattern.split(".")]
    matches = re.compile(r"\.".join(parts)).fullmatch
    return lambda subject: matches(subject) is not None
