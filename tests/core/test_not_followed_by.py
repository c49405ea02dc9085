"""The rule type `not_followed_by`, beside its table of cases."""

import json
from typing import Any

import pytest

from bridge.answers import Answers
from bridge.events.accounts import Names
from bridge.inputs import Message, Sight
from bridge.rule import Rule
from bridge.rules.not_followed_by import UNANSWERED_MAX, NotFollowedBy
from bridge.state import KEY_MAX
from bridge.values import SECOND
from tests.core.disk import Disk, restarted
from tests.core.stage import Stage, at, connected, disconnected, goodbye, login_failed, rule, setup, statsz
from tests.core.test_restart import known

NAME = "ж" * 250


def left(**keys: Any) -> Rule:
    """A client went, and none of its name came."""
    given = {"events": "client.disconnect", "type": "not_followed_by", "then": {"events": "client.connect"}}
    return rule(**{**given, "match": ["client.name"], "within": "10s", **keys})


def answers_of(stage: Stage) -> Answers:
    answers = stage.engine._rules.by_id["A"].answers
    assert answers is not None
    return answers


def is_empty(answers: Answers) -> bool:
    return not (answers._waiting or answers._sizes or answers._size)


def came(seconds: float, name: str, number: int = 0) -> Message:
    return connected(seconds, name, client_id=10**7 + number)


# -- what is left ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("by", [[], ["client.name"]])
def test_nothing_is_left_of_what_was_answered(by: list[str]) -> None:
    stage = Stage(left(by=by, or_before="5s"))
    stage.play(disconnected(1, "x"), disconnected(2, "y"), came(3, "x", 1), came(30, "y", 2)).wait(100)

    assert stage.story == [(12.0, "firing"), (30.0, "resolved")]
    assert is_empty(answers_of(stage))
    assert Disk(stage.commits).load().states == []
    assert stage.engine._rules.by_id["A"].memories.count == 0


def test_nothing_is_left_of_what_another_event_ended() -> None:
    stage = Stage(left(resolve_on={"events": "server.shutdown"}))
    stage.play(disconnected(1, "x"), disconnected(2, "y"), goodbye(20))

    assert stage.story == [(11.0, "firing"), (20.0, "resolved")]
    assert is_empty(answers_of(stage))


def test_a_restart_knows_who_waits_for_what() -> None:
    stage = Stage(left(by=["client.kind"])).play(*(disconnected(1, name) for name in "xyz"), came(2, "y"))
    resumed = restarted(stage)
    ours, theirs = answers_of(resumed), answers_of(stage)

    assert ours._waiting.keys() == theirs._waiting.keys() == {"x", "z"}
    assert (ours._size, theirs._size) == (2, 2)


def test_an_answer_to_some_is_repeated_from_the_journal_as_it_was() -> None:
    """The alert goes on; neither its count nor its peak has changed by the answer."""
    stage = Stage(left()).play(disconnected(1, "x"), disconnected(2, "y"), disconnected(3, "y", number=1)).wait(20)
    stage.play(came(21, "x", 1), disconnected(22, "z"))
    resumed = restarted(stage).play(Sight(at(22)))

    assert known(resumed.engine) == known(stage.engine)
    (state,) = resumed.engine._rules.by_id["A"].states.values()
    assert state.alert is not None
    assert (state.alert.tally.count, state.alert.tally.peak) == (4, 20.0)


# -- bounds ------------------------------------------------------------------------------------------------------------


def test_a_full_rule_does_not_watch_more_and_says_so() -> None:
    stage = Stage(left(by=["client.name"], limit=1), rule(alert="Full", events="bridge.rule_overflow"))
    stage.play(disconnected(1, "x"), disconnected(2, "y"))

    assert [(d.seconds, d.state) for d in stage.decisions] == [(2.0, "event")]
    assert answers_of(stage)._waiting.keys() == {"x"}


