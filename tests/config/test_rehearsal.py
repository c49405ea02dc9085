"""A rules file where its rules are only tried needs nothing of what it names outside."""

from pathlib import Path

import pytest

from bridge.config import load, rehearse
from bridge.configuration import setup
from bridge.errors import ConfigError

FILE = """\
nats:
  servers: ['${NATS_URL}']
  user: bridge
  password_file: ${CREDENTIALS_DIRECTORY}/nats
  accounts: {ABC: payments}
  token_auth: true
external_url: ${ALERTS_URL}
labels: {cluster: '${CLUSTER}'}
receivers:
  - name: ops
    slack_configs:
      - webhook_url_file: slack
      - {webhook_url: '${SLACK}', name: second, send_resolved: false}
    webhook_configs: [{url: '${HOOK}', headers: {X-Key: '${KEY}'}}]
route: {receiver: ops}
rules:
  - {alert: A, events: client.disconnect}
"""
ENVIRON = {
    "NATS_URL": "nats://127.0.0.1:4222",
    "ALERTS_URL": "https://alerts.example",
    "CLUSTER": "eu",
    "SLACK": "https://hooks.slack.com/services/x",
    "HOOK": "https://hook.example",
    "KEY": "k",
}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    (tmp_path / "rules.yaml").write_text(FILE)
    return tmp_path / "rules.yaml"


def test_no_secret_and_no_variable_need_exist(path: Path) -> None:
    assert rehearse(path, {}).config.labels == {"cluster": "${CLUSTER}"}


def test_a_variable_that_is_set_is_used(path: Path) -> None:
    assert rehearse(path, {"CLUSTER": "eu"}).config.labels == {"cluster": "eu"}


def test_rules_see_and_tell_what_they_would_live(path: Path) -> None:
    for name in ("nats", "slack"):
        path.with_name(name).write_text("https://hooks.slack.com/services/secret")
    live = setup(load(path, ENVIRON | {"CREDENTIALS_DIRECTORY": str(path.parent)}))
    tried = setup(rehearse(path, ENVIRON))
    assert (tried.labels, tried.names) == (live.labels, live.names)
    assert [placed.place for placed in tried.rules] == [placed.place for placed in live.rules]
    assert (tried.routing.route, tried.routing.targets) == (live.routing.route, live.routing.targets)


@pytest.mark.parametrize(
    ("good", "bad", "what"),
    [
        ("events: client.disconnect", "events: client.gone", "unknown event"),
        ("route: {receiver: ops}", "route: {receiver: nobody}", "there is no receiver 'nobody'"),
        ("slack_configs:", "slack_config:", "unknown key 'slack_config'"),
        ("token_auth: true", "token_auth: maybe", "expected true or false"),
    ],
)
def test_what_is_wrong_with_rules_and_routes_is_said(path: Path, good: str, bad: str, what: str) -> None:
    path.write_text(FILE.replace(good, bad))
    with pytest.raises(ConfigError, match=f"rules.yaml:[1-9].*{what}"):
        rehearse(path, {})


def test_a_broken_rule_file_is_an_error(path: Path) -> None:
    path.write_text(FILE + "rule_files: [more.yaml]\n")
    path.with_name("more.yaml").write_text("rules: [{alert: B, events: client.gone}]\n")
    with pytest.raises(ConfigError, match=r"more\.yaml:1:.*unknown event"):
        rehearse(path, {})
