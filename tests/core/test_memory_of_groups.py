"""What receivers remember outlives its group for a while, and changes nothing else about groups."""

from typing import Any

import pytest

from bridge.commit import OutboxRow
from bridge.inputs import Remembered
from bridge.standins import Target
from bridge.values import HOUR
from tests.core.audience import ROUTE, Audience
from tests.core.disk import restarted
from tests.core.stage import at, rule, setup
from tests.core.test_groups import brief

SLACK = Target("ops/slack/0", memory_for=HOUR)
MEMORY = {"ts": "1"}
LOST = rule(alert="Lost", events="client.disconnect", resolve_on={"events": "client.connect"}, by=["client.name"])


def remembering(target: Target = SLACK) -> Audience:
    """An alert fired at 1 s, its message was delivered and remembered; it ends at 30 s, the group after 71 s."""
    stage = Audience(LOST, targets=[target], down=[target.key]).goes(1).upto(20)
    (row,) = stage.pending(target)
    stage.play(Remembered(row.id, MEMORY, at(20)))
    stage.down.clear()
    return stage.settle(row, 20).comes(30)


def rows(stage: Audience) -> list[OutboxRow]:
    return sorted(stage.rows.values(), key=lambda row: row.created)


def test_the_same_alert_again_finds_what_was_remembered() -> None:
    stage = remembering().upto(300).goes(1000).upto(1100)

    assert [row.memory for row in rows(stage)] == [MEMORY, MEMORY, MEMORY]
    assert brief(stage.messages(SLACK))[2:] == [(1010, "first", [("x", "firing")])]


def test_later_than_that_all_is_forgotten() -> None:
    stage = remembering().upto(300)
    assert len(stage.engine.outbox.groups) == 1
    stage.upto(4000)
    assert not stage.engine.outbox.groups
    assert [group for commit in stage.commits for group in commit.groups_gone]

    stage.goes(4000).upto(4100)
    assert [row.memory for row in rows(stage)][2:] == [{}]


def test_a_group_ends_at_once_if_nothing_is_remembered_or_nobody_needs_it() -> None:
    assert not remembering(Target("ops/webhook/0")).upto(300).engine.outbox.groups
    assert not Audience(LOST, targets=[SLACK]).goes(1).comes(30).upto(300).engine.outbox.groups


@pytest.mark.parametrize("again", ["restart", "reload"])
def test_it_is_still_remembered_after_a(again: str) -> None:
    stage = remembering().upto(300)
    edited: dict[str, Any] = {**ROUTE, "group_wait": "20s"}
    if again == "restart":
        stage = restarted(stage)
    else:
        stage.reload(setup_=setup(LOST, route=edited, targets=[SLACK]))
    stage.goes(1000).upto(1100)

    assert [row.memory for row in rows(stage)][-1] == MEMORY
    assert brief(stage.messages(SLACK))[-1][1] == "first"


def test_what_stands_is_what_fires_and_was_told() -> None:
    stage = Audience(LOST, targets=[SLACK]).goes(1, "x").goes(1, "y").upto(5)
    (group,) = stage.engine.outbox.groups

    def standing() -> list[str]:
        return [view.labels["client_name"] for view in stage.engine.outbox.standing(group, SLACK.key, at(50))]

    assert standing() == []
    stage.upto(20)
    assert standing() == ["x", "y"]
    stage.goes(21, "z").comes(22, "x")
    assert standing() == ["y"]
    stage.upto(200)
    assert standing() == ["y", "z"]
    assert stage.engine.outbox.standing(group, "ops/other/0", at(200)) == []
    assert stage.engine.outbox.standing("no group", SLACK.key, at(200)) == []
