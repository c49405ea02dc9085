"""The rule type `threshold`."""

from typing import Any

import pytest

from bridge.inputs import Blind, Sight
from tests.core.stage import Decision, Stage, at, goodbye, rule, statsz


def limit(**keys: Any) -> Stage:
    return Stage(
        rule(**{"events": "server.statsz", "type": "threshold", "field": "statsz.connections", "above": 10, **keys})
    )


def play(stage: Stage, *numbers: float, step: int = 10) -> Stage:
    return stage.play(*(statsz(1 + step * n, connections=number) for n, number in enumerate(numbers)))


@pytest.mark.parametrize(
    ("keys", "numbers", "story"),
    [
        ({}, (10,), []),  # strictly above
        ({}, (11, 10), [(1.0, "firing"), (11.0, "resolved")]),
        ({"clear": 5}, (11, 10, 6, 5), [(1.0, "firing"), (31.0, "resolved")]),
        ({"above": None, "below": 3}, (3, 2, 3), [(11.0, "firing"), (21.0, "resolved")]),
        ({"above": None, "below": 3, "clear": 5}, (2, 4, 5), [(1.0, "firing"), (21.0, "resolved")]),
        ({"for_": "20s"}, (11, 11, 11), [(21.0, "firing")]),  # the first measurement at least `for` after the first
        ({"for_": "15s"}, (11, 11, 11), [(21.0, "firing")]),
        ({"for_": "20s"}, (11, 10, 11, 11), []),
        ({"keep_firing_for": "15s"}, (11, 10, 11, 10, 10, 10), [(1.0, "firing"), (46.0, "resolved")]),
    ],
)
def test_limits(keys: dict[str, Any], numbers: tuple[float, ...], story: list[tuple[float, str]]) -> None:
    given = {name: value for name, value in keys.items() if value is not None}
    if "above" in keys:
        base = {"events": "server.statsz", "type": "threshold", "field": "statsz.connections"}
        stage = Stage(rule(**base, **given))
    else:
        stage = limit(**given)

    assert play(stage, *numbers).wait(80).story == story


def test_for_is_not_fulfilled_by_time_alone() -> None:
    assert play(limit(for_="5s"), 11).wait(60).story == []


def test_no_data_ends_it_after_three_intervals_and_ninety_seconds_at_least() -> None:
    stage = play(limit(), 11, 11).wait(1000)

    assert stage.decisions == [
        Decision(1.0, "firing", value=11.0),
        Decision(101.0, "resolved", value=11.0, reason="no data"),
    ]


def test_a_slow_series_is_stale_after_three_of_its_own_intervals() -> None:
    assert play(limit(), 11, 11, step=60).wait(1000).story[-1] == (241.0, "resolved")


def test_staleness_stands_still_while_blind() -> None:
    stage = play(limit(), 11).play(Blind(at(2)), Sight(at(500))).wait(1000)

    assert stage.story == [(1.0, "firing"), (589.0, "resolved")]


@pytest.mark.parametrize("kind", ["SHUTDOWN", "LAMEDUCK"])
def test_a_server_that_says_goodbye_has_no_measurement_any_more(kind: str) -> None:
    stage = play(limit(), 11).play(goodbye(5, kind=kind))

    assert stage.decisions[-1] == Decision(5.0, "resolved", value=11.0, reason="no data")


def test_any_series_counts_and_the_value_is_the_worst() -> None:
    stage = limit()
    stage.play(
        statsz(1, "a", "A", connections=11), statsz(2, "b", "B", connections=30), statsz(3, "a", "A", connections=1)
    )
    facts = next(iter(stage.engine._alerts.values()))()

    assert (stage.story, facts.tally.value) == ([(1.0, "firing")], 30.0)


def test_sum_over_adds_the_series_up_first() -> None:
    stage = limit(sum_over="server.name")
    stage.play(statsz(1, "a", "A", connections=6), statsz(2, "b", "B", connections=5))

    assert stage.decisions == [Decision(2.0, "firing", value=11.0)]


def test_of_compares_a_share_and_skips_what_has_none() -> None:
    stage = Stage(
        rule(events="server.statsz", type="threshold", field="statsz.cpu", of="statsz.cores", above="90%"),
    )
    stage.play(statsz(1, cpu=95.0, cores=0), statsz(2, cpu=95.0), statsz(3, cpu=1.0, cores=1))

    assert stage.decisions == [Decision(3.0, "firing", value=100.0)]
