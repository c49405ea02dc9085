"""The rule type `flatline`."""

from typing import Any

from bridge.inputs import Blind, Sight
from tests.core.stage import Decision, Stage, at, goodbye, rule, statsz


def silence(**keys: Any) -> Stage:
    return Stage(
        rule(**{"events": "server.statsz", "type": "flatline", "within": "20s", "by": ["server.name"], **keys})
    )


def test_what_was_never_seen_is_not_missed() -> None:
    assert silence().wait(1000).story == []


def test_what_was_seen_is_missed_after_within_and_comes_back() -> None:
    stage = silence().play(statsz(1), statsz(11)).wait(100).play(statsz(101)).wait(110)

    assert stage.decisions == [
        Decision(31.0, "firing", {"server_name": "n1"}, 20.0),
        Decision(101.0, "resolved", {"server_name": "n1"}, 90.0),
    ]


def test_an_event_at_the_last_instant_comes_in_time() -> None:
    assert silence().play(statsz(1), statsz(21), statsz(41)).wait(61).story == []


def test_what_is_expected_counts_as_seen_when_the_rule_is_loaded() -> None:
    stage = silence(expect=[{"server.name": "n7"}])

    assert stage.wait(100).decisions == [Decision(20.0, "firing", {"server_name": "n7"}, 20.0)]


def test_the_clock_stands_still_while_blind() -> None:
    stage = silence().play(statsz(1), Blind(at(6)), Sight(at(100)))

    assert stage.wait(200).story == [(115.0, "firing")]


def test_a_planned_silence_is_told_later_and_as_planned() -> None:
    stage = silence(unless={"events": "server.shutdown", "for": "60s"}).play(statsz(1), goodbye(5)).wait(200)

    assert stage.decisions == [Decision(65.0, "firing", {"server_name": "n1"}, 64.0, "planned, but not back")]


def test_a_restart_in_time_is_not_told() -> None:
    stage = silence(unless={"events": "server.shutdown", "for": "60s"})
    stage.play(statsz(1), goodbye(5), statsz(50, process="P2"))

    assert stage.wait(70).story == []


def test_intervals_follow_the_version_of_the_server() -> None:
    stage = silence(within="3 intervals").play(statsz(1))

    assert stage.wait(100).story == [(31.0, "firing")]


def test_what_does_not_come_back_is_forgotten() -> None:
    stage = silence(forget_after="1m").play(statsz(1)).wait(200)

    assert [(d.seconds, d.state, d.reason) for d in stage.decisions] == [
        (21.0, "firing", ""),
        (61.0, "resolved", "forgotten"),
    ]
    assert not any(evaluation.states for evaluation in stage.engine._rules.by_id.values())


def test_what_is_forgotten_is_not_kept_firing() -> None:
    stage = silence(forget_after="1m", keep_firing_for="1h").play(statsz(1)).wait(200)

    assert stage.story == [(21.0, "firing"), (61.0, "resolved")]


def test_a_second_silence_while_the_first_is_kept_firing_is_the_same_alert() -> None:
    stage = silence(keep_firing_for="1m").play(statsz(1)).wait(50).play(statsz(50)).wait(200)
    stage.play(statsz(200)).wait(219).play(statsz(219), statsz(238), statsz(257)).wait(277)

    assert stage.story == [(21.0, "firing"), (260.0, "resolved")]


def test_the_latest_event_is_known_to_templates() -> None:
    stage = silence(annotations={"summary": "it had {{ event.statsz.connections }} connections"})
    stage.play(statsz(1, connections=7)).wait(30)
    (row,) = stage.rows.values()

    assert row.notification.alerts[0].annotations == {"summary": "it had 7 connections"}


def test_a_full_rule_does_not_watch_more_and_says_so() -> None:
    stage = Stage(
        rule(events="server.statsz", type="flatline", within="20s", by=["server.name"], limit=1),
        rule(alert="Full", events="bridge.rule_overflow"),
    )
    stage.play(statsz(1, "a", "A"), statsz(2, "b", "B"), statsz(3, "c", "C"), statsz(4, "a", "A"))

    assert [(d.seconds, d.state) for d in stage.decisions] == [(2.0, "event")]
    assert [d.labels for d in stage.wait(100).decisions if d.state == "firing"] == [{"server_name": "a"}]
