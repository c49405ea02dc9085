"""The rule type `any`, and one-offs, beside its table of cases."""

import pytest

from tests.core.stage import Stage, connected, disconnected, goodbye, rule, setup


def test_a_one_off_is_told_once_and_has_no_end() -> None:
    stage = Stage(rule(events="server.shutdown")).play(goodbye(1)).wait(100_000)

    assert stage.story == [(1.0, "event")]
    assert len(stage.rows) == 1


def test_equal_one_offs_before_the_message_are_one_line_with_a_count() -> None:
    slow = rule(events="client.disconnect", by=["client.name"])
    stage = Stage(setup_=setup(slow, route={"group_wait": "5s", "group_by": ["alertname"]}))
    stage.play(*(disconnected(n, "x", number=n) for n in (1, 2, 3)), disconnected(4, "y")).wait(10)
    (row,) = stage.rows.values()

    assert sorted((alert.labels["client_name"], alert.count) for alert in row.notification.alerts) == [
        ("x", 3),
        ("y", 1),
    ]
    assert row.notification.status == "event"


def test_with_resolve_on_it_fires_until_the_other_event() -> None:
    lost = rule(events="leafnode.disconnect", by=["client.name"], resolve_on={"events": "leafnode.connect"})
    stage = Stage(lost)
    stage.play(disconnected(1, "leaf", kind="Leafnode"), disconnected(2, "other", kind="Leafnode")).wait(10_000)
    stage.play(connected(10_001, "leaf", kind="Leafnode"))

    assert [(d.seconds, d.state, d.labels["client_name"]) for d in stage.decisions] == [
        (1.0, "firing", "leaf"),
        (2.0, "firing", "other"),
        (10_001.0, "resolved", "leaf"),
    ]


def test_for_is_an_error() -> None:
    with pytest.raises(ValueError, match="no meaning"):
        rule(events="client.disconnect", for_="1m")


def test_a_repeated_connect_of_a_living_connection_is_no_event() -> None:
    stage = Stage(rule(events="client.connect", by=["client.name"]))
    stage.play(connected(1, "x", client_id=7), connected(2, "x", client_id=7, number=1))

    assert stage.story == [(1.0, "event")]


def test_past_the_limit_one_offs_are_one_line() -> None:
    slow = rule(events="client.disconnect", by=["client.name"], limit=3)
    stage = Stage(setup_=setup(slow, route={"group_wait": "5s", "group_by": ["alertname"]}))
    stage.play(*(disconnected(1 + n / 100, f"c{n}", number=n) for n in range(100))).wait(10)
    (row,) = stage.rows.values()

    assert {(alert.labels.get("overflow", ""), alert.count) for alert in row.notification.alerts} == {
        ("", 1),
        ("true", 97),
    }
    assert len(row.notification.alerts) == 4
