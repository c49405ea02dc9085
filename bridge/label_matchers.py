"""Matchers over the labels of an alert, in Alertmanager's syntax: of routes, inhibition and silences."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

import msgspec
from pydantic import GetCoreSchemaHandler
from pydantic_core import CoreSchema, core_schema

from bridge.matcher import Matcher, check_pattern

Labels = Mapping[str, str]

Selects = Callable[[Labels], bool]
"""Whether an alert with these labels is meant. A label that is missing is empty."""

_TOKEN = re.compile(
    r"""\s*(?:(?P<mark>[{},])|(?P<op>=~|=|!=|!~)|(?P<quoted>"(?:[^"\\]|\\.)*")|(?P<bare>[^\s{}!=~,\\"'`]+))""",
    re.DOTALL,
)
_ESCAPE = re.compile(
    r"""\\(?:(?P<char>[abfnrtv\\"])|x(?P<x>[0-9a-fA-F]{2})|u(?P<u>[0-9a-fA-F]{4})|U(?P<U>[0-9a-fA-F]{8})"""
    r"""|(?P<octal>[0-3][0-7]{2}))|(?P<wrong>[\\\n])"""
)
_CHARACTERS = {"a": 7, "b": 8, "f": 12, "n": 10, "r": 13, "t": 9, "v": 11, "\\": 92, '"': 34}
_CLASSIC = re.compile(r"[ \t\n\f\r]*([a-zA-Z_:][a-zA-Z0-9_:]*)\s*(=~|=|!=|!~)\s*(.*?)\s*", re.DOTALL)
_CLASSIC_NAME = re.compile(r"[a-zA-Z_:][a-zA-Z0-9_:]*")
_WRITE = """write label = "value", the operator one of = != =~ !~, several with commas between"""


class LabelMatchers(msgspec.Struct, frozen=True):
    """One line of a list: one matcher or several, all of which must hold; `text` is as written."""

    text: str
    matchers: tuple[Matcher, ...]

    @classmethod
    def parse(cls, text: str) -> "LabelMatchers":
        """Raises ValueError. Where the syntax of today and that of before Alertmanager 0.27 differ, the latter wins,
        as it does there."""
        today, why = _attempt(_parse, text)
        before, _ = _attempt(_parse_classic, text)
        found = before if today is None or (before is not None and before != today) else today
        if found is None:
            raise ValueError(why)
        return cls(text, tuple(found))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        return core_schema.no_info_plain_validator_function(
            _validate, serialization=core_schema.to_string_ser_schema(when_used="always")
        )

    def __str__(self) -> str:
        return self.text


def select(lines: Iterable[LabelMatchers]) -> Selects:
    """All matchers of all lines must hold; without any, every alert is meant."""
    tests = [(matcher.field, matcher.compile("text")) for line in lines for matcher in line.matchers]

    def selects(labels: Labels) -> bool:
        for name, holds in tests:  # noqa: SIM110 - this is asked for every alert and every route
            if not holds(labels.get(name)):
                return False
        return True

    return selects


def write(lines: Iterable[LabelMatchers]) -> str:
    """As Alertmanager writes them in the key of a group: `{a="b",c=~"d"}`, sorted."""
    matchers = sorted((each for line in lines for each in line.matchers), key=lambda each: (each.field, each.value))
    return "{" + ",".join(f'{_name(each.field)}{each.op}"{_escape(each.value)}"' for each in matchers) + "}"


def _name(label: str) -> str:
    return label if _CLASSIC_NAME.fullmatch(label) else f'"{_escape(label)}"'


def _escape(text: str) -> str:
    return text.replace("\\", "\\\\").replace("\n", "\\n").replace('"', '\\"')


def _validate(written: object) -> LabelMatchers:
    if isinstance(written, LabelMatchers):
        return written
    if not isinstance(written, str):
        what = f"a matcher is text, not {type(written).__name__}"
        raise ValueError(f"{what}; write for example 'severity = critical'")  # noqa: TRY004 - pydantic collects ValueError only
    return LabelMatchers.parse(written)


def _attempt(parse: Callable[[str], list[Matcher]], text: str) -> tuple[list[Matcher] | None, str]:
    """What it says, or what is wrong with it."""
    try:
        found = parse(text)
    except ValueError as error:
        return None, f"{text[:100]!r} is not a matcher: {error}; {_WRITE}"
    try:
        for matcher in found:
            if matcher.op in ("=~", "!~"):
                check_pattern(matcher.value)
    except ValueError as error:
        return None, str(error)
    return found, ""


