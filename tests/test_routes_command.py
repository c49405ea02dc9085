"""`nats-alert-bridge routes`, as people and programs see it."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli.program import program

FILE = """\
nats: {servers: ['${NATS_URL}'], user: bridge, password_file: secret}
labels: {cluster: prod}
receivers:
  - {name: ops, slack_configs: [{webhook_url_file: secret}]}
  - {name: pager, webhook_configs: [{url: https://pager.example.net}]}
route:
  receiver: ops
  group_by: [alertname, cluster]
  routes:
    - matchers: ['severity = critical']
      receiver: pager
      group_wait: 0s
      continue: true
      routes:
        - matchers: ['team =~ "db|storage"']
          group_by: ['...']
    - matchers: ['severity = "critical"']
      active_time_intervals: [office-hours]
      repeat_backoff: {}
inhibit_rules:
  - {source_matchers: ['alertname = ServerSilent'], target_matchers: ['alertname = Slow'], equal: [server_name]}
time_intervals:
  - name: office-hours
    time_intervals:
      - {weekdays: ['monday:friday'], times: [{start_time: 09:00, end_time: 17:00}], location: Europe/Berlin}
silences:
  - {matchers: ['team = lab'], starts_at: 2026-12-01T00:00:00Z, ends_at: 2026-12-24T00:00:00Z, comment: moving}
rules: [{alert: A, events: client.disconnect}]
"""
AT = "2026-12-24T18:00:00+01:00"
"""A Thursday, after the end of work."""


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(FILE)
    monkeypatch.setenv("NATS_ALERT_BRIDGE_CONFIG", str(path))
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(program, ["routes", *words])


def ask(*words: str) -> Any:
    result = run("test", "--json", *words)
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


@pytest.mark.usefixtures("rules")
def test_programs_get_the_receivers_in_their_order() -> None:
    answer = ask("severity=critical", "alertname=A", "--at", AT)

    assert answer["receivers"] == ["pager", "ops"]
    assert answer["at"] == "2026-12-24T17:00:00Z"
    assert answer["labels"] == {"cluster": "prod", "severity": "critical", "alertname": "A"}
    pager, ops = answer["routes"]
    assert pager["group_key"] == '{}/{severity="critical"}:{alertname="A", cluster="prod"}'
    assert (pager["group_wait"], pager["muted"]) == ("0s", None)
    assert (pager["repeat_backoff"], ops["repeat_backoff"]) == (None, {"factor": 2.0, "max": "1d"})
    assert ops["muted"] == "outside of the time intervals office-hours"


@pytest.mark.usefixtures("rules")
def test_what_no_route_takes_goes_to_the_first_one() -> None:
    assert ask("severity=info")["receivers"] == ["ops"]


@pytest.mark.usefixtures("rules")
def test_a_silence_of_the_file_mutes_until_its_end() -> None:
    before, after = (ask("team=lab", "--at", f"2026-12-{day}T00:00:00Z")["routes"][0]["muted"] for day in ("23", "24"))

    assert before.endswith("(moving)")
    assert after is None


@pytest.mark.usefixtures("rules")
def test_other_alerts_can_fire_meanwhile() -> None:
    (alone,) = ask("alertname=Slow", "server_name=n1")["routes"]
    assert alone["muted"] is None
    assert alone["could_be_muted"] == ['{alertname="ServerSilent"} with server_name="n1"']

    (beside,) = ask("alertname=Slow", "server_name=n1", "--firing", "alertname=ServerSilent,server_name=n1")["routes"]
    assert beside["muted"] == 'inhibited by ServerSilent{cluster="prod", server_name="n1"}'


@pytest.mark.usefixtures("rules")
def test_people_read_lines() -> None:
    result = run("test", "severity=critical", "team=db", "--at", AT)

    assert result.stdout.splitlines() == [
        '{cluster="prod", severity="critical", team="db"} at 2026-12-24T17:00:00Z',
        "  pager",
        '    route  {}/{severity="critical"}/{team=~"db|storage"}',
        '    group  {cluster="prod", severity="critical", team="db"}',
        "    told   after 0s, then every 5m if there is news, reminders every 4h",
        "  ops  MUTED: outside of the time intervals office-hours",
        '    route  {}/{severity="critical"}',
        '    group  {cluster="prod"}',
        "    told   after 30s, then every 5m if there is news, reminders every 4h, each 2 times as late, up to 1d",
    ]
    assert "those of the running bridge: nats-alert-bridge silence list" in result.stderr


@pytest.mark.usefixtures("rules")
def test_the_tree_shows_what_each_route_says_itself() -> None:
    assert run("show").stdout.splitlines() == [
        "every alert → ops  group_by: [alertname, cluster], group_wait: 30s, group_interval: 5m, repeat_interval: 4h",
        '├── {severity="critical"} → pager  group_wait: 0s, continue',
        '│   └── {team=~"db|storage"} → pager  group_by: [...]',
        '└── {severity="critical"} → ops  repeat_backoff: {factor: 2, max: 1d}, active_time_intervals: [office-hours]',
    ]


@pytest.mark.usefixtures("rules")
@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["severity"], "'severity' is no label; write for example severity=critical"),
        (["a=1", "a=2"], "the label 'a' is given twice; keep one"),
        (["a=1", "--at", "tomorrow"], "--at: 'tomorrow' is no moment; write for example 2026-12-24T18:00:00Z"),
        (["a=1", "--at", "2026-12-24T18:00:00"], "does not say in which time zone"),
    ],
)
def test_wrong_use_says_what_to_write(words: list[str], said: str) -> None:
    result = run("test", *words)

    assert result.exit_code == 2
    assert said in result.stderr
