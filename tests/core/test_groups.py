"""From alerts to messages: what is told together, when, to whom, and what nobody needs to hear any more."""

from collections.abc import Iterable, Sequence
from typing import Any

import pytest

from bridge.commit import Commit, OutboxRow, Settled
from bridge.inputs import Blind, Happening, Postponed, Remembered
from bridge.notification import Notification
from bridge.rule import Rule
from bridge.setup import Setup
from bridge.standins import Target
from bridge.values import HOUR, SECOND
from tests.core.audience import OPS, PAGER, ROUTE, Audience
from tests.core.disk import restarted
from tests.core.stage import START, at, rule, setup


def lost(**keys: Any) -> Rule:
    """Fires for a client when it goes, is resolved when it comes back."""
    ends = {"resolve_on": {"events": "client.connect"}, "by": ["client.name"]}
    return rule(**{"alert": "Lost", "events": "client.disconnect", **ends, **keys})


def audience(*rules: Rule, **keys: Any) -> Audience:
    return Audience(*(rules or (lost(),)), **keys)


def brief(messages: Sequence[Notification]) -> list[tuple[float, str, list[tuple[str, str]]]]:
    """When (whole seconds), for which reason, and which client in which state."""
    return [
        (
            (message.created_at - START) // SECOND,
            message.reason,
            [(alert.labels.get("client_name", ""), alert.state) for alert in message.alerts],
        )
        for message in messages
    ]


# -- when a group is told ----------------------------------------------------------------------------------------------


def test_group_wait_collects_what_belongs_together() -> None:
    stage = audience().goes(1, "x").goes(5, "y").goes(10.9, "z").upto(60)

    assert brief(stage.messages()) == [(11, "first", [("x", "firing"), ("y", "firing"), ("z", "firing")])]


def test_what_is_new_after_the_first_message_waits_for_the_next_tick_of_group_interval() -> None:
    stage = audience().goes(1, "x").goes(12, "y").goes(50, "z").upto(200)

    assert brief(stage.messages())[1:] == [(71, "new alerts", [("x", "firing"), ("y", "firing"), ("z", "firing")])]


def test_a_tick_with_nothing_new_says_nothing() -> None:
    assert len(audience().goes(1).upto(3000).messages()) == 1


def test_a_reminder_comes_with_the_first_tick_after_repeat_interval() -> None:
    stage = audience(route={"repeat_interval": "90s"}).goes(1).upto(400)

    assert [(when, reason) for when, reason, _ in brief(stage.messages())] == [
        (11, "first"),
        (131, "reminder"),  # ticks at 71, 131, …
        (251, "reminder"),
        (371, "reminder"),
    ]
    assert [message.reminder for message in stage.messages()] == [0, 1, 2, 3]


def test_news_put_the_reminder_off() -> None:
    stage = audience(route={"repeat_interval": "3m"}).goes(1, "x").goes(100, "y").upto(340)

    assert [(when, reason) for when, reason, _ in brief(stage.messages())] == [
        (11, "first"),
        (131, "new alerts"),
        (311, "reminder"),
    ]


def test_reminders_count_from_one_again_after_news() -> None:
    stage = audience(route={"repeat_interval": "1m"}).goes(1, "x").upto(200).goes(200, "y").upto(320)

    assert [message.reminder for message in stage.messages()] == [0, 1, 2, 3, 0, 1]


def test_the_end_is_told_with_the_next_tick_and_then_nothing_any_more() -> None:
    stage = audience().goes(1).comes(30).upto(10_000)

    assert brief(stage.messages()) == [(11, "first", [("x", "firing")]), (71, "resolved", [("x", "resolved")])]
    assert [message.status for message in stage.messages()] == ["firing", "resolved"]
    assert not stage.engine.outbox.groups
    assert not stage.engine.outbox.rows


def test_status_is_firing_while_any_alert_fires() -> None:
    stage = audience().goes(1, "x").goes(2, "y").comes(30, "x").upto(100)

    assert brief(stage.messages())[1:] == [(71, "resolved", [("y", "firing"), ("x", "resolved")])]
    assert stage.messages()[1].status == "firing"


def test_what_fired_and_ended_before_the_first_message_is_told_as_ended() -> None:
    stage = audience().goes(1).comes(5).upto(100)

    assert brief(stage.messages()) == [(11, "first", [("x", "resolved")])]
    assert stage.messages()[0].status == "resolved"


