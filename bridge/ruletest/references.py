"""Names in a test file that only exist elsewhere: fields of events, alerts, labels and receivers of the rules file.

Looks at the values as written, so that it speaks in the same pass as the checks of single keys, and is silent where
those have something to say.
"""

from collections.abc import Collection, Iterator

from bridge.config.document import KeyPath, Plain, clip
from bridge.config.references import mapping, sequence
from bridge.config.substitution import Substituted
from bridge.config.vocabulary import suggestion
from bridge.errors import Problem
from bridge.events import EVENT_TYPES
from bridge.events.checking import check_field
from bridge.ruletest.model import STATES
from bridge.ruletest.vocabulary import Vocabulary
from bridge.ruletest.written import spread


def check_fields(given: Substituted) -> Iterator[Problem]:
    """What is wrong with the fields of the events of all tests."""
    for index, test in enumerate(sequence(mapping(given.value).get("tests"))):
        for place, occurrence in enumerate(sequence(mapping(test).get("events"))):
            name = mapping(occurrence).get("event")
            if isinstance(name, str) and name in EVENT_TYPES:
                yield from _field_problems(
                    given, ("tests", index, "events", place, "fields"), name, mapping(occurrence)
                )


def check_names(given: Substituted, known: Vocabulary) -> Iterator[Problem]:
    """Alerts, labels, annotations and receivers that the rules file does not have."""
    for index, raw in enumerate(sequence(mapping(given.value).get("tests"))):
        test, path = mapping(raw), ("tests", index)
        for place, alert in enumerate(sequence(test.get("alerts"))):
            yield from _unknown(given, (*path, "alerts", place), "alert", alert, known.labels)
        for place, raw_expectation in enumerate(sequence(test.get("expect"))):
            yield from _expectation_problems(given, (*path, "expect", place), mapping(raw_expectation), known)


def problem(given: Substituted, path: KeyPath, what: str) -> Problem:
    """Something wrong with a value; what came from the environment is not shown."""
    if given.tells(what, path):
        names = ", ".join(f"${{{name}}}" for name in given.variables(path)) or "the environment"
        what = f"the text from {names} does not fit here; check what it is set to"
    return given.document.problem(path, what)


def _field_problems(given: Substituted, path: KeyPath, name: str, occurrence: dict[str, Plain]) -> Iterator[Problem]:
    for field, written in mapping(occurrence.get("fields")).items():
        if field in ("type", "subject"):
            what = f"{field!r} follows from the event; write a raw message with `subject` and `data` instead"
            yield given.document.key_problem((*path, field), what)
            continue
        try:
            known = check_field(field, [name])
        except ValueError as error:
            yield given.document.key_problem((*path, field), str(error))
            continue
        try:
            spread(field, known, written)
        except ValueError as error:
            yield problem(given, (*path, field), str(error))


def _expectation_problems(
    given: Substituted, path: KeyPath, expectation: dict[str, Plain], known: Vocabulary
) -> Iterator[Problem]:
    for state in STATES:
        for place, alert in enumerate(sequence(expectation.get(state))):
            yield from _alert_problems(given, (*path, state, place), alert, known)
    for receiver in mapping(expectation.get("messages")):
        yield from _unknown(given, (*path, "messages", receiver), "receiver", receiver, known.receivers)


def _alert_problems(given: Substituted, path: KeyPath, written: Plain, known: Vocabulary) -> Iterator[Problem]:
    if isinstance(written, str):
        yield from _unknown(given, path, "alert", written, known.labels)
        return
    alert = mapping(written).get("alert")
    if not isinstance(alert, str) or alert not in known.labels:
        yield from _unknown(given, (*path, "alert"), "alert", alert, known.labels)
        return
    for key, names in (("labels", known.labels[alert]), ("annotations", known.annotations[alert])):
        for name in mapping(mapping(written).get(key)):
            if name not in names:
                what, own = key.removesuffix("s"), f"its {key} are"
                advice = suggestion(name, names, own)
                yield given.document.key_problem(
                    (*path, key, name), f"the alert {clip(alert)!r} has no {what} {clip(name)!r}; {advice}"
                )


def _unknown(given: Substituted, path: KeyPath, what: str, name: Plain, names: Collection[str]) -> Iterator[Problem]:
    if isinstance(name, str) and name not in names:
        advice = suggestion(name, list(names), f"the {what}s are")
        told = f"the rules have no {what} {clip(name)!r}; {advice}"
        yield given.document.key_problem(path, told) if path[-1] == name else problem(given, path, told)
