"""Pairs of what was expected and what is there: as many as there can be."""

from itertools import permutations

from hypothesis import given
from hypothesis import strategies as st

from bridge.ruletest.pairing import pair

TABLES = st.integers(0, 4).flatmap(
    lambda width: st.lists(st.lists(st.booleans(), min_size=width, max_size=width), max_size=4)
)


@given(TABLES)
def test_no_other_pairing_has_more_pairs(table: list[list[bool]]) -> None:
    width = len(table[0]) if table else 0
    pairs, alone, extra = pair(range(len(table)), range(width), lambda n, m: table[n][m])
    most = max(
        sum(table[n][m] for n, m in enumerate(order[: len(table)]) if m < width)
        for order in permutations(range(max(width, len(table))))
    )
    assert len(pairs) == most
    assert all(table[n][m] for n, m in pairs)
    assert sorted([n for n, _ in pairs] + alone) == list(range(len(table)))
    assert sorted([m for _, m in pairs] + extra) == list(range(width))
