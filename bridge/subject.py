"""Subjects of NATS and their patterns: `*` is one token, `>` all the rest."""

import re
from collections.abc import Callable


def heeds(pattern: str) -> Callable[[str], bool]:
    """Whether a subscription to the pattern gets a subject."""
    wild = {"*": "[^.]+", ">": ".+"}
    matches = re.compile(r"\.".join(wild.get(part, re.escape(part)) for part in pattern.split("."))).fullmatch
    return lambda subject: matches(subject) is not None
