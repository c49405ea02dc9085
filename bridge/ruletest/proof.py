"""Whether an event that a test describes is what rules would read: each is decoded once before it is trusted."""

import math
from collections.abc import Mapping
from itertools import islice

from bridge.event import Event, EventType, clean
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.checking import NUMERIC
from bridge.events.decoder import Decoder
from bridge.events.reading import read_number, read_text
from bridge.inputs import Message
from bridge.once import Once
from bridge.ruletest.message import Numbering
from bridge.ruletest.model import Occurrence
from bridge.ruletest.occurrences import make, repetitions
from bridge.ruletest.written import Written
from bridge.values import SECOND

PROVED_MAX = 100
"""Repetitions of one event that are looked at; what makes an event another one shows in the first."""

_NUMBERS = {"id", "client.id", "server.id", "server.seq"}
"""A test that gives these may mean that the second event is a double of the first."""

_BEGIN = 1_767_225_600 * SECOND
"""2026: servers tell of times before theirs, and none of before 1970."""

_RAW = "write the message itself, with `subject` and `data`"


def prove(occurrence: Occurrence, names: Names) -> None:
    """Raises ValueError if the event would be another one, none at all, or have other fields than the test says."""
    kind = EVENT_TYPES[occurrence.event or ""]
    if kind.own:
        return
    numbering, decoder = Numbering(), Decoder({kind.name: kind.fields}, Once(), names)
    most = 1 if occurrence.fields.keys() & _NUMBERS else PROVED_MAX
    for moment in islice(repetitions(occurrence, start=_BEGIN), most):
        message = make(moment, numbering, names)
        assert isinstance(message, Message)
        event = decoder.decode(message.subject, message.data, message.at)
        if event is None:
            raise ValueError(f"with these fields servers send nothing that is an event; mend them, or {_RAW}")
        if event.type != kind.name:
            raise ValueError(f"with these fields this is {_what(event)}; name that event, or mend the fields")
        _compare(kind, moment.fields, event, names)


def _what(event: Event) -> str:
    return repr(event.type) if event.type != "bridge.malformed_event" else "no event"


def _compare(kind: EventType, fields: Mapping[str, Written], event: Event, names: Names) -> None:
    for path, value in fields.items():
        known = kind.fields.get(path)
        if isinstance(value, float) or (known and known.kind in NUMERIC and value is None):
            read = read_number(kind, path, names)(event)
            same = read == value or (read is not None and value is not None and _near(read, float(value)))
            same = same or (value is None and read == 0)
        elif known and known.kind in NUMERIC:
            same = True  # A moment, which was parsed already.
        else:
            same = (read_text(kind, path, names)(event) or "") == clean(value or "")
        if not same:
            raise ValueError(f"no {kind.name} has {path!r} like this together with the other fields; {_RAW}")


def _near(read: float, value: float) -> bool:
    return math.isclose(read, value, rel_tol=1e-3, abs_tol=1e-3)
