"""What accounts of operator mode are called: servers before 2.11 do not say it with their events, so they are asked."""

import sqlite3
from contextlib import closing
from pathlib import Path

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.operator_mode import Operator
from tests.program.messages import lines
from tests.program.program import Program, run
from tests.program.rules import rules_file
from tests.program.trouble import Peer
from tests.sink import Sink
from tests.waiting import eventually

RULES = """\
- alert: Came
  events: client.connect
  where: ['client.name =~ "app.*"']
  by: [client.name, account.name]
  keep_firing_for: 1h
- alert: Gone
  events: client.disconnect
  where: ['client.name =~ "app.*"']
  by: [client.name]
  annotations: {summary: '{{ account(event.client.acc) }} has lost one'}
"""


def file(
    server: NatsServer, sink: Sink, operator: Operator, directory: Path, rules: str = RULES, *, deny: str = ""
) -> str:
    """The bridge logs in with credentials, and may not publish to `deny`."""
    creds = directory / "sys.creds"
    creds.write_text(operator.system.user("bridge", pub={"deny": [deny] if deny else []}).creds)
    return rules_file(server.url, sink.url, rules).replace(
        "user: sys, password: s3cret-pass", f"credentials: '{creds}'"
    )


def accounts(sink: Sink, client: str) -> list[str]:
    """What the account of a client is called in alerts."""
    return [
        line.labels["account_name"] for line in lines(sink.requests, "Came") if line.labels["client_name"] == client
    ]


async def test_a_server_is_asked_once_and_a_replay_learns_the_same(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    operator = Operator("PAY")
    server, pay = start_server(operator.memory()), operator.accounts["PAY"]
    recording = tmp_path / "recording.jsonl"
    rules = file(server, sink, operator, tmp_path)
    with Program(tmp_path / "bridge", rules, options=["--record", str(recording)]) as program:
        await program.hears()
        with Peer(server, pay.user("first"), name="app-1"):
            await eventually(lambda: accounts(sink, "app-1"))
            if accounts(sink, "app-1") == [pay.id]:
                await eventually(lambda: f"$SYS.REQ.ACCOUNT.{pay.id}.INFO" in recording.read_text())
            with Peer(server, pay.user("second"), name="app-2"):
                await eventually(lambda: accounts(sink, "app-2"))
        [gone, *_] = await eventually(lambda: lines(sink.requests, "Gone"))
        assert program.stop() == 0
    assert accounts(sink, "app-2") == ["PAY"]
    assert gone.summary == "PAY has lost one"
    text = recording.read_text()
    assert text.count(f"$SYS.REQ.ACCOUNT.{pay.id}.INFO") == (1 if accounts(sink, "app-1") == [pay.id] else 0)
    assert "eyJ" not in text
    replayed = run("replay", "--config", str(program.rules_path), str(recording))
    assert 'account_name="PAY", client_name="app-2"' in replayed.out, replayed


async def test_what_was_learned_outlives_a_restart(start_server: StartServer, sink: Sink, tmp_path: Path) -> None:
    """Else an account would be another one in alerts for as long as it takes to ask."""
    operator = Operator("PAY")
    server, pay = start_server(operator.memory()), operator.accounts["PAY"]
    recording = tmp_path / "recording.jsonl"
    program = Program(tmp_path / "bridge", file(server, sink, operator, tmp_path))
    with program:
        await program.hears()
        with Peer(server, pay.user("first"), name="app-1"):
            await eventually(lambda: stored(program.database) == [("name", pay.id, "PAY")])
        program.kill()
    again = Program(tmp_path / "bridge", program.rules_path.read_text(), options=["--record", str(recording)])
    with again:
        await again.hears(2)
        with Peer(server, pay.user("second"), name="app-2"):
            await eventually(lambda: accounts(sink, "app-2"))
        assert again.stop() == 0
    assert accounts(sink, "app-2") == ["PAY"]
    replayed = run("replay", "--config", str(again.rules_path), str(recording))
    assert 'account_name="PAY", client_name="app-2"' in replayed.out, replayed


def stored(database: Path) -> list[tuple[str, str, str]]:
    """What is known of accounts, but for the one of the bridge itself."""
    with closing(sqlite3.connect(f"file:{database}?mode=ro", uri=True)) as db:
        return db.execute("SELECT kind, key, value FROM account WHERE value <> 'SYS'").fetchall()


async def test_a_user_that_may_not_ask_is_told_so_in_the_log_and_nowhere_else(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    operator = Operator("PAY")
    server, pay = start_server(operator.memory()), operator.accounts["PAY"]
    # A push is about an account that no server names.
    rules = "- {alert: Pushed, events: account.claims_update, by: [account.name]}\n"
    deny = "$SYS.REQ.ACCOUNT.*.INFO"
    with Program(tmp_path / "bridge", file(server, sink, operator, tmp_path, rules, deny=deny)) as program:
        await program.hears()
        with Peer(server, operator.system.user("admin"), name="admin") as admin:
            admin.publish(f"$SYS.REQ.ACCOUNT.{pay.id}.CLAIMS.UPDATE", operator.jwt(pay).encode())
            line = await program.says("accounts are called by their ids")
        await eventually(lambda: lines(sink.requests, "Pushed"))
        assert program.stop() == 0
    assert "$SYS.REQ.ACCOUNT.*.INFO; allow it in permissions.publish" in line
    assert len(program.said("$SYS.REQ.ACCOUNT")) == 1
    assert not lines(sink.requests, "BridgePermissionDenied")
