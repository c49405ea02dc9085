"""From files to a configuration that runs, or to all that is wrong with them."""

import os
import time
from pathlib import Path

import pytest

from bridge.config import LoadedRule, check, load
from bridge.errors import ConfigError
from bridge.rules.frequency import Frequency
from bridge.values import DAY, HOUR, MINUTE, SECOND, Secret

ENVIRON: dict[str, str] = {}
MAIN = """
nats: {user: sys, password_file: secrets/password}
receivers:
  - name: ops
    slack_configs:
      - webhook_url: https://hooks.example.net/a
      - {webhook_url: https://hooks.example.net/b, name: second}
    webhook_configs:
      - url: https://hooks.example.net/c
route: {receiver: ops}
"""
RULE = "{alert: %s, events: client.disconnect}"


def write(directory: Path, text: str, name: str = "rules.yaml") -> Path:
    path = directory / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    write(tmp_path, "hunter2\n", "secrets/password")
    return tmp_path


def rules_of(path: Path) -> dict[str, LoadedRule]:
    return {loaded.rule.alert: loaded for loaded in load(path, ENVIRON).rules}


def problems_of(*paths: Path, environ: dict[str, str] = ENVIRON) -> list[str]:
    return [str(problem).removeprefix(f"{paths[0].parent}/") for problem in check(paths, environ)]


def test_a_small_file_has_the_defaults_of_a_single_host(directory: Path) -> None:
    config = load(write(directory, f"{MAIN}rules: [{RULE % 'Kicked'}]\n"), ENVIRON).config
    assert config.nats.servers == ["nats://127.0.0.1:4222"]
    assert config.nats.inbox_prefix == "_INBOX"
    assert config.storage.path == Path("/var/lib/nats-alert-bridge/state.db")
    assert config.storage.retention == 30 * DAY
    assert config.delivery.give_up_after == 72 * HOUR
    assert (config.log.format, config.log.level) == ("auto", "info")
    assert (config.route.group_by, config.route.group_wait) == ([], 30 * SECOND)
    assert (config.route.group_interval, config.route.repeat_interval) == (5 * MINUTE, 4 * HOUR)


def test_destinations_are_named_by_receiver_type_and_place(directory: Path) -> None:
    config = load(write(directory, f"{MAIN}rules: []\n"), ENVIRON).config
    assert list(config.destinations) == ["ops/slack/0", "ops/slack/second", "ops/webhook/0"]


@pytest.mark.parametrize(
    ("storage", "environ", "path"),
    [
        ("", {"STATE_DIRECTORY": "/s"}, "/s/state.db"),
        ("", {"STATE_DIRECTORY": "/s:/t"}, "/s/state.db"),
        ("", {"STATE_DIRECTORY": ""}, "/var/lib/nats-alert-bridge/state.db"),
        ("storage: {retention: 1d}", {"STATE_DIRECTORY": "/s"}, "/s/state.db"),
        ("storage: {path: /x/y.db}", {"STATE_DIRECTORY": "/s"}, "/x/y.db"),
        ("storage: {path: y.db}", {}, "{directory}/y.db"),
    ],
)
def test_the_database_is_where_the_file_or_systemd_says(
    directory: Path, storage: str, environ: dict[str, str], path: str
) -> None:
    config = load(write(directory, f"{MAIN}{storage}\nrules: []\n"), environ).config
    assert str(config.storage.path) == path.format(directory=directory)


def test_a_secret_is_read_from_its_file_and_never_shown(directory: Path) -> None:
    loaded = load(write(directory, f"{MAIN}rules: []\n"), ENVIRON)
    assert loaded.config.nats.password == Secret("hunter2")
    assert "hunter2" not in repr(loaded)
    assert "hooks.example.net" not in repr(loaded)


def test_paths_are_relative_to_the_file_that_names_them(directory: Path) -> None:
    text = MAIN.replace("user: sys, password_file: secrets/password", "credentials: a.creds, tls: {ca_file: /ca.pem}")
    config = load(write(directory, f"{text}rules: []\n"), ENVIRON).config
    assert config.nats.credentials == directory / "a.creds"
    assert config.nats.tls is not None
    assert config.nats.tls.ca_file == Path("/ca.pem")


def test_a_secret_file_may_be_named_by_the_environment(directory: Path) -> None:
    text = MAIN.replace("secrets/password", "'${CREDENTIALS_DIRECTORY}/password'")
    loaded = load(write(directory, f"{text}rules: []\n"), {"CREDENTIALS_DIRECTORY": str(directory / "secrets")})
    assert loaded.config.nats.password == Secret("hunter2")


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "is empty; put the secret into it"),
        (b" \n", "is empty; put the secret into it"),
        (b"\xff", "is not UTF-8 text; name the file that holds only the secret"),
        (b"x" * 65537, "is larger than 64 KB; name the file that holds only the secret"),
    ],
)
def test_an_unusable_secret_file_is_an_error(directory: Path, content: bytes, reason: str) -> None:
    (directory / "secrets/password").write_bytes(content)
    path = write(directory, f"{MAIN}rules: []\n")
    assert problems_of(path) == [f"rules.yaml:2:34: error: password_file 'secrets/password' {reason}"]


