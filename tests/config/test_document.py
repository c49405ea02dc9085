"""YAML 1.2 scalars, places, and texts made to hang or kill whoever reads them."""

import time
import tracemalloc

import pytest

from bridge.config.composer import EXPANSION_MAX, SIZE_MAX, parse_document
from bridge.config.document import Document, Plain
from bridge.errors import ConfigError


def read(text: str) -> Document:
    return parse_document("f.yaml", text.encode())


def problems_of(raw: bytes) -> list[str]:
    try:
        return [str(problem) for problem in parse_document("f.yaml", raw).problems]
    except ConfigError as error:
        return [str(problem) for problem in error.problems]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("off", "off"),
        ("y", "y"),
        ("12:30", "12:30"),
        ("190:20:30", "190:20:30"),
        ("2024-01-02", "2024-01-02"),
        ("2024-01-02T03:04:05Z", "2024-01-02T03:04:05Z"),
        ("010", 10),
        ("0o17", 15),
        ("0x1F", 31),
        ("0b11", "0b11"),
        ("1_000", "1_000"),
        ("+5", 5),
        ("-5", -5),
        ("1e3", 1000.0),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1.2.3", "1.2.3"),
        ("true", True),
        ("False", False),
        ("tRUE", "tRUE"),
        ("null", None),
        ("~", None),
        ("", None),
        ("=", "="),
        ("'true'", "true"),
        ('"5"', "5"),
        ("|-\n 5", "5"),
        ("9223372036854775807", 2**63 - 1),
        ("٣", "٣"),
    ],
)
def test_scalars_follow_the_core_schema_of_yaml_1_2(written: str, value: Plain) -> None:
    read_value = read(f"key: {written}\n").value
    assert read_value == {"key": value}
    assert type(read_value["key"]) is type(value)


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (
            b"\xef\xbb\xbfa: b",
            "f.yaml:1:1: error: the file begins with a byte order mark; save it as UTF-8 without one",
        ),
        (
            "a: b".encode("utf-16"),
            "f.yaml:1:1: error: the file begins with a byte order mark; save it as UTF-8 without one",
        ),
        (b"a: b\nc: d\xff", "f.yaml:2:5: error: the byte 0xff is not UTF-8; save the file as UTF-8"),
        ("ä: b\nä\0: d".encode(), "f.yaml:2:2: error: the character '\\x00' cannot be in a YAML file; remove it"),
        (b"a: b\x1b[0m", "f.yaml:1:5: error: the character '\\x1b' cannot be in a YAML file; remove it"),
        (
            b'a: "\\ud800"',
            "f.yaml:1:4: error: the text has characters that cannot be used (NUL or half of a surrogate pair)",
        ),
        (
            b'a: "\\0"',
            "f.yaml:1:4: error: the text has characters that cannot be used (NUL or half of a surrogate pair)",
        ),
        (b'a: "\\Uffffffff"', "f.yaml:1:7: error: this is not valid YAML; check the line and the one before it"),
        (b'a: "\\q"', r"f.yaml:1:6: error: '\q' means nothing inside double quotes; use single quotes"),
        (b"%YAML 3.0\n---\na: b", "f.yaml:1:1: error: this is not valid YAML: found incompatible YAML document "),
    ],
)
def test_bytes_that_are_no_yaml_are_refused_with_their_place(raw: bytes, problem: str) -> None:
    (told,) = problems_of(raw)
    assert told.startswith(problem)


def test_several_problems_are_collected_until_the_syntax_breaks() -> None:
    problems = problems_of(b"a: !x 1\na: 2\n1: 3\n<<: {}\nb: [\n")
    assert [problem.split(": ")[0] for problem in problems] == [
        "f.yaml:1:4",
        "f.yaml:2:1",
        "f.yaml:3:1",
        "f.yaml:4:1",
        "f.yaml:6:1",
    ]


