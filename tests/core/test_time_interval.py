"""Time intervals at their edges: each line worked out by hand, after what Alertmanager documents and its code does."""

from datetime import UTC, datetime
from typing import Any

import pytest

from bridge.time_interval import TimeInterval
from bridge.values import SECOND

NIGHT = {"times": [{"start_time": "22:00", "end_time": "24:00"}, {"start_time": "00:00", "end_time": "06:30"}]}
BERLIN = {"location": "Europe/Berlin"}


def at(written: str) -> int:
    moment = datetime.fromisoformat(written)
    return int((moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * SECOND)


TABLE: list[tuple[dict[str, Any], list[str], list[str]]] = [
    # keys, instants in it, instants outside of it; UTC unless said otherwise
    ({}, ["2026-01-01T00:00:00", "2026-12-31T23:59:59"], []),
    (
        {"times": [{"start_time": "09:00", "end_time": "17:00"}]},
        ["2026-03-02T09:00:00", "2026-03-02T16:59:59.999999"],
        ["2026-03-02T08:59:59.999999", "2026-03-02T17:00:00"],
    ),
    (
        NIGHT,
        ["2026-03-02T22:00:00", "2026-03-02T23:59:59.999999", "2026-03-03T00:00:00", "2026-03-03T06:29:59"],
        ["2026-03-02T21:59:59", "2026-03-03T06:30:00"],
    ),
    ({"times": []}, [], ["2026-03-02T00:00:00"]),  # No range holds it, as there.
    # 2026-03-02 is a Monday, 2026-03-01 a Sunday, on which a week begins.
    (
        {"weekdays": ["monday:friday"]},
        ["2026-03-02T00:00:00", "2026-03-06T23:59:59"],
        ["2026-03-01T23:59:59", "2026-03-07T00:00:00"],
    ),
    ({"weekdays": ["Sunday", "saturday"]}, ["2026-03-01T12:00:00", "2026-03-07T12:00:00"], ["2026-03-02T12:00:00"]),
    ({"weekdays": ["sunday:saturday"]}, ["2026-03-01T12:00:00", "2026-03-04T12:00:00", "2026-03-07T12:00:00"], []),
    (
        {"days_of_month": ["1:5", 15]},
        ["2026-03-01T00:00:00", "2026-03-05T23:59:59", "2026-03-15T12:00:00"],
        ["2026-03-06T00:00:00", "2026-03-14T23:59:59", "2026-03-16T00:00:00", "2026-02-28T23:59:59"],
    ),
    (
        {"days_of_month": ["-1"]},
        ["2026-01-31T00:00:00", "2026-02-28T12:00:00", "2028-02-29T12:00:00", "2026-04-30T23:59:59"],
        ["2026-01-30T23:59:59", "2026-02-27T12:00:00", "2028-02-28T12:00:00", "2026-05-01T00:00:00"],
    ),
    (
        {"days_of_month": ["-3:-1"]},
        ["2026-02-26T00:00:00", "2026-02-28T23:59:59", "2028-02-27T00:00:00", "2026-12-29T00:00:00"],
        ["2026-02-25T23:59:59", "2026-03-01T00:00:00", "2028-02-26T23:59:59"],
    ),
    # An end after the month's last day is that day; a range that begins after it has no day in this month.
    ({"days_of_month": ["28:31"]}, ["2026-02-28T12:00:00", "2026-04-30T12:00:00"], ["2026-02-27T12:00:00"]),
    ({"days_of_month": ["30:31"]}, ["2026-04-30T12:00:00"], ["2026-02-28T12:00:00", "2026-02-27T12:00:00"]),
    ({"days_of_month": ["31"]}, ["2026-03-31T12:00:00"], ["2026-04-30T12:00:00"]),
    (
        {"days_of_month": ["10:-10"]},
        ["2026-02-10T12:00:00", "2026-02-19T12:00:00"],
        ["2026-02-20T12:00:00", "2026-02-09T12:00:00"],
    ),
    ({"days_of_month": ["-31:-1"]}, ["2026-02-01T12:00:00", "2026-02-28T12:00:00", "2026-01-01T00:00:00"], []),
    ({"days_of_month": ["-31"]}, ["2026-01-01T12:00:00"], ["2026-02-01T12:00:00", "2026-01-02T12:00:00"]),
    (
        {"months": ["january:march", "12"]},
        ["2026-01-01T00:00:00", "2026-03-31T23:59:59", "2026-12-01T00:00:00"],
        ["2026-04-01T00:00:00", "2026-11-30T23:59:59"],
    ),
    ({"months": ["may", "7:8"]}, ["2026-05-01T00:00:00", "2026-08-31T23:59:59"], ["2026-06-01T00:00:00"]),
    (
        {"years": ["2026:2027", 2030]},
        ["2026-01-01T00:00:00", "2027-12-31T23:59:59", "2030-06-01T00:00:00"],
        ["2025-12-31T23:59:59", "2028-01-01T00:00:00", "2029-06-01T00:00:00"],
    ),
    # All kinds must hold: the last Friday of a year, say.
    (
        {"weekdays": ["friday"], "days_of_month": ["-7:-1"], "months": ["december"], "times": NIGHT["times"]},
        ["2026-12-25T22:00:00", "2026-12-25T05:00:00"],
        ["2026-12-25T12:00:00", "2026-12-18T22:00:00", "2026-11-27T22:00:00", "2026-12-26T00:00:00"],
    ),
    # Berlin is one hour ahead of UTC in winter and two in summer.
    (
        {**BERLIN, "times": [{"start_time": "09:00", "end_time": "17:00"}]},
        ["2026-01-15T08:00:00", "2026-01-15T15:59:59", "2026-07-15T07:00:00", "2026-07-15T14:59:59"],
        ["2026-01-15T07:59:59", "2026-01-15T16:00:00", "2026-07-15T06:59:59", "2026-07-15T15:00:00"],
    ),
    # The night of 2026-03-29 has no 02:00 to 03:00; that of 2026-10-25 has it twice.
    (
        {**BERLIN, "times": [{"start_time": "02:00", "end_time": "03:00"}]},
        ["2026-10-25T00:00:00", "2026-10-25T00:59:59", "2026-10-25T01:00:00", "2026-10-25T01:59:59"],
        ["2026-03-29T00:59:59", "2026-03-29T01:00:00", "2026-10-24T23:59:59", "2026-10-25T02:00:00"],
    ),
    # Days, months and years are those of the place, too; a month with a change of the clock has all of its days.
    (
        {**BERLIN, "weekdays": ["monday"]},
        ["2026-03-01T23:00:00", "2026-03-02T22:59:59"],
        ["2026-03-01T22:59:59", "2026-03-02T23:00:00"],
    ),
    ({**BERLIN, "years": ["2027"]}, ["2026-12-31T23:00:00"], ["2026-12-31T22:59:59", "2027-12-31T23:00:00"]),
    ({**BERLIN, "days_of_month": ["-1"]}, ["2026-03-31T12:00:00", "2026-03-30T22:00:00"], ["2026-03-30T21:59:59"]),
    (
        {"location": "America/New_York", "days_of_month": ["1"]},
        ["2026-02-01T05:00:00", "2026-02-02T04:59:59"],
        ["2026-02-01T04:59:59"],
    ),
    (
        {"location": "Asia/Kathmandu", "times": [{"start_time": "05:45", "end_time": "05:46"}]},
        ["2026-02-01T00:00:59"],
        ["2026-02-01T00:01:00"],
    ),
    ({"location": "UTC", "months": ["1"]}, ["2026-01-31T23:59:59"], ["2026-02-01T00:00:00"]),
]


@pytest.mark.parametrize(("keys", "within", "outside"), TABLE, ids=[str(row[0]) for row in TABLE])
def test_edges(keys: dict[str, Any], within: list[str], outside: list[str]) -> None:
    interval = TimeInterval.model_validate(keys)

    assert [written for written in within if not interval.contains(at(written))] == []
    assert [written for written in outside if interval.contains(at(written))] == []


@pytest.mark.parametrize("start", [9, 540, "9:00", "09:00:00", True])
def test_a_time_of_a_day_is_text_with_two_digits_of_each(start: object) -> None:
    with pytest.raises(ValueError, match=f"{str(start)!r} is no time of a day; write for example 09:30"):
        TimeInterval.model_validate({"times": [{"start_time": start, "end_time": "17:00"}]})


def test_local_is_where_the_machine_is() -> None:
    interval = TimeInterval.model_validate({"location": "Local", "years": ["2026"]})

    assert interval.contains(at("2026-06-15T12:00:00"))
    assert not interval.contains(at("2027-06-15T12:00:00"))