def test_a_secret_file_with_a_bad_secret_is_told_at_its_key(directory: Path) -> None:
    write(directory, "ftp://hunter2.example\n", "secrets/url")
    path = write(directory, f"{MAIN.replace('url: https://hooks.example.net/c', 'url_file: secrets/url')}rules: []\n")
    (problem,) = problems_of(path)
    assert problem.startswith("rules.yaml:9:19: error: ")
    assert "hunter2" not in problem


def test_a_rule_knows_its_place(directory: Path) -> None:
    path = write(directory, f"{MAIN}rules:\n  - {RULE % 'A'}\n\n  - {RULE % 'B'}\n")
    rules = rules_of(path)
    assert (rules["A"].file, rules["A"].line) == (str(path), 12)
    assert rules["B"].line == 14


def test_the_type_of_a_rule_chooses_its_class(directory: Path) -> None:
    text = f"{MAIN}rules: [{{alert: A, type: frequency, events: client.connect, count: 2, within: 1m}}]\n"
    rule = rules_of(write(directory, text))["A"].rule
    assert isinstance(rule, Frequency)
    assert rule.count == 2


def test_defaults_fill_what_a_rule_does_not_say(directory: Path) -> None:
    text = f"""{MAIN}
rule_defaults:
  keep_firing_for: 5m
  limit: 7
  labels: {{team: platform}}
  annotations: {{runbook_url: https://a.example, description: theirs}}
rules:
  - {RULE % "A"}
  - alert: B
    events: client.connect
    keep_firing_for: 1m
    labels: {{severity: warning}}
    annotations: {{description: own}}
"""
    rules = rules_of(write(directory, text))
    first, second = rules["A"].rule, rules["B"].rule
    assert (first.keep_firing_for, first.limit, first.labels) == (5 * MINUTE, 7, {"team": "platform"})
    assert (second.keep_firing_for, second.limit) == (1 * MINUTE, 7)
    assert second.labels == {"team": "platform", "severity": "warning"}
    assert second.annotations == {"runbook_url": "https://a.example", "description": "own"}


def test_for_is_a_default_only_where_it_has_a_meaning(directory: Path) -> None:
    text = f"""{MAIN}
rule_defaults: {{for: 2m}}
rules:
  - {RULE % "Instant"}
  - {{alert: Lasting, type: frequency, events: client.connect, count: 2, within: 1m}}
"""
    rules = rules_of(write(directory, text))
    assert rules["Instant"].rule.for_ == 0
    assert rules["Lasting"].rule.for_ == 2 * MINUTE


def test_rule_files_are_found_relative_to_the_main_file(directory: Path) -> None:
    write(directory, f"rules: [{RULE % 'Second'}]\n", "rules.d/b.yaml")
    write(directory, f"rules: [{RULE % 'First'}]\n", "rules.d/a.yaml")
    write(directory, f"rules: [{RULE % 'Absolute'}]\n", "other/c.yaml")
    path = write(directory, f"{MAIN}rule_files: [rules.d/*.yaml, 'rules.d/a*', {directory}/other/*.yaml]\n")
    assert list(rules_of(path)) == ["First", "Second", "Absolute"]


def test_a_pattern_may_match_the_main_file(directory: Path) -> None:
    write(directory, f"rules: [{RULE % 'Beside'}]\n", "more.yaml")
    path = write(directory, f"{MAIN}rule_files: ['*.yaml']\n")
    assert list(rules_of(path)) == ["Beside"]


def test_a_directory_with_a_pattern_in_its_name_is_taken_literally(tmp_path: Path) -> None:
    write(tmp_path, "hunter2", "[ab]/secrets/password")
    write(tmp_path, f"rules: [{RULE % 'A'}]\n", "[ab]/rules.d/a.yaml")
    path = write(tmp_path, f"{MAIN}rule_files: [rules.d/*]\n", "[ab]/rules.yaml")
    assert list(rules_of(path)) == ["A"]


def test_defaults_hold_for_the_rules_of_their_own_file(directory: Path) -> None:
    write(directory, f"rule_defaults: {{limit: 5}}\nrules: [{RULE % 'Other'}]\n", "rules.d/a.yaml")
    text = f"{MAIN}rule_defaults: {{limit: 9}}\nrules: [{RULE % 'Main'}]\nrule_files: [rules.d/*]\n"
    rules = rules_of(write(directory, text))
    assert (rules["Main"].rule.limit, rules["Other"].rule.limit) == (9, 5)