def test_too_many_unanswered_of_one_combination_are_told_as_about_so_many() -> None:
    stage = Stage(left())
    many = range(UNANSWERED_MAX + 5)
    stage.play(*(disconnected(1, f"c{n}", number=n) for n in many)).wait(12)
    (row,) = stage.rows.values()
    assert row.notification.alerts[0].value_text.startswith("≈")
    assert row.notification.alerts[0].count == UNANSWERED_MAX

    stage.play(*(came(20, f"c{n}", n) for n in many[:UNANSWERED_MAX]))
    assert stage.story == [(11.0, "firing"), (20.0, "resolved")]
    stage.play(disconnected(30, "x")).wait(50)
    assert [change.facts.tally.approximate for change in stage.changes.values()] == [True, False, False]


def test_a_connection_that_asks_again_takes_no_room() -> None:
    stage = Stage(left()).play(*(disconnected(1, "x", number=n, client_id=5) for n in range(UNANSWERED_MAX + 5)))
    stage.play(disconnected(2, "y")).wait(20)
    (row,) = stage.rows.values()

    assert row.notification.alerts[0].count == UNANSWERED_MAX + 6
    assert row.notification.alerts[0].value_text == "10s"
    assert answers_of(stage)._size == 2


def test_a_rule_with_too_much_unanswered_says_so() -> None:
    stage = Stage(left(by=["client.name"]), rule(alert="Full", events="bridge.rule_overflow"))
    answers_of(stage).limit = 2
    stage.play(*(disconnected(1 + n, "x", number=n) for n in range(3)), came(4, "x"), disconnected(5, "y"))

    assert [(d.seconds, d.state, d.labels) for d in stage.wait(100).decisions] == [
        (3.0, "event", {}),
        (15.0, "firing", {"client_name": "y"}),
    ]


def test_what_it_may_wait_for_is_bounded_for_all_combinations_together() -> None:
    tested = left(by=["client.name"])
    assert isinstance(tested, NotFollowedBy)
    answers, state = Answers(tested, Names()), tested.new(1, "x")
    state.size = answers.limit
    answers.wait(state, [])
    before = answers.full
    answers.forget(state)

    assert (before, answers.full) == (True, False)
    assert answers.limit < 200 * UNANSWERED_MAX


def test_long_texts_are_told_apart_and_kept_short() -> None:
    stage = Stage(left(match=["client.name", "client.host"])).play(disconnected(1, NAME + "a"), disconnected(2, NAME))
    stage.play(came(3, NAME + "a"))

    assert stage.wait(20).story == [(12.0, "firing")]
    assert all(len(what) <= KEY_MAX for what in answers_of(stage)._waiting)


def test_answers_that_are_remembered_are_bounded_as_well() -> None:
    wanted = left(or_before="1h", limit=2)
    stage = Stage(wanted, rule(alert="Full", events="bridge.rule_overflow"))
    stage.engine.process(came(1, f"c{n}", n) for n in range(wanted.memories_max + 1))

    assert stage.collect().story == [(1.0, "event")]
    assert stage.engine._rules.by_id["A"].memories.count == wanted.memories_max


# -- what it tells -----------------------------------------------------------------------------------------------------


def test_a_storm_of_answers_before_their_questions_is_remembered_beyond_the_limit_of_alerts() -> None:
    stage = Stage(left(by=["client.name"], or_before="10s", limit=5))
    stage.play(*(came(1, f"c{n}", n) for n in range(50)), *(disconnected(2, f"c{n}", number=n) for n in range(50)))

    assert stage.wait(100).story == []


def test_a_message_covers_all_that_is_unanswered() -> None:
    summary = "{{ count }} since {{ value }}: {{ top('client.name', 3) }}; {{ event.client.name }} last"
    stage = Stage(left(annotations={"summary": summary}))
    stage.play(disconnected(1, "a"), disconnected(2, "b"), disconnected(3, "b", number=1), disconnected(4, "c"))
    stage.play(came(5, "a")).wait(20)
    (row,) = stage.rows.values()

    assert row.notification.alerts[0].annotations == {"summary": "3 since 10s: b (2), c (1); c last"}
    assert (row.notification.alerts[0].first_seen, row.notification.alerts[0].last_seen) == (at(2), at(4))


def test_without_a_summary_it_names_what_did_not_come() -> None:
    stage = Stage(left(then={"events": ["client.connect", "leafnode.connect"]})).play(disconnected(1, "a")).wait(20)
    (row,) = stage.rows.values()

    assert row.notification.alerts[0].annotations == {
        "summary": "not followed by client.connect or leafnode.connect for 10s"
    }


