"""The rule type `increase`."""

from typing import Any

import pytest

from bridge.inputs import Blind, Sight
from tests.core.stage import Decision, Stage, at, rule, statsz


def rise(**keys: Any) -> Stage:
    return Stage(
        rule(
            **{"events": "server.statsz", "type": "increase", "field": "statsz.slow_consumers", "within": "60s", **keys}
        )
    )


def test_the_first_measurement_is_no_step() -> None:
    assert rise().play(statsz(1, slow_consumers=50)).wait(500).story == []


def test_a_rise_is_told_with_its_size_and_ends_when_it_leaves_the_window() -> None:
    stage = rise().play(statsz(1, slow_consumers=5), statsz(11, slow_consumers=8)).wait(500)

    assert stage.decisions == [Decision(11.0, "firing", value=3.0), Decision(71.0, "resolved", value=3.0)]


def test_steps_in_several_measurements_are_one_alert() -> None:
    stage = rise().play(*(statsz(1 + 10 * n, slow_consumers=n) for n in range(4)))

    assert stage.story == [(11.0, "firing")]
    assert stage.engine.outbox.groups
    assert stage.wait(500).decisions[-1] == Decision(91.0, "resolved", value=1.0)


@pytest.mark.parametrize(
    ("second", "value"),
    [
        (statsz(11, slow_consumers=2, process="P2"), 2.0),  # a new process counts from zero
        (statsz(11, slow_consumers=9, process="P2"), 9.0),
        (statsz(11, slow_consumers=7, seq=5), None),  # late: an older number of the same process
        (statsz(11, slow_consumers=5), None),
    ],
)
def test_a_restart_counts_from_zero_and_a_late_message_not_at_all(second: Any, value: float | None) -> None:
    stage = rise().play(statsz(1, slow_consumers=5), second)

    assert [decision.value for decision in stage.decisions] == ([value] if value is not None else [])


def test_the_steps_of_all_servers_are_added_up_without_by() -> None:
    stage = rise(above=3)
    stage.play(*(statsz(1, server=name, process=name, slow_consumers=100) for name in ("a", "b")))
    stage.play(*(statsz(11, server=name, process=name, slow_consumers=102) for name in ("a", "b")))

    assert stage.decisions == [Decision(11.0, "firing", value=4.0)]


def test_a_rise_over_a_gap_is_seen_after_it() -> None:
    stage = rise().play(statsz(1, slow_consumers=5), Blind(at(2)), Sight(at(1000)), statsz(1001, slow_consumers=6))

    assert stage.decisions == [Decision(1001.0, "firing", value=1.0)]


def test_the_step_is_exact_whatever_the_grouping_of_events() -> None:
    """The sum of steps within the window is what the server counted, in however many messages it came."""
    for numbers in ((0, 7), (0, 3, 7), (0, 1, 2, 3, 4, 5, 6, 7)):
        stage = rise().play(*(statsz(1 + n, slow_consumers=number) for n, number in enumerate(numbers)))
        facts = next(iter(stage.engine._alerts.values()))()
        assert facts.tally.value == 7.0


def test_nothing_fires_while_blind_though_a_step_leaves_the_window_then() -> None:
    """`for` ends at the very instant at which sight is lost: it is told with the sight that follows."""
    stage = rise(within="10s", for_="10s").play(statsz(0, slow_consumers=0), statsz(0, slow_consumers=1, seq=2))
    stage.play(statsz(1, slow_consumers=2), Blind(at(10))).wait(10.5)
    assert stage.story == []

    assert stage.play(Sight(at(10.5))).wait(20).story == [(10.5, "firing"), (11.0, "resolved")]
