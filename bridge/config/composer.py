"""A YAML text becomes plain values that know their places, or a list of problems; no text can hang or kill us.

Read from PyYAML's events in pure Python: libyaml's composer overflows the C stack at 100 000 nested brackets, and
PyYAML's own composer expands merge keys before anyone can count them.
"""

from typing import Never, cast

import yaml
from yaml.parser import Parser
from yaml.reader import Reader
from yaml.scanner import Scanner

from bridge.config.document import Child, Document, Node, Place, clip
from bridge.config.scalar import Scalar, refuse_unusable, resolve
from bridge.config.syntax import syntax_problem
from bridge.errors import ConfigError, Problem

SIZE_MAX = 1 << 20
"""Bytes of one file. PyYAML reads about 0.7 MB a second (measured with rules of 480 bytes on Python 3.11)."""
DEPTH_MAX = 20
EXPANSION_MAX = 10
"""Aliases may make a file at most so many times as large as it is."""
VALUES_MAX = 50_000
"""Values of one file, keys included; a thousand rules have 34 000. PyYAML makes about 45 000 a second."""
PROBLEMS_MAX = 100
"""Where reading stops: no one mends more at once, and a hostile file could hold a hundred thousand."""


def parse_document(file: str, raw: bytes) -> Document:
    """Read one file. Raises ConfigError if the rest of it cannot be read; lesser faults are in `problems`."""
    text = _decode(file, raw)
    try:
        events = _Events(text)
    except yaml.reader.ReaderError as error:
        character = chr(error.character) if isinstance(error.character, int) else str(error.character)
        what = f"the character {character!a} cannot be in a YAML file; remove it"
        raise ConfigError([Problem(file, *_place_of(text, error.position), what)]) from error
    return _Builder(file, events, len(text)).document()


def _decode(file: str, raw: bytes) -> str:
    if len(raw) > SIZE_MAX:
        what = f"the file is larger than {SIZE_MAX >> 20} MiB; split it with rule_files"
        raise ConfigError([Problem(file, 0, 0, what)])
    if raw.startswith((b"\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff")):
        what = "the file begins with a byte order mark; save it as UTF-8 without one"
        raise ConfigError([Problem(file, 1, 1, what)])
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        place = _place_of(raw[: error.start].decode("utf-8"), error.start)
        what = f"the byte 0x{raw[error.start]:02x} is not UTF-8; save the file as UTF-8"
        raise ConfigError([Problem(file, *place, what)]) from error