def test_what_fired_and_ended_between_two_messages_is_told_as_ended() -> None:
    stage = audience().goes(1, "x").goes(20, "y").comes(25, "y").upto(100)

    assert brief(stage.messages())[1:] == [(71, "resolved", [("x", "firing"), ("y", "resolved")])]


def test_what_fires_again_within_an_interval_is_a_new_alert_and_no_end() -> None:
    """One message holds an alert in one state only: the one that it is in."""
    stage = audience().goes(1).comes(20).goes(30).upto(100).comes(110).upto(200)

    assert brief(stage.messages()) == [
        (11, "first", [("x", "firing")]),
        (71, "new alerts", [("x", "firing")]),
        (131, "resolved", [("x", "resolved")]),
    ]
    first, again, end = (message.alerts[0] for message in stage.messages())
    assert first.id != again.id == end.id
    assert again.starts_at == at(30)


def test_a_group_that_was_over_waits_anew() -> None:
    stage = audience().goes(1).comes(2).upto(1000).goes(1000).upto(1100)

    assert brief(stage.messages())[-1] == (1010, "first", [("x", "firing")])


def test_reminders_go_on_while_nats_is_not_heard() -> None:
    """Silence of the bridge is no news about the alert: it is still the last that is known."""
    stage = audience(route={"repeat_interval": "1m"}).goes(1).upto(20)
    stage.play(Blind(at(20)))

    assert len(stage.upto(200).messages()) == 4


# -- to whom -----------------------------------------------------------------------------------------------------------


def test_each_destination_is_told_at_its_own_pace() -> None:
    stage = audience(targets=(OPS, PAGER), down=[PAGER.key])
    stage.goes(1, "x").goes(20, "y").comes(80, "x").upto(200)

    assert [states for _, _, states in brief(stage.messages(OPS))] == [
        [("x", "firing")],
        [("x", "firing"), ("y", "firing")],
        [("y", "firing"), ("x", "resolved")],
    ]
    assert [states for _, _, states in brief(stage.messages(PAGER))] == [[("x", "firing")]]


def test_two_hours_of_outage_end_in_one_message() -> None:
    stage = audience(down=[OPS.key]).goes(1, "x")
    for n in range(120):
        stage.goes(60 * n + 30, f"c{n}").comes(60 * n + 45, f"c{n}")
    stage.goes(7250, "y").upto(7300)
    assert len(stage.messages()) == 1

    (row,) = stage.pending()
    stage.settle(row, 7300)
    assert len(stage.messages()) == 2  # What was missed is told at once, not at the next tick.
    assert stage.messages()[1].created_at == at(7300)
    states = [state for _, _, states in brief(stage.messages()[1:]) for state in states]
    assert states[:2] == [("x", "firing"), ("y", "firing")]
    assert set(states[2:]) == {(f"c{n}", "resolved") for n in range(120)}


def test_a_message_under_way_is_the_only_one_for_its_group_and_destination() -> None:
    stage = audience(targets=(OPS, PAGER), down=[OPS.key, PAGER.key], route={"group_by": ["client_name"]})
    for n in range(60):
        stage.goes(30 * n + 1, "xyz"[n % 3])
        stage.comes(30 * n + 15, "xyz"[n % 3])
        pending = [(row.group, row.destination) for row in stage.engine.outbox.rows.values()]
        assert len(set(pending)) == len(pending)


def test_after_a_delivery_nothing_is_told_at_once_unless_a_tick_was_missed() -> None:
    stage = audience(down=[OPS.key]).goes(1, "x").upto(15).goes(20, "y")
    stage.settle(stage.pending()[0], 30)

    assert not stage.pending()
    assert brief(stage.upto(80).messages())[1:] == [(71, "new alerts", [("x", "firing"), ("y", "firing")])]


def test_the_end_of_what_nobody_heard_of_is_not_told() -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    stage.settle(stage.pending()[0], 20, "dead").comes(30).upto(1000)

    assert [reason for _, reason, _ in brief(stage.messages())] == ["first"]


def test_a_message_that_died_is_told_again_as_a_reminder_and_then_its_end_is_told() -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    stage.settle(stage.pending()[0], 20, "dead")
    stage.down.clear()
    stage.upto(3700).comes(3700).upto(4000)

    assert [(when, reason) for when, reason, _ in brief(stage.messages())] == [
        (11, "first"),
        (3611, "reminder"),
        (3731, "resolved"),
    ]


