"""`servers`, as people use it, on real ones."""

import json
import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli.program import last_words, program
from bridge.cli.servers import COLUMNS
from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS
from tests.source.test_gather import JETSTREAM

Ask = Callable[..., Result]

RESTRICTED = """
accounts {
  SYS {
    users: [
      {user: sys, password: p}
      {user: noping, password: p, permissions: {publish: {deny: ["$SYS.REQ.>"]}}}
      {user: nohealth, password: p, permissions: {publish: {deny: ["$SYS.REQ.SERVER.PING.HEALTHZ"]}}}
    ]
  }
  APP { users: [{user: app, password: p}] }
}
system_account: SYS
"""


@pytest.fixture
def ask(tmp_path: Path) -> Ask:
    """Runs the command on these servers."""

    def call(*servers: NatsServer, args: tuple[str, ...] = (), user: str = "sys", password: str = "p") -> Result:
        rules = tmp_path / "rules.yaml"
        urls = ", ".join(server.url for server in servers)
        rules.write_text(
            f"nats: {{servers: [{urls}], user: {user}, password: {password}}}\n"
            "receivers: [{name: a, webhook_configs: [{url: 'http://127.0.0.1:1/'}]}]\n"
            "route: {receiver: a}\n"
            "rules: [{alert: A, events: client.auth_error}]\n"
        )
        return CliRunner().invoke(program, ["servers", "--config", str(rules), *args])

    return call


def _words(result: Result) -> str:
    """What a user reads when it fails."""
    assert isinstance(result.exception, Exception)
    return last_words(result.exception)


def _until(holds: Callable[[], bool], seconds: float) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline


def test_all_servers_of_a_cluster_are_shown(nats_binary: Path, ask: Ask) -> None:
    with run_cluster(nats_binary, 3, JETSTREAM) as servers:

        def table(*args: str) -> Result:
            return ask(servers[0], args=args, password="s3cret-pass")

        _until(lambda: table().exit_code == 0, 30)
        lines = table().output.splitlines()
        assert lines[0].split() == list(COLUMNS)
        assert [line.split()[:2] for line in lines[2:5]] == [["s1", "test"], ["s2", "test"], ["s3", "test"]]
        assert all("/64 MiB" in line and line.rstrip().endswith("ok") for line in lines[2:5])
        assert lines[5] == "3 of 3 servers answered"
        told: dict[str, Any] = json.loads(table("--json").output)
        assert (told["expected"], told["missing"]) == (3, 0)
        assert sum(server["connections"] for server in told["servers"]) == 1
        one = json.loads(table("s2").output)
        assert one["server"]["name"] == "s2"
        assert one["statsz"]["active_servers"] == 3
        assert json.loads(table(one["server"]["id"], "--json").output)["server"]["name"] == "s2"
        assert _words(table("s22")) == "no server 's22' among the 3 that answered; did you mean 's2'?"
        os.kill(servers[2].pid, signal.SIGSTOP)
        try:
            cut = table()
        finally:
            os.kill(servers[2].pid, signal.SIGCONT)
        assert cut.exit_code == 1
        assert cut.output.splitlines()[-1].startswith("2 of 3 servers answered; 1 missing")


def test_a_server_that_is_not_well_says_why(nats_binary: Path, ask: Ask) -> None:
    with run_cluster(nats_binary, 3, JETSTREAM) as servers:
        for server in servers[1:]:
            server.kill()
        _until(lambda: "ill" in ask(servers[0], password="s3cret-pass").output, 40)
        result = ask(servers[0], args=("--json",), password="s3cret-pass")
        assert result.exit_code == 1
        [left] = json.loads(result.output)["servers"]
        assert left["health"] == "ill"
        assert "JetStream" in left["trouble"]


def test_health_is_unknown_to_who_may_not_ask(start_server: StartServer, ask: Ask) -> None:
    server = start_server(RESTRICTED)
    result = ask(server, user="nohealth")
    assert result.exit_code == 0
    assert "unknown" in result.output
    assert "nats: may not publish to $SYS.REQ.SERVER.PING.HEALTHZ" in result.output


def test_what_goes_wrong_is_one_line(start_server: StartServer, ask: Ask) -> None:
    server = start_server(RESTRICTED)
    assert "outside the system account" in _words(ask(server, user="app"))
    assert "allow it in permissions.publish" in _words(ask(server, user="noping"))
    assert "check nats.user and nats.password" in _words(ask(server, password="wrong"))
    server.stop()
    assert "Connection refused" in _words(ask(server))
    assert "write 5s or 5m" in ask(server, args=("--timeout", "5")).output


def test_a_server_without_cluster_or_jetstream_is_shown(start_server: StartServer, ask: Ask) -> None:
    server = start_server(ACCOUNTS, name="alone")
    lines = ask(server, password="s3cret-pass").output.splitlines()
    row = lines[2].split()
    assert row[:2] == ["alone", "-"]
    assert row[-2:] == ["off", "ok"]
