"""The rule type `cardinality` with `below`: what is forgotten, and what is known of more values than are kept."""

from typing import Any

import pytest

from bridge.inputs import Blind, Sight
from bridge.rule import Rule
from bridge.values import DAY, SECOND
from tests.core.disk import restarted
from tests.core.stage import Decision, Stage, at, connected, login_failed, rule, setup

WEEK = 7 * DAY / SECOND
N1 = {"server_name": "n1"}


def fewer(**keys: Any) -> Rule:
    given = {"events": "client.auth_error", "type": "cardinality", "field": "client.user", "within": "10s", "below": 2}
    return rule(**{**given, **keys})


def seldom(*rules: Rule) -> Stage:
    """A group looks at its alerts once a day only, so that a week is short."""
    return Stage(setup_=setup(*rules, route={"group_interval": "1d"}))


def test_what_was_silent_for_a_week_is_forgotten() -> None:
    stage = seldom(fewer(by=["server.name"])).play(login_failed(5)).wait(WEEK + 15)
    assert [decision.state for decision in stage.decisions] == ["firing"]
    stage.wait(WEEK + 15.000001)

    assert stage.decisions[1:] == [Decision(WEEK + 15, "resolved", N1, 0, "forgotten")]
    assert not [row for row in stage.engine.drain(everything=True).states if "n1" in row.key]


def test_what_comes_within_the_week_is_not_forgotten() -> None:
    stage = seldom(fewer(by=["server.name"])).play(login_failed(5)).wait(WEEK).play(login_failed(WEEK))

    assert [decision.state for decision in stage.wait(2 * WEEK).decisions] == ["firing"]


def test_nothing_is_forgotten_while_blind() -> None:
    stage = seldom(fewer(by=["server.name"])).play(login_failed(5), Blind(at(WEEK + 15)))

    assert [decision.state for decision in stage.wait(2 * WEEK).decisions] == ["firing"]


def test_without_by_there_is_nothing_to_forget() -> None:
    assert [decision.state for decision in seldom(fewer()).wait(2 * WEEK).decisions] == ["firing"]


@pytest.mark.parametrize("limit", [1023, 1024])
def test_the_condition_is_exact_up_to_the_highest_limit(limit: int) -> None:
    """All come twice but for the last one, which is the first to leave."""
    stage = Stage(fewer(below=None, above=limit, within="1h"))
    stage.play(*(login_failed(1 + n / 1000, user=f"user {n}", number=n) for n in range(limit + 1)))
    assert [decision.seconds for decision in stage.decisions] == [pytest.approx(1 + limit / 1000)]
    stage.play(*(login_failed(1000 + n / 1000, user=f"user {n}", number=n) for n in range(limit)))

    end = 3600 + 1 + limit / 1000
    assert [decision.state for decision in stage.wait(end).decisions] == ["firing"]
    assert [(each.seconds, each.state) for each in stage.wait(end + 1).decisions[1:]] == [(end, "resolved")]


def test_beyond_that_the_value_is_an_estimate_that_says_so_and_survives_a_restart() -> None:
    many = fewer(below=None, above=1024, within="1h", resolve_on={"events": "client.connect"})
    stage = Stage(many).play(*(login_failed(1 + n / 100, user=f"user {n % 2500}", number=n) for n in range(6000)))
    stage = restarted(stage).play(Sight(stage.engine.watch.t), connected(90, "x"))
    (change,) = stage.changes.values()

    assert change.facts.tally.approximate
    assert change.facts.tally.value == pytest.approx(2500, rel=0.25)
