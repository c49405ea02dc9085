"""The tree of routes at work: groups of several routes, what is inherited, and what an edit of the tree keeps."""

from typing import Any

import msgspec
import pytest

from bridge import group as groups
from bridge.inputs import Happening
from bridge.route import Node, Route, Tree
from bridge.rule import Rule
from bridge.setup import Setup
from bridge.values import DAY, HOUR, MINUTE, SECOND
from tests.core.audience import OPS, PAGER, Audience
from tests.core.disk import restarted
from tests.core.stage import at, rule
from tests.core.test_groups import brief, lost, once
from tests.core.test_muting import stage_of, wanted

BOTH: dict[str, Any] = {
    "routes": [
        {"matchers": ['client_name =~ "x|y"'], "receiver": "pager", "group_wait": "0s", "continue": True},
        {"matchers": ["alertname = Lost"], "group_by": ["client_name"], "group_interval": "2m"},
    ]
}
"""x and y go to the pager at once, and like all others to ops, each by itself."""


def nodes(**keys: Any) -> list[Node]:
    return Tree(Route.model_validate({"receiver": "top", **keys})).root.match({"severity": "critical", "team": "db"})


# -- the tree ----------------------------------------------------------------------------------------------------------


def test_a_route_inherits_all_but_matchers_and_time_intervals() -> None:
    (node,) = nodes(
        group_by=["team"],
        group_wait="1s",
        group_interval="2s",
        repeat_interval="3s",
        repeat_backoff={},
        routes=[{"routes": [{"matchers": ["team = db"]}], "mute_time_intervals": ["nights"], "receiver": "mid"}],
    )

    assert (node.receiver, node.group_by, node.mute) == ("mid", ("team",), ())
    assert (node.group_wait, node.group_interval, node.repeat_interval) == (SECOND, 2 * SECOND, 3 * SECOND)
    assert node.repeat_backoff is not None
    assert node.key == '{}/{}/{team="db"}'


def test_an_empty_group_by_is_one_group_and_no_inheritance() -> None:
    (node,) = nodes(group_by=["team"], routes=[{"group_by": []}])

    assert node.group_by == ()


def test_routes_with_the_same_matchers_and_receiver_have_groups_of_their_own() -> None:
    first, second = nodes(routes=[{"continue": True}, {"group_by": []}])
    labels = {"alertname": "A"}

    assert first.place(labels, own=False).id != second.place(labels, own=False).id


def test_reminders_slow_down_up_to_a_limit() -> None:
    (node,) = nodes(repeat_interval="1h", repeat_backoff={"factor": 3, "max": "1d"})

    assert [node.repeat_after(reminders) for reminders in range(5)] == [HOUR, 3 * HOUR, 9 * HOUR, DAY, DAY]
    assert node.repeat_after(10_000) == DAY
    (plain,) = nodes(repeat_interval="1h")
    assert plain.repeat_after(7) == HOUR


def test_a_limit_below_the_interval_does_not_hasten_reminders() -> None:
    (node,) = nodes(repeat_interval="2h", repeat_backoff={"max": "1h"})

    assert node.repeat_after(3) == 2 * HOUR


# -- groups of several routes ------------------------------------------------------------------------------------------


def test_an_alert_is_told_by_each_route_that_takes_it() -> None:
    stage = stage_of(route=BOTH).goes(1, "x").goes(2, "z").comes(30, "x").upto(400)

    assert brief(stage.messages(PAGER)) == [(1, "first", [("x", "firing")]), (61, "resolved", [("x", "resolved")])]
    assert brief(stage.messages(OPS)) == [
        (11, "first", [("x", "firing")]),
        (12, "first", [("z", "firing")]),
        (131, "resolved", [("x", "resolved")]),
    ]


def test_reminders_follow_the_backoff() -> None:
    stage = stage_of(route={"repeat_interval": "2m", "repeat_backoff": {"factor": 2, "max": "6m"}}).goes(1).upto(1400)

    assert [when for when, _, _ in brief(stage.messages())] == [11, 131, 371, 731, 1091]


def test_equal_one_offs_are_counted_in_each_group() -> None:
    stage = stage_of(once(alert="Lost"), route=BOTH).goes(1, "x").goes(2, "x").goes(3, "x").upto(400)

    assert [message.alerts[0].count for message in stage.messages(PAGER)] == [1, 2]  # The first one did not wait.
    assert [message.alerts[0].count for message in stage.messages(OPS)] == [3]


