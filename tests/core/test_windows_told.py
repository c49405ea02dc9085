"""State, aggregate, cardinality, spike, ratio: what their messages say, and what becomes of too many combinations."""

from typing import Any

import pytest

from bridge.inputs import Input
from bridge.notification import AlertView
from bridge.rule import Rule
from tests.core.stage import Stage, at, disconnected, login_failed, rule, statsz

TEXT = {"summary": "{{ value }} of {{ limit }} in {{ within }}: {{ count }} at {{ event.server.name }}"}


def told(stage: Stage) -> AlertView:
    """The first alert of the first message."""
    (row,) = stage.rows.values()
    return row.notification.alerts[0]


def counted(kind: str, **keys: Any) -> Rule:
    return rule(**{"events": "client.auth_error", "type": kind, "within": "10s", **keys})


AVERAGE = {"events": "server.statsz", "type": "aggregate", "field": "statsz.mem", "fn": "avg", "within": "10s"}
MIB = 1024 * 1024


@pytest.mark.parametrize(
    ("tested", "events", "text"),
    [
        (
            rule(events="server.statsz", type="state", matching=["statsz.mem > 1MiB"]),
            [statsz(1, mem=2 * MIB)],
            'statsz.mem > "1MiB" for 0s',
        ),
        (rule(**AVERAGE, above="1MiB"), [statsz(1, mem=2 * MIB)], "2 MiB in 10s (limit 1MiB)"),
        (
            counted("cardinality", field="client.user", above=1),
            [login_failed(1, user="a"), login_failed(2, user="b")],
            "2 distinct values in 10s (limit 1)",
        ),
        (
            counted("spike", factor=3, at_least=3),
            [login_failed(15), *(login_failed(27, number=n) for n in range(4))],
            "4 × as many events in 10s as before",
        ),
        (
            rule(events="client.disconnect", type="ratio", matching=["reason = a"], above=30, at_least=3, within="10s"),
            [disconnected(1, "x", reason, number=n) for n, reason in enumerate("abb")],
            "33.3% in 10s (limit 30%)",
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Rule) else "",
)
def test_without_a_summary_a_message_says_how_much_it_is(tested: Rule, events: list[Input], text: str) -> None:
    assert told(Stage(tested).play(*events).wait(28)).annotations["summary"] == text


@pytest.mark.parametrize(
    ("tested", "events", "text"),
    [
        (rule(**AVERAGE, below="1MiB", annotations=TEXT), [statsz(1, mem=2 * MIB), statsz(5, "n2", mem=9)], "n2"),
        (
            rule(
                events="client.disconnect",
                type="ratio",
                matching=["reason = b"],
                above="50%",
                at_least=1,
                within="10s",
                annotations=TEXT,
            ),
            [disconnected(1, "x", "a"), disconnected(2, "x", "b", server="n2")],
            "n2",
        ),
        (
            counted("spike", factor=2, direction="down", at_least=1, annotations=TEXT),
            [login_failed(15, server="n2")],
            "n2",
        ),
        (
            counted("cardinality", field="client.user", below=1, annotations=TEXT),
            [login_failed(1, server="n2")],
            "n2",
        ),
    ],
    ids=lambda value: value.type if isinstance(value, Rule) else "",
)
def test_where_time_begins_it_a_message_tells_of_the_latest_event(tested: Rule, events: list[Input], text: str) -> None:
    assert told(Stage(tested).play(*events).wait(40)).annotations["summary"].endswith(f"at {text}")


@pytest.mark.parametrize(
    "tested",
    [
        rule(**AVERAGE, above=1, limit=2, by=["server.name"]),
        rule(
            events="server.statsz",
            type="cardinality",
            field="statsz.mem",
            above=4,
            limit=2,
            within="10s",
            by=["server.name"],
        ),
        rule(
            events="server.statsz",
            type="ratio",
            matching=["statsz.mem > 1"],
            above=1,
            at_least=5,
            limit=2,
            within="10s",
            by=["server.name"],
        ),
        rule(events="server.statsz", type="spike", factor=2, at_least=5, limit=2, within="10s", by=["server.name"]),
    ],
    ids=lambda value: value.type,
)
def test_past_the_limit_the_rest_is_taken_together(tested: Rule) -> None:
    stage = Stage(tested, rule(alert="Full", events="bridge.rule_overflow"))
    stage.play(*(statsz(15, f"n{n}", f"n{n}", mem=n) for n in range(3)))
    stage.play(*(statsz(26, f"n{n}", f"n{n}", mem=n) for n in range(9)))

    assert {"overflow": "true"} in [decision.labels for decision in stage.decisions if decision.state == "firing"]
    assert "Full" in {change.facts.rule for change in stage.changes.values()}


def test_series_past_the_limit_are_not_watched() -> None:
    """`state` does not count: what it would say of many together means nothing."""
    loose = rule(events="server.statsz", type="state", matching=["statsz.mem > 1"], by=["server.name"], limit=2)
    stage = Stage(loose, rule(alert="Full", events="bridge.rule_overflow"))
    stage.play(*(statsz(1, f"n{n}", f"n{n}", mem=5) for n in range(4)))

    assert [decision.labels for decision in stage.decisions if decision.state == "firing"] == [
        {"server_name": "n0"},
        {"server_name": "n1"},
    ]
    assert "Full" in {change.facts.rule for change in stage.changes.values()}


def test_beyond_1024_samples_a_value_says_that_it_is_about() -> None:
    stage = Stage(rule(**AVERAGE, above="1MiB", at_least=1030))
    stage.play(*(statsz(1 + n / 1000, mem=2 * MIB, seq=n + 1) for n in range(1030))).wait(5)

    assert told(stage).value_text == "≈2 MiB"
    assert at(1) == told(stage).first_seen < told(stage).last_seen
