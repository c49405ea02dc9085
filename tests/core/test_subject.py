"""The algebra of patterns, against all subjects of a small alphabet."""

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.subject import covers, matches, needed, overlap

SUBJECTS = [".".join(tokens) for length in (1, 2, 3, 4, 5) for tokens in product("ab", repeat=length)]
"""One token longer than the patterns, so that `>` is more than `*` at the end of each."""
TOKENS = st.lists(st.sampled_from(["a", "b", "*"]), max_size=3)
PATTERNS = st.builds(lambda tokens, end: ".".join([*tokens, end]), TOKENS, st.sampled_from(["a", "b", "*", ">"]))


def hits(pattern: str) -> set[str]:
    return {subject for subject in SUBJECTS if matches(pattern, subject)}


@pytest.mark.parametrize(
    ("pattern", "subject", "expected"),
    [
        ("$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.APP.CONNECT", True),
        ("$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.APP.DISCONNECT", False),
        ("$SYS.SERVER.>", "$SYS.SERVER", False),
        ("$SYS.SERVER.>", "$SYS.SERVER.X.CLIENT.AUTH.ERR", True),
        ("a.*", "a.b.c", False),
        ("a.*", "a", False),
    ],
)
def test_patterns_match_as_in_nats(pattern: str, subject: str, expected: bool) -> None:
    assert matches(pattern, subject) is expected


@given(PATTERNS, PATTERNS)
def test_covers_means_that_all_is_matched(wide: str, narrow: str) -> None:
    assert covers(wide, narrow) is (hits(narrow) <= hits(wide))


@given(PATTERNS, PATTERNS)
def test_overlap_means_that_something_is_matched_by_both(one: str, other: str) -> None:
    assert overlap(one, other) is bool(hits(one) & hits(other))


@given(st.lists(PATTERNS, max_size=6))
def test_needed_patterns_match_all_and_none_covers_another(patterns: list[str]) -> None:
    kept = needed(patterns)
    assert set().union(*map(hits, kept)) == set().union(*map(hits, patterns))
    assert not [1 for one in kept for other in kept if one != other and covers(one, other)]
