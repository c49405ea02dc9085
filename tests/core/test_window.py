"""Sliding windows: exact up to their capacity, and never off by more than one sub-window beyond it."""

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.state import Texts
from bridge.values import NEVER
from bridge.window import PARTS, Span, Window

WITHIN = 6400
"""A hundred microseconds for each sub-window, so that edges are met often."""

Entries = list[tuple[int, float]]

PAUSES = st.sampled_from([0, 0, 1, 50, 99, 100, 101, 999, WITHIN - 1, WITHIN, WITHIN + 1])
ENTRIES = st.lists(st.tuples(PAUSES, st.integers(-5, 50).map(float)), max_size=60)


def timed(pauses: Entries, begin: int = 1_000_000) -> Entries:
    """Entries by their instants instead of the pauses before them."""
    at, entries = begin, Entries()
    for pause, number in pauses:
        at += pause
        entries.append((at, number))
    return entries


def filled(entries: Entries, capacity: int = 1024) -> Window:
    window = Window(0, "", span=Span(WITHIN, capacity))
    for at, number in entries:
        window.slide(at)
        window.add(at, number, (f"text {number}",))
    return window


def inside(entries: Entries, now: int) -> Entries:
    return [(at, number) for at, number in entries if now - WITHIN < at <= now]


def reloaded(window: Window) -> Window:
    """As the store gives it back."""
    copy = Window(0, "", span=window.span)
    copy.load(msgspec.msgpack.decode(msgspec.msgpack.encode(window.dump())))
    return copy


@settings(max_examples=150, deadline=None)
@given(pauses=ENTRIES, later=PAUSES, kept=st.booleans())
def test_up_to_its_capacity_it_is_a_list(pauses: Entries, later: int, kept: bool) -> None:
    entries = timed(pauses)
    now = (entries[-1][0] if entries else 0) + later
    window = filled(entries)
    assert window.count_at(now) == len(inside(entries, now))
    assert window.total_at(now) == sum(number for _, number in inside(entries, now))
    window.slide(now)
    if kept:
        window = reloaded(window)
    left = inside(entries, now)
    times = [at for at, _ in left]

    assert (window.count, window.total) == (len(left), sum(number for _, number in left))
    assert (window.first, window.last) == ((times[0], times[-1]) if times else (0, 0))
    assert window.oldest_leaves() == (times[0] + WITHIN if times else NEVER)
    assert window.empties() == (times[-1] + WITHIN if times else NEVER)
    assert list(window.tops) == [(f"text {number}",) for _, number in left]
    assert window.exact


@settings(max_examples=100, deadline=None)
@given(pauses=ENTRIES, wanted=st.integers(1, 12))
def test_it_knows_the_first_instant_at_which_fewer_are_left(pauses: Entries, wanted: int) -> None:
    entries = timed(pauses)
    window = filled(entries)
    now = entries[-1][0] if entries else 0
    falls = window.falls_below(wanted)

    if len(inside(entries, now)) < wanted:
        assert falls == NEVER
    else:
        assert len(inside(entries, falls - 1)) >= wanted > len(inside(entries, falls))


@settings(max_examples=150, deadline=None)
@given(pauses=ENTRIES, later=PAUSES, kept=st.booleans(), capacity=st.integers(1, 8))
def test_beyond_its_capacity_it_is_off_by_one_sub_window_at_most(
    pauses: Entries, later: int, kept: bool, capacity: int
) -> None:
    """What it holds too much is no older than one part of 64 before the window."""
    entries = timed([(pause, abs(number)) for pause, number in pauses])
    window = filled(entries, capacity)
    now = (entries[-1][0] if entries else 0) + later
    window.slide(now)
    if kept:
        window = reloaded(window)
    least = inside(entries, now)
    most = [entry for entry in entries if now - WITHIN - WITHIN // PARTS < entry[0] <= now]

    assert len(least) <= window.count <= len(most)
    assert sum(number for _, number in least) <= window.total <= sum(number for _, number in most)
    assert window.count_at(now) == window.count
    assert window.total_at(now) == pytest.approx(window.total)
    if least:
        last = least[-1][0]
        assert last + WITHIN <= window.empties() < last + WITHIN + WITHIN // PARTS
        assert now < window.oldest_leaves() <= window.empties()
    if len(least) >= 3:
        # No instant at which three are left is called too late by more than a part.
        third = least[-3][0]
        assert third + WITHIN <= window.falls_below(3) < third + WITHIN + WITHIN // PARTS


@settings(max_examples=100, deadline=None)
@given(pauses=ENTRIES, by=st.integers(-10_000, 10_000), capacity=st.sampled_from([4, 1024]))
def test_when_the_clock_is_set_back_everything_moves_with_it(pauses: Entries, by: int, capacity: int) -> None:
    """Sub-windows lie on a fixed grid, so they may come to lie one further."""
    entries = timed(pauses)
    moved = filled(entries, capacity)
    now = entries[-1][0] if entries else 0
    before, exact = moved.count, moved.exact
    moved.shift(by)

    assert moved.count == before
    assert moved.exact is exact
    moved.slide(now + by)
    slack = 0 if exact else 2 * WITHIN // PARTS
    assert len(inside(entries, now)) <= moved.count <= sum(now - WITHIN - slack < at for at, _ in entries)
    if entries:
        assert moved.last == now + by
        assert 0 <= moved.empties() - (now + by + WITHIN) <= slack


def test_it_is_exact_again_once_it_was_empty() -> None:
    window = filled([(at, 1.0) for at in range(100)], capacity=10)
    assert not window.exact
    window.slide(100 + 2 * WITHIN)
    window.add(200 + 2 * WITHIN, 1.0, ())

    assert (window.exact, window.count) == (True, 1)


def test_its_memory_is_bounded_however_many_come() -> None:
    window = filled([(at, 1.0) for at in range(0, 20 * WITHIN, 3)], capacity=100)

    assert window.coarse is not None
    assert len(window.coarse.parts) <= PARTS + 1
    assert not window.offsets
    assert len(window.texts or []) <= 101


def test_the_texts_of_those_that_were_held_singly_last_stay() -> None:
    window = filled([(at, float(at)) for at in range(5)], capacity=3)
    texts: list[Texts] = list(window.tops)

    assert texts[:3] == [("text 0.0",), ("text 1.0",), ("text 2.0",)]


@pytest.mark.parametrize("within", [WITHIN // 2, WITHIN, WITHIN * 2])
@pytest.mark.parametrize("capacity", [5, 1024])
def test_another_length_keeps_what_it_has(within: int, capacity: int) -> None:
    """What a longer window lacks counts as not seen; what a shorter one has too much goes with the next slide."""
    entries = [(1_000_000 + 300 * n, 1.0) for n in range(20)]
    window = filled(entries, capacity)
    edited = Window(0, "", span=Span(within, capacity))
    edited.load(msgspec.msgpack.decode(msgspec.msgpack.encode(window.dump())))
    now = entries[-1][0]
    edited.slide(now)
    left = [at for at, _ in entries if at > now - within]

    assert len(left) <= edited.count <= len(left) + (0 if edited.exact else 2)
    edited.slide(edited.empties())
    assert edited.count == 0
