"""What a rule refuses when it is loaded, and in which words."""

from typing import Any

import pytest

from bridge.rule import Rule
from bridge.rules import RULE_TYPES
from tests.core.stage import rule

FREQUENCY: dict[str, Any] = {"events": "client.auth_error", "type": "frequency", "count": 3, "within": "1m"}
INCREASE: dict[str, Any] = {
    "events": "server.statsz",
    "type": "increase",
    "field": "statsz.slow_consumers",
    "within": "1m",
}
THRESHOLD: dict[str, Any] = {
    "events": "server.statsz",
    "type": "threshold",
    "field": "statsz.connections",
    "above": 10,
}
FLATLINE: dict[str, Any] = {"events": "server.statsz", "type": "flatline", "within": "1m", "by": ["server.name"]}

CHANGE: dict[str, Any] = {"events": "server.statsz", "type": "change", "field": "server.ver"}
NEW_VALUE: dict[str, Any] = {"events": "client.connect", "type": "new_value", "fields": ["client.lang"]}
UNANSWERED: dict[str, Any] = {
    "events": "client.disconnect",
    "type": "not_followed_by",
    "then": {"events": "client.connect"},
    "match": ["client.name"],
    "within": "1m",
}
STATE: dict[str, Any] = {"events": "server.statsz", "type": "state", "matching": ["statsz.connections > 10"]}
AGGREGATE: dict[str, Any] = {
    "events": "server.statsz",
    "type": "aggregate",
    "field": "statsz.mem",
    "fn": "avg",
    "above": "1GiB",
    "within": "1m",
}
CARDINALITY: dict[str, Any] = {
    "events": "client.auth_error",
    "type": "cardinality",
    "field": "client.user",
    "above": 10,
    "within": "1m",
}
SPIKE: dict[str, Any] = {"events": "client.auth_error", "type": "spike", "factor": 3, "within": "1m"}
RATIO: dict[str, Any] = {
    "events": "client.disconnect",
    "type": "ratio",
    "matching": ["reason = x"],
    "above": "5%",
    "within": "1m",
}
WINDOWS = [STATE, AGGREGATE, CARDINALITY, SPIKE, RATIO]


@pytest.mark.parametrize(
    "given",
    [CHANGE, NEW_VALUE, UNANSWERED, FREQUENCY, INCREASE, THRESHOLD, FLATLINE, *WINDOWS, {"events": "client.connect"}],
)
def test_the_examples_of_this_file_are_good(given: dict[str, Any]) -> None:
    assert isinstance(rule(**given), Rule)