def test_an_alert_about_the_bridge_is_routed_like_any_other_but_does_not_wait() -> None:
    own = rule(alert="BridgeWrong", events="bridge.wrong_account", labels={"severity": "critical"})
    route = {"routes": [{"matchers": ["severity = critical"], "receiver": "pager", "group_wait": "30s"}]}
    stage = stage_of(own, route=route)
    stage.play(Happening("wrong_account", {"reason": "so"}, at(5)))

    assert [(when, reason) for when, reason, _ in brief(stage.upto(60).messages(PAGER))] == [(5, "first")]


# -- edits -------------------------------------------------------------------------------------------------------------

TREES: list[dict[str, Any]] = [
    {},
    BOTH,
    {"group_by": ["client_name"]},
    {"routes": [{"matchers": ["client_name = x"], "group_by": ["..."]}]},
    {
        "routes": [
            {"receiver": "ops", "continue": True, "group_by": []},
            {"receiver": "pager", "group_by": ["client_name"]},
        ]
    },
    {"receiver": "pager", "routes": [{"receiver": "ops"}]},
]


def edited(stage: Audience, again: str, setup: Setup) -> tuple[Audience, int]:
    """The stage after an edit, and how many messages ops had before it."""
    if again == "reload":
        told = len(stage.messages(OPS))
        stage.reload(setup_=setup)
        return stage, told
    return restarted(stage, setup), 0


@pytest.mark.parametrize("again", ["reload", "restart"])
@pytest.mark.parametrize("after", TREES, ids=str)
@pytest.mark.parametrize("before", TREES, ids=str)
def test_ops_is_told_of_each_firing_and_each_end_once_whatever_the_edit(
    before: dict[str, Any], after: dict[str, Any], again: str
) -> None:
    """In all these trees ops is told of all alerts, by one group of each."""
    stage = stage_of(route=before).goes(1, "x").goes(2, "y").upto(200)
    stage, told = edited(stage, again, wanted(route=after))
    assert brief(stage.upto(1000).messages(OPS)[told:]) == []

    stage.comes(1000, "x").upto(1500).comes(1500, "y").upto(3000)
    ends = [each for message in stage.messages(OPS)[told:] for each in message.alerts if each.state == "resolved"]
    assert sorted(each.labels["client_name"] for each in ends) == ["x", "y"]
    assert not stage.engine.outbox.groups


@pytest.mark.parametrize("again", ["reload", "restart"])
@pytest.mark.parametrize("after", TREES, ids=str)
@pytest.mark.parametrize("before", TREES, ids=str)
def test_what_waits_is_told_after_an_edit(before: dict[str, Any], after: dict[str, Any], again: str) -> None:
    """x fires and has ended, y fires, z happened once: none of it has been told."""
    rules: list[Rule] = [lost(where=["reason = a"]), once(alert="Lost", where=["reason = b"], labels={"kind": "once"})]
    stage = stage_of(*rules, route=before)
    stage.goes(1, "x", "a").comes(2, "x").goes(3, "y", "a").goes(4, "z", "b")
    stage, told = edited(stage, again, wanted(*rules, route=after))
    stage.upto(300)
    heard = [
        (each.labels["client_name"], each.state) for message in stage.messages(OPS)[told:] for each in message.alerts
    ]

    assert sorted(heard) == [("x", "resolved"), ("y", "firing"), ("z", "event")]


def test_a_message_under_way_during_an_edit_is_not_told_again() -> None:
    stage = stage_of(route=BOTH).goes(1, "x")
    stage.down.add(OPS.key)
    stage.upto(20)
    (row,) = stage.pending(OPS)
    stage.reload(setup_=wanted(route=TREES[3]))
    stage.down.clear()
    stage.upto(500)

    assert [message.id for message in stage.messages(OPS)] == [row.id]


def test_a_group_of_the_first_versions_goes_on() -> None:
    """They knew one route only, and nothing of mutes."""
    stage = stage_of().goes(1, "x").upto(30)
    for commit in stage.commits:
        for place, row in enumerate(commit.groups):
            known = groups.load(row.id, row.due, row.body)
            body = msgspec.json.encode([known.key, known.labels, known.receiver, known.ticked, known.cursors])
            commit.groups[place] = msgspec.structs.replace(row, body=body)
    resumed = restarted(stage).upto(2000)
    assert not resumed.messages()

    assert brief(resumed.comes(2000, "x").upto(2100).messages()) == [(2051, "resolved", [("x", "resolved")])]
    assert resumed.messages()[0].created_at % MINUTE == at(11) % MINUTE  # Its ticks are where they were.
