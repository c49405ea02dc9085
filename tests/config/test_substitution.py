"""`${NAME}`: after parsing, inside text, and never shown."""

import pytest

from bridge.config.composer import parse_document
from bridge.config.substitution import Substituted

ENVIRON = {
    "NAME": "value",
    "EMPTY": "",
    "YAML": "a: [b]\n<<: *c",
    "NESTED": "${NAME}",
    "SECRET": "s3cr3t-token-of-mine",
}


def substitute(text: str) -> Substituted:
    return Substituted(parse_document("f.yaml", text.encode()), ENVIRON)


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("${NAME}", "value"),
        ("'a ${NAME} b ${NAME}'", "a value b value"),
        ("'${EMPTY}'", ""),
        ("$${NAME}", "${NAME}"),
        ("'$$${NAME}'", "$${NAME}"),
        ("$NAME", "$NAME"),
        ("'$$'", "$$"),
        ("'${}'", "${}"),
        ("'${a-b}'", "${a-b}"),
        ("'${NAME'", "${NAME"),
        ("${NESTED}", "${NAME}"),
        ("${YAML}", "a: [b]\n<<: *c"),
    ],
)
def test_only_names_in_braces_are_replaced_and_only_once(written: str, value: str) -> None:
    assert substitute(f"key: {written}\n").value == {"key": value}


def test_keys_and_numbers_stay() -> None:
    assert substitute("'${NAME}': 5\nlist: [true, ~]\n").value == {"${NAME}": 5, "list": [True, None]}


def test_an_unset_name_is_an_error_at_its_place() -> None:
    (problem,) = substitute("a: [x, 'to ${NOWHERE}']\n").problems
    assert (problem.line, problem.column) == (1, 8)
    advice = "set it, or write $${NOWHERE} for the text itself"
    assert problem.what == f"the environment variable NOWHERE is not set; {advice}"


def test_text_that_is_no_utf_8_is_an_error() -> None:
    given = Substituted(parse_document("f.yaml", b"a: ${BAD}"), {"BAD": "\udcff"})
    assert [problem.what for problem in given.problems] == [
        "the environment variable BAD is not UTF-8 text; set it to text"
    ]


@pytest.mark.parametrize("piece", ["s3cr3t-token-of-mine", "s3cr3t", "of-mine"])
def test_a_message_with_a_piece_of_the_value_is_known(piece: str) -> None:
    given = substitute("a: {b: '${SECRET}'}\nc: ${NAME}\n")
    assert given.tells(f"{piece!r} is no good", ("a", "b"))
    assert given.tells(f"{piece!r} is no good", ("a",))
    assert given.tells(f"{piece!r} is no good", ("c",))


def test_a_short_value_silences_only_messages_about_its_own_place() -> None:
    given = substitute("a: ${NAME}\nb: 1\n")
    assert given.tells("'value' is no good", ("a",))
    assert not given.tells("'value' is no good", ("b",))


def test_the_scheme_of_a_url_may_be_told() -> None:
    given = Substituted(parse_document("f.yaml", b"a: ${URL}"), {"URL": "http://host.example/x"})
    assert not given.tells("a URL begins with https:// or http://", ("a",))
    assert given.tells("host.example is unknown", ("a",))