def test_a_value_is_found_by_its_path() -> None:
    document = read("a:\n  - b: 1\n    c: [x,  y]\n")
    assert document.place(("a", 0, "c", 1)) == (3, 13)
    assert document.key_place(("a", 0, "c")) == (3, 5)
    assert document.at(("a", 0, "c")) == ["x", "y"]


def test_a_collection_is_pointed_at_by_its_key() -> None:
    assert read("a:\n  b:\n    c: 1\n").place(("a", "b")) == (2, 3)


def test_what_is_missing_is_pointed_at_by_its_nearest_parent() -> None:
    document = read("a:\n  b: {c: 1}\n")
    assert document.place(("a", "b", "d", "e")) == (2, 3)
    assert document.place(("z",)) == (1, 1)
    assert not document.has(("a", "b", "d"))


def test_an_alias_is_pointed_at_where_it_is_used() -> None:
    document = read("a: &x 1\nb: [*x]\n")
    assert document.place(("b", 0)) == (2, 5)


def test_aliases_become_copies() -> None:
    value = read("a: &x {k: [1]}\nb: *x\n").value
    assert value == {"a": {"k": [1]}, "b": {"k": [1]}}
    assert isinstance(value, dict)
    assert value["a"] is not value["b"]


def test_aliases_may_expand_to_ten_times_the_file() -> None:
    text = "x" * 1000
    fits = f"a: &a {text}\nb: [{', '.join(['*a'] * (EXPANSION_MAX - 2))}]\n"
    exceeds = f"a: &a {text}\nb: [{', '.join(['*a'] * (EXPANSION_MAX + 1))}]\n"
    assert read(fits).problems == []
    (problem,) = problems_of(exceeds.encode())
    assert problem == "f.yaml:2:41: error: aliases make the file more than 10 times as large; write the values out"


def test_aliases_cannot_nest_deeper_than_text() -> None:
    levels = "".join(f"a{n}: &a{n} [[[[[[*a{n - 1}]]]]]]\n" for n in range(1, 5))
    (problem,) = problems_of(f"pad: {'x' * 999}\na0: &a0 [1]\n{levels}".encode())
    assert problem == "f.yaml:5:15: error: the alias nests values more than 20 deep; write them flatter"


CHAIN = [",".join([f"*a{n - 1}"] * 9) for n in range(1, 12)]
BOMBS = {
    "aliases": "a0: &a0 [x,x,x]\n" + "".join(f"a{n}: &a{n} [{row}]\n" for n, row in enumerate(CHAIN, 1)),
    "merge keys": "a0: &a0 {x: y}\n" + "".join(f"a{n}: &a{n} {{<<: [{row}]}}\n" for n, row in enumerate(CHAIN, 1)),
    "brackets": "[" * 100_000,
    "braces": "{a: " * 100_000,
    "dashes": "- " * 100_000,
    "question marks": "? " * 100_000,
    "size": "a: b\n" * (1 << 20),
    "values": "[" + "1," * 400_000,
    "duplicate keys": "a: b\n" * 200_000,
    "tags": "[" + "!!str 1," * 100_000,
    "digits": "a: " + "9" * 1_000_000,
    "aliases of little": "a: &a x\nb: [" + "*a," * 300_000,
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_bombs_are_refused_at_once(bomb: str) -> None:
    raw = bomb.encode()
    start = time.process_time()
    problems = problems_of(raw)
    # two seconds of CPU: below one on a quiet machine
    assert time.process_time() - start < 2
    assert problems
    assert len(problems) <= 102


@pytest.mark.parametrize("bomb", ["aliases", "merge keys", "brackets", "size", "tags"])
def test_bombs_take_little_memory(bomb: str) -> None:
    raw = BOMBS[bomb].encode()
    tracemalloc.start()
    problems_of(raw)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


def test_a_file_too_large_is_told_with_what_to_do() -> None:
    (problem,) = problems_of(b"a" * (SIZE_MAX + 1))
    assert problem == "f.yaml: error: the file is larger than 1 MiB; split it with rule_files"
