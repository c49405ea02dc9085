"""`nats-alert-bridge replay`, as people and programs see it."""

import json
import os
import pty
import re
import select
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli.bar import LINES
from bridge.cli.program import program
from tests.program.program import ROOT, bare_environ
from tests.waiting import eventually

CORPUS = ROOT / "tests" / "corpus" / "2.15.1" / "auth.jsonl"
RULES = """\
nats: {servers: ['${NATS_URL}'], user: bridge, password_file: secret}
receivers: [{name: ops, slack_configs: [{webhook_url_file: secret}]}]
route: {receiver: ops, group_wait: 5s, group_interval: 1m}
rules:
  - alert: Burst
    events: client.auth_error
    type: frequency
    count: 3
    within: 10s
    for: 1s
    by: [client.user]
    labels: {severity: warning, team: "the 'a' team"}
    annotations: {summary: "{{ value }} failures of\\n{{ labels.client_user }}"}
"""
LABELS = {"alertname": "Burst", "client_user": "app", "severity": "warning", "team": "the 'a' team"}


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    path = tmp_path / "rules.yaml"
    path.write_text(RULES)
    return path


def replay(*arguments: str | Path, given: bytes | None = None) -> Result:
    return CliRunner().invoke(program, ["replay", *map(str, arguments)], input=given)


def line(at: float, name: str = "a", subject: str = "$SYS.SERVER.N1.CLIENT.AUTH.ERR", data: Any = None) -> bytes:
    body = {"id": f"{at}", "server": {"id": "N1"}, "client": {"user": name}} if data is None else data
    return json.dumps({"at": at, "subject": subject, "headers": {}, "data": json.dumps(body)}).encode() + b"\n"


def test_a_line_for_each_change_and_each_message(rules: Path) -> None:
    shown = replay(CORPUS, "--config", rules)
    about = """Burst{client_user="app", severity="warning", team="the 'a' team"}"""
    assert shown.stdout.splitlines() == [
        f"2026-11-23T08:05:58.763Z  pending   {about}  value=3  3 failures of⏎app",
        f"2026-11-23T08:05:59.763Z  firing    {about}  value=12  12 failures of⏎app",
        "2026-11-23T08:06:04.763Z  message   to ops/slack/0: firing (first)  1 alert: Burst",
    ]
    assert shown.stderr == f"{CORPUS}: 40 lines, 3 changes and messages\n"
    assert shown.exit_code == 0


def test_json_for_programs(rules: Path) -> None:
    shown = [json.loads(each) for each in replay(CORPUS, "--config", rules, "--format", "json").stdout.splitlines()]
    annotations = {"summary": "12 failures of\napp"}
    assert shown[1] == {
        "at": 1795421159.763843,
        "alert": "Burst",
        "state": "firing",
        "labels": LABELS,
        "value": 12.0,
        "annotations": annotations,
    }
    assert shown[2] == {
        "at": 1795421164.763843,
        "message": {
            "receiver": "ops",
            "destination": "ops/slack/0",
            "status": "firing",
            "reason": "first",
            "group_labels": {},
            "alerts": [
                {
                    "alert": "Burst",
                    "state": "firing",
                    "labels": LABELS,
                    "value": 12.0,
                    "annotations": annotations,
                    "count": 12,
                }
            ],
        },
    }


def test_what_never_fired_has_a_line_for_people_and_none_for_programs(rules: Path) -> None:
    rules.write_text(RULES.replace("for: 1s", "for: 20s"))
    given = b"".join(line(at) for at in (1.0, 2.0, 3.0, 40.0))
    states = [each.split()[1] for each in replay("-", "--config", rules, given=given).stdout.splitlines()]
    assert states == ["pending", "inactive"]
    [shown] = replay("-", "--config", rules, "--format", "json", given=given).stdout.splitlines()
    assert json.loads(shown)["state"] == "pending"


@pytest.mark.parametrize("form", ["text", "json"])
def test_two_replays_print_the_same_bytes_from_a_file_and_from_a_pipe(form: str, rules: Path) -> None:
    one = replay(CORPUS, "--config", rules, "--format", form).stdout_bytes
    assert one
    assert one == replay("-", "--config", rules, "--format", form, given=CORPUS.read_bytes()).stdout_bytes


