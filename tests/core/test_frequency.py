"""The rule type `frequency`."""

from typing import Any

import pytest

from bridge.inputs import Blind, Sight
from tests.core.stage import Stage, at, login_failed, rule


def burst(**keys: Any) -> Stage:
    given = {"events": "client.auth_error", "type": "frequency", "count": 3, "within": "10s", **keys}
    return Stage(rule(**given))


@pytest.mark.parametrize(
    ("times", "story"),
    [
        ((), []),
        ((1, 2), []),
        ((1, 2, 3), [(3.0, "firing"), (11.0, "resolved")]),
        ((1, 1, 1), [(1.0, "firing"), (11.0, "resolved")]),
        ((1, 5, 10.999999), [(10.999999, "firing"), (11.0, "resolved")]),
        ((1, 5, 11), []),  # exactly `within` apart: the first one is no longer in the window
        ((1, 5, 11.000001), []),
        ((1, 2, 3, 11), [(3.0, "firing"), (12.0, "resolved")]),  # at one instant the event comes before the deadline
        ((1, 2, 3, 11.5), [(3.0, "firing"), (11.0, "resolved"), (11.5, "firing"), (12.0, "resolved")]),
    ],
)
def test_fires_with_the_event_that_makes_the_count_and_ends_when_too_few_are_left(
    times: tuple[float, ...], story: list[tuple[float, str]]
) -> None:
    stage = burst().play(*(login_failed(seconds, number=n) for n, seconds in enumerate(times)))

    assert stage.wait(100).story == story


def test_each_combination_counts_for_itself() -> None:
    stage = burst(by=["client.host"])
    stage.play(*(login_failed(n, host=f"10.0.0.{n % 2}") for n in range(1, 7)))

    assert [(decision.seconds, decision.labels) for decision in stage.decisions] == [
        (5.0, {"client_host": "10.0.0.1"}),
        (6.0, {"client_host": "10.0.0.0"}),
    ]


def test_a_pause_is_bridged_by_keep_firing_for() -> None:
    stage = burst(keep_firing_for="5s")
    stage.play(*(login_failed(seconds, number=n) for n, seconds in enumerate((1, 2, 3, 13, 14, 15))))

    assert stage.wait(100).story == [(3.0, "firing"), (28.0, "resolved")]  # gone at 23, kept until 28


def test_keep_firing_for_ends_at_its_last_instant() -> None:
    stage = burst(keep_firing_for="5s").play(*(login_failed(n) for n in (1, 2, 3)))

    assert stage.wait(100).story == [(3.0, "firing"), (16.0, "resolved")]


def test_for_waits_until_the_condition_has_held_so_long() -> None:
    stage = burst(for_="2s").play(*(login_failed(n) for n in (1, 2, 3)))

    assert stage.wait(100).story == [(5.0, "firing"), (11.0, "resolved")]


def test_for_begins_anew_after_a_break() -> None:
    stage = burst(for_="9s")
    stage.play(*(login_failed(seconds, number=n) for n, seconds in enumerate((1, 2, 3, 11.5))))

    assert stage.wait(100).story == []  # it held from 3 to 11 and from 11.5 to 12


def test_the_value_is_exact_up_to_1024_events_and_marked_beyond() -> None:
    stage = burst(count=1, within="1m")
    stage.play(*(login_failed(n / 100, number=n) for n in range(1024)))
    exact = next(iter(stage.engine._alerts.values()))()
    stage.play(login_failed(11, number=5000))
    coarse = next(iter(stage.engine._alerts.values()))()

    assert (exact.tally.value, exact.tally.approximate) == (1024.0, False)
    assert (coarse.tally.value, coarse.tally.approximate) == (1025.0, True)


def test_a_count_above_1024_is_exact() -> None:
    stage = burst(count=3000, within="1m")
    stage.play(*(login_failed(n / 100, number=n) for n in range(2999)))
    assert stage.story == []

    assert stage.play(login_failed(30)).story == [(30.0, "firing")]


def test_an_alert_whose_window_empties_while_blind_ends_once_sight_has_lasted_within() -> None:
    stage = burst().play(*(login_failed(n) for n in (1, 2, 3)))
    stage.play(Blind(at(4))).wait(60)
    assert stage.story == [(3.0, "firing")]

    assert stage.play(Sight(at(60))).wait(200).story == [(3.0, "firing"), (70.0, "resolved")]


def test_an_alert_that_goes_on_after_a_blind_span_does_not_end() -> None:
    stage = burst().play(*(login_failed(n) for n in (1, 2, 3)))
    stage.play(Blind(at(4)), Sight(at(60)), *(login_failed(n) for n in (62, 63, 64))).wait(72)

    assert stage.story == [(3.0, "firing")]


def test_for_stands_still_while_blind() -> None:
    stage = burst(for_="5s", within="1m").play(*(login_failed(n) for n in (1, 2, 3)))
    stage.play(Blind(at(4)), Sight(at(30)))

    assert stage.wait(40).story == [(34.0, "firing")]


def test_what_is_past_the_limit_is_counted_in_one_alert() -> None:
    stage = burst(by=["client.host"], limit=2, count=2)
    stage.play(*(login_failed(n, host=f"10.0.0.{n}") for n in (1, 2, 3, 4)), login_failed(5, host="10.0.0.1"))

    assert [(decision.seconds, decision.labels) for decision in stage.decisions] == [
        (4.0, {"overflow": "true"}),
        (5.0, {"client_host": "10.0.0.1"}),
    ]
