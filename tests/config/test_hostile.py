"""Whatever bytes a file holds, the loader answers with problems and nothing else."""

import contextlib
import tempfile
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.config import check, load
from bridge.errors import ConfigError

SCALARS = (
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.just("${A}") | st.just("5m")
)
KEYS = st.sampled_from(
    [
        "nats",
        "receivers",
        "route",
        "rules",
        "rule_files",
        "rule_defaults",
        "labels",
        "log",
        "storage",
        "delivery",
        "external_url",
        "servers",
        "user",
        "password",
        "password_file",
        "tls",
        "accounts",
        "name",
        "slack_configs",
        "webhook_url",
        "receiver",
        "group_by",
        "group_wait",
        "alert",
        "events",
        "type",
        "count",
        "within",
        "by",
        "where",
        "for",
        "limit",
        "annotations",
        "resolve_on",
        "match",
        "http",
    ]
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=4), max_leaves=20
)
PIECES = st.lists(
    st.sampled_from(
        [
            "nats",
            ":",
            " ",
            "\n",
            "  ",
            "- ",
            "[",
            "]",
            "{",
            "}",
            "&a ",
            "*a",
            "!!x ",
            "<<",
            "'",
            '"',
            "|",
            ">",
            "#",
            "? ",
            "---\n",
            "...\n",
            "%YAML 1.2\n",
            "\t",
            "\x00",
            "\\",
            "rules",
            "alert",
            "${A}",
            "${B}",
            "5",
            ",",
            "é",
            "\x85",
        ]
    ),
    max_size=40,
).map("".join)


def judge(raw: bytes) -> None:
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "rules.yaml"
        path.write_bytes(raw)
        problems = check([path], {"A": "value-of-the-environment"})
        assert all("value-of-the-environment" not in str(problem) for problem in problems)
        with contextlib.suppress(ConfigError):
            load(path, {"A": "value-of-the-environment"})


@given(st.binary(max_size=60))
@settings(max_examples=100, deadline=None)
def test_arbitrary_bytes_end_in_problems(raw: bytes) -> None:
    judge(raw)


@given(PIECES)
@settings(max_examples=150, deadline=None)
def test_pieces_of_yaml_end_in_problems(text: str) -> None:
    judge(text.encode())


@given(st.dictionaries(KEYS, VALUES, max_size=6))
@settings(max_examples=150, deadline=None)
def test_values_of_any_shape_end_in_problems(value: dict[str, object]) -> None:
    # flow style with everything quoted by Python's repr would not be YAML; JSON is
    judge(_json(value).encode("utf-8", "replace"))


def _json(value: object) -> str:
    match value:
        case dict():
            return "{" + ", ".join(f'"{key}": {_json(item)}' for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(_json(item) for item in value) + "]"
        case str():
            return (
                '"'
                + "".join(character if character.isalnum() or character in " ${}" else "_" for character in value)
                + '"'
            )
        case None:
            return "~"
        case bool():
            return str(value).lower()
    return str(value)
