"""Runs tests: each plays its events or its recording to an engine that begins with nothing."""

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import chain

from bridge.errors import RecordingError
from bridge.events.accounts import Names
from bridge.inputs import Input
from bridge.recording import read
from bridge.ruletest.course import run
from bridge.ruletest.model import RuleTest
from bridge.ruletest.occurrences import inputs
from bridge.ruletest.report import Outcome
from bridge.ruletest.suite import PlacedTest, Suite
from bridge.ruletest.verdict import judge
from bridge.setup import Setup
from bridge.values import SECOND

START = 1_767_225_600 * SECOND
"""When tests with events begin: 2026-01-01 00:00 UTC, a Thursday."""


def try_all(suite: Suite) -> list[Outcome]:
    """Run the tests of a file, in its order."""
    return [_try(placed, suite.setup) for placed in suite.tests]


def _try(placed: PlacedTest, setup: Setup) -> Outcome:
    try:
        with _told(placed.test, setup.names) as given:
            course = run(setup, given, (expectation.at for expectation in placed.test.expect))
    except RecordingError as error:
        return Outcome(placed, None, broken=str(error))
    return Outcome(placed, course, judge(placed, course))


@contextmanager
def _told(test: RuleTest, names: Names) -> Iterator[Iterator[Input]]:
    if test.recording is None:
        yield iter(inputs(test.events or (), START, names))
        return
    with test.recording.open("rb") as lines:
        recorded = read(lines, str(test.recording))
        first = next(recorded, None)
        if first is None:
            raise RecordingError(str(test.recording), 0, "nothing is in it; record something, or write events")
        yield chain((first,), recorded)
