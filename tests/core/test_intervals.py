"""What comes at an interval that is known, and series that are slower than they seem."""

import json
from typing import Any

from msgspec.structs import replace

from bridge.inputs import Message
from bridge.values import MINUTE
from tests.core.stage import Stage, at, rule, setup, statsz


def health(seconds: float, status: str, server: str = "n1", seq: int | None = None) -> Message:
    """A server's answer to a poll."""
    number = round(seconds) + 1 if seq is None else seq
    body = {"server": {"name": server, "id": "P", "seq": number, "ver": "2.15.1"}, "data": {"status": status}}
    return Message("$SYS.REQ.SERVER.P.HEALTHZ", json.dumps(body).encode(), at(seconds))


def stream(seconds: float, leader: str, messages: int) -> Message:
    """A stream, as its leader tells of it."""
    server = {"name": leader, "id": f"P{leader}", "seq": 5, "ver": "2.15.1"}
    data = {"account": "A", "name": "S", "state": {"last_seq": messages}}
    subject = f"$SYS.REQ.SERVER.P{leader}.JSZ.STREAM"
    return Message(subject, json.dumps({"server": server, "data": data}).encode(), at(seconds))


def polled(**keys: Any) -> Stage:
    """Rules on what is asked for every five minutes."""
    ill = {"events": "server.healthz", "by": ["server.name"], **keys}
    return Stage(setup_=replace(setup(rule(**ill)), poll_interval=5 * MINUTE))


def test_a_poll_that_is_slower_than_90_s_has_data_until_three_of_its_intervals() -> None:
    stage = polled(type="state", matching=["data.status != ok"])
    stage.play(health(0, "unavailable"), health(300, "unavailable")).wait(2000)

    assert stage.story == [(0.0, "firing"), (1200.0, "resolved")]


def test_flatline_counts_the_intervals_of_polls() -> None:
    stage = polled(type="flatline", within="3 intervals")
    stage.play(health(0, "ok"), health(300, "ok")).wait(2000)

    assert stage.story == [(1200.0, "firing")]


def test_a_streams_counter_goes_on_with_another_leader() -> None:
    grown = rule(events="poll.stream", type="increase", field="data.state.last_seq", above=50, within="10m")
    stage = Stage(grown).play(stream(0, "n1", 1000), stream(30, "n2", 1010), stream(60, "n1", 1020)).wait(120)
    assert stage.story == []

    stage.play(stream(120, "n3", 1100)).wait(130)
    assert stage.decisions[0].value == 100


def test_what_only_remembers_gives_way_to_what_is_new() -> None:
    busy = {"events": "server.statsz", "type": "threshold", "field": "statsz.connections", "above": 0}
    stage = Stage(rule(**busy, by=["server.name"], limit=2), rule(alert="Full", events="bridge.rule_overflow"))
    stage.play(statsz(0, "a", "A", connections=1), statsz(1, "b", "B", connections=1)).wait(200)
    stage.play(statsz(200, "c", "C", connections=1), statsz(201, "d", "D", connections=1)).wait(210)

    assert [d.labels for d in stage.decisions if d.state == "firing"] == [
        {"server_name": name} for name in ("a", "b", "c", "d")
    ]
    assert not [d for d in stage.decisions if d.state == "event"]


def test_nothing_is_left_of_a_series_that_was_silent_for_a_day() -> None:
    busy = {"events": "server.statsz", "type": "threshold", "field": "statsz.connections", "above": 0}
    stage = Stage(rule(**busy, by=["server.name"])).play(statsz(0, connections=1)).wait(86_399)
    assert any(evaluation.states for evaluation in stage.engine._rules.by_id.values())

    stage.wait(86_402)
    assert not any(evaluation.states for evaluation in stage.engine._rules.by_id.values())
