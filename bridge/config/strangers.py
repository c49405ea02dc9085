"""Matchers that ask for an alert which no rule makes: nothing is routed, muted or silenced by them."""

import re
from collections.abc import Collection, Iterator

from bridge.config.document import KeyPath, Plain, clip
from bridge.config.references import mapping, routes, sequence
from bridge.config.substitution import Substituted
from bridge.config.vocabulary import nearest
from bridge.errors import Problem
from bridge.label_matchers import LabelMatchers

_NAMES = re.compile(r"\w+(\|\w+)*")


def strangers(given: Substituted, alerts: Collection[str]) -> Iterator[Problem]:
    """A warning for each name in a main file's matchers that is not among `alerts`, all that there can be."""
    for path, lines in _matcher_lists(mapping(given.value)):
        for index, line in enumerate(sequence(lines)):
            for name in _named(line):
                near = nearest(name, alerts)
                advice = f"did you mean {near!r}?" if near else "add the rule, or remove this"
                what = f"no rule makes an alert {clip(name)!r}; {advice}"
                if name not in alerts and not given.tells(what, (*path, index)):
                    yield given.document.problem((*path, index), what, "warning")


def _matcher_lists(main: dict[str, Plain]) -> Iterator[tuple[KeyPath, Plain]]:
    for path, route in routes(("route",), mapping(main.get("route"))):
        yield (*path, "matchers"), route.get("matchers")
    for index, rule in enumerate(sequence(main.get("inhibit_rules"))):
        for key in ("source_matchers", "target_matchers"):
            yield ("inhibit_rules", index, key), mapping(rule).get(key)
    for index, silence in enumerate(sequence(main.get("silences"))):
        yield ("silences", index, "matchers"), mapping(silence).get("matchers")


def _named(line: Plain) -> list[str]:
    """The alerts that a line names; of a regex only if it is nothing but names."""
    try:
        matchers = LabelMatchers.parse(line).matchers if isinstance(line, str) else ()
    except ValueError:  # told where single keys are checked
        return []
    values = [matcher.value for matcher in matchers if matcher.field == "alertname"]
    return [name for value in values if _NAMES.fullmatch(value) for name in value.split("|")]
