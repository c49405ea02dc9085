"""What people ask a bridge and tell it, while it runs and while it does not."""

import json
import re
import socket
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bridge.cli.program import last_words, program
from bridge.demo.nats_binary import find
from bridge.demo.nats_server import NatsServer
from bridge.store import Store
from tests.program.conftest import StartBridge
from tests.program.program import Ended, Program, run
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER, fail_login
from tests.sink import Sink, answer
from tests.waiting import eventually

RULES = (
    BURST.replace("2s", "10m")
    + "- {alert: Silent, events: server.statsz, type: flatline, within: 40s, by: [server.name]}\n"
)
TOKEN = "t0ken-0f-the-4pi"
RECURRING = """\
time_intervals:
  - {name: always, time_intervals: [{times: [{start_time: '00:00', end_time: '24:00'}]}]}
  - {name: never, time_intervals: [{years: ['1999']}]}
silences:
  - {matchers: ['alertname = Other'], time_intervals: [never]}
"""


@pytest.fixture
def server() -> Iterator[NatsServer]:
    """One version is enough: nothing here depends on it."""
    with NatsServer(find("newest"), SERVER, name="n") as server:
        yield server


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def port() -> int:
    return free_port()


def say(bridge: Program, *arguments: str) -> Ended:
    """As a command beside the bridge does it, but in this process: a new one would take half a second each time."""
    result = CliRunner().invoke(program, [*arguments, "--config", str(bridge.rules_path)])
    err = result.stderr
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        err += last_words(result.exception) + "\n" if isinstance(result.exception, Exception) else ""
    return Ended(result.exit_code, result.stdout, err)


def said(bridge: Program, *arguments: str) -> str:
    ended = say(bridge, *arguments)
    assert ended.code == 0, ended.err
    return ended.out


async def burst(start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int) -> Program:
    """A bridge with an alert that fires and was told."""
    bridge = start_bridge(rules_file(server.url, sink.url, RULES, http=f"{{listen: '127.0.0.1:{port}'}}"))
    await bridge.hears()
    fail_login(server, times=20)
    await bridge.says("attempt notification=")
    return bridge


