"""The rule type `new_value`, beside its table of cases."""

import json
from typing import Any

from bridge.commit import Settled
from bridge.inputs import Message, Sight
from bridge.rule import Rule
from bridge.state import KEY_MAX
from tests.core.disk import Disk, restarted
from tests.core.stage import Stage, at, connected, disconnected, rule, setup


def new(**keys: Any) -> Rule:
    given = {"events": "client.disconnect", "type": "new_value", "fields": ["client.name"], "learn_for": "0"}
    return rule(**{**given, **keys})


def test_a_full_rule_does_not_watch_more_and_says_so_once_in_a_while() -> None:
    stage = Stage(new(limit=2, by=["client.name"]), rule(alert="Full", events="bridge.rule_overflow"))
    stage.play(*(disconnected(1 + n, f"c{n}") for n in range(10))).wait(100)

    assert [(d.seconds, d.labels) for d in stage.decisions] == [
        (1.0, {"client_name": "c0"}),
        (2.0, {"client_name": "c1"}),
        (3.0, {}),
    ]
    assert stage.engine._rules.by_id["A"].memories.count == 2


def test_a_message_says_how_many_are_known() -> None:
    stage = Stage(new(learn_for="10s")).play(disconnected(1, "a"), disconnected(20, "b")).wait(30)
    (row,) = stage.rows.values()

    assert row.notification.alerts[0].annotations == {"summary": "never seen before (2 known)"}


def test_long_values_are_told_apart_and_kept_short() -> None:
    name = "ж" * 255
    stage = Stage(new(fields=["client.name", "reason"], by=["client.kind"]))
    stage.play(disconnected(1, name + "a"), disconnected(2, name + "b"), disconnected(3, name + "a"))

    assert [d.seconds for d in stage.decisions] == [1.0, 2.0]
    assert all(len(key) <= KEY_MAX for key in stage.engine._rules.by_id["A"].memories.known)


def test_what_is_forgotten_is_gone_from_disk() -> None:
    stage = Stage(new(forget_after="10s")).play(disconnected(1, "a"), disconnected(2, "b"))
    assert len(Disk(stage.commits).load().journal) > 0
    stage.wait(100)
    rows = Disk([*stage.commits, stage.engine.drain(everything=True)]).load().states

    assert [row.key for row in rows] == ["S\x1ebegun"]  # Since when it learns.


def test_while_its_file_is_broken_it_neither_learns_nor_forgets() -> None:
    learning, knowing = new(learn_for="20s"), new(alert="B", forget_after="20s")
    stage = Stage(learning, knowing).play(disconnected(5, "a")).wait(10)
    stage.play(*(Settled(id, "delivered", at(10)) for id in stage.rows))
    asleep = restarted(stage, setup(), seconds=10, dormant=True).play(Sight(at(10))).wait(1000)
    asleep.reload(learning, knowing).play(
        disconnected(1009, "b"),  # A has learned for 19 s, and learns it. To B it is new.
        disconnected(1014, "a"),  # A knows it. B heard it 19 s ago.
        disconnected(1015, "c"),
    )

    told = [(change.at, change.facts.labels["alertname"]) for change in asleep.changes.values()]
    assert sorted(told) == [(at(1009), "B"), (at(1015), "A"), (at(1015), "B")]


def test_an_edit_of_its_labels_does_not_make_it_learn_again_what_its_name_means() -> None:
    """Other static labels are another rule; it begins anew, as every rule does."""
    stage = Stage(new(learn_for="20s")).play(disconnected(5, "a"))
    stage.reload(new(learn_for="20s", labels={"severity": "info"})).play(disconnected(24, "b"), disconnected(25, "c"))

    assert [d.seconds for d in stage.decisions] == [25.0]


def test_of_a_subject_any_field_will_do() -> None:
    def said(seconds: float, color: object) -> Message:
        return Message("state.a", json.dumps({"look": {"color": color}}).encode(), at(seconds))

    stage = Stage(rule(subject="state.*", type="new_value", fields="look.color", learn_for="0"))
    stage.play(said(1, "red"), said(1, "red"), said(1, 7), said(1, ["red"]), said(1, None), said(1, {}))

    (change,) = stage.changes.values()
    assert (change.facts.tally.count, change.facts.tally.value) == (3, 3.0)  # red, 7, and what is no text.


def test_events_of_other_rules_are_not_its_values() -> None:
    stage = Stage(new(), rule(alert="B", events="client.connect", by=["client.name"]))
    stage.play(connected(1, "a"), disconnected(2, "a"))

    assert [(d.seconds, d.labels) for d in stage.decisions] == [(1.0, {"client_name": "a"}), (2.0, {})]