# -- time --------------------------------------------------------------------------------------------------------------


BACK = 100
"""Seconds by which the clock is set back while the bridge is down."""


def test_a_clock_that_is_set_back_moves_all_that_is_known() -> None:
    """As if nothing had happened to the clock."""
    stage = Stage(left(or_before="10s", annotations={"summary": "{{ first_seen }}"}))
    stage.play(came(2, "a"), disconnected(3, "b")).wait(5)
    resumed = restarted(stage, seconds=5 - BACK).play(Sight(at(5 - BACK)))
    resumed.play(disconnected(7 - BACK, "a"), disconnected(12 - BACK, "a", number=1)).wait(50 - BACK)
    (row,) = resumed.rows.values()

    assert [(d.seconds + BACK, d.state) for d in resumed.decisions] == [(13.0, "firing")]
    assert row.notification.alerts[0].first_seen == at(3 - BACK)
    assert row.notification.alerts[0].count == 2


def test_while_its_file_is_broken_its_time_stands_still() -> None:
    tested = left(or_before="10s")
    stage = Stage(tested).play(came(2, "a"), disconnected(3, "b")).wait(5)
    asleep = restarted(stage, setup(), seconds=5, dormant=True).play(Sight(at(5))).wait(1000)
    asleep.reload(tested).play(disconnected(1006.999999, "a"))  # 9.999999 s after the answer.
    assert answers_of(asleep)._waiting.keys() == {"b"}
    asleep.play(disconnected(1007, "a", number=1)).wait(1100)

    assert asleep.story == [(1008.0, "firing")]


def test_a_recording_that_is_cut_anywhere_is_judged_the_same() -> None:
    """Also where only ticks lie between the events of one instant."""
    inputs = [
        disconnected(1, "a"),
        disconnected(11, "a", number=1),
        came(11, "a"),
        disconnected(12, "b"),
        came(22, "b", 1),
    ]
    stage = Stage(left())
    for each in inputs:
        stage.wait((each.at - at(0)) / SECOND)
        stage.play(each)

    assert stage.wait(100).decisions == Stage(left()).play(*inputs).wait(100).decisions == []


# -- events ------------------------------------------------------------------------------------------------------------


def test_events_of_a_subject_can_ask() -> None:
    def order(seconds: float, name: str, client: int = 0) -> Message:
        body = {"who": name, "server": {"id": "P1"}, "client": {"id": client}}
        return Message("orders.new", json.dumps(body).encode(), at(seconds))

    tested = rule(
        subject="orders.*",
        type="not_followed_by",
        then={"events": "client.connect"},
        match={"who": "client.name"},
        within="10s",
        by=["who"],
    )
    stage = Stage(tested)
    stage.play(order(1, "a"), order(2, "b"), order(3, "c", 77), came(5, "a"), connected(6, "c", client_id=77)).wait(50)

    assert [(d.seconds, d.labels) for d in stage.decisions] == [(12.0, {"who": "b"}), (13.0, {"who": "c"})]


def test_a_field_that_is_absent_on_both_sides_is_equal() -> None:
    stage = Stage(left(match=["client.client_type"])).play(disconnected(1, "a"), came(2, "b")).wait(50)

    assert stage.decisions == []


def test_a_connection_whose_number_is_none_belongs_to_no_one() -> None:
    body = json.loads(login_failed(1).data)
    body["client"]["id"] = [1]
    odd = Message(login_failed(1).subject, json.dumps(body).encode(), at(1))
    stage = Stage(left(events="client.auth_error", match={"client.host": "client.host"}))
    stage.play(odd, connected(2, "a", client_id=1)).wait(50)

    assert stage.decisions == []


def test_rules_that_wait_for_the_same_event_do_not_disturb_each_other() -> None:
    stage = Stage(left(), left(alert="B", match=["client.kind"]), rule(alert="C", events="client.connect"))
    stage.play(disconnected(1, "x"), came(5, "y"), statsz(6)).wait(50)

    told = [(change.at, change.facts.labels["alertname"], change.state) for change in stage.changes.values()]
    assert sorted(told) == [(at(5), "C", "event"), (at(11), "A", "firing")]
