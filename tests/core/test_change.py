"""The rule type `change`, beside its table of cases."""

import json
from typing import Any

from bridge.inputs import Message, Sight
from bridge.values import DAY, SECOND
from tests.core.disk import Disk, restarted
from tests.core.stage import Stage, at, disconnected, rule, setup, statsz

SAYS = {"summary": "{{ old }} → {{ new }}"}


def moved(**keys: Any) -> Stage:
    return Stage(rule(**{"events": "server.statsz", "type": "change", "field": "statsz.mem", **keys}))


def summaries(stage: Stage) -> list[str]:
    """Of all that was told, in order."""
    rows = sorted(stage.rows.values(), key=lambda row: row.created)
    return [alert.annotations["summary"] for row in rows for alert in row.notification.alerts]


def test_old_and_new_have_the_unit_of_the_field() -> None:
    stage = moved(annotations=SAYS).play(statsz(1, mem=2**20), statsz(2, mem=3 * 2**20)).wait(10)

    assert summaries(stage) == ["1 MiB → 3 MiB"]


def test_old_and_new_of_a_text_are_as_they_came() -> None:
    stage = moved(events="client.disconnect", field="reason", annotations=SAYS)
    stage.play(disconnected(1, "x", "Client Closed"), disconnected(2, "x", "Slow Consumer")).wait(10)

    assert summaries(stage) == ["Client Closed → Slow Consumer"]


def test_what_is_absent_is_nothing() -> None:
    assert summaries(moved().play(statsz(1, mem=2048), statsz(2)).wait(10)) == ["changed from 2 KiB to nothing"]
    assert summaries(moved().play(statsz(1), statsz(2, mem=4096)).wait(10)) == ["changed from nothing to 4 KiB"]


def test_a_line_of_several_changes_tells_the_latest() -> None:
    tested = rule(events="server.statsz", type="change", field="statsz.connections", annotations=SAYS)
    stage = Stage(setup_=setup(tested, route={"group_wait": "10s"}))
    stage.play(*(statsz(1 + n, connections=n) for n in range(4))).wait(20)
    (row,) = stage.rows.values()

    assert summaries(stage) == ["2 → 3"]
    assert [(alert.count, alert.value) for alert in row.notification.alerts] == [(3, 3.0)]


def test_old_and_new_outlast_the_process() -> None:
    tested = rule(
        events="server.statsz", type="change", field="statsz.connections", keep_firing_for="20s", annotations=SAYS
    )
    stage = Stage(setup_=setup(tested, route={"group_wait": "10s"}))
    stage.play(statsz(1, connections=1), statsz(2, connections=2), statsz(3, connections=5))
    resumed = restarted(stage).play(Sight(at(3))).wait(13)

    assert summaries(resumed) == ["2 → 5"]


def test_a_full_rule_does_not_watch_more_and_says_so() -> None:
    stage = Stage(
        rule(events="server.statsz", type="change", field="statsz.mem", limit=1),
        rule(alert="Full", events="bridge.rule_overflow", annotations={"summary": "{{ event.reason }}"}),
    )
    stage.play(statsz(1, "a", "A", mem=1), statsz(2, "b", "B", mem=1), statsz(3, "b", "B", mem=2)).wait(10)

    assert [(d.seconds, d.state) for d in stage.decisions] == [(2.0, "event")]
    assert summaries(stage) == ["it remembers 1 series or values, its limit"]


def test_after_a_week_of_silence_nothing_is_left() -> None:
    stage = moved().play(statsz(1, mem=1)).wait(2 + 7 * DAY / SECOND)

    assert Disk(stage.commits).load().states == []


def test_it_does_not_listen_for_goodbyes_that_mean_nothing_to_it() -> None:
    assert moved().engine.subjects == {"$SYS.SERVER.*.STATSZ"}


def test_of_a_subject_each_combination_is_a_series() -> None:
    def said(seconds: float, tenant: str, color: str | None) -> Message:
        return Message(f"state.{tenant}", json.dumps({"look": {"color": color}}).encode(), at(seconds))

    stage = Stage(rule(subject="state.*", type="change", field="look.color", by=["token.2"], annotations=SAYS))
    stage.play(said(1, "a", "red"), said(2, "b", "blue"), said(3, "a", "red"), said(4, "b", "green")).wait(10)

    assert [(d.seconds, d.labels) for d in stage.decisions] == [(4.0, {"token_2": "b"})]
    assert summaries(stage) == ["blue → green"]
