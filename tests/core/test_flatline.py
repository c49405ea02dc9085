"""The rule type `flatline`, beside its table of cases."""

from typing import Any

from tests.core.stage import Stage, goodbye, rule, statsz


def silence(**keys: Any) -> Stage:
    return Stage(
        rule(**{"events": "server.statsz", "type": "flatline", "within": "20s", "by": ["server.name"], **keys})
    )


def test_nothing_is_left_of_what_is_forgotten() -> None:
    stage = silence(forget_after="1m").play(statsz(1)).wait(62)

    assert not any(evaluation.states for evaluation in stage.engine._rules.by_id.values())


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


def test_what_is_expected_is_expected_again_once_another_event_has_ended_its_alert() -> None:
    stage = silence(expect=[{"server.name": "n1"}], resolve_on={"events": "server.shutdown"})
    stage.wait(30).play(goodbye(30))

    assert stage.wait(100).story == [(20.0, "firing"), (30.0, "resolved"), (50.0, "firing")]
