"""Subjects of NATS and their patterns: `*` is one token, `>` all the rest."""

from collections.abc import Iterable


def matches(pattern: str, subject: str) -> bool:
    """Whether a message on `subject` is delivered to a subscription of `pattern`."""
    return covers(pattern, subject)


def covers(wide: str, narrow: str) -> bool:
    """Whether each subject that `narrow` matches is matched by `wide` too."""
    left, right = wide.split("."), narrow.split(".")
    for mine, theirs in zip(left, right, strict=False):
        if mine == ">":
            return True
        if theirs == ">" or mine not in ("*", theirs):
            return False
    return len(left) == len(right)


def overlap(one: str, other: str) -> bool:
    """Whether there is a subject that both match."""
    left, right = one.split("."), other.split(".")
    for mine, theirs in zip(left, right, strict=False):
        if ">" in (mine, theirs):
            return True
        if mine != theirs and "*" not in (mine, theirs):
            return False
    return len(left) == len(right)


def needed(patterns: Iterable[str]) -> list[str]:
    """The patterns without doubles and without those that another one covers, in their first order."""
    distinct = list(dict.fromkeys(patterns))
    return [one for one in distinct if not any(other != one and covers(other, one) for other in distinct)]
