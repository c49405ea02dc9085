"""How the catalogue of events is shown to people."""

import json
from collections.abc import Iterator
from importlib.resources import files
from typing import Any

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from bridge.builtin import builtin_rules
from bridge.config.advice import HOW_TO_IMPORT
from bridge.event import EventType, Field
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.decoder import Decoder
from bridge.events.families import imports_of
from bridge.inputs import Message
from bridge.once import Once
from bridge.recording import read
from bridge.ruletest.message import Numbering, tell
from bridge.values import SECOND

SAMPLES = "samples.jsonl"
IMPORTS = "acct.*."
"""How the imports of samples are labelled."""
_MADE_UP_AT = 1_795_421_000 * SECOND


def everything() -> Table:
    """A row for each type of event."""
    table = Table(box=None, pad_edge=False)
    for name in ("event", "severity", "from", "what happened"):
        table.add_column(name, no_wrap=name != "what happened", header_style="bold")
    for kind in EVENT_TYPES.values():
        table.add_row(kind.name, _severity(kind), kind.since or "any", Text(kind.about))
    return table


def one(kind: EventType) -> RenderableType:
    """All that the catalogue knows about a type."""
    return Group(
        Text(kind.name, style="bold"),
        Text(f"  {kind.about}"),
        Text(),
        *(Text(line) for line in _facts(kind)),
        Text(),
        _fields(kind),
        *_values(kind),
        Text(),
        *_sample(kind),
    )


def plain(console: Console) -> Console:
    """A console that does not fold the lines of programs: what goes into a pipe is as wide as it is."""
    return console if console.is_terminal else Console(width=10_000, soft_wrap=True)


def _severity(kind: EventType) -> str:
    """Of events of the bridge itself, the one of their built-in alert."""
    built_in = [rule.labels.get("severity", "info") for rule in builtin_rules(()) if kind.name in rule.events]
    return built_in[0] if built_in else kind.severity


def _facts(kind: EventType) -> Iterator[str]:
    if kind.own:
        yield "source:    the bridge itself"
    for place, subject in enumerate(kind.subjects):
        yield f"{'' if place else 'subjects:':10} {subject}"
    if kind.poll:
        yield f"asked for: {kind.poll}, every nats.poll.interval"
    for subject in () if kind.poll else kind.aliases:
        yield f"{'also:':10} {subject} (not subscribed to; for a rule that names it by `subject`)"
    for place, subject in enumerate(imports_of(kind, IMPORTS)):
        yield f"{'' if place else 'imported:':10} {subject} (with nats.imports: '{IMPORTS}')"
    if kind.imported:
        of_what = "of its own requests" if kind.told_to == "asker" else "nothing of it"
        yield f"{'needs:':10} an import: without one the system account hears {of_what}; {HOW_TO_IMPORT}"
    yield f"{'severity:':10} usually {_severity(kind)}"
    if not kind.own:
        yield f"{'servers:':10} {f'from {kind.since} on' if kind.since else 'all'}"
    if kind.series:
        yield f"{'series:':10} one for each {', '.join(kind.series)}"
    if kind.responder:
        yield f"{'beware:':10} who listens seems to answer: where no resolver does, a push times out"


def _fields(kind: EventType) -> Table:
    table = Table(box=None, pad_edge=False)
    for name in ("field", "is", "meaning"):
        table.add_column(name, no_wrap=name != "meaning", header_style="bold")
    for field in kind.fields.values():
        table.add_row(field.path, field.kind, Text(_meaning(field)))
    if not kind.own:
        table.add_row("token.1 …", "text", "parts of the subject")
    return table


def _meaning(field: Field) -> str:
    marks = ["only grows"] * field.counter + ["0 if left out"] * field.zero
    return f"{field.about} [{', '.join(marks)}]" if marks else field.about


def _values(kind: EventType) -> Iterator[RenderableType]:
    for field in kind.fields.values():
        if len(field.values) > 3:
            yield Text()
            yield Text(f"{field.path} is one of:")
            yield Padding(Text(", ".join(field.values)), (0, 0, 0, 2))


def _sample(kind: EventType) -> Iterator[RenderableType]:
    subject, body, recorded = sample(kind)
    if kind.own:
        return
    yield Text(f"{'recorded' if recorded else 'made up'}, on {subject}:")
    yield Text(json.dumps(body, indent=2, ensure_ascii=False))


def sample(kind: EventType) -> tuple[str, dict[str, Any], bool]:
    """A message of this type: its subject and payload, and whether a real server has sent it."""
    if kind.own:
        return kind.name, {}, False
    lines = files("bridge.events").joinpath(SAMPLES).read_bytes().splitlines(keepends=True)
    decoder = Decoder(dict.fromkeys([kind.name], ()), Once(), Names(imports=IMPORTS))
    for given in read(lines, SAMPLES):
        if isinstance(given, Message):
            event = decoder.decode(given.subject, given.data, given.at, given.account)
            if event is not None and event.type == kind.name:
                return given.subject, json.loads(given.data), True
    fields = {path: _some(field) for path, field in kind.fields.items() if _is_plain(path, field)}
    made = tell(kind, fields, _MADE_UP_AT, Numbering(), Names())
    assert isinstance(made, Message)
    return made.subject, json.loads(made.data), False


def _is_plain(path: str, field: Field) -> bool:
    """Whether a field may stand in a message that is made up."""
    return not field.derive and path not in ("type", "subject") and not path.startswith(("account.", "server."))


def _some(field: Field) -> str | float:
    """A value that looks like one."""
    match field.kind:
        case "text":
            return field.values[0] if field.values else "…"
        case "time":
            return -60.0
        case "seconds":
            return 0.25
        case _:
            return 1.0
