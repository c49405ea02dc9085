"""The tests of the example file: they pass, and whoever breaks a rule is told."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.program import program

ROOT = Path(__file__).parents[2]
RULES = (ROOT / "rules.example.yaml").read_text()
TESTS = (ROOT / "rules.example.test.yaml").read_text()

EDITS = [
    ("count: 20", "count: 19"),
    ("count: 20", "count: 21"),
    ("    within: 1m\n    by: [client.host]", "    within: 61s\n    by: [client.host]"),
    ("    within: 1m\n    by: [client.host]", "    within: 59s\n    by: [client.host]"),
    ("    by: [client.host]\n", ""),
    ("""'reason =~ "Slow Consumer.*"'""", """'reason =~ "Slow Consumer"'"""),
    ("""    where: ['reason =~ "Slow Consumer.*"']\n""", ""),
    (
        "by: [client.name, account.name]\n    keep_firing_for: 5m",
        "by: [client.name, account.name]\n    keep_firing_for: 6m",
    ),
    (
        "by: [client.name, account.name]\n    keep_firing_for: 5m",
        "by: [client.name, account.name]\n    keep_firing_for: 4m",
    ),
    ("field: statsz.slow_consumers\n    within: 5m", "field: statsz.slow_consumers\n    within: 4m"),
    ("field: statsz.slow_consumers\n", "field: statsz.slow_consumers\n    above: 3\n"),
    ("within: 40s", "within: 41s"),
    ("within: 40s", "within: 39s"),
    ("unless: {events: [server.shutdown, server.lameduck], for: 15m}", "unless: {events: server.lameduck, for: 15m}"),
    ("for: 15m", "for: 16m"),
    (
        "  - alert: ServerStops\n    events: [server.shutdown, server.lameduck]",
        "  - alert: ServerStops\n    events: [server.shutdown]",
    ),
    ("field: statsz.cpu_per_core", "field: statsz.cpu"),
    ("above: 90%", "above: 95%"),
    ("clear: 80%", "clear: 85%"),
    ("clear: 80%", "clear: 79%"),
    ("for: 2m", "for: 110s"),
    ("for: 2m", "for: 121s"),
    ("[client.disconnect, client.rejected]", "[client.disconnect]"),
    ("[client.disconnect, client.rejected]", "[client.rejected]"),
    ("then: {events: leafnode.connect}", "then: {events: client.connect}"),
    ("within: 1m\n    or_before", "within: 61s\n    or_before"),
    ("within: 1m\n    or_before", "within: 59s\n    or_before"),
    ("or_before: 10s", "or_before: 8s"),
    (
        "  - alert: LeafnodeLost\n    events: leafnode.disconnect",
        "  - alert: LeafnodeLost\n    events: client.disconnect",
    ),
    ("resolve_on: {events: js.stream_leader_elected}\n", "keep_firing_for: 1h\n"),
    ("by: [account.name, stream]", "by: [account.name]"),
    ("above: 85%", "above: 84%"),
    ("above: 85%", "above: 86%"),
    ("clear: 75%", "clear: 74%"),
    ("clear: 75%", "clear: 77%"),
    ("for: 1m  ", "for: 30s "),
    ("for: 1m  ", "for: 61s "),
    ("data.status != ok", "data.status != unavailable"),
    ("group_wait: 5s", "group_wait: 6s"),
    ("labels: {team: platform}", "labels: {team: other}"),
]


def run(rules: str, directory: Path) -> int:
    (directory / "rules.example.yaml").write_text(rules)
    (directory / "rules.example.test.yaml").write_text(TESTS)
    return CliRunner().invoke(program, ["test", str(directory / "rules.example.test.yaml")]).exit_code


def test_they_pass(tmp_path: Path) -> None:
    assert run(RULES, tmp_path) == 0


@pytest.mark.parametrize(("old", "new"), EDITS)
def test_a_rule_that_means_something_else_fails_them(old: str, new: str, tmp_path: Path) -> None:
    assert RULES.count(old) == 1, "the edit is meant for one place"
    assert run(RULES.replace(old, new), tmp_path) == 1


def test_every_rule_is_tested() -> None:
    alerts = [line.split()[-1] for line in RULES.splitlines() if line.startswith("  - alert:")]
    assert alerts
    for alert in alerts:
        assert alert in TESTS