def _place_of(text: str, position: int) -> Place:
    before = text[:position]
    return Place(before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


class _Events(Reader, Scanner, Parser):
    """PyYAML's loader without its composer, resolver and constructor."""

    def __init__(self, text: str) -> None:
        Reader.__init__(self, text)
        Scanner.__init__(self)
        Parser.__init__(self)

    def next(self) -> yaml.Event:
        return cast("yaml.Event", self.get_event())  # type: ignore[no-untyped-call]

    def place(self) -> Place:
        """How far the reader has come."""
        return Place(self.line + 1, self.column + 1)


_PARSER_ERRORS = (yaml.YAMLError, ValueError, ArithmeticError, LookupError, TypeError, AttributeError, RuntimeError)
"""PyYAML also lets its own slips out: ValueError for the escape of a character past the last one, among others."""


class _Stop(Exception):
    """The rest of the file cannot be read; the problem is noted."""


class _Builder:
    """Nodes out of events. Depth, size and number of values are counted on the way: nothing is built to be refused."""

    def __init__(self, file: str, events: _Events, size: int) -> None:
        self._file, self._events, self._size = file, events, size
        self._problems: list[Problem] = []
        self._anchors: dict[str, Node | None] = {}  # None while the anchor's own value is being read
        self._expanded = size
        self._values = 0

    def document(self) -> Document:
        try:
            root = self._root()
        except _Stop:
            raise ConfigError(self._problems) from None
        return Document(self._file, root, self._problems)

    def _root(self) -> Node | None:
        self._next()  # the start of the stream
        if isinstance(self._next(), yaml.StreamEndEvent):
            return None
        root = self._child(self._next(), 1).node
        self._next()  # the end of the document
        after = self._next()
        if not isinstance(after, yaml.StreamEndEvent):
            self._note(_place(after), "a second document begins; one file holds one, so remove the '---' line")
        return root

    def _next(self) -> yaml.Event:
        try:
            return self._events.next()
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(mark.line + 1, mark.column + 1) if mark else self._events.place()
            self._stop(place, syntax_problem(error), error)
        except _PARSER_ERRORS as error:
            self._stop(self._events.place(), "this is not valid YAML; check the line and the one before it", error)

    def _child(self, event: yaml.Event, depth: int, key: Place | None = None) -> Child:
        self._values += 1
        if self._values > VALUES_MAX:
            self._stop(_place(event), f"the file holds more than {VALUES_MAX} values; split it with rule_files")
        place = _place(event)
        return Child(key or place, place, self._node(event, depth))

    def _node(self, event: yaml.Event, depth: int) -> Node:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, depth)
        if depth > DEPTH_MAX:
            self._stop(_place(event), f"values are nested more than {DEPTH_MAX} deep; write them flatter")
        if event.tag is not None:  # type: ignore[attr-defined]
            self._note(_place(event), "a tag ('!') is not allowed; remove it and quote the value if it is text")
        anchor = event.anchor  # type: ignore[attr-defined]
        if anchor is not None:
            self._anchors[anchor] = None
        node = self._content(event, depth)
        if anchor is not None:
            self._anchors[anchor] = node
        return node

    def _content(self, event: yaml.Event, depth: int) -> Node:
        expanded = self._expanded
        content: Scalar | list[Child] | dict[str, Child]
        if isinstance(event, yaml.MappingStartEvent):
            content, end = self._mapping(depth)
        elif isinstance(event, yaml.SequenceStartEvent):
            content, end = self._sequence(depth)
        else:
            content, end = self._scalar(cast("yaml.ScalarEvent", event)), event
        children = content.values() if isinstance(content, dict) else content if isinstance(content, list) else ()
        written = _mark(end.end_mark).index - _mark(event.start_mark).index
        size = max(written, 1) + self._expanded - expanded
        return Node(content, size, 1 + max((child.node.height for child in children), default=0))

    def _mapping(self, depth: int) -> tuple[dict[str, Child], yaml.Event]:
        content: dict[str, Child] = {}
        while not isinstance(event := self._next(), yaml.MappingEndEvent):
            key, place = self._key(event, depth), _place(event)
            child = self._child(self._next(), depth + 1, place)
            if key is None:
                continue
            if key in content:
                first = content[key].key.line
                self._note(place, f"the key {clip(key)!r} is given twice, first in line {first}; keep one of them")
            else:
                content[key] = child
        return content, event

    def _key(self, event: yaml.Event, depth: int) -> str | None:
        """The text of a key, or None after noting what is wrong with it."""
        place = _place(event)
        if isinstance(event, yaml.ScalarEvent) and event.tag is None and event.style is None and event.value == "<<":
            self._note(place, "a merge key ('<<') is not allowed; write the keys out, or use rule_defaults")
            return None
        key = self._child(event, depth + 1).node.content
        if isinstance(key, str):
            return key
        scalar = isinstance(event, yaml.ScalarEvent) and event.value
        fix = f"write '{scalar}' in quotes" if scalar else "put a template ('{{ … }}') in quotes"
        self._note(place, f"a key must be text; {fix}")
        return None

    def _sequence(self, depth: int) -> tuple[list[Child], yaml.Event]:
        content: list[Child] = []
        while not isinstance(event := self._next(), yaml.SequenceEndEvent):
            content.append(self._child(event, depth + 1))
        return content, event

    def _scalar(self, event: yaml.ScalarEvent) -> Scalar:
        try:
            refuse_unusable(event.value)
            return resolve(event.value) if event.style is None and event.tag is None else event.value
        except ValueError as error:
            self._note(_place(event), str(error))
            return event.value if event.value.isprintable() else ""

    def _alias(self, event: yaml.AliasEvent, depth: int) -> Node:
        name = clip(str(event.anchor))
        if event.anchor not in self._anchors:
            self._stop(_place(event), f"there is no anchor '&{name}' before this alias; define it or mend the name")
        node = self._anchors[event.anchor]
        if node is None:
            self._stop(_place(event), f"the alias '*{name}' stands inside its own anchor; write the value out")
        self._expanded += node.size
        if self._expanded > EXPANSION_MAX * self._size:
            what = f"aliases make the file more than {EXPANSION_MAX} times as large; write the values out"
            self._stop(_place(event), what)
        if depth + node.height - 1 > DEPTH_MAX:
            self._stop(_place(event), f"the alias nests values more than {DEPTH_MAX} deep; write them flatter")
        return node

    def _note(self, place: Place, what: str) -> None:
        self._problems.append(Problem(self._file, *place, what))
        if len(self._problems) >= PROBLEMS_MAX:
            self._problems.append(Problem(self._file, *place, "too many problems to go on; mend these first"))
            raise _Stop

    def _stop(self, place: Place, what: str, cause: BaseException | None = None) -> Never:
        self._problems.append(Problem(self._file, *place, what))
        raise _Stop from cause


def _place(event: yaml.Event) -> Place:
    mark = _mark(event.start_mark)
    return Place(mark.line + 1, mark.column + 1)


def _mark(mark: object) -> yaml.Mark:
    """The type stubs allow None, but every event out of a text has its marks."""
    return cast("yaml.Mark", mark)
