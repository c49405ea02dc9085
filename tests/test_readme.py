"""The README says what there is, all of it, and nothing else."""

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Any

import click
import pytest
from click.testing import CliRunner
from pydantic import BaseModel

from bridge.builtin import builtin_rules
from bridge.cli.program import program
from bridge.config import check
from bridge.config.schema import Auth, Config, Delivery, Http, Log, Nats, RuleDefaults, Storage, Tls
from bridge.demo.system import BRIDGE_USER
from bridge.endpoint import Guarded
from bridge.events import EVENT_TYPES
from bridge.options import secret_keys
from bridge.receiver import Destination, Request
from bridge.receivers import DESTINATIONS
from bridge.receivers.webhook import Webhook
from bridge.route import Route
from bridge.rule import ANNOTATION_NAMES, Rule
from bridge.rules import RULE_TYPES
from bridge.ruletest.model import Expectation, ExpectedAlert, Occurrence, RuleTest, RuleTests
from bridge.ruletest.suite import read_suite
from bridge.ruletest.trial import try_all
from tests.receivers.notifications import alert, notification

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()


def section(title: str) -> str:
    """From a heading to the next one."""
    match = re.search(rf"^#+ {re.escape(title)}\n(.*?)(?=^#{{1,3}} |\Z)", README, re.MULTILINE | re.DOTALL)
    assert match, title
    return match[1]


def first_column(text: str) -> set[str]:
    """All names in backticks in the first column of a section's tables."""
    cells = re.findall(r"^\| (`.*?) \|", text, re.MULTILINE)
    return {name for cell in cells for name in re.findall(r"`([^`]+)`", cell)}


def named(text: str) -> set[str]:
    """All words in backticks, those inside of longer code included."""
    return {word for code in re.findall(r"`([^`\n]+)`", text) for word in re.findall(r"[\w.]+", code)}


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)


def rule_tests() -> list[str]:
    """The blocks that name the file of their rules."""
    return [text for text in blocks("yaml") if re.match(r"rules: \S", text)]


def receivers() -> list[str]:
    """The blocks that hold no more than destinations."""
    return [text for text in blocks("yaml") if re.match(r"\w+_configs:", text)]


def rules_files() -> list[str]:
    return [text for text in blocks("yaml") if text.startswith("nats:")]


def routes() -> list[str]:
    """The blocks that stand in the place of the first file's route."""
    return [text for text in blocks("yaml") if text.startswith("route:")]


SHOWN_AS_FAILING = "{at: 37s, firing: [{alert: AuthErrorBurst, labels: {client_host: 10.0.0.9}}]}"


def keys(model: type[BaseModel]) -> set[str]:
    return {field.alias or name for name, field in model.model_fields.items()}


def test_every_rules_file_in_it_is_sound(tmp_path: Path) -> None:
    (tmp_path / "credentials").mkdir()
    (tmp_path / "credentials/nats-password").write_text("secret")
    (tmp_path / "credentials/slack-webhook-url").write_text("https://hooks.slack.com/services/T0/B0/x")
    assert rules_files()
    for text in [*rules_files(), *map(_with_route, routes())]:
        (tmp_path / "rules.yaml").write_text(text)
        assert check([tmp_path / "rules.yaml"], {"CREDENTIALS_DIRECTORY": f"{tmp_path}/credentials"}) == []


def _with_route(route: str) -> str:
    file = rules_files()[0]
    assert "route:\n  receiver: nats-ops\n" in file
    pager = "receivers:\n  - name: pager\n    webhook_configs: [{url: https://pager.example.net}]\n"
    silent = "  - {alert: ServerSilent, events: server.statsz, type: flatline, within: 35s, by: [server.name]}\n"
    return file.replace("route:\n  receiver: nats-ops\n", route).replace("receivers:\n", pager) + silent


def test_every_receiver_in_it_is_sound(tmp_path: Path) -> None:
    for name in ("nats-password", "slack-bot-token"):
        (tmp_path / name).write_text("secret")
    for name in ("slack-webhook-url", "ntfy-url"):
        (tmp_path / name).write_text("https://x.example")
    before, _, after = rules_files()[0].partition("    slack_configs:\n")
    after = after.partition("route:")[2]
    assert receivers()
    for text in receivers():
        (tmp_path / "rules.yaml").write_text(f"{before}{indent(text, '    ')}route:{after}")
        assert check([tmp_path / "rules.yaml"], {"CREDENTIALS_DIRECTORY": str(tmp_path)}) == []


def test_every_test_of_rules_in_it_passes(tmp_path: Path) -> None:
    """Tests of the first rules file."""
    (tmp_path / "rules.yaml").write_text(rules_files()[0])
    assert rule_tests()
    for text in rule_tests():
        (tmp_path / "rules.test.yaml").write_text(text)
        outcomes = try_all(read_suite(tmp_path / "rules.test.yaml", {}))
        assert [outcome.placed.test.name for outcome in outcomes if not outcome.passed] == []


def test_the_failure_that_it_shows_is_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("rules.yaml").write_text(rules_files()[0])
    Path("rules.test.yaml").write_text(rule_tests()[0].replace("{at: 37s, firing: []}", SHOWN_AS_FAILING))
    result = CliRunner().invoke(program, ["test", "rules.test.yaml"])
    (shown,) = [text for text in blocks("text") if text.startswith("FAILED")]
    assert (result.exit_code, result.stdout) == (1, f"{shown}\nrules.test.yaml: 1 passed, 1 failed\n")