def test_a_broken_rule_file_leaves_the_others_usable(directory: Path) -> None:
    write(directory, f"rules: [{RULE % 'Sound'}]\n", "rules.d/a.yaml")
    broken = write(directory, f"rules: [{RULE % 'X'}, {{alert: Y, evnts: a}}]\n", "rules.d/b.yaml")
    (directory / "rules.d/c.yaml").mkdir()
    loaded = load(write(directory, f"{MAIN}rule_files: [rules.d/*]\n"), ENVIRON)
    assert [each.rule.alert for each in loaded.rules] == ["Sound"]
    assert list(loaded.broken) == [broken, directory / "rules.d/c.yaml"]
    assert "unknown key 'evnts'; did you mean 'events'?" in loaded.broken[broken][0].what


def test_a_rule_file_holds_nothing_but_rules(directory: Path) -> None:
    write(directory, "rules: []\nroute: {receiver: ops}\n", "rules.d/a.yaml")
    path = write(directory, f"{MAIN}rule_files: [rules.d/*]\n")
    assert problems_of(path) == [
        "rules.d/a.yaml:2:1: error: unknown key 'route'; the keys here are rule_defaults, rules"
    ]


def test_labels_and_identities_are_checked_across_files(directory: Path) -> None:
    write(directory, f"rules: [{RULE % 'A'}]\n", "rules.d/a.yaml")
    write(directory, "rules: [{alert: B, events: client.connect, labels: {cluster: b}}]\n", "rules.d/b.yaml")
    path = write(directory, f"{MAIN}labels: {{cluster: a}}\nrules: [{RULE % 'A'}]\nrule_files: [rules.d/*]\n")
    taken = f"the alert 'A' with the same labels is already in {path}:12"
    assert problems_of(path) == [
        f"rules.d/a.yaml:1:17: error: {taken}; rename it or give it another label",
        "rules.d/b.yaml:1:53: error: the label 'cluster' already comes from the file's labels; remove one of the two",
    ]


def test_a_pattern_without_a_match_is_a_warning(directory: Path) -> None:
    path = write(directory, f"{MAIN}rule_files: [none.d/*]\n")
    (warning,) = load(path, ENVIRON).warnings
    assert (warning.line, warning.severity) == (11, "warning")


def test_check_tells_of_the_main_file_and_its_rule_files_at_once(directory: Path) -> None:
    write(directory, "rules: [{alert: A, events: client.connect, limt: 5}]\n", "rules.d/a.yaml")
    write(directory, "rules: [\n", "rules.d/b.yaml")
    path = write(directory, f"{MAIN}lgo: {{}}\nrule_files: [rules.d/*]\n")
    assert [problem.split(": ")[0] for problem in problems_of(path)] == [
        "rules.yaml:11:1",
        "rules.d/a.yaml:1:44",
        "rules.d/b.yaml:2:1",
    ]


def test_check_takes_a_rule_file_by_itself(directory: Path) -> None:
    path = write(directory, f"rules: [{RULE % 'A'}]\n", "a.yaml")
    assert problems_of(path) == []


def test_check_tells_each_problem_once(directory: Path) -> None:
    part = write(directory, "rules: [{alert: A, events: client.connect, limt: 5}]\n", "rules.d/a.yaml")
    path = write(directory, f"{MAIN}rule_files: [rules.d/*]\n")
    assert len(problems_of(path, part)) == 1


@pytest.mark.parametrize("kind", ["missing", "directory", "pipe", "device"])
def test_what_is_no_file_is_one_problem(tmp_path: Path, kind: str) -> None:
    path = Path("/dev/zero") if kind == "device" else tmp_path / "rules.yaml"
    if kind == "directory":
        path.mkdir()
    if kind == "pipe":
        os.mkfifo(path)
    with pytest.raises(ConfigError) as raised:
        load(path, ENVIRON)
    (problem,) = raised.value.problems
    assert str(problem).startswith(f"{path}: error: the file cannot be read (")
    assert "; check the path" in problem.what


def test_a_thousand_rules_are_checked_within_seconds(directory: Path) -> None:
    rule = """
  - alert: AuthErrorBurst%d
    events: client.auth_error
    where: ['client.kind = Client', 'client.name !~ "probe-.*"']
    type: frequency
    count: 20
    within: 1m
    by: [client.host]
    keep_firing_for: 5m
    labels: {severity: warning, team: platform}
    annotations:
      summary: '{{ value }} failed logins from {{ labels.client_host }}'
      runbook_url: https://runbooks.example.net/nats/auth"""
    path = write(directory, f"{MAIN}rules:{''.join(rule % n for n in range(1000))}\n")
    start = time.process_time()
    assert problems_of(path) == []
    # two seconds on a quiet machine; twice that, so that a busy one does not fail
    assert time.process_time() - start < 4


def test_a_default_from_the_environment_is_not_shown_by_the_rules_that_take_it(directory: Path) -> None:
    text = f"{MAIN}rule_defaults: {{annotations: {{summary: '{{{{ ${{TOKEN}} }}}}'}}}}\nrules: [{RULE % 'A'}]\n"
    (problem,) = problems_of(write(directory, text), environ={"TOKEN": "hunter2_hunter2"})
    assert "hunter2" not in problem
    assert "the text from the environment does not fit here" in problem
