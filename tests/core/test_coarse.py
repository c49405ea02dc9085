"""What sub-windows keep of their numbers: bounded, the same each time, and close to the truth."""

import random

import msgspec
import pytest

from bridge.coarse import (
    DRAWN_MAX,
    SMALLEST_MAX,
    Keep,
    Part,
    distinct,
    draw,
    fingerprint,
    keep_smallest,
    passes,
    quantile,
)
from bridge.limit import Limit
from bridge.window import PARTS, Span, Window

WITHIN = 64_000_000


def filled(numbers: list[float], keep: Keep, within: int = WITHIN) -> Window:
    """A full window of these numbers, evenly over its length."""
    window = Window(0, "", span=Span(within, keep=keep))
    for place, number in enumerate(numbers):
        window.add(1 + place * within // len(numbers), number)
    assert window.coarse is not None
    return window


def parts_of(window: Window) -> list[Part]:
    return window.parts_at(WITHIN)


def spread(count: int, seed: int = 1) -> list[float]:
    dice = random.Random(seed)
    return [dice.lognormvariate(3, 1) for _ in range(count)]


@pytest.mark.parametrize("percent", [50, 95, 99])
@pytest.mark.parametrize("count", [1100, 5000, 50_000])
@pytest.mark.parametrize("order", ["random", "rising", "by turns"])
def test_a_quantile_is_close_by_rank(percent: int, count: int, order: str) -> None:
    """Whatever the order is in which the numbers come: a sample of each n-th would see one of two servers only."""
    numbers = spread(count)
    if order == "rising":
        numbers.sort()
    elif order == "by turns":
        numbers = [number if place % 2 else number + 1000 for place, number in enumerate(numbers)]
    parts = parts_of(filled(numbers, draw))
    found = quantile(parts, percent)
    rank = 100 * sum(number <= found for number in numbers) / count

    assert passes(parts, percent, Limit(above=True, value=found - 1e-9, text=""))
    assert not passes(parts, percent, Limit(above=True, value=found, text=""))
    assert passes(parts, percent, Limit(above=False, value=found + 1e-9, text=""))
    assert not passes(parts, percent, Limit(above=False, value=found, text=""))
    assert rank == pytest.approx(percent, abs=5 if percent == 50 else 2)


def test_least_most_and_sum_are_exact_in_whole_parts() -> None:
    numbers = spread(5000)
    parts = parts_of(filled(numbers, draw))

    assert min(part.least for part in parts) == min(numbers)
    assert max(part.most for part in parts) == max(numbers)
    assert sum(part.total for part in parts) == pytest.approx(sum(numbers))


@pytest.mark.parametrize("count", [100, 1000, 5000, 40_000])
@pytest.mark.parametrize("repeated", [1, 10])
def test_distinct_values_are_estimated(count: int, repeated: int) -> None:
    """Each of them in one part, or in many."""
    numbers = [float(fingerprint(f"value {n}")) for n in range(count)] * repeated
    if len(numbers) <= 1024:
        numbers *= 11
    found = distinct(parts_of(filled(numbers, keep_smallest)))

    assert found == pytest.approx(count, rel=0.25)


def test_few_distinct_values_are_counted() -> None:
    numbers = [float(fingerprint(f"value {n % 50}")) for n in range(5000)]

    assert distinct(parts_of(filled(numbers, keep_smallest))) == 50


@pytest.mark.parametrize("keep", [draw, keep_smallest])
def test_what_is_kept_is_bounded_and_the_same_each_time(keep: Keep) -> None:
    numbers = spread(20_000)
    once, again = filled(numbers, keep), filled(numbers, keep)
    bound = DRAWN_MAX if keep is draw else SMALLEST_MAX

    assert len(parts_of(once)) <= PARTS + 1
    assert all(len(part.kept) <= bound for part in parts_of(once))
    assert once.dump() == again.dump()


@pytest.mark.parametrize("keep", [draw, keep_smallest])
@pytest.mark.parametrize("within", [WITHIN // 3, WITHIN, WITHIN * 3])
def test_the_store_and_another_length_keep_it(keep: Keep, within: int) -> None:
    numbers = spread(20_000) if keep is draw else [float(fingerprint(f"value {n % 5000}")) for n in range(20_000)]
    window = filled(numbers, keep)
    edited = Window(0, "", span=Span(within, keep=keep))
    edited.load(msgspec.msgpack.decode(msgspec.msgpack.encode(window.dump())))
    assert edited.coarse is not None
    if within == WITHIN:
        assert edited.dump() == window.dump()
        return
    parts, bound = edited.coarse.parts, DRAWN_MAX if keep is draw else SMALLEST_MAX

    assert edited.count == window.count
    assert all(0 < len(part.kept) <= bound for part in parts)
    if keep is draw:
        assert quantile(parts, 50) == pytest.approx(quantile(parts_of(window), 50), rel=0.1)
    else:
        assert distinct(parts) == pytest.approx(5000, rel=0.25)


def test_the_smallest_are_in_order_and_distinct() -> None:
    part = Part(0, 0, 0.0, 0, 0, 0.0, 0.0)
    for number in [5.0, 1.0, 5.0, 3.0, 1.0]:
        keep_smallest(part, number, 1)

    assert part.kept.tolist() == [1.0, 3.0, 5.0]


def test_a_fingerprint_is_the_same_in_every_process() -> None:
    assert fingerprint("n1") == 3402529620671665
    assert fingerprint("\udc80") != fingerprint("")
    assert all(float(fingerprint(str(n))) == fingerprint(str(n)) < 2**52 for n in range(1000))