def test_against_other_rules_prints_only_what_differs(rules: Path) -> None:
    other = rules.with_name("other.yaml")
    other.write_text(RULES.replace("count: 3", "count: 2") + "  - {alert: New, events: client.auth_error, by: []}\n")
    shown = replay(CORPUS, "--config", rules, "--against", other)
    marked = [(each[0], *re.split(r"[ {]+", each)[2:4]) for each in shown.stdout.splitlines()]
    assert marked[:3] == [("+", "event", "New"), ("+", "pending", "Burst"), ("+", "event", "New")]
    assert ("-", "firing", "Burst") in marked
    assert shown.stderr.endswith(" differences\n")
    first = json.loads(replay(CORPUS, "--config", rules, "--against", other, "--format", "json").stdout.split("\n")[0])
    assert (first["only"], first["alert"]) == ("+", "New")


def test_against_the_same_rules_prints_nothing(rules: Path) -> None:
    shown = replay(CORPUS, "--config", rules, "--against", rules)
    assert (shown.stdout, shown.exit_code) == ("", 0)


def test_an_empty_recording_is_played(rules: Path) -> None:
    shown = replay("-", "--config", rules, given=b"")
    assert (shown.stdout, shown.stderr, shown.exit_code) == ("", "standard input: 0 lines, 0 changes and messages\n", 0)


def test_what_a_terminal_would_obey_is_not_printed(rules: Path) -> None:
    rules.write_text(RULES.replace("for: 1s", ""))
    given = b"".join(line(at, name="\u001b[31m\u202e\nx") for at in (1.0, 2.0, 3.0))
    assert not set("\u001b\u202e") & set(replay("-", "--config", rules, given=given).stdout)


def run(arguments: list[str], **streams: Any) -> "subprocess.Popen[bytes]":
    command = [sys.executable, "-m", "bridge", "replay", *arguments]
    return subprocess.Popen(command, cwd=ROOT, env=bare_environ(), **streams)


def test_a_broken_line_ends_it_with_its_place_after_what_came_before(rules: Path, tmp_path: Path) -> None:
    recording = tmp_path / "r"
    recording.write_bytes(b"".join(line(at) for at in (1.0, 2.0, 3.0)) + b"oops\n")
    ended = run([str(recording), "--config", str(rules)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    out, err = ended.communicate(timeout=20)
    assert ended.returncode == 1
    assert b"pending   Burst{" in out
    assert err.startswith(f"{recording}:4: this is no line of a recording".encode())


def test_a_reader_that_has_seen_enough_ends_it_quietly(rules: Path) -> None:
    rules.write_text(RULES.split("rules:", maxsplit=1)[0] + "rules: [{alert: A, events: client.auth_error}]\n")
    piped = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with run(["-", "--config", str(rules)], **piped) as ended:
        assert ended.stdin
        assert ended.stdout
        assert ended.stderr
        ended.stdin.write(line(1.0))
        ended.stdin.flush()
        assert b"event" in ended.stdout.readline()
        ended.stdout.close()
        ended.stdin.write(line(2.0))
        ended.stdin.flush()
        assert ended.stderr.read() == b""


async def test_a_long_input_has_a_progress_bar_on_a_terminals_standard_error_only(rules: Path) -> None:
    ours, theirs = pty.openpty()
    with run(["-", "--config", str(rules)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=theirs) as ended:
        os.close(theirs)
        assert ended.stdin
        assert ended.stdout
        stdin, shown = ended.stdin, bytearray()

        def is_drawn() -> bool:
            stdin.write(line(5.0, subject="$SYS.X") * LINES)
            stdin.flush()
            shown.extend(os.read(ours, 65536) if select.select([ours], [], [], 0)[0] else b"")
            return b",000 lines" in shown

        await eventually(is_drawn, within=20)
        stdin.close()
        assert ended.stdout.read() == b""
    os.close(ours)
