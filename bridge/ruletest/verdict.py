"""What was expected beside what was: each expectation of a test becomes rows, of which some may not agree."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from math import isclose

import msgspec

from bridge.replay import Transition
from bridge.ruletest.course import Course, Standing
from bridge.ruletest.model import STATES, Expectation, ExpectedAlert, State
from bridge.ruletest.pairing import pair
from bridge.ruletest.suite import PlacedTest
from bridge.values import format_number


class Row(msgspec.Struct, frozen=True):
    """One thing that was expected, or that is there, or both; "" for none."""

    what: str
    """A state, or `messages`."""
    expected: str
    actual: str
    agrees: bool
    alert: str = ""
    """Whose row it is."""


class Failure(msgspec.Struct, frozen=True):
    """An expectation that was not met. `at` is in microseconds since the beginning of the test."""

    at: int
    line: int
    rows: Sequence[Row]


def judge(placed: PlacedTest, course: Course) -> list[Failure]:
    """The expectations of a test that its course did not meet, in the order of the file."""
    failures = []
    for expectation, line in zip(placed.test.expect, placed.expected, strict=True):
        standing = course.standings[expectation.at]
        rows = [*_alert_rows(expectation, standing, placed.test.alerts), *_message_rows(expectation, standing)]
        if not all(row.agrees for row in rows):
            failures.append(Failure(expectation.at, line, rows))
    return failures


# -- alerts -----------------------------------------------------------------------------------------------------


def _alert_rows(expectation: Expectation, standing: Standing, alerts: Collection[str] | None) -> Iterable[Row]:
    for state in STATES:
        expected = expectation.alerts(state)
        if expected is not None:
            yield from _state_rows(state, expected, standing.among(state, alerts))


def _state_rows(state: State, expected: Sequence[ExpectedAlert], actual: Sequence[Transition]) -> Iterable[Row]:
    pairs, missing, extra = pair(expected, actual, _fits)
    for wanted, found in pairs:
        yield Row(state, _wanted(wanted), _found(found, wanted), agrees=True, alert=wanted.alert)
    for alike in (_is_named, _is_called):  # side by side with what it most likely is
        likely, missing, extra = pair(missing, extra, alike)
        for wanted, found in likely:
            yield Row(state, _wanted(wanted), _found(found, wanted), agrees=False, alert=wanted.alert)
    for wanted in missing:
        yield Row(state, _wanted(wanted), "", agrees=False, alert=wanted.alert)
    for found in extra:
        yield Row(state, "", shown(found.labels), agrees=False, alert=found.labels["alertname"])
    if not expected and not actual:
        yield Row(state, "", "", agrees=True)


def _is_called(wanted: ExpectedAlert, found: Transition) -> bool:
    return wanted.alert == found.labels["alertname"]


def _is_named(wanted: ExpectedAlert, found: Transition) -> bool:
    return _is_called(wanted, found) and all(found.labels.get(name, "") == text for name, text in wanted.labels.items())


def _fits(wanted: ExpectedAlert, found: Transition) -> bool:
    return (
        _is_named(wanted, found)
        and all(found.annotations.get(name, "") == text for name, text in wanted.annotations.items())
        and (wanted.value is None or (found.value is not None and isclose(wanted.value.value, found.value)))
    )


def _wanted(alert: ExpectedAlert) -> str:
    value = None if alert.value is None else alert.value.text
    return _lines(shown({"alertname": alert.alert, **alert.labels}), value, alert.annotations)


def _found(alert: Transition, wanted: ExpectedAlert) -> str:
    """As much of it as was asked for."""
    labels = {name: text for name, text in alert.labels.items() if name in wanted.labels or name == "alertname"}
    value = None if wanted.value is None else _number(alert.value)
    return _lines(shown(labels), value, {name: alert.annotations.get(name, "") for name in wanted.annotations})


def shown(labels: Mapping[str, str]) -> str:
    """An alert as Prometheus writes it: `AuthErrorBurst{client_host="10.0.0.9"}`."""
    own = ", ".join(f'{name}="{text}"' for name, text in sorted(labels.items()) if name != "alertname")
    return labels["alertname"] + (f"{{{own}}}" if own else "")


def _lines(alert: str, value: str | None, annotations: Mapping[str, str]) -> str:
    lines = [alert]
    if value is not None:
        lines.append(f"  value: {value}")
    lines += [f"  {name}: {text}" for name, text in sorted(annotations.items())]
    return "\n".join(lines)


def _number(value: float | None) -> str:
    return "" if value is None else format_number(value)


# -- messages ---------------------------------------------------------------------------------------------------


def _message_rows(expectation: Expectation, standing: Standing) -> Iterable[Row]:
    if expectation.messages is None:
        return
    got: dict[str, int] = {}
    for (receiver, destination), count in standing.messages.items():
        if destination in expectation.messages:
            got[destination] = count
        if receiver in expectation.messages or destination not in expectation.messages:
            got[receiver] = got.get(receiver, 0) + count
    for name in sorted({*expectation.messages, *got}):
        wanted, found = expectation.messages.get(name, 0), got.get(name, 0)
        yield Row("messages", f"{name}: {wanted}", f"{name}: {found}", agrees=wanted == found)