def test_one_destination_that_died_does_not_change_what_another_is_told() -> None:
    stage = audience(targets=(OPS, PAGER), down=[OPS.key]).goes(1).upto(20)
    stage.settle(stage.pending(OPS)[0], 20, "dead").comes(30).upto(200)

    assert len(stage.messages(OPS)) == 1
    assert [reason for _, reason, _ in brief(stage.messages(PAGER))] == ["first", "resolved"]


def test_a_destination_without_send_resolved_hears_no_ends() -> None:
    stage = audience(targets=(OPS, Target(PAGER.key, send_resolved=False)))
    stage.goes(1, "x").goes(2, "y").comes(30, "x").upto(100).goes(100, "z").comes(140, "y").comes(141, "z").upto(1000)

    assert [states for _, _, states in brief(stage.messages(PAGER))] == [
        [("x", "firing"), ("y", "firing")],
        [("y", "firing"), ("z", "firing")],
    ]
    assert not stage.engine.outbox.groups


def test_a_message_to_nobody_leaves_nothing_behind() -> None:
    """A receiver without destinations takes alerts and tells no one."""
    stage = audience(targets=()).goes(1).goes(2, "y").comes(100).comes(101, "y").upto(1000)

    assert not stage.rows
    assert not stage.engine.outbox.groups


# -- which group -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("group_by", "groups"),
    [
        (["..."], [{"client_name": "x"}, {"client_name": "y"}]),
        ([], [{}]),
        (["client_name"], [{"client_name": "x"}, {"client_name": "y"}]),
        (["cluster"], [{}]),  # A label that no alert has.
        (["client_name", "cluster"], [{"client_name": "x"}, {"client_name": "y"}]),
    ],
)
def test_group_by(group_by: list[str], groups: list[dict[str, str]]) -> None:
    stage = audience(route={"group_by": group_by}).goes(1, "x").goes(2, "y").upto(30)
    told = [
        {name: text for name, text in message.group_labels.items() if name != "alertname"}
        for message in stage.messages()
    ]

    assert sorted(told, key=str) == groups


def test_alerts_about_the_bridge_do_not_wait_and_keep_to_themselves() -> None:
    own = rule(alert="Wrong", events="bridge.wrong_account", resolve_on={"events": "bridge.nats_reconnected"})
    stage = audience(lost(by=[]), own, route={"group_by": []}).goes(5)
    stage.play(Happening("wrong_account", {"reason": "so"}, at(6)))
    stage.upto(60)

    assert [(when, len(states)) for when, _, states in brief(stage.messages())] == [(6, 1), (15, 1)]
    assert [message.about_bridge for message in stage.messages()] == [True, False]


# -- one-offs ----------------------------------------------------------------------------------------------------------


def once(**keys: Any) -> Rule:
    return rule(**{"alert": "Gone", "events": "client.disconnect", "by": ["client.name"], **keys})


def test_equal_one_offs_are_one_line_with_a_count() -> None:
    stage = audience(once(annotations={"summary": "{{ value }} times: {{ top('reason', 3) }}"}))
    stage.goes(1, "x", "A").goes(2, "x", "B").goes(3, "x", "B").goes(4, "y", "C").upto(100)
    (message,) = stage.messages()

    assert [(alert.labels["client_name"], alert.count, alert.value, alert.last_seen) for alert in message.alerts] == [
        ("x", 3, 3.0, at(3)),
        ("y", 1, 1.0, at(4)),
    ]
    assert message.alerts[0].annotations["summary"].startswith("3 times: B")
    assert message.status == "event"


def test_one_offs_after_a_message_are_new_lines() -> None:
    stage = audience(once()).goes(1).goes(2).goes(20).goes(21).upto(200)

    assert [message.alerts[0].count for message in stage.messages()] == [2, 2]
    assert len({message.alerts[0].id for message in stage.messages()}) == 2


def test_one_offs_that_one_destination_missed_are_told_to_it_merged() -> None:
    stage = audience(once(), targets=(OPS, PAGER), down=[PAGER.key])
    stage.goes(1).upto(15).goes(20).upto(75).goes(80).upto(140)
    stage.settle(stage.pending(PAGER)[0], 140)

    assert [message.alerts[0].count for message in stage.messages(OPS)] == [1, 1, 1]
    assert [message.alerts[0].count for message in stage.messages(PAGER)] == [1, 2]


