"""What people read about tests: a line for each file, and for a failure what was expected beside what was."""

from collections.abc import Iterator, Sequence
from typing import TextIO

import msgspec
from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bridge.replay import Sent, Transition
from bridge.ruletest.course import Course
from bridge.ruletest.suite import PlacedTest
from bridge.ruletest.verdict import Failure, Row, shown
from bridge.values import write_duration

PLAIN_WIDTH = 240
"""Characters of a line that no terminal limits."""
CHANGES_MAX = 20
"""Changes and messages that are told for one failed test."""

_NOTHING = "nothing"


class Outcome(msgspec.Struct, frozen=True):
    """What became of one test."""

    placed: PlacedTest
    course: Course | None
    failures: Sequence[Failure] = ()
    broken: str = ""
    """Why it could not be played to its end."""

    @property
    def passed(self) -> bool:
        return not self.failures and not self.broken


def make_console(file: TextIO) -> Console:
    """Where a report is printed: on a terminal as wide as that is."""
    width = None if file.isatty() else PLAIN_WIDTH
    return Console(file=file, width=width, highlight=False, emoji=False, markup=False)


def report(file: str, outcomes: Sequence[Outcome], console: Console) -> None:
    """All that failed, then the count."""
    for outcome in outcomes:
        if not outcome.passed:
            _print(console, _failed(file, outcome))
    passed = sum(outcome.passed for outcome in outcomes)
    failed = len(outcomes) - passed
    counts = Text.assemble(f"{file}: ", (f"{passed} passed", "green" if not failed else ""))
    if failed:
        counts.append(", ").append(f"{failed} failed", "bold red")
    _print(console, counts)


def _print(console: Console, what: RenderableType) -> None:
    """Rich fills lines up with blanks, which nobody wants in a file."""
    if console.is_terminal:
        console.print(what)
        return
    with console.capture() as captured:
        console.print(what)
    for line in captured.get().splitlines():
        console.file.write(line.rstrip() + "\n")


def _failed(file: str, outcome: Outcome) -> RenderableType:
    placed = outcome.placed
    parts: list[RenderableType] = [
        Text.assemble(("FAILED ", "bold red"), f"{file}:{placed.line}: ", (placed.test.name, "bold"))
    ]
    if outcome.broken:
        parts.append(_indented(Text(outcome.broken)))
    for failure in outcome.failures:
        parts.append(_indented(Text(f"at {write_duration(failure.at)} (line {failure.line})")))
        parts.append(_indented(_side_by_side(failure.rows), 4))
    if outcome.course and outcome.failures:
        parts.append(_indented(Text("what happened")))
        parts.append(_indented(_what_happened(outcome.course, outcome.failures), 4))
    return Group(*parts, Text())


def _side_by_side(rows: Sequence[Row]) -> Table:
    table = _table(show_header=True)
    table.add_column()
    table.add_column()
    table.add_column("expected", overflow="fold")
    table.add_column("actual", overflow="fold")
    before = ""
    for row in rows:
        style = "" if row.agrees else "red"
        mark = Text("" if row.agrees else "✗", "bold red")
        what = row.what if row.what != before else ""
        table.add_row(Text(what), mark, Text(row.expected or _NOTHING), Text(row.actual or _NOTHING, style))
        before = row.what
    return table


def _what_happened(course: Course, failures: Sequence[Failure]) -> RenderableType:
    rows = [row for failure in failures for row in failure.rows if not row.agrees]
    alerts = {row.alert for row in rows}
    messages = any(row.what == "messages" for row in rows)
    lines = [line for each in course.happened if (line := _line(each, course.start, alerts, messages))]
    table = _table(show_header=False)
    for _ in range(3):
        table.add_column(overflow="fold")
    for at, state, what in lines[:CHANGES_MAX]:
        table.add_row(Text(at), Text(state), Text(what))
    more = [Text(f"… and {len(lines) - CHANGES_MAX} more")] if len(lines) > CHANGES_MAX else []
    return Group(*([table] if lines else []), *more, *map(Text, _silent(course, alerts - {""})))


def _line(happened: Transition | Sent, start: int, alerts: set[str], messages: bool) -> tuple[str, str, str] | None:
    at = write_duration(happened.at - start)
    if isinstance(happened, Transition):
        named = happened.labels["alertname"] in alerts
        return (at, happened.state, shown(happened.labels)) if named else None
    told = happened.notification
    return (at, "message", f"to {told.destination} ({told.reason}): {_summary(happened)}") if messages else None


def _summary(sent: Sent) -> str:
    states: dict[str, int] = {}
    for alert in sent.notification.alerts:
        states[alert.state] = states.get(alert.state, 0) + 1
    return ", ".join(f"{count} {state}" for state, count in states.items())


def _silent(course: Course, alerts: set[str]) -> Iterator[str]:
    """A word about alerts of which there is nothing to tell."""
    known = {each.labels["alertname"] for each in course.happened if isinstance(each, Transition)}
    for alert in sorted(alerts - known):
        yield f"{alert} was never pending and never fired"


def _table(show_header: bool) -> Table:
    return Table(box=None, show_header=show_header, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")


def _indented(what: RenderableType, by: int = 2) -> Padding:
    return Padding(what, (0, 0, 0, by))
