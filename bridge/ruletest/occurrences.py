"""From what a test says that happens to the engine's inputs, in the order of time."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

import msgspec

from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.inputs import Blind, Happening, Input, Message, Sight
from bridge.ruletest.message import Numbering, tell
from bridge.ruletest.model import Occurrence
from bridge.ruletest.written import Written, spread

NUMBER = "{n}"
"""In a text: the number of the repetition, from 1 on."""


class Moment(NamedTuple):
    """One repetition of an occurrence. `at` is in microseconds since the epoch, `n` counts from 1."""

    at: int
    n: int
    what: Occurrence
    fields: Mapping[str, Written]


def inputs(occurrences: Iterable[Occurrence], start: int, names: Names) -> list[Input]:
    """All of it. What servers send in a span that is blind is not heard; its begin belongs to it, its end does not."""
    everything = list(occurrences)
    spans = _spans(everything, start)
    given: list[Input] = [Sight(start)]
    for begin, end in spans:
        # Servers that remember nothing, so that what is told of the span need not wait for them.
        given += [Blind(begin), Sight(end), Happening("disconnects_missed", {}, end)]
    moments = [moment for each in everything if each.blind is None for moment in repetitions(each, start)]
    numbering = Numbering()
    for moment in sorted(moments, key=lambda moment: moment.at):
        message = make(moment, numbering, names)
        if isinstance(message, Happening) or not any(begin <= message.at < end for begin, end in spans):
            given.append(message)
    # At one instant the edges of spans come first.
    return sorted(given, key=lambda each: (each.at, isinstance(each, Message | Happening)))


def repetitions(occurrence: Occurrence, start: int) -> Iterator[Moment]:
    """As many as `count` says, else as the longest list has items; a shorter list begins again."""
    kind = EVENT_TYPES.get(occurrence.event or "")
    values: dict[str, Sequence[Written]] = {
        path: spread(path, kind.fields.get(path) if kind else None, written)
        for path, written in occurrence.fields.items()
    }
    count = occurrence.count or max(map(len, values.values()), default=1)
    for n in range(count):
        fields = {path: _numbered(each[n % len(each)], n + 1) for path, each in values.items()}
        yield Moment(start + occurrence.at + n * occurrence.every, n + 1, occurrence, fields)


def make(moment: Moment, numbering: Numbering, names: Names) -> Message | Happening:
    """What reaches the bridge."""
    what = moment.what
    if what.event is not None:
        return tell(EVENT_TYPES[what.event], moment.fields, moment.at, numbering, names)
    assert what.subject is not None
    text = what.data if isinstance(what.data, str) else msgspec.json.encode(what.data).decode()
    return Message(what.subject, text.replace(NUMBER, str(moment.n)).encode(), moment.at)


def _numbered(value: Written, n: int) -> Written:
    return value.replace(NUMBER, str(n)) if isinstance(value, str) else value


def _spans(occurrences: Iterable[Occurrence], start: int) -> list[tuple[int, int]]:
    """The blind spans, in order; those that touch are one."""
    spans: list[tuple[int, int]] = []
    for at, length in sorted((each.at, each.blind) for each in occurrences if each.blind is not None):
        begin, end = start + at, start + at + length
        if spans and begin <= spans[-1][1]:
            first, last = spans.pop()
            begin, end = first, max(last, end)
        spans.append((begin, end))
    return spans