def test_what_was_counted_on_is_on_disk_as_well() -> None:
    """A commit between two equal one-offs: the second one changes the line that is already written."""
    stage = audience(once()).goes(1).goes(2).goes(3)
    resumed = restarted(stage)
    resumed.upto(30)

    assert [message.alerts[0].count for message in resumed.messages()] == [3]


def test_one_offs_beside_alerts_have_the_status_of_these() -> None:
    stage = audience(lost(alert="Same"), once(alert="Same", by=["reason"], labels={"kind": "one-off"})).goes(1).upto(30)
    (message,) = stage.messages()

    assert message.status == "firing"
    assert [alert.state for alert in message.alerts] == ["firing", "event"]
    # A one-off is never told again, whatever its group does.
    assert [alert.state for message in stage.upto(4000).messages()[1:] for alert in message.alerts] == ["firing"]


# -- restart and reload ------------------------------------------------------------------------------------------------


def test_a_message_has_the_same_id_whatever_happens_in_between() -> None:
    straight = audience().goes(1).upto(30)
    broken = restarted(audience().goes(1)).upto(30)

    assert [row.id for row in straight.rows.values()] == [row.id for row in broken.rows.values()]


def test_every_message_has_an_id_of_its_own() -> None:
    stage = audience(targets=(OPS, PAGER), route={"repeat_interval": "1m"})
    stage.goes(1).upto(300).comes(300).upto(400).goes(400).upto(600).goes(600, "y").upto(1000)
    written = [row for commit in stage.commits for row in commit.rows]

    assert len({row.id for row in written}) == len(written) > 10


def test_a_restart_tells_nothing_twice() -> None:
    stage = audience().goes(1).upto(30)
    resumed = restarted(stage).upto(3000)

    assert not resumed.messages()
    assert brief(resumed.comes(3000).upto(3100).messages()) == [(3011, "resolved", [("x", "resolved")])]


def test_a_group_keeps_its_tick_over_a_restart() -> None:
    stage = audience().goes(1)

    assert brief(restarted(stage, seconds=8).upto(100).messages()) == [(11, "first", [("x", "firing")])]
    # What was due while it was down is due at once.
    assert brief(restarted(stage, seconds=50).upto(100).messages()) == [(11, "first", [("x", "firing")])]


def test_a_tick_that_was_missed_while_a_message_was_under_way_survives_a_restart() -> None:
    stage = audience(down=[OPS.key]).goes(1, "x").upto(15).goes(20, "y").upto(80)
    resumed = restarted(stage)
    (row,) = resumed.pending()
    resumed.settle(row, 90)

    assert brief(resumed.messages()) == [(90, "new alerts", [("x", "firing"), ("y", "firing")])]


def test_a_message_that_was_damaged_on_disk_is_told_again_with_the_same_id() -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    (row,) = stage.pending()
    stage.commits.append(without(stage, row))
    resumed = restarted(stage).upto(200)

    assert [each.id for each in resumed.pending()] == [row.id]


def without(stage: Audience, row: OutboxRow) -> Commit:
    """A commit after which the disk lacks a row, as if it could not be read."""
    commit = stage.engine.drain()
    commit.settled = [Settled(row.id, "dead", stage.engine.watch.t)]
    return commit


def other(*rules: Rule, targets: Iterable[Target] = (OPS,), **route: Any) -> Setup:
    return setup(*(rules or (lost(),)), route={**ROUTE, **route}, targets=targets)


EDITS = [
    {"group_by": ["client_name"]},
    {"group_by": ["..."]},
    {"group_by": []},
    {"group_wait": "1s", "group_interval": "30s", "repeat_interval": "2h"},
]


@pytest.mark.parametrize("again", ["reload", "restart"])
@pytest.mark.parametrize("route", EDITS, ids=str)
def test_an_edit_of_the_route_tells_nothing_twice_and_loses_no_end(route: dict[str, Any], again: str) -> None:
    stage = audience().goes(1, "x").goes(2, "y").upto(30)
    edited = other(**route)
    if again == "reload":
        stage.reload(setup_=edited)
        resumed, told = stage, len(stage.messages())
    else:
        resumed, told = restarted(stage, edited), 0
    resumed.upto(1000)
    assert len(resumed.messages()) == told

    resumed.comes(1000, "x").upto(1200)
    assert [states for _, _, states in brief(resumed.messages()[told:])][-1][-1] == ("x", "resolved")
    resumed.comes(1200, "y").upto(2000)
    assert not resumed.engine.outbox.groups


