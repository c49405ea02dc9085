"""How one rule reads one type of event: every field that it names, as a function of the event."""

from collections.abc import Callable, Iterable

import msgspec

from bridge.event import Event, EventType, Kind
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.reading import Reader, read_number, read_text
from bridge.matcher import Matcher
from bridge.rule import Rule
from bridge.state import SEPARATOR, Texts
from bridge.watched import Watched

PROCESS = ("server.id", "statsz.start")
"""The fields that tell one process of a server from the next; not each type of event has both."""

Test = Callable[[Event], bool]


class Plan(msgspec.Struct, frozen=True):
    """One rule's view of one event type."""

    tests: tuple[Test, ...]
    by: tuple[Callable[[Event], str | None], ...]
    numbers: tuple[Callable[[Event], float | None], ...]
    series: tuple[tuple[str, Callable[[Event], str | None]], ...]
    process: tuple[Callable[[Event], str | None], ...]
    marks: tuple[Test, ...]
    text: tuple[Callable[[Event], str | None], ...]
    tops: tuple[Callable[[Event], str | None], ...]
    latest: tuple[Callable[[Event], str | None], ...]
    equalities: tuple[tuple[str, str], ...]
    """(field, value) of the matchers that compare for equality: what an index can use. They are the first tests."""
    interval: float = 0.0
    """Seconds between two such events of a series, where the bridge itself asks for them; else 0."""

    def matches(self, event: Event) -> bool:
        return all(test(event) for test in self.tests)

    def tests_without(self, field: str, value: str) -> tuple[Test, ...]:
        """What is left to test where this equality is known to hold."""
        if (field, value) not in self.equalities:
            return self.tests
        place = self.equalities.index((field, value))
        return self.tests[:place] + self.tests[place + 1 :]

    def key(self, event: Event) -> str:
        by = self.by
        if len(by) == 1:
            return by[0](event) or ""
        return SEPARATOR.join([read(event) or "" for read in by])

    def key_reader(self) -> Callable[[Event], str | None]:
        """The fastest way to the key; None stands for an empty one."""
        match self.by:
            case ():
                return _no_key
            case (read,):
                return read
            case (first, second):
                return lambda event: f"{first(event) or ''}{SEPARATOR}{second(event) or ''}"
            case _:
                return self.key

    def series_of(self, event: Event) -> str:
        return SEPARATOR.join(f"{name}={read(event) or ''}" for name, read in self.series)

    def text_of(self, event: Event) -> str:
        return SEPARATOR.join([read(event) or "" for read in self.text])

    def process_of(self, event: Event) -> str:
        """Which process of the server counts, and its number of this measurement."""
        return SEPARATOR.join([*(read(event) or "" for read in self.process), str(event.server_seq)])


def _no_key(event: Event) -> str:
    return ""


class Listener(msgspec.Struct, frozen=True):
    """Other events that concern existing combinations: which ones, and how they name the combination."""

    tests: tuple[Test, ...]
    match: tuple[tuple[int, Callable[[Event], str | None]], ...]
    """(place in `by`, the event's field)"""


def texts(reads: tuple[Callable[[Event], str | None], ...], event: Event) -> Texts:
    return tuple([read(event) or "" for read in reads]) if reads else ()


def make(rule: Rule, kind: EventType | None, tops: Iterable[str], latest: Iterable[str], names: Names) -> Plan:
    """`kind` None: the rule watches a subject, whatever comes there."""

    def text(path: str) -> Callable[[Event], str | None]:
        return read_text(kind, path, names)

    series = kind.series if kind and kind.series else tuple(rule.by)
    # What several servers tell in turn, such as a stream's leaders, is no process of one of them.
    process = [path for path in PROCESS if kind and "server.name" in kind.series and path in kind.fields]
    equal = [matcher for matcher in rule.where if matcher.op == "="]
    others = [matcher for matcher in rule.where if matcher.op != "="]
    return Plan(
        tests=tests([*equal, *others], kind, names),
        by=tuple(text(path) for path in rule.by),
        numbers=tuple(read_number(kind, path, names) for path in rule.number_fields),
        series=tuple((path, text(path)) for path in series) if rule.serial else (),
        process=tuple(text(path) for path in process) if rule.serial else (),
        marks=tests(rule.marks, kind, names),
        text=tuple(text(path) for path in rule.text_fields),
        tops=tuple(text(path) for path in tops),
        latest=tuple(text(path) for path in latest),
        equalities=tuple((matcher.field, matcher.value) for matcher in equal),
    )


def tests(where: Iterable[Matcher], kind: EventType | None, names: Names) -> tuple[Test, ...]:
    """The matchers as functions of the event."""
    return tuple(_test(matcher, kind, names) for matcher in where)


def _test(matcher: Matcher, kind: EventType | None, names: Names) -> Test:
    field = kind.fields.get(matcher.field) if kind else None
    numeric = matcher.op in ("<", "<=", ">", ">=")
    read: Reader = (read_number if numeric else read_text)(kind, matcher.field, names)
    test = matcher.compile(field.kind if field else "any")
    if matcher.op == "=" and matcher.value:
        wanted = matcher.value
        return lambda event: read(event) == wanted
    if matcher.op == "!=" and matcher.value:
        unwanted = matcher.value
        return lambda event: read(event) != unwanted
    return lambda event: test(read(event))


def kind_of(rule: Rule, kinds: Iterable[EventType | None]) -> Kind:
    """The kind of the rule's number, for display and units."""
    for kind in kinds:
        for path in rule.number_fields[:1]:
            if kind and (field := kind.fields.get(path)):
                return field.kind
    return "number"


def paths(rule: Rule, kind: EventType, tops: Iterable[str], latest: Iterable[str]) -> set[str]:
    """Every field of an event type that the rule reads, so that the decoder decodes it."""
    wanted = {matcher.field for matcher in (*rule.where, *rule.marks)}
    wanted.update(rule.by, rule.number_fields, rule.text_fields, tops, latest)
    if rule.serial:
        wanted.update(kind.series, PROCESS)
    if rule.names_accounts:
        wanted.add("account.name")  # What is told of the names must be learned.
    return {path for path in wanted if path in kind.fields or path.startswith("token.")}


def listen(watched: Watched | None, match: list[str] | None, rule: Rule, names: Names) -> dict[str, Listener]:
    """What listens to other events, by their type. `match`: fields of `by`; None: all of them."""
    if watched is None:
        return {}
    fields = rule.by if match is None else match
    return {
        name: Listener(
            tests(watched.where, EVENT_TYPES[name], names),
            tuple((rule.by.index(field), read_text(EVENT_TYPES[name], field, names)) for field in fields),
        )
        for name in watched.events
    }
