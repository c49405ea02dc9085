"""Spans of time that come again, with Alertmanager's keys: times of a day, weekdays, days of a month, and so on."""

import re
from calendar import monthrange
from datetime import UTC, datetime, tzinfo
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import BeforeValidator, Field, model_validator

from bridge.options import Options
from bridge.values import SECOND

Span = tuple[int, int]
"""From and to, both included."""

_TIME = re.compile(r"(?:([01][0-9]|2[0-3]):([0-5][0-9])|24:00)")
_NUMBER = re.compile(r"[+-]?[0-9]{1,9}")
_WEEKDAYS = ("sunday", "monday", "tuesday", "wednesday", "thursday", "friday", "saturday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_SHORTEST_MONTH = 28


def _minutes(written: object) -> int:
    """`09:30` → minutes since midnight. Raises ValueError."""
    match = _TIME.fullmatch(written) if isinstance(written, str) else None
    if not match:
        raise ValueError(f"{str(written)[:40]!r} is no time of a day; write for example 09:30, or 24:00 for its end")
    return int(match[1]) * 60 + int(match[2]) if match[1] else 24 * 60


def _ends(written: object, example: str) -> tuple[str, str]:
    """`a:b` → a and b; `a` → a and a."""
    text = str(written) if isinstance(written, int) and not isinstance(written, bool) else written
    if not isinstance(text, str) or text.count(":") > 1 or not all(text.split(":")):
        raise ValueError(f"{str(written)[:40]!r} is no range; write {example}")
    first, _, last = text.lower().partition(":")
    return first, last or first


def _numbers(written: object, example: str, names: tuple[str, ...] = ()) -> Span:
    first, last = (
        names.index(end) + 1 if end in names else int(end) if _NUMBER.fullmatch(end) else None
        for end in _ends(written, example)
    )
    if first is None or last is None:
        raise ValueError(f"{str(written)[:40]!r} is no range; write {example}")
    return first, last


def _in_order(written: object, span: Span) -> Span:
    if span[0] > span[1]:
        raise ValueError(f"{str(written)[:40]!r} ends before it begins; write two ranges")
    return span


def _weekdays(written: object) -> Span:
    if isinstance(written, tuple):
        return written
    example = "monday:friday, or saturday"
    ends = _ends(written, example)
    if unknown := [end for end in ends if end not in _WEEKDAYS]:
        raise ValueError(f"{unknown[0][:40]!r} is no weekday; write {example}")
    return _in_order(written, (_WEEKDAYS.index(ends[0]), _WEEKDAYS.index(ends[1])))


def _days(written: object) -> Span:
    if isinstance(written, tuple):
        return written
    first, last = span = _numbers(written, "1:15, or -1 for the last day")
    if not all(1 <= abs(end) <= 31 for end in span):
        raise ValueError(f"{str(written)[:40]!r} is no day of a month; write 1 to 31, or -1 to -31 from the end")
    if first < 0 < last:
        raise ValueError(f"{str(written)[:40]!r} begins from the end of the month; write a negative end as well")
    early = first if first > 0 else _SHORTEST_MONTH + first
    late = last if last > 0 else _SHORTEST_MONTH + last
    if early > late:
        raise ValueError(f"{str(written)[:40]!r} always ends before it begins; write two ranges")
    return span


def _months(written: object) -> Span:
    if isinstance(written, tuple):
        return written
    span = _numbers(written, "january:march, or 12", _MONTHS)
    if not all(1 <= end <= 12 for end in span):
        raise ValueError(f"{str(written)[:40]!r} is no month; write 1 to 12, or a name")
    return _in_order(written, span)


def _years(written: object) -> Span:
    return written if isinstance(written, tuple) else _in_order(written, _numbers(written, "2026:2028, or 2030"))


def _zone(written: object) -> tzinfo | None:
    """Where; None: where this machine is."""
    if isinstance(written, tzinfo) or written == "Local":
        return written if isinstance(written, tzinfo) else None
    try:
        return UTC if written in ("", "UTC") else ZoneInfo(str(written))
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        hint = "write for example Europe/Berlin, UTC, or Local (its data is in the package tzdata)"
        raise ValueError(f"{str(written)[:60]!r} is no location; {hint}") from error


class TimeRange(Options):
    """A span of a day; the end is not in it."""

    start_time: Annotated[int, BeforeValidator(_minutes)]
    end_time: Annotated[int, BeforeValidator(_minutes)]

    @model_validator(mode="after")
    def _ordered(self) -> Self:
        if self.start_time >= self.end_time:
            raise ValueError(
                "the span ends before it begins; for one over midnight write two, up to 24:00 and from 00:00"
            )
        return self


class TimeInterval(Options):
    """An instant lies in it if it lies in one range of each kind that is given."""

    times: list[TimeRange] | None = None
    weekdays: list[Annotated[Span, BeforeValidator(_weekdays)]] | None = None
    days_of_month: list[Annotated[Span, BeforeValidator(_days)]] | None = None
    """Negative ones count from the end of the month: -1 is its last day."""
    months: list[Annotated[Span, BeforeValidator(_months)]] | None = None
    years: list[Annotated[Span, BeforeValidator(_years)]] | None = None
    location: Annotated[tzinfo | None, BeforeValidator(_zone)] = UTC

    def contains(self, at: int) -> bool:
        """`at` in microseconds since the epoch."""
        moment = datetime.fromtimestamp(at // SECOND, UTC).astimezone(self.location)
        minute = moment.hour * 60 + moment.minute
        return (
            (self.times is None or any(each.start_time <= minute < each.end_time for each in self.times))
            and _within(self.weekdays, moment.isoweekday() % 7)
            and (self.days_of_month is None or any(_on_day(span, moment) for span in self.days_of_month))
            and _within(self.months, moment.month)
            and _within(self.years, moment.year)
        )


class TimeIntervals(Options):
    """Time intervals under one name: an instant lies in them if it lies in one of them."""

    name: Annotated[str, Field(min_length=1)]
    time_intervals: list[TimeInterval] = []

    def contains(self, at: int) -> bool:
        return any(interval.contains(at) for interval in self.time_intervals)


def _within(spans: list[Span] | None, number: int) -> bool:
    return spans is None or any(first <= number <= last for first, last in spans)


def _on_day(span: Span, moment: datetime) -> bool:
    """A range that begins after the end of a short month has no day in it; one that ends after it ends there."""
    days = monthrange(moment.year, moment.month)[1]
    first, last = (end if end > 0 else days + end + 1 for end in span)
    return first <= days and first <= moment.day <= last