@pytest.mark.parametrize("again", ["reload", "restart"])
def test_what_waits_for_its_first_message_moves_with_an_edit_of_the_route(again: str) -> None:
    events = once(alert="Lost", by=["reason"], labels={"kind": "one-off"})
    stage = audience(lost(), events).goes(1, "x")
    edited = other(lost(), events, group_by=["client_name"])
    if again == "reload":
        stage.reload(setup_=edited)
        resumed = stage
    else:
        resumed = restarted(stage, edited)
    resumed.upto(100)

    assert sorted(states for _, _, states in brief(resumed.messages())) == [[("", "event")], [("x", "firing")]]


@pytest.mark.parametrize("again", ["reload", "restart"])
def test_a_message_under_way_is_not_told_anew_when_the_route_is_edited(again: str) -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    (row,) = stage.pending()
    edited = other(group_by=["client_name"])
    if again == "reload":
        stage.reload(setup_=edited)
        resumed = stage
    else:
        resumed = restarted(stage, edited)
    resumed.down.clear()
    resumed.upto(500)
    assert [each.id for each in resumed.messages() if each.id != row.id] == []

    resumed.comes(500).upto(700)
    assert [states for _, _, states in brief(resumed.messages())][-1] == [("x", "resolved")]


@pytest.mark.parametrize("again", ["reload", "restart"])
def test_what_waits_for_a_removed_destination_ends_as_dead(again: str) -> None:
    stage = audience(targets=(OPS, PAGER), down=[PAGER.key]).goes(1).upto(20)
    (row,) = stage.pending(PAGER)
    edited = other()
    if again == "reload":
        stage.reload(setup_=edited)
        resumed = stage
    else:
        resumed = restarted(stage, edited)
    settled = [each for commit in resumed.commits for each in commit.settled if each.id == row.id]

    assert [(each.outcome, "removed" in each.detail) for each in settled] == [("dead", True)]
    assert not resumed.engine.outbox.rows


def test_a_destination_that_is_new_is_told_of_what_fires() -> None:
    stage = audience().goes(1).upto(30)
    stage.reload(setup_=other(targets=(OPS, PAGER)))
    stage.upto(200)

    assert [states for _, _, states in brief(stage.messages(PAGER))] == [[("x", "firing")]]
    assert len(stage.messages(OPS)) == 1


# -- what workers report -----------------------------------------------------------------------------------------------


def test_what_a_receiver_remembers_comes_with_the_next_message_of_the_group() -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    (row,) = stage.pending()
    stage.play(Remembered(row.id, {"ts": "1"}, at(20)), Remembered(row.id, {"channel": "C"}, at(20)))
    stage.settle(row, 21).comes(30).upto(100)
    (end,) = stage.pending()

    assert end.memory == {"ts": "1", "channel": "C"}
    assert restarted(stage).pending()[0].memory == {"ts": "1", "channel": "C"}


def test_a_try_that_failed_keeps_what_is_remembered_since() -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    (row,) = stage.pending()
    stage.play(Remembered(row.id, {"ts": "1"}, at(20)), Postponed(row, at(21)))

    assert stage.pending()[0].memory == {"ts": "1"}


def test_what_comes_too_late_about_a_message_is_ignored() -> None:
    stage = audience(down=[OPS.key]).goes(1).upto(20)
    (row,) = stage.pending()
    stage.settle(row, 20)
    stage.play(Settled(row.id, "dead", at(21)), Postponed(row, at(21)), Remembered(row.id, {"a": 1}, at(21)))

    assert not stage.pending()
    assert [each.outcome for commit in stage.commits for each in commit.settled] == ["delivered"]


def test_a_message_that_is_given_up_is_told_by_the_bridge_unless_it_is_about_the_bridge() -> None:
    failed = rule(alert="Failed", events="bridge.delivery_failed", by=["destination"])
    stage = audience(lost(), failed, down=[OPS.key]).goes(1).upto(20)
    stage.settle(stage.pending()[0], 20, "dead")
    stage.upto(30)
    (own,) = stage.pending()
    assert own.notification.about_bridge
    assert own.notification.alerts[0].labels == {"alertname": "Failed", "destination": OPS.key}

    stage.settle(own, 40, "dead").upto(5000)
    assert len([message for message in stage.messages() if message.about_bridge]) == 1


def test_rows_expire_when_the_operator_wants_to_give_up() -> None:
    (row,) = audience(down=[OPS.key]).goes(1).upto(20).pending()

    assert row.expires - row.created == 72 * HOUR
