"""Which rules could match an event, at the price of those that could: a shared equality is a look-up."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from bridge.event import Event
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.reading import read_text
from bridge.plan import Plan, Test

Take = Callable[[Event], None]

Asked = tuple[tuple[Test, ...], Take]
"""What must hold of an event, and who takes it then."""


class Index(msgspec.Struct, frozen=True):
    """The rules that watch one event type, in their order: what `table` has for what `read` gives, else `rest`."""

    rest: Sequence[Asked]
    """Those that compare no field for equality that many others do: they are asked every time."""
    read: Callable[[Event], str | None] | None = None
    table: Mapping[str, Sequence[Asked]] = {}


def build(kind: str, watchers: Sequence[tuple[Plan, Take]], names: Names) -> Index:
    """Index the field that most of the rules compare for equality."""
    field = _shared([plan for plan, _ in watchers])
    if not field or kind not in EVENT_TYPES:
        return Index([(plan.tests, take) for plan, take in watchers])
    wanted = {value for plan, _ in watchers for name, value in plan.equalities if name == field}
    table: dict[str, list[Asked]] = {value: [] for value in wanted}
    rest: list[Asked] = []
    for plan, take in watchers:
        values = [value for name, value in plan.equalities if name == field]
        if not values:
            rest.append((plan.tests, take))
        for value in wanted if not values else values[:1]:
            table[value].append((plan.tests_without(field, value), take))
    return Index(rest, read_text(EVENT_TYPES[kind], field, names), table)


def _shared(plans: Iterable[Plan]) -> str:
    """The field that most compare for equality; "" if no two do."""
    counts = Counter(field for plan in plans for field in {field for field, _ in plan.equalities})
    field, sharers = max(counts.items(), key=lambda item: (item[1], item[0]), default=("", 0))
    return field if sharers >= 2 else ""