# -- the syntax of today ----------------------------------------------------------------------------------------


class _Token(NamedTuple):
    kind: str
    text: str


_END = _Token("end", "")


def _parse(text: str) -> list[Matcher]:
    tokens = [*_tokens(text), _END]
    braced = tokens[0] == ("mark", "{")
    place = 1 if braced else 0
    found: list[Matcher] = []
    while tokens[place].kind in ("bare", "quoted"):
        matcher, place = _matcher(tokens, place)
        found.append(matcher)
        if tokens[place] != ("mark", ","):
            break
        place += 1
    if braced:
        if tokens[place] != ("mark", "}"):
            raise ValueError("there is no '}' at the end" if tokens[place] is _END else _unexpected(tokens[place]))
        place += 1
    if tokens[place] is not _END:
        raise ValueError(_unexpected(tokens[place]))
    return found


def _matcher(tokens: list[_Token], place: int) -> tuple[Matcher, int]:
    name, op, value = (*tokens[place : place + 3], _END, _END)[:3]
    if op.kind != "op":
        raise ValueError(f"there is no operator after {name.text}")
    if value.kind not in ("bare", "quoted"):
        raise ValueError(f"there is no value after {op.text}")
    return Matcher(_unquote(name), op.text, _unquote(value)), place + 3


def _tokens(text: str) -> Iterator[_Token]:
    place = 0
    while text[place:].strip():
        match = _TOKEN.match(text, place)
        if match is None or match.lastgroup is None:
            raise ValueError(f"{text[place:].strip()[:20]!r} cannot stand here without double quotes")
        yield _Token(match.lastgroup, match[match.lastgroup])
        place = match.end()


def _unexpected(token: _Token) -> str:
    return f"{token.text[:20]!r} is unexpected"


def _unquote(token: _Token) -> str:
    """The escapes of Go's strings. Raises ValueError."""
    if token.kind == "bare":
        return token.text
    raw, place = bytearray(), 1
    for match in _ESCAPE.finditer(token.text, 1, len(token.text) - 1):
        raw += token.text[place : match.start()].encode("utf-8", "surrogatepass")
        place = match.end()
        if match["wrong"]:
            raise ValueError(f"the escape {token.text[match.start() : match.end() + 1]!r} does not exist")
        if match["char"]:
            raw.append(_CHARACTERS[match["char"]])
        elif match["x"] or match["octal"]:
            raw.append(int(match["x"], 16) if match["x"] else int(match["octal"], 8))
        else:
            raw += _rune(int(match["u"] or match["U"], 16))
    raw += token.text[place:-1].encode("utf-8", "surrogatepass")
    return raw.decode("utf-8")  # a UnicodeDecodeError is a ValueError


def _rune(number: int) -> bytes:
    if number > 0x10FFFF or 0xD800 <= number <= 0xDFFF:
        raise ValueError(f"there is no character {number:#x}")
    return chr(number).encode()


# -- the syntax of before ---------------------------------------------------------------------------------------


def _parse_classic(text: str) -> list[Matcher]:
    return [_classic_matcher(part) for part in _classic_parts(text.removeprefix("{").removesuffix("}"))]


def _classic_parts(text: str) -> list[str]:
    parts, part = [], ""
    quoted = escaped = False
    for character in text:
        if character == "," and not quoted:
            parts.append(part)
            part = ""
            continue
        if character == '"' and not escaped:
            quoted = not quoted
        escaped = character == "\\" and not escaped
        part += character
    return [*parts, part.strip()] if part.strip() else parts


def _classic_matcher(text: str) -> Matcher:
    match = _CLASSIC.fullmatch(text)
    if not match:
        raise ValueError(f"{text[:60]!r} has no name, operator and value")
    name, op, written = match.groups()
    quoted = written.startswith('"')
    inner = written[1:] if quoted else written
    value, place = "", 0
    while place < len(inner):
        character, following = inner[place], inner[place + 1 : place + 2]
        place += 1
        if character == "\\" and following:
            value += {"n": "\n", '"': '"', "\\": "\\"}.get(following, "\\" + following)
            place += 1
        elif character == '"':
            if not quoted or place < len(inner):
                raise ValueError("a double quote stands in the value without a backslash")
            quoted = False
        else:
            value += character
    if quoted:
        raise ValueError("there is no double quote at the end")
    return Matcher(name, op, value)