async def test_what_fires_and_what_happened_is_shown_by_a_running_bridge_and_by_what_a_stopped_one_left(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    delivered = [("ops/webhook/0", "delivered")]
    (alert,) = await eventually(lambda: [each for each in _alerts(bridge) if _told(each) == delivered])
    assert (alert["name"], alert["state"], alert["value"]) == ("AuthErrorBurst", "firing", 20)
    assert [each["attempts"] for each in alert["told"]] == [1]
    none = said(bridge, "alerts", "client_host=10.0.0.1")
    assert none == "no alert that matches client_host=10.0.0.1 fires or is pending\n"
    running = said(bridge, "history", "AuthErrorBurst")
    assert run("history", "AuthErrorBurst", "--config", str(bridge.rules_path)) == Ended(0, running, "")
    assert [line.split()[2] for line in running.splitlines()[3:] if line.strip()] == ["firing", "message", "delivered"]
    assert alert["id"] in running

    assert bridge.stop() == 0
    stopped = say(bridge, "history", "AuthErrorBurst")
    assert stopped.out == running
    assert stopped.err == f"the bridge does not run; this is what {bridge.database} holds\n"
    assert said(bridge, "history", alert["id"][:8]) == running
    nothing = "nothing of Nothing happened in the last 1d; `nats-alert-bridge history` shows what did\n"
    assert said(bridge, "history", "Nothing") == nothing
    assert [each["id"] for each in _alerts(bridge)] == [alert["id"]]
    assert not [path.name for path in bridge.database.parent.iterdir() if path.name.endswith(("-wal", "-shm"))]


async def test_commands_do_nothing_without_a_bridge_and_say_how_to_start_it(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    bridge.kill()
    for words in (
        ["silence", "add", "a=b", "--for", "1h"],
        ["forget", "Silent", "server_name=n"],
    ):
        ended = say(bridge, *words)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err == (
            f"nothing was done: no bridge answers at 127.0.0.1:{port}; start it: systemctl start nats-alert-bridge, "
            f"or nats-alert-bridge run --config {bridge.rules_path}\n"
        )


async def test_a_message_that_nobody_takes_is_shown_dropped_and_revived(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    sink.then = answer(404)
    bridge = await burst(start_bridge, server, sink, port)
    (message,) = await eventually(
        lambda: [each for each in _messages(bridge) if each["attempts"]],
        within=20,
    )
    assert message["state"] == "pending"
    assert "refused" in said(bridge, "outbox", "show", message["id"][:8])

    assert said(bridge, "outbox", "drop", message["id"][:8]) == f"dropped: {message['id']}\n"
    assert message["id"] not in [each["id"] for each in _messages(bridge)]
    assert "dropped by " in said(bridge, "outbox", "list", "--dead")
    assert say(bridge, "outbox", "drop", message["id"]).code == 1

    requests, sink.then = len(sink.requests), answer()
    assert said(bridge, "outbox", "retry", "--destination", "ops/webhook/0", "--dead").startswith("due now: ")
    await eventually(
        lambda: message["id"] in [each.json["id"] for each in sink.requests[requests:]],
        within=20,
    )
    await eventually(lambda: message["id"] in said(bridge, "outbox", "list", "--delivered"))
    assert say(bridge, "outbox", "retry", message["id"]).err.startswith("nothing was done with ")


async def test_a_retry_does_not_wait_for_the_next_probe(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    sink.then = answer(404)
    bridge = await burst(start_bridge, server, sink, port)
    (message,) = await eventually(lambda: [each for each in _messages(bridge) if each["attempts"]])
    sink.then = answer()
    said(bridge, "outbox", "retry", message["id"])
    await eventually(lambda: message["id"] in said(bridge, "outbox", "list", "--delivered"))


async def test_a_silence_is_added_shown_survives_a_kill_and_is_expired(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    added = say(
        bridge,
        "silence",
        "add",
        "alertname=AuthErrorBurst",
        "--for",
        "1h",
        "--comment",
        "an upgrade",
        "--created-by",
        "eve",
    )
    id = added.out.strip()
    assert (added.code, added.err) == (0, 'it mutes 1 alert that fires now: AuthErrorBurst{client_host="127.0.0.1"}\n')
    bridge.kill()
    assert "eve" in said(bridge, "silence", "list")
    bridge.start()
    await bridge.hears(times=2)
    assert "active" in said(bridge, "silence", "show", id[:6])
    assert said(bridge, "silence", "expire", id[:6]) == f"expired: {id}\n"
    assert said(bridge, "silence", "list") == "there is no silence\n"
    assert "expired by " in said(bridge, "silence", "list", "--expired")
    again = say(bridge, "silence", "expire", id)
    assert (again.code, again.err.startswith(f"silence {id} has ended already: expired by ")) == (1, True)


async def test_a_silence_that_is_updated_keeps_its_id_and_is_obeyed_at_once(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    id = said(bridge, "silence", "add", "Nothing", "--for", "1h").strip()
    assert not _alerts(bridge)[0]["muted"]
    updated = say(bridge, "silence", "update", id[:6], "AuthErrorBurst", "--comment", "an upgrade")
    assert updated.out == (
        f"updated: {id}\n  mutes         alertname=Nothing → alertname=AuthErrorBurst\n"
        "  comment       none → 'an upgrade'\n"
    )
    assert updated.err == 'it mutes 1 alert that fires now: AuthErrorBurst{client_host="127.0.0.1"}\n'
    assert _alerts(bridge)[0]["muted"] == f"silence {id} (an upgrade)"
    bridge.kill()
    assert "an upgrade" in said(bridge, "silence", "show", id)
    refused = say(bridge, "silence", "update", id, "--for", "2h")
    assert (refused.code, refused.err.startswith("nothing was done: no bridge answers at ")) == (1, True)


async def test_a_recurring_silence_is_added_and_one_of_the_file_is_edited_there(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    rules = rules_file(server.url, sink.url, RULES, http=f"{{listen: '127.0.0.1:{port}'}}") + RECURRING
    bridge = start_bridge(rules)
    await bridge.hears()
    fail_login(server, times=20)
    await eventually(lambda: _alerts(bridge))
    never = say(bridge, "silence", "add", "AuthErrorBurst", "--time-interval", "never")
    assert never.err.startswith("its time is not now; within it, it mutes 1 alert that fires now: AuthErrorBurst{")
    assert not _alerts(bridge)[0]["muted"]
    always = said(bridge, "silence", "add", "AuthErrorBurst", "--time-interval", "always").strip()
    assert _alerts(bridge)[0]["muted"] == f"silence {always}"
    wrong = say(bridge, "silence", "add", "AuthErrorBurst", "--time-interval", "nights")
    assert (wrong.code, wrong.err) == (1, "there is no time interval nights; there are always, never\n")
    (declared,) = [
        each["id"] for each in json.loads(said(bridge, "silence", "list", "--json"))["silences"] if each["declared"]
    ]
    refused = say(bridge, "silence", "update", declared, "--for", "1h")
    assert refused.err == f"silence {declared} stands in the rules file; edit it there and reload, or expire it\n"
    bridge.write(rules_file(server.url, sink.url, RULES, http=f"{{listen: '127.0.0.1:{port}'}}"))
    bridge.hang_up()
    await bridge.says(f"silence {always} (alertname=AuthErrorBurst) does not mute within always any more: the rules")
    assert not _alerts(bridge)[0]["muted"]


async def test_a_silence_without_an_end_or_for_no_alert_of_now_says_so(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    endless = say(bridge, "silence", "add", "AuthErrorBurst")
    assert endless.code == 2
    assert endless.err.endswith("a silence needs an end: write --for 2h, --until 18:30, or a --time-interval NAME\n")
    assert say(bridge, "silence", "add", "Nothing", "--for", "1h").err.startswith("no alert that fires now has such")
    assert "name a label that must have a value" in say(bridge, "silence", "add", "a!=b", "--for", "1h").err
    nearly_a_day = (datetime.now(UTC).astimezone() - timedelta(minutes=1)).strftime("%H:%M")
    tomorrow = said(bridge, "silence", "add", "Nothing", "--until", nearly_a_day).strip()
    assert ", in 23h5" in said(bridge, "silence", "show", tomorrow)
    later = said(bridge, "silence", "add", "Nothing", "--from", "2097-01-01T10:00Z", "--for", "5m").strip()
    shown = json.loads(said(bridge, "silence", "show", later, "--json"))["silence"]
    assert (shown["starts_at"], shown["ends_at"]) == ("2097-01-01T10:00:00Z", "2097-01-01T10:05:00Z")


async def test_an_alert_that_fires_longer_than_history_is_kept_is_not_said_to_be_told_to_nobody(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    await eventually(lambda: [each for each in _alerts(bridge) if _told(each) == [("ops/webhook/0", "delivered")]])
    assert bridge.stop() == 0
    store = await Store.open(bridge.database)
    while await store.prune(2**60, 0):
        pass
    await store.close()
    (alert,) = _alerts(bridge)
    assert ([group["receiver"] for group in alert["groups"]], alert["groups"][0]["untold"]) == (["ops"], [])
    assert "longer ago than storage.retention" in said(bridge, "alerts")


async def test_an_alert_says_when_it_will_be_told_to_whom_and_what_mutes_it_for_whom(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    route = "receiver: ops\ngroup_wait: 10m\nroutes: [{receiver: ops, continue: true, mute_time_intervals: [always]}]\n"
    http = f"{{listen: '127.0.0.1:{port}'}}"
    bridge = start_bridge(rules_file(server.url, sink.url, RULES, http=http, route=route) + RECURRING)
    await bridge.hears()
    fail_login(server, times=20)
    (alert,) = await eventually(lambda: _alerts(bridge))
    (group,) = alert["groups"]
    assert (group["receiver"], group["untold"], group["muted"]) == ("ops", ["ops"], "mute time interval always")
    assert "muted for ops: mute time interval always" in said(bridge, "alerts", "AuthErrorBurst")
    bridge.write(rules_file(server.url, sink.url, RULES, http=http, route="receiver: ops\ngroup_wait: 10m\n"))
    bridge.hang_up()
    await bridge.says("reloaded rules=")
    (line,) = [line for line in said(bridge, "alerts").splitlines() if "AuthErrorBurst" in line]
    assert re.search(r"  in (9m\d+s|10m), to ops +$", line)


async def test_what_a_silence_mutes_is_in_the_history_with_its_reason(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    bridge = start_bridge(rules_file(server.url, sink.url, RULES, http=f"{{listen: '127.0.0.1:{port}'}}"))
    await bridge.hears()
    id = said(bridge, "silence", "add", "alertname=AuthErrorBurst", "--for", "1h", "--comment", "an upgrade").strip()
    fail_login(server, times=20)
    await bridge.says("alert firing", "AuthErrorBurst")
    (alert,) = await eventually(lambda: [each for each in _alerts(bridge) if each["muted"]])
    assert (alert["muted"], alert["told"]) == (f"silence {id} (an upgrade)", [])
    muted = f"silence {id} (an upgrade), receiver ops"
    await eventually(lambda: muted in said(bridge, "history", "AuthErrorBurst"))
    assert not [each for each in sink.requests if "AuthErrorBurst" in each.body.decode()]


async def test_a_server_is_forgotten(start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int) -> None:
    bridge = await burst(start_bridge, server, sink, port)
    await eventually(lambda: say(bridge, "forget", "Silent", "server_name=n").code == 0)
    ended = say(bridge, "forget", "AuthErrorBurst", "client_host=127.0.0.1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("AuthErrorBurst is of type frequency, which has nothing to forget")


async def test_a_port_that_is_taken_is_one_warning_and_the_alerting_goes_on(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int
) -> None:
    with socket.create_server(("127.0.0.1", port)):
        bridge = start_bridge(rules_file(server.url, sink.url, RULES, http=f"{{listen: '127.0.0.1:{port}'}}"))
        warning = await bridge.says(f"cannot listen on 127.0.0.1:{port}")
        assert "Address already in use; commands such as `silence` do not reach this bridge, all else works" in warning
        await bridge.hears()
        fail_login(server, times=20)
        await eventually(lambda: sink.requests)
    bridge.write(rules_file(server.url, sink.url, RULES, http=f"{{listen: '127.0.0.1:{free_port()}'}}"))
    bridge.hang_up()
    await bridge.says("commands are heard on ")
    assert _alerts(bridge)


async def test_the_token_is_asked_for_and_is_in_no_answer_row_or_log(
    start_bridge: StartBridge, server: NatsServer, sink: Sink, port: int, tmp_path: Path
) -> None:
    (tmp_path / "token").write_text(TOKEN)
    listen = f"{{listen: '127.0.0.1:{port}', auth: {{token_file: '{tmp_path}/token'}}}}"
    bridge = start_bridge(rules_file(server.url, sink.url.replace("hook", "s3cr3t-h00k"), RULES, http=listen))
    await bridge.hears()
    fail_login(server, times=20)
    await eventually(lambda: sink.requests)
    answers = [say(bridge, *words) for words in (["alerts", "--json"], ["history", "--json"], ["silence", "list"])]
    answers.append(say(bridge, "outbox", "list", "--delivered", "--json"))
    assert [ended.code for ended in answers] == [0] * 4
    assert [ended.err for ended in answers] == [""] * 4
    (tmp_path / "token").write_text("another")
    refused = say(bridge, "silence", "add", "a=b", "--for", "1h")
    assert refused.code == 1
    assert "this bridge wants the token of http.auth" in refused.err
    (tmp_path / "token").unlink()
    assert "token_file" in say(bridge, "alerts").err
    assert bridge.stop() == 0
    with closing(sqlite3.connect(bridge.database)) as db:
        dump = "\n".join(db.iterdump())
    kept = [dump, *bridge.lines, *(ended.out + ended.err for ended in answers)]
    for secret in (TOKEN, "s3cr3t-h00k", "s3cret-pass"):
        assert not [text for text in kept if secret in text]


def _told(alert: dict[str, Any]) -> list[tuple[str, str]]:
    return [(told["destination"], told["state"]) for told in alert["told"]]


def _alerts(bridge: Program) -> list[dict[str, Any]]:
    content: list[dict[str, Any]] = json.loads(said(bridge, "alerts", "--json"))["alerts"]
    return content


def _messages(bridge: Program) -> list[dict[str, Any]]:
    """Those that wait, about failed logins."""
    content: list[dict[str, Any]] = json.loads(said(bridge, "outbox", "list", "--json"))["messages"]
    return [each for each in content if "AuthErrorBurst" in json.dumps(each["alerts"])]