@pytest.mark.parametrize(
    ("given", "edit", "why"),
    [
        # windows
        (FREQUENCY, {"within": "0"}, "greater than 0"),
        (INCREASE, {"within": "0"}, "greater than 0"),
        (FLATLINE, {"within": "0"}, "cannot be 0"),
        (FREQUENCY, {"within": 60}, "needs a unit"),
        (FREQUENCY, {"count": 0}, "greater than or equal to 1"),
        (FREQUENCY, {"count": True}, "valid integer"),
        # flatline
        (FLATLINE, {"within": "0 intervals"}, "from 1 to 1000"),
        (FLATLINE, {"within": "3 intervals", "events": "client.connect", "by": []}, "intervals that are known"),
        (
            FLATLINE,
            {"within": "3 intervals", "events": ["server.statsz", "server.shutdown"]},
            "intervals that are known",
        ),
        (FLATLINE, {"expect": [{}]}, "each field of `by`"),
        (FLATLINE, {"expect": [{"server.name": "n1", "server.id": "x"}]}, "each field of `by`"),
        (FLATLINE, {"expect": [{"server.id": "x"}]}, "each field of `by`"),
        (FLATLINE, {"expect": [{"server.name": "n1"}], "by": []}, "each field of `by`"),
        (FLATLINE, {"forget_after": "1m"}, "longer than `within`"),
        (FLATLINE, {"within": "3 intervals", "forget_after": "90s"}, "longer than `within`"),
        # change, new_value, not_followed_by
        (CHANGE, {"for_": "1m"}, "no meaning"),
        (CHANGE, {"events": ["server.statsz", "client.connect"], "field": "statsz.mem"}, "would always be a change"),
        (NEW_VALUE, {"for_": "1m"}, "no meaning"),
        (NEW_VALUE, {"fields": []}, "at least 1 item"),
        (NEW_VALUE, {"fields": ["client.lang", "client.lang"]}, "twice"),
        (NEW_VALUE, {"fields": ["client.langs"]}, "client.lang"),
        (NEW_VALUE, {"forget_after": "0"}, "greater than 0"),
        (UNANSWERED, {"within": "0"}, "greater than 0"),
        (UNANSWERED, {"match": []}, "names no field"),
        (UNANSWERED, {"match": ["client.name", "client.name"]}, "twice"),
        (UNANSWERED, {"match": {"client.name": "client.nam"}}, "of `then` has no field"),
        (UNANSWERED, {"match": {"client.nam": "client.name"}}, "did you mean 'client.name'"),
        (UNANSWERED, {"events": ["client.disconnect", "server.shutdown"]}, "which `match` names"),
        (FREQUENCY, {"annotations": {"summary": "{{ old }}"}}, "old"),
        # fields
        (FREQUENCY, {"by": ["client.hots"]}, "client.host"),
        (FREQUENCY, {"by": ["statsz.connections"]}, "has no field"),
        (FREQUENCY, {"by": ["client.host", "client.host"]}, "twice"),
        (FREQUENCY, {"where": ["client.hots = a"]}, "client.host"),
        (FREQUENCY, {"where": ["client.host > 3s"]}, "text"),
        (FREQUENCY, {"where": ["client.rtt > 3"]}, "duration"),
        (FREQUENCY, {"where": ["client.jwt = a"]}, "has no field"),
        (FREQUENCY, {"events": "client.auth_eror"}, "client.auth_error"),
        (FREQUENCY, {"annotations": {"summary": "{{ event.client.jwt }}"}}, "has no field"),
        (FREQUENCY, {"annotations": {"summary": "{{ top('client.hots') }}"}}, "client.host"),
        (FREQUENCY, {"annotations": {"summary": "{{ nothing }}"}}, "nothing"),
        (FREQUENCY, {"labels": {"alertname": "x"}}, "alertname"),
        (FREQUENCY, {"labels": {"x": "{{ value }}"}}, "value"),
        (INCREASE, {"field": "server.name"}, "measures nothing"),
        (INCREASE, {"above": "3s"}, "plain number"),
        (INCREASE, {"above": "90%"}, "plain number"),
        # threshold
        (THRESHOLD, {"above": None}, "either `above` or `below`"),
        (THRESHOLD, {"below": 3}, "either `above` or `below`"),
        (THRESHOLD, {"clear": 11}, "wrong side"),
        (THRESHOLD, {"above": None, "below": 3, "clear": 2}, "wrong side"),
        (THRESHOLD, {"of": "statsz.cores", "per": "statsz.cores", "above": "9%"}, "exclude each other"),
        (THRESHOLD, {"of": "statsz.cores", "above": "3s"}, "percentage"),
        (THRESHOLD, {"above": "1GiB"}, "plain number"),
        (THRESHOLD, {"field": "statsz.mem", "above": "90%"}, "bytes"),
        # states and windows
        (STATE, {"matching": []}, "at least 1 item"),
        (STATE, {"matching": ["statsz.conections > 5"]}, "statsz.connections"),
        (STATE, {"matching": ["statsz.mem > 90%"]}, "bytes"),
        (AGGREGATE, {"above": None}, "either `above` or `below`"),
        (AGGREGATE, {"below": "1MiB"}, "either `above` or `below`"),
        (AGGREGATE, {"above": "90%"}, "bytes"),
        (AGGREGATE, {"field": "server.name"}, "measures nothing"),
        (AGGREGATE, {"fn": "p90"}, "p95"),
        (AGGREGATE, {"at_least": 0}, "greater than or equal to 1"),
        (CARDINALITY, {"above": None}, "either `above` or `below`"),
        (CARDINALITY, {"above": 1025}, "a limit above 1024 is refused"),
        (CARDINALITY, {"above": None, "below": 1025}, "a limit above 1024 is refused"),
        (CARDINALITY, {"above": None, "below": 0}, "larger number"),
        (CARDINALITY, {"above": -1}, "larger number"),
        (CARDINALITY, {"above": "90%"}, "plain number"),
        (CARDINALITY, {"field": "client.nam"}, "client.name"),
        (SPIKE, {"factor": 1}, "greater than 1"),
        (SPIKE, {"factor": True}, "valid number"),
        (SPIKE, {"factor": "3"}, "valid number"),
        (SPIKE, {"direction": "both"}, "'up' or 'down'"),
        (SPIKE, {"within": "0"}, "greater than 0"),
        (RATIO, {"matching": ["reson = x"]}, "reason"),
        (RATIO, {"above": "100%"}, "write for example 5%"),
        (RATIO, {"above": -1}, "write for example 5%"),
        (RATIO, {"above": None, "below": 0}, "write for example 5%"),
        (RATIO, {"above": "5s"}, "percentage"),
        # all
        ({"events": "client.connect"}, {"for_": "1m"}, "no meaning"),
        ({"events": "client.connect"}, {"subject": "a.b"}, "one of them"),
        ({}, {}, "one of them"),
        ({"events": []}, {}, "one of them"),
        (FREQUENCY, {"resolve_on": {"events": "client.connect", "match": ["client.host"]}}, "fields of `by`"),
        (FREQUENCY, {"limit": 0}, "greater than or equal to 1"),
        (FREQUENCY, {"colour": "red"}, "Extra inputs"),
    ],
    ids=lambda value: str(value)[:60],
)
def test_what_cannot_work_is_refused(given: dict[str, Any], edit: dict[str, Any], why: str) -> None:
    keys = {name: value for name, value in {**given, **edit}.items() if value is not None}

    with pytest.raises(ValueError, match=why.replace(".", r"\.")):
        rule(**keys)


