"""Recordings: what the live program was told, and what a replay of it decides."""

import asyncio
import json
import resource
import sqlite3
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli.program import program
from tests.conftest import StartServer
from tests.program.program import ROOT, Program, bare_environ, run
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER, Peer, fail_login, report
from tests.sink import Sink
from tests.waiting import eventually

RULES = """\
- alert: Gone
  events: client.disconnect
  by: [client.name]
  annotations: {summary: '{{ labels.client_name }}: {{ event.reason }}'}
- alert: Kept
  events: client.auth_error
  by: [client.host]
  keep_firing_for: 1s
- alert: Pending
  events: client.connect
  type: frequency
  count: 1
  within: 1s
  for: 500ms
  by: [client.name]
- alert: ServerSilent
  events: server.statsz
  type: flatline
  within: 1s
  by: [server.name]
- alert: Heard
  events: server.statsz
  type: threshold
  field: statsz.cores
  above: 0
  by: [server.name]
"""

Change = tuple[float, str, dict[str, str], float | None]


@contextmanager
def recording_bridge(directory: Path, server: str, sink: str, within: str = "1s") -> Iterator[tuple[Program, Path]]:
    """`within`: of the rule about failed logins."""
    recording = directory / "bridge" / "recording.jsonl"
    rules = rules_file(server, sink, BURST.replace("2s", within) + RULES)
    with Program(directory / "bridge", rules, options=["--record", str(recording)]) as program:
        yield program, recording


def decided(database: Path) -> list[Change]:
    """The changes of alerts, as the live program wrote them down."""
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT body FROM change ORDER BY n").fetchall()
    changes = [json.loads(body) for (body,) in rows]
    return [
        (change["at"] / 1e6, change["state"], change["facts"]["labels"], change["facts"]["tally"].get("value"))
        for change in changes
    ]


def sent(database: Path) -> list[tuple[float, str]]:
    with closing(sqlite3.connect(database)) as connection:
        rows = connection.execute("SELECT created, destination FROM outbox ORDER BY created, id").fetchall()
    return [(created / 1e6, destination) for created, destination in rows]


def replayed(recording: Path, rules: Path) -> tuple[list[Change], list[tuple[float, str]]]:
    """What a replay decides, pending alerts apart, and what it would send."""
    ended = run("replay", str(recording), "--config", str(rules), "--format", "json")
    assert ended.code == 0, ended.err
    lines: list[dict[str, Any]] = [json.loads(line) for line in ended.out.splitlines()]
    changes = [
        (line["at"], line["state"], line["labels"], line["value"])
        for line in lines
        if "alert" in line and line["state"] != "pending"
    ]
    return changes, [(line["at"], line["message"]["destination"]) for line in lines if "message" in line]


