"""What people tell the bridge to do: messages that are tried now or not at all, combinations that are forgotten."""

import msgspec

from bridge.command import Command, Drop, Forget, Retry
from bridge.commit import Answer, Commit, OutboxRow
from bridge.inputs import Asked
from bridge.rule import Rule
from tests.core.audience import OPS, Audience
from tests.core.disk import restarted
from tests.core.stage import Stage, at, rule, statsz
from tests.core.test_groups import lost


def ask(stage: Stage, seconds: float, command: Command) -> tuple[Answer, Commit]:
    stage.play(Asked(7, command, at(seconds)))
    (answer,) = stage.commits[-1].answers
    assert answer.number == 7
    return answer, stage.commits[-1]


def deaf() -> tuple[Audience, OutboxRow]:
    """A destination that takes nothing, and the message that waits for it."""
    stage = Audience(lost(), down={OPS.key}).goes(1).upto(20)
    (row,) = stage.pending()
    return stage, row


def dead() -> tuple[Audience, OutboxRow]:
    stage, row = deaf()
    return stage.settle(row, 25, "dead"), row


# -- messages ----------------------------------------------------------------------------------------------------------


def test_a_message_that_is_retried_is_due_now() -> None:
    stage, row = deaf()
    answer, commit = ask(stage, 30, Retry([row.id, "unknown"]))
    assert answer.result == {"retried": [row.id]}
    assert (commit.rows, commit.hastened) == ([msgspec.structs.replace(row, due=at(30))], [row.id])


def test_a_dead_message_that_is_retried_gets_the_whole_time_again_under_its_id() -> None:
    stage, row = dead()
    assert not stage.pending()
    answer, commit = ask(stage, 100, Retry([], dead=[row]))
    assert answer.result == {"retried": [row.id]}
    assert commit.rows == [msgspec.structs.replace(row, due=at(100), expires=at(100) + row.expires - row.created)]
    assert restarted(stage).engine.outbox.rows.keys() == {row.id}


def test_a_dead_message_that_arrives_at_last_makes_its_end_worth_telling() -> None:
    stage, row = dead()
    ask(stage, 100, Retry([], dead=[row]))
    stage.down.clear()
    stage.settle(row, 101).comes(110).upto(300)
    assert [message.status for message in stage.messages()] == ["firing", "resolved"]


def test_without_that_the_end_is_not_told() -> None:
    stage, _ = dead()
    stage.down.clear()
    stage.comes(110).upto(300)
    assert [message.status for message in stage.messages()] == ["firing"]


def test_a_dead_message_that_is_retried_does_not_stand_in_the_way_of_newer_ones() -> None:
    stage, row = dead()
    stage.goes(30, "y").upto(100)
    (newer,) = stage.pending()
    ask(stage, 101, Retry([], dead=[row]))
    assert {each.id for each in stage.pending()} == {row.id, newer.id}
    stage.settle(row, 102)
    assert stage.pending() == [newer]
    stage.settle(newer, 103)
    assert not stage.pending()


def test_a_dead_message_of_a_destination_that_is_gone_is_refused() -> None:
    stage, row = dead()
    answer, commit = ask(stage, 100, Retry([], dead=[msgspec.structs.replace(row, destination="x/slack/0")]))
    assert answer.error == f"message {row.id} is for x/slack/0, which the configuration no longer has"
    assert not commit.rows


def test_a_message_that_is_dropped_has_ended_and_says_who_wished_it() -> None:
    stage, row = deaf()
    answer, commit = ask(stage, 30, Drop([row.id], "alice"))
    assert answer.result == {"dropped": [row.id]}
    assert [(each.id, each.outcome, each.detail) for each in commit.settled] == [(row.id, "dead", "dropped by alice")]
    assert not stage.pending()


def test_a_message_that_is_dropped_raises_no_alert_about_delivery() -> None:
    failed = rule(alert="Failed", events="bridge.delivery_failed")
    stage = Audience(lost(), failed, down={OPS.key}).goes(1).upto(20)
    (row,) = stage.pending()
    ask(stage, 30, Drop([row.id], "alice"))
    assert [change.facts.rule for change in stage.changes.values()] == [lost().id]


# -- forgetting --------------------------------------------------------------------------------------------------------


def silent(**keys: object) -> Rule:
    return rule(
        alert="Silent",
        events="server.statsz",
        type="flatline",
        within="40s",
        by=["server.name"],
        **keys,
    )


def forget(stage: Stage, alert: str = "Silent", **labels: str) -> Answer:
    return ask(stage, 100, Forget(alert, labels))[0]


def test_a_server_that_will_not_come_back_is_forgotten() -> None:
    stage = Stage(silent()).play(statsz(1, "n1"), statsz(1, "n2", "P2")).wait(60)
    assert forget(stage, server_name="n1").result == {
        "forgotten": [{"alertname": "Silent", "server_name": "n1"}],
        "expected": False,
    }
    resolved = stage.decisions[-1]
    assert (resolved.state, resolved.labels, resolved.reason) == ("resolved", {"server_name": "n1"}, "forgotten")
    assert len(stage.wait(100_000).decisions) == 3


def test_what_was_forgotten_is_watched_again_once_it_is_heard_again() -> None:
    stage = Stage(silent()).play(statsz(1, "n1")).wait(60)
    forget(stage, server_name="n1")
    stage.play(statsz(120, "n1")).wait(200)
    assert [state for _, state in stage.story] == ["firing", "resolved", "firing"]


def test_labels_choose_among_rules_of_one_name() -> None:
    stage = Stage(silent(labels={"severity": "warning"}), silent(labels={"severity": "critical"}))
    stage.play(statsz(1, "n1")).wait(60)
    answer = forget(stage, server_name="n1", severity="critical")
    assert [labels["severity"] for labels in answer.result["forgotten"]] == ["critical"]
    assert [(each.state, each.labels["severity"]) for each in stage.decisions[2:]] == [("resolved", "critical")]


def test_what_the_file_expects_is_said_to_come_back() -> None:
    stage = Stage(silent(expect=[{"server.name": "n1"}])).wait(60)
    assert forget(stage, server_name="n1").result["expected"]


UNKNOWN: list[tuple[tuple[str, ...], dict[str, str]]] = [
    (("Silend",), {}),
    ((), {"server_name": "n9"}),
    ((), {}),
    (("Burst",), {}),
]


def test_what_cannot_be_forgotten_is_refused_and_what_can_is_named() -> None:
    stage = Stage(silent(), rule(alert="Burst", events="client.auth_error", type="frequency", count=2, within="1m"))
    stage.play(statsz(1, "n1"), statsz(1, "n2", "P2")).wait(60)
    changes = len(stage.changes)
    assert forget(stage, "Silend").error == "no rule makes an alert Silend; did you mean 'Silent'?"
    assert forget(stage, server_name="n9").error == (
        "Silent watches nothing with server_name=n9; it watches server_name=n1, server_name=n2"
    )
    assert forget(stage).error == (
        "Silent watches combinations of server_name; say which one, for example server_name=VALUE"
    )
    assert forget(stage, "Burst").error.startswith("Burst is of type frequency, which has nothing to forget")
    assert [forget(stage, *words, **labels).unknown for words, labels in UNKNOWN] == [True, True, False, False]
    assert len(stage.changes) == changes