@pytest.mark.parametrize(
    "edit",
    [
        {"expect": [{"server.name": "n1"}, {"server.name": "n2"}]},
        {"by": [], "expect": [{}]},
        {"by": ["server.name", "token.3"], "expect": [{"token.3": "P1", "server.name": "n1"}]},
        {"within": "3 intervals"},
        {"within": "1 interval"},
    ],
    ids=str,
)
def test_what_flatline_takes(edit: dict[str, Any]) -> None:
    assert rule(**{**FLATLINE, **edit}).type == "flatline"


def test_a_rule_is_the_same_rule_by_its_name_and_static_labels() -> None:
    assert rule(**FREQUENCY).id == "A"
    labels = {"b": "2", "a": "1", "c": "{{ labels.client_host }}"}
    assert rule(**FREQUENCY, by=["client.host"], labels=labels).id == "A{a=1,b=2}"


@pytest.mark.parametrize(
    ("given", "edit", "same"),
    [
        (FREQUENCY, {"count": 4}, True),
        (FREQUENCY, {"within": "2m"}, True),
        (FREQUENCY, {"for_": "2m"}, True),
        (FREQUENCY, {"keep_firing_for": "2m"}, True),
        (FREQUENCY, {"limit": 2}, True),
        (FREQUENCY, {"annotations": {"summary": "x"}}, True),
        (FREQUENCY, {"enabled": False}, True),
        (FREQUENCY, {"where": ["client.kind = Client"]}, False),
        (FREQUENCY, {"events": ["client.connect"]}, False),
        (FREQUENCY, {"events": [], "subject": "a.b"}, False),
        (INCREASE, {"above": 5}, True),
        (INCREASE, {"field": "statsz.connections"}, False),
        (THRESHOLD, {"above": 5, "clear": 1}, True),
        (THRESHOLD, {"of": "statsz.cores", "above": "5%"}, False),
        (THRESHOLD, {"per": "statsz.cores"}, False),
        (THRESHOLD, {"sum_over": "server.name"}, False),
        (FLATLINE, {"within": "2m"}, True),
        (FLATLINE, {"forget_after": "1d"}, True),
        (STATE, {"matching": ["statsz.connections > 11"]}, False),
        (AGGREGATE, {"fn": "max", "at_least": 3, "within": "2m"}, True),
        (AGGREGATE, {"above": None, "below": "1GiB"}, True),
        (AGGREGATE, {"field": "statsz.cores", "above": 3}, False),
        (CARDINALITY, {"above": None, "below": 3}, True),
        (CARDINALITY, {"field": "client.name"}, False),
        (SPIKE, {"factor": 4, "at_least": 3, "direction": "down", "within": "2m"}, True),
        (RATIO, {"above": "6%", "at_least": 3}, True),
        (RATIO, {"matching": ["reason = y"]}, False),
        (CHANGE, {"field": "server.id"}, False),
        (NEW_VALUE, {"fields": ["client.ver"]}, False),
        (NEW_VALUE, {"learn_for": "1h", "forget_after": "1d"}, True),
        (UNANSWERED, {"within": "2m", "or_before": "5s"}, True),
        (UNANSWERED, {"match": ["client.host"]}, False),
        (UNANSWERED, {"match": {"client.name": "client.host"}}, False),
        (UNANSWERED, {"then": {"events": "client.connect", "where": ["client.kind = Client"]}}, False),
    ],
    ids=lambda value: str(value)[:40],
)
def test_which_edits_change_what_a_state_means(given: dict[str, Any], edit: dict[str, Any], same: bool) -> None:
    assert (rule(**given).shape == rule(**{**given, **edit}).shape) is same


def test_every_type_says_what_it_is() -> None:
    for name, kind in RULE_TYPES.items():
        assert kind.__doc__
        assert kind.model_fields["type"].annotation is not None
        assert kind.summary, name
