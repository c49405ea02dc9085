"""From a test file to tests that can run, or to all that is wrong with it and with the rules that it names."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

import msgspec
from pydantic import ValidationError

from bridge.config import rehearse
from bridge.config.composer import SIZE_MAX, parse_document
from bridge.config.file import read_bytes
from bridge.config.problems import translate
from bridge.config.references import mapping, sequence
from bridge.config.substitution import Substituted
from bridge.configuration import setup
from bridge.errors import ConfigError, Problem
from bridge.ruletest.model import RuleTest, RuleTests
from bridge.ruletest.proof import prove
from bridge.ruletest.references import check_fields, check_names, problem
from bridge.ruletest.vocabulary import Vocabulary, vocabulary
from bridge.setup import Setup


class PlacedTest(NamedTuple):
    """A test and the lines in which it and its expectations begin."""

    test: RuleTest
    line: int
    expected: list[int]


class Suite(NamedTuple):
    """All tests of one file. The rules are the operator's: alerts of the bridge about itself disturb no test."""

    file: str
    setup: Setup
    tests: list[PlacedTest]


def read_suite(path: Path, environ: Mapping[str, str]) -> Suite:
    """Read a test file and its rules. Raises ConfigError with all that is wrong with both."""
    given = _read(path, environ)
    problems = list(check_fields(given))
    model: RuleTests | None = None
    try:
        model = RuleTests.model_validate(given.value, context={"directory": path.parent})
    except ValidationError as error:
        problems += translate(error, given, (), RuleTests)
    rules: tuple[Setup, Vocabulary] | None = None
    named = mapping(given.value).get("rules")
    if isinstance(named, str) and named:
        try:
            rules = _rules(path.parent / named, environ)
            problems += check_names(given, rules[1])
        except ConfigError as error:
            problems += error.problems
    problems += _unreadable(given, path.parent)
    if model and rules and not problems:
        problems += _unprovable(given, model, rules[1])
    problems = _in_order(given, problems)
    if problems or not model or not rules:
        raise ConfigError(problems)
    return Suite(str(path), rules[0], [_placed(given, index, test) for index, test in enumerate(model.tests)])


def _read(path: Path, environ: Mapping[str, str]) -> Substituted:
    try:
        raw = read_bytes(path, SIZE_MAX)
    except OSError as error:
        what = f"the file cannot be read ({error.strerror}); check the path and its permissions"
        raise ConfigError([Problem(str(path), 0, 0, what)]) from error
    document = parse_document(str(path), raw)
    if document.value is None and not document.problems:
        raise ConfigError([Problem(str(path), 1, 1, "the file is empty; write tests into it")])
    return Substituted(document, environ)


def _rules(path: Path, environ: Mapping[str, str]) -> tuple[Setup, Vocabulary]:
    loaded = rehearse(path, environ)
    whole = setup(loaded)
    own = msgspec.structs.replace(whole, rules=tuple(placed for placed in whole.rules if placed.place))
    return own, vocabulary(loaded, own)


def _unreadable(given: Substituted, directory: Path) -> Iterator[Problem]:
    """Recordings that are not there. What is in them shows when they are played."""
    for index, test in enumerate(sequence(mapping(given.value).get("tests"))):
        recording = mapping(test).get("recording")
        if isinstance(recording, str) and recording and "\0" not in recording:
            try:
                read_bytes(directory / recording, 0)
            except OSError as error:
                what = (
                    f"the recording cannot be read ({error.strerror}); check the path, which is relative to this file"
                )
                yield problem(given, ("tests", index, "recording"), what)


def _unprovable(given: Substituted, model: RuleTests, known: Vocabulary) -> Iterator[Problem]:
    for index, test in enumerate(model.tests):
        for place, occurrence in enumerate(test.events or ()):
            if occurrence.event is not None:
                try:
                    prove(occurrence, known.names)
                except ValueError as error:
                    yield problem(given, ("tests", index, "events", place, "event"), str(error))


def _placed(given: Substituted, index: int, test: RuleTest) -> PlacedTest:
    place = given.document.place
    path = ("tests", index)
    lines = [place((*path, "expect", number)).line for number in range(len(test.expect))]
    return PlacedTest(test, place((*path, "name")).line, lines)


def _in_order(given: Substituted, problems: list[Problem]) -> list[Problem]:
    """Those of the test file by line, then those of its rules."""
    unique = {str(each): each for each in [*given.document.problems, *given.problems, *problems]}
    own = given.document.file
    return sorted(unique.values(), key=lambda each: (each.file != own, each.line, each.column))
