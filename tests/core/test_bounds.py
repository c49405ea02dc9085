"""What the core keeps is bounded, and absent or odd fields end nothing."""

import json

import pytest

from bridge.commit import Settled
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.decoder import Decoder
from bridge.events.reading import read_number, read_text
from bridge.group import CHANGES_MAX
from bridge.inputs import Happening, Message
from bridge.once import Once
from bridge.standins import Target
from bridge.values import HOUR
from tests.core.stage import Stage, at, connected, disconnected, goodbye, login_failed, rule, setup, statsz

SAMPLES = {
    "client.connect": connected(1, "x"),
    "client.disconnect": disconnected(1, "x"),
    "client.auth_error": login_failed(1),
    "leafnode.connect": connected(1, "x", kind="Leafnode"),
    "leafnode.disconnect": disconnected(1, "x", kind="Leafnode"),
    "server.statsz": statsz(1),
    "server.shutdown": goodbye(1),
    "server.lameduck": goodbye(1, kind="LAMEDUCK"),
}


@pytest.mark.parametrize("name", SAMPLES)
def test_a_field_that_only_other_events_have_is_absent(name: str) -> None:
    every = {path for kind in EVENT_TYPES.values() for path in kind.fields}
    decoder = Decoder({name: EVENT_TYPES[name].fields}, Once(), Names())
    event = decoder.decode(SAMPLES[name].subject, SAMPLES[name].data, at(1))
    assert event is not None
    assert event.type == name

    for path in every - EVENT_TYPES[name].fields.keys():
        assert read_text(EVENT_TYPES[name], path, Names())(event) is None
        assert read_number(EVENT_TYPES[name], path, Names())(event) is None


def test_a_rule_over_two_events_takes_both() -> None:
    both = rule(
        events=["client.disconnect", "server.shutdown"],
        by=["client.name", "server.name"],
        annotations={"summary": "{{ event.reason }}"},
    )
    stage = Stage(both).play(disconnected(1, "x", "Kicked"), goodbye(2))

    assert [decision.labels for decision in stage.decisions] == [
        {"client_name": "x", "server_name": "n1"},
        {"server_name": "n1"},
    ]


@pytest.mark.parametrize("wrong", ["lots", True, [1], {"a": 1}, None])
def test_a_number_that_is_none_is_shown_as_it_came(wrong: object) -> None:
    body = {"server": {"name": "n1", "id": "P1", "seq": 1, "ver": "2.15.1"}, "statsz": {"mem": wrong}}
    told = rule(events="server.statsz", annotations={"summary": "uses {{ event.statsz.mem }}"})
    stage = Stage(told).play(Message("$SYS.SERVER.P1.STATSZ", json.dumps(body).encode(), at(1))).wait(10)

    (row,) = stage.rows.values()
    assert row.notification.alerts[0].annotations["summary"].startswith("uses")


def test_a_payload_does_not_choose_its_type() -> None:
    stage = Stage(
        rule(alert="Raw", subject="app.>"),
        rule(alert="Auth", events="client.auth_error"),
        rule(alert="Down", events="bridge.nats_disconnected", resolve_on={"events": "bridge.nats_reconnected"}),
    )
    stage.play(Happening("nats_disconnected", {"reason": "gone"}, at(1)))
    for type_ in ("client.auth_error", "bridge.nats_reconnected", "server.shutdown"):
        stage.play(Message("app.x", json.dumps({"type": type_}).encode(), at(2)))

    assert {change.facts.rule for change in stage.changes.values()} == {"Raw", "Down"}
    assert [state for _, state in stage.story].count("resolved") == 0


def test_ids_of_two_databases_differ() -> None:
    ids = set()
    for seconds in (1, 2):
        stage = Stage(rule(events="server.shutdown")).play(goodbye(seconds)).wait(10)
        ids |= set(stage.rows)

    assert len(ids) == 2


def flapping() -> Stage:
    """An alert that comes and goes, told to two destinations of which the second is down."""
    flaps = rule(events="client.disconnect", by=["client.name"], resolve_on={"events": "client.connect"})
    return Stage(setup_=setup(flaps, targets=(Target("up"), Target("down"))))


def deliver(stage: Stage) -> None:
    for row in list(stage.engine.outbox.rows.values()):
        if row.destination == "up":
            stage.play(Settled(row.id, "delivered", stage.engine.watch.t))


def test_flapping_while_a_destination_is_down_does_not_grow() -> None:
    stage = flapping()
    for n in range(300):
        stage.play(disconnected(10 * n + 1, "x", number=n)).wait(10 * n + 4)
        deliver(stage)
        stage.play(connected(10 * n + 5, "x", client_id=n + 1, number=n)).wait(10 * n + 8)
        deliver(stage)

    (group,) = stage.engine.outbox.groups.values()
    assert len(group.changes) <= 3


def test_equal_one_offs_while_a_destination_is_down_do_not_grow_and_are_counted() -> None:
    once = rule(events="client.disconnect", by=["client.name"])
    stage = Stage(setup_=setup(once, targets=(Target("up"), Target("down"))))
    for n in range(300):
        stage.play(disconnected(10 * n + 1, "x", number=n)).wait(10 * n + 8)
        deliver(stage)
    (group,) = stage.engine.outbox.groups.values()
    assert len(group.changes) <= 3

    (waiting,) = [row for row in stage.engine.outbox.rows.values() if row.destination == "down"]
    stage.play(Settled(waiting.id, "delivered", at(4000)))
    (late,) = [row for row in stage.engine.outbox.rows.values() if row.destination == "down"]
    assert waiting.notification.alerts[0].count + late.notification.alerts[0].count == 300


def test_too_many_changes_for_a_dead_destination_are_shed_and_told() -> None:
    once = rule(events="client.disconnect", by=["client.name"], limit=1_000_000)
    failed = rule(alert="Failed", events="bridge.delivery_failed")
    stage = Stage(setup_=setup(once, failed, route={"group_by": ["alertname"]}, targets=(Target("up"), Target("down"))))
    for batch in range(6):
        start = 10 * batch + 1
        stage.play(*(disconnected(start + n / 10_000, f"c{batch}-{n}", number=n) for n in range(2500)))
        stage.wait(start + 8)
        deliver(stage)
    stage.wait(100)

    assert max(len(group.changes) for group in stage.engine.outbox.groups.values()) <= CHANGES_MAX
    assert any(change.facts.rule == "Failed" for change in stage.changes.values())


def test_an_idle_group_costs_no_ticks() -> None:
    stage = Stage(rule(events="client.disconnect", resolve_on={"events": "client.connect"}))
    stage.play(disconnected(1, "x")).wait(5)
    deliver(stage)
    for row in list(stage.engine.outbox.rows.values()):
        stage.play(Settled(row.id, "delivered", stage.engine.watch.t))

    # With group_interval 1s and repeat_interval 4h there is nothing to do for almost four hours.
    assert stage.engine.next_due > at(5) + 3 * HOUR