async def test_a_replay_of_the_live_programs_own_recording_decides_and_tells_the_same(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    server = start_server(SERVER)
    with recording_bridge(tmp_path, server.url, sink.url) as (bridge, recording):
        await bridge.hears()
        report(server)
        for name in ("a", "b"):
            with Peer(server, name=name):
                pass
        fail_login(server, times=25)
        server.kill()
        await asyncio.sleep(1.2)  # waits for nothing: longer than any span of the rules
        server.start()
        await bridge.hears(times=2)
        fail_login(server, times=5)
        report(server)
        await bridge.says("alert resolved", "alertname='AuthErrorBurst'")
        await bridge.says("alert firing", "alertname='ServerSilent'")
        assert bridge.stop() == 0
        lived = decided(bridge.database)
        changes, messages = replayed(recording, bridge.rules_path)
        assert {state for _, state, _, _ in lived} == {"firing", "resolved", "event"}
        assert {labels["alertname"] for _, _, labels, _ in lived} >= {"AuthErrorBurst", "Gone", "Kept", "ServerSilent"}
        assert changes == lived
        end = json.loads(recording.read_text().splitlines()[-1])["at"]
        # What waited at the stop is told by the replay, which lets time run on.
        assert [message for message in messages if message[0] < end] == sent(bridge.database)


async def test_a_recording_goes_on_over_a_kill_and_a_replay_still_decides_the_same(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    server = start_server(SERVER)
    with recording_bridge(tmp_path, server.url, sink.url, within="1m") as (bridge, recording):
        await bridge.hears()
        fail_login(server, times=19)
        await eventually(lambda: recording.read_bytes().count(b"AUTH.ERR") == 19)
        await asyncio.sleep(0.3)  # waits for nothing: so old must an event be at the kill to be on disk
        bridge.kill()
        with recording.open("ab") as file:
            file.write(b'{"at": 17954')
        bridge.start()
        await bridge.hears(times=2)
        fail_login(server)
        await bridge.says("alert firing", "alertname='AuthErrorBurst'")
        assert bridge.stop() == 0
        lived = decided(bridge.database)
        changes, _ = replayed(recording, bridge.rules_path)
    subjects = [json.loads(line)["subject"] for line in recording.read_text().splitlines()]
    marks = [subject for subject in subjects if subject in ("bridge.blind", "bridge.sight", "bridge.started")]
    assert marks == ["bridge.blind", "bridge.started", "bridge.sight"] * 2 + ["bridge.blind"]
    assert changes == lived


async def test_no_credential_is_in_a_recording(start_server: StartServer, sink: Sink, tmp_path: Path) -> None:
    server = start_server(SERVER)
    with recording_bridge(tmp_path, server.url, sink.url) as (bridge, recording):
        await bridge.hears()
        fail_login(server, name="evil\u202e\n")
        with Peer(server, name="x"):
            pass
        await eventually(lambda: b"DISCONNECT" in recording.read_bytes())
        assert bridge.stop() == 0
    text = recording.read_text()
    assert "s3cret" not in text
    assert "\u202e" not in text
    assert recording.stat().st_mode & 0o777 == 0o600


def test_a_recording_that_cannot_be_written_is_a_clear_end_at_the_start(tmp_path: Path) -> None:
    rules = tmp_path / "rules.yaml"
    rules.write_text(rules_file("nats://127.0.0.1:1", "http://127.0.0.1:1", BURST))
    ended = run("run", "--config", str(rules), "--record", str(tmp_path / "no" / "recording"))
    assert ended.code == 1
    assert ended.err.startswith(f"{tmp_path}/no/recording: the recording cannot be written (No such file")


async def test_record_writes_what_replay_reads_until_it_is_told_to_end(
    start_server: StartServer, tmp_path: Path
) -> None:
    server = start_server(SERVER)
    rules, out = tmp_path / "rules.yaml", tmp_path / "recording.jsonl"
    rules.write_text(rules_file(server.url, "http://127.0.0.1:1", BURST + RULES))
    command = [sys.executable, "-m", "bridge", "record", "--out", str(out), "--config", str(rules)]
    with subprocess.Popen(command, cwd=ROOT, env=bare_environ(), stdout=subprocess.PIPE, text=True) as recording:
        await eventually(lambda: out.exists() and b"STATSZ" in out.read_bytes())
        fail_login(server, times=20)
        recording.terminate()
        said, _ = recording.communicate(timeout=5)
    assert recording.returncode == 0
    subjects = [json.loads(line)["subject"] for line in out.read_text().splitlines()]
    assert subjects[0] == "bridge.connection"
    assert not [subject for subject in subjects[1:] if subject.startswith("bridge.")]
    assert said == f"{out}: {len(subjects) - 1} events\n"
    changes, _ = replayed(out, rules)
    assert [labels["alertname"] for _, state, labels, _ in changes if state == "firing"].count("AuthErrorBurst") == 1


async def test_record_asks_for_what_the_rules_want(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(SERVER)
    rules, out = tmp_path / "rules.yaml", tmp_path / "recording.jsonl"
    polled = "- alert: Up\n  events: server.healthz\n  where: ['data.status = ok']\n  by: [server.name]\n"
    rules.write_text(rules_file(server.url, "http://127.0.0.1:1", polled))
    command = [sys.executable, "-m", "bridge", "record", "--out", str(out), "--config", str(rules)]
    with subprocess.Popen(command, cwd=ROOT, env=bare_environ(), stdout=subprocess.PIPE, text=True) as recording:
        await eventually(lambda: out.exists() and b"HEALTHZ" in out.read_bytes())
        recording.terminate()
        recording.communicate(timeout=5)
    changes, _ = replayed(out, rules)
    assert [(state, labels["alertname"]) for _, state, labels, _ in changes] == [("event", "Up")]


def test_record_ends_after_its_time_and_says_if_it_heard_nothing(tmp_path: Path) -> None:
    rules, out = tmp_path / "rules.yaml", tmp_path / "recording.jsonl"
    rules.write_text(rules_file("nats://127.0.0.1:1", "http://127.0.0.1:1", BURST))
    ended = run("record", "--out", str(out), "--config", str(rules), "--for", "100ms")
    assert (ended.code, ended.out, out.exists()) == (1, "", False)
    assert ended.err.endswith(f"{out}: NATS was not heard, so nothing was recorded; `doctor` says why\n")


def test_record_does_not_touch_a_file_that_is_there(tmp_path: Path) -> None:
    rules, out = tmp_path / "rules.yaml", tmp_path / "recording.jsonl"
    rules.write_text(rules_file("nats://127.0.0.1:1", "http://127.0.0.1:1", BURST))
    out.write_text("mine\n")
    ended = run("record", "--out", str(out), "--config", str(rules))
    assert (ended.code, out.read_text()) == (1, "mine\n")
    assert ended.err == f"{out}: the file is there already; remove it, or name another one\n"


@pytest.mark.parametrize("subject", [">", "$SYS.>", "*.>", "$SYS.REQ.SERVER.PING", "$SYS.*.SERVER.PING"])
def test_record_never_listens_to_requests(subject: str, tmp_path: Path) -> None:
    ended = CliRunner().invoke(program, ["record", "--out", str(tmp_path / "out"), "--subject", subject])
    assert ended.exit_code == 2
    assert "takes in $SYS.REQ.>, which is not recorded" in ended.stderr


async def test_a_recording_says_when_the_disk_failed_and_when_it_was_well_again(sink: Sink, tmp_path: Path) -> None:
    with recording_bridge(tmp_path, "nats://127.0.0.1:1", sink.url) as (bridge, recording):
        await bridge.says("cannot connect")
        log = bridge.database.with_name("state.db-wal")
        resource.prlimit(bridge.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
        await bridge.says("messages go out all the same")
        resource.prlimit(bridge.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        await bridge.says("the database can be written again")
        await eventually(lambda: b"bridge.store_recovered" in recording.read_bytes())
        changes, _ = replayed(recording, bridge.rules_path)
    mine = [state for _, state, labels, _ in changes if labels["alertname"] == "BridgeStoreDegraded"]
    assert mine == ["firing", "resolved"]


def test_a_login_with_the_least_permissions_records_what_it_may(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    """What the rules do not need is left out, and the log says so once, not for each subject."""
    path = tmp_path / "rules.yaml"
    path.write_text(rules_file("nats://127.0.0.1:4222", sink.url, BURST))
    least = run("doctor", "--config", str(path), "--permissions").out
    server = start_server(SERVER.replace('password: "s3cret-pass"', f'password: "s3cret-pass"\n{least}'))
    path.write_text(rules_file(server.url, sink.url, BURST))
    ended = run("record", "--config", str(path), "--out", str(tmp_path / "out.jsonl"), "--for", "1s")
    assert ended.code == 0, ended
    [warning] = [line for line in ended.err.splitlines() if " WARNING " in line]
    assert "subjects are not recorded, as the bridge's user may not hear them, among them $JS.EVENT." in warning
    assert "the rules need none of them" in warning
    only = run("record", "--config", str(path), "--out", str(tmp_path / "b.jsonl"), "--for", "1s", "--subject", "x.*")
    assert "may not subscribe to x.*; allow it in permissions.subscribe" in only.err