def test_the_example_file_is_sound(tmp_path: Path) -> None:
    (tmp_path / "nats-password").write_text("secret")
    (tmp_path / "slack-webhook-url").write_text("https://hooks.slack.com/services/T0/B0/x")
    environ = {"NATS_URL": "nats://127.0.0.1:4222", "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert check([ROOT / "rules.example.yaml"], environ) == []


def test_the_body_of_a_webhook_has_the_keys_that_are_sent() -> None:
    (text,) = blocks("json")
    request = next(Webhook.model_validate({"url": "https://x.example"}).deliver(notification(alert()), {}))
    assert isinstance(request, Request)
    told, sent = json.loads(text), json.loads(request.body)
    assert shape(told) == shape(sent)


def shape(value: Any) -> Any:
    """The keys of objects, but not of those whose keys are free."""
    if isinstance(value, list):
        return [shape(item) for item in value]
    if isinstance(value, dict):
        return {key: {} if re.search("labels|annotations", key) else shape(item) for key, item in value.items()}
    return None


def test_the_user_on_the_servers_is_the_one_that_the_demo_runs_with() -> None:
    assert " ".join((BRIDGE_USER % "…").split()) in " ".join(README.split())


def test_the_commands() -> None:
    told = re.findall(r"^\| `nats-alert-bridge ([\w-]+|--\w+)", section("Commands"), re.MULTILINE)
    assert set(told) == {*program.commands, "--version"}
    for name, command in program.commands.items():
        options = {option for each in command.params if isinstance(each, click.Option) for option in each.opts}
        assert all(option in section("Commands") for option in options), name


def test_the_keys_at_the_top() -> None:
    text = section("Top level")
    groups: dict[str, type[BaseModel]] = {"nats": Nats, "storage": Storage, "delivery": Delivery}
    groups |= {"log": Log, "http": Http}
    wanted = {f"{group}.{key}" for group, model in groups.items() for key in keys(model)}
    wanted |= keys(Config) - groups.keys()
    assert first_column(text) == wanted
    assert keys(RuleDefaults) | keys(Tls) | keys(Auth) <= named(text)


def test_the_keys_of_rules() -> None:
    text = section("A rule")
    assert first_column(text) == keys(Rule) | RULE_TYPES.keys()
    for name, rule in RULE_TYPES.items():
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert keys(rule) - keys(Rule) <= named(row.rpartition(" | ")[2]), name


def test_what_templates_have() -> None:
    text = section("A rule").rpartition("Annotations are")[2]
    assert named(text) >= ANNOTATION_NAMES


def test_the_events() -> None:
    outside = {name: kind for name, kind in EVENT_TYPES.items() if not kind.own}
    assert first_column(section("Events")) == outside.keys()
    for name, kind in outside.items():
        assert f"| `{name}` | {kind.about}" in section("Events")


def test_the_events_about_the_bridge_itself() -> None:
    text = section("The bridge about itself")
    own = {name: kind for name, kind in EVENT_TYPES.items() if name.startswith("bridge.")}
    assert first_column(text) == own.keys()
    for name, kind in own.items():
        cells = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |")).split(" | ")
        assert named(cells[1]) == kind.fields.keys() - {"type", "subject"}, name


def test_the_built_in_rules() -> None:
    rows = section("The bridge about itself").splitlines()
    told = {alert: re.findall(r"^\| `([\w.]+)`", row) for row in rows for alert in re.findall(r"`(Bridge\w+)`", row)}
    assert told == {rule.alert: rule.events for rule in builtin_rules([])}
    assert set(re.findall(r"`(Bridge\w+)`", README)) <= told.keys()


def test_the_route() -> None:
    assert keys(Route) <= named(section("The route"))


def test_the_receivers() -> None:
    text = section("Receivers")
    assert first_column(text) == {each.key for each in DESTINATIONS}
    assert keys(Destination) <= named(text)


@pytest.mark.parametrize("destination", DESTINATIONS, ids=lambda each: each.key)
def test_the_keys_of_each_receiver(destination: type[Destination]) -> None:
    """Its own in its row, where what is secret is called so; those that it shares with others below the table."""
    text = section("Receivers")
    row = next(line for line in text.splitlines() if line.startswith(f"| `{destination.key}` |"))
    own = keys(destination) - keys(Guarded)
    assert named(row) >= {destination.key} | own
    assert row.count("secret") == len([key for key in [*secret_keys(destination), "urls"] if key in own])
    below = text.partition("All have")[2]
    assert keys(destination) - own <= named(below)
    assert below.partition("####")[0].count("secret") == len(secret_keys(Guarded))


def test_the_keys_of_tests() -> None:
    text = section("Test your rules")
    models: list[type[BaseModel]] = [RuleTests, RuleTest, Occurrence, Expectation]
    assert first_column(text) == {key for model in models for key in keys(model)}
    assert keys(ExpectedAlert) <= named(text)


def test_what_the_log_says_is_what_the_program_writes() -> None:
    rows = re.findall(r"^\| `([^`]+)` \|", section("When it does not work"), re.MULTILINE)
    assert len(rows) > 5
    written = "\0".join(text for path in sorted((ROOT / "bridge").rglob("*.py")) for text in texts_of(path))
    for row in rows:
        fixed = [part for part in row.split("…") if re.search(r"\w", part)]
        assert fixed, row
        for part in fixed:
            assert part in written, f"{part!r} of {row!r}"


def texts_of(path: Path) -> Iterator[str]:
    """The texts in a module, but for its docstrings; what an f-string or the logger fills in is a …."""
    tree = ast.parse(path.read_text())
    remarks = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in node.values)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in remarks:
            yield node.value


def test_files_that_it_links_exist() -> None:
    for link in re.findall(r"\]\((?!https?:)([^)#]+)\)", README):
        assert (ROOT / link).exists(), link
