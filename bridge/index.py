"""Which rules could match an event, at the price of those that could: a shared equality is a look-up."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import msgspec

from bridge.evaluation import Evaluation
from bridge.event import Event
from bridge.events import EVENT_TYPES
from bridge.events.reading import Names, read_text
from bridge.plan import Plan

Watcher = tuple[Evaluation, Plan]


class Index(msgspec.Struct, frozen=True):
    """The rules that watch one event type, in their order."""

    rest: Sequence[Watcher]
    """Those that compare no field for equality that many others do: they are asked every time."""
    read: Callable[[Event], str | None] | None = None
    table: Mapping[str, Sequence[Watcher]] = {}

    def watchers(self, event: Event) -> Sequence[Watcher]:
        if self.read is None:
            return self.rest
        return self.table.get(self.read(event) or "", self.rest)


def build(kind: str, watchers: list[Watcher], names: Names) -> Index:
    """Index the field that most of the rules compare for equality."""
    shared = Counter(field for _, plan in watchers for field in {field for field, _ in plan.equalities})
    field, sharers = max(shared.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    if sharers < 2 or kind not in EVENT_TYPES:
        return Index(watchers)
    rest = [watcher for watcher in watchers if field not in dict(watcher[1].equalities)]
    values = {value for _, plan in watchers for name, value in plan.equalities if name == field}
    table = {
        value: [watcher for watcher in watchers if dict(watcher[1].equalities).get(field, value) == value]
        for value in values
    }
    return Index(rest, read_text(EVENT_TYPES[kind], field, names), table)
