"""`rule_defaults`: what a rule takes from them is as if it said so itself, whatever its type."""

import json
from pathlib import Path
from typing import Any

import pytest

from bridge.config import load
from bridge.rule import Rule
from bridge.rules import RULE_TYPES
from bridge.values import MINUTE
from tests.core.test_cases import TABLES

MAIN: dict[str, Any] = {
    "nats": {"user": "sys", "password": "secret"},
    "receivers": [{"name": "ops", "webhook_configs": [{"url": "https://hooks.example.net"}]}],
    "route": {"receiver": "ops"},
}
COMMON = {"for", "keep_firing_for", "limit", "labels", "annotations"}
DEFAULTS: dict[str, Any] = {
    "for": "2m",
    "keep_firing_for": "5m",
    "limit": 7,
    "labels": {"team": "platform", "tier": "one"},
    "annotations": {"runbook_url": "https://runbooks.example.net", "summary": "{{ value }} by default"},
}


def keys_of(kind: str) -> dict[str, Any]:
    """A rule of this type, as its table of cases has it, without the keys that have defaults."""
    table = TABLES[kind]
    assert table, f"tests/core/cases has no {kind}.py"
    return {"alert": "A", **{key: value for key, value in table.keys.items() if key.removesuffix("_") not in COMMON}}


def loaded(directory: Path, rule: dict[str, Any], defaults: dict[str, Any] | None = None) -> Rule:
    """The rule of a file; JSON is YAML."""
    path = directory / "rules.yaml"
    path.write_text(json.dumps({**MAIN, "rule_defaults": defaults or {}, "rules": [rule]}))
    return load(path, {}).rules[0].rule


@pytest.mark.parametrize("kind", RULE_TYPES)
def test_all_of_them_are_as_if_the_rule_said_so(kind: str, tmp_path: Path) -> None:
    said = {key: value for key, value in DEFAULTS.items() if not (key == "for" and RULE_TYPES[kind].instant)}
    taken = loaded(tmp_path, keys_of(kind), DEFAULTS)

    assert taken == loaded(tmp_path, {**keys_of(kind), **said})
    assert (taken.keep_firing_for, taken.limit) == (5 * MINUTE, 7)
    assert taken.for_ == (0 if taken.instant else 2 * MINUTE)
    assert taken.labels == DEFAULTS["labels"]
    assert taken.templates.keys() == {"runbook_url", "summary"}


@pytest.mark.parametrize("kind", RULE_TYPES)
def test_what_the_rule_says_itself_wins_and_labels_are_joined(kind: str, tmp_path: Path) -> None:
    own: dict[str, Any] = {
        "keep_firing_for": "1m",
        "limit": 9,
        "labels": {"severity": "page"},
        "annotations": {"summary": "x"},
    }
    if not RULE_TYPES[kind].instant:
        own["for"] = "3m"
    taken = loaded(tmp_path, {**keys_of(kind), **own}, DEFAULTS)

    assert (taken.for_, taken.keep_firing_for, taken.limit) == (0 if taken.instant else 3 * MINUTE, MINUTE, 9)
    assert taken.labels == {"team": "platform", "tier": "one", "severity": "page"}
    assert taken.annotations == {"runbook_url": "https://runbooks.example.net", "summary": "x"}


@pytest.mark.parametrize("kind", RULE_TYPES)
def test_a_zero_of_its_own_is_something_that_it_says(kind: str, tmp_path: Path) -> None:
    none = {"keep_firing_for": "0"} if RULE_TYPES[kind].instant else {"for": "0", "keep_firing_for": "0"}
    taken = loaded(tmp_path, {**keys_of(kind), **none}, DEFAULTS)

    assert (taken.for_, taken.keep_firing_for) == (0, 0)


@pytest.mark.parametrize("kind", RULE_TYPES)
def test_without_any_a_rule_has_those_of_its_type(kind: str, tmp_path: Path) -> None:
    taken = loaded(tmp_path, keys_of(kind))

    assert (taken.for_, taken.keep_firing_for, taken.labels, taken.annotations) == (0, 0, {}, {})
    assert taken.limit == (100_000 if kind == "new_value" else 1000)
    assert taken.templates.keys() == {"summary"}
