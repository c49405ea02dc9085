"""Broken set-ups: the doctor names the cause, and nothing else."""

import os
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path

import pytest
import trustme

from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer, free_port
from tests.conftest import StartServer
from tests.doctor.setups import MONITOR, RULES, SYSTEM, failures, found, write
from tests.operator_mode import Operator
from tests.program.program import Program, run
from tests.sink import Sink
from tests.waiting import eventually

NOBODY = 65534
FINE = SYSTEM.format(permissions="")


async def test_a_sound_set_up_is_ok_in_every_line_and_nothing_is_sent(
    start_server: StartServer, tmp_path: Path, sink: Sink
) -> None:
    server = start_server(FINE, name="n1")
    path = write(tmp_path, server.url, sink.url, RULES + "- {alert: Busy, events: [server.statsz, client.connect]}\n")
    lines = await found(path)
    assert all(line.startswith("ok ") for line in lines), lines
    assert any("$SYS.SERVER.*.STATSZ comes, from 1 server" in line for line in lines)
    assert any("$SYS.ACCOUNT.*.CONNECT comes" in line for line in lines)
    assert any("1 server answered" in line for line in lines)
    await eventually(lambda: sink.connections == 1)
    assert sink.requests == []
    assert not list((tmp_path / "state").iterdir())


async def test_a_wrong_password(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    server = start_server(FINE)
    [what] = await failures(write(tmp_path, server.url, sink.url, login="user: bridge, password: wr0ng"))
    assert what == (
        f"login: cannot log in to {server.url} as user 'bridge': Authorization Violation; "
        f"check nats.user and nats.password in {tmp_path}/rules.yaml"
    )


async def test_not_the_system_account(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    server = start_server(FINE)
    [what] = await failures(write(tmp_path, server.url, sink.url, login="user: app, password: s3cret-pass"))
    assert what.startswith("account: logged in to ")
    assert "as user 'app', but outside the system account" in what
    assert "use a user of the account that the server's configuration names as system_account" in what


async def test_no_permission_on_a_subject(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    denied = ', permissions: {subscribe: {deny: ["$SYS.SERVER.*.CLIENT.AUTH.ERR"]}}'
    server = start_server(SYSTEM.format(permissions=denied))
    [what] = await failures(write(tmp_path, server.url, sink.url))
    assert what.startswith("permissions: the bridge, connected to ")
    assert "may not subscribe to $SYS.SERVER.*.CLIENT.AUTH.ERR; allow it in permissions.subscribe of this user" in what
    assert what.endswith("needed by Failed")


async def test_no_permission_to_ask(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    denied = ', permissions: {publish: {deny: ["$SYS.REQ.>"]}}'
    server = start_server(SYSTEM.format(permissions=denied))
    [what] = await failures(write(tmp_path, server.url, sink.url))
    assert "may not publish to $SYS.REQ.SERVER.PING; allow it in permissions.publish of this user" in what


async def test_a_server_too_old_for_the_event_of_a_rule(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    server = start_server(FINE, name="n1")
    rules = "- {alert: Probed, events: client.rejected}\n- {alert: Gone, events: server.shutdown, "
    rules += "resolve_on: {events: server.lameduck}}\n"
    lines = await found(write(tmp_path, server.url, sink.url, rules))
    [shown] = [line for line in lines if "servers: n1 " in line]
    told = [line for line in lines if "versions: " in line]
    if " 2.9.10" not in shown:
        assert told == []
        return
    failure, doubt = told
    assert failure == (
        "FAILED  versions: the rule Probed gets no client.rejected from n1: servers tell it from 2.12.0 on; "
        "upgrade, or remove the rule"
    )
    assert doubt == (
        "warning versions: the rule Gone gets no server.lameduck from n1: servers tell it from 2.9.22 on; "
        "the rest is heard"
    )


def shared_system(hub: int | None, listen: int | None) -> str:
    """A server that shares the system account over a leafnode."""
    url = f"nats://admin:p@127.0.0.1:{hub}"
    block = f'listen: "127.0.0.1:{listen}"' if listen else f'remotes: [{{ url: "{url}", account: SYS }}]'
    return f"{FINE}\nleafnodes {{ {block} }}\n"


async def test_servers_that_cannot_be_told_apart(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    """With leafnodes nobody else notices. The doctor warns, and so does the log of a bridge that connects."""
    port = free_port()
    hub = start_server(shared_system(None, port), name="n1")
    path = write(tmp_path, hub.url, sink.url)
    for name in ("n1", ""):
        start_server(shared_system(port, None), name=name)
    told: list[str] = []

    async def all_are_seen() -> bool:
        told[:] = await found(path)
        return any("3 servers answered" in line for line in told)

    await eventually(all_are_seen, within=60)
    unnamed, twins = [line for line in told if line.startswith("warning names: ")]
    assert unnamed.endswith("has no name, and so a new one at each start; set server_name in the configuration")
    assert twins == (
        "warning names: more than one server is called n1: alerts cannot tell them apart, and one that falls silent is "
        "not missed; give each its own server_name"
    )
    with Program(tmp_path, path.read_text()) as program:
        await program.says("level=warning", "more than one server is called n1")
        await program.says("level=warning", "has no name: it is a new one at each start")


async def test_servers_of_two_systems(nats_binary: Path, tmp_path: Path, sink: Sink) -> None:
    """Those of one cluster are one system."""
    with run_cluster(nats_binary, 2, FINE) as servers, NatsServer(nats_binary, FINE, name="other") as other:
        path = write(tmp_path, servers[0].url, sink.url)
        one = path.read_text()
        path.write_text(one.replace(f"'{servers[0].url}'", f"'{servers[0].url}', '{servers[1].url}'"))

        async def is_fine() -> bool:
            return await failures(path) == []

        await eventually(is_fine, within=30)
        path.write_text(one.replace(f"'{servers[0].url}'", f"'{servers[0].url}', '{other.url}'"))
        [what] = await failures(path)
        assert what.startswith(
            f"servers: {other.url} is cut off from {servers[0].url}, or belongs to another NATS system"
        )


IMPORTED = "- {alert: GivenUp, events: [js.max_deliver, js.consumer_ack]}\n"


IMPORT = """
accounts {
  SYS { users: [{user: bridge, password: "s3cret-pass"}, {user: admin, password: p}]
        imports: [{stream: {account: APP, subject: "$JS.EVENT.>"}, to: "acct.APP.>"}] }
  APP { users: [{user: app, password: "s3cret-pass"}], exports: [{stream: "$JS.EVENT.>", accounts: [SYS]}] }
}
system_account: SYS
"""


@pytest.mark.parametrize(
    ("config", "login", "warned"),
    [(FINE, "", 1), (IMPORT, "user: bridge, password: s3cret-pass, imports: 'acct.*.'", 0), (MONITOR, "", 0)],
    ids=["no import", "an import", "in an account of its own"],
)
async def test_events_that_only_other_accounts_hear(
    start_server: StartServer, tmp_path: Path, sink: Sink, config: str, login: str, warned: int
) -> None:
    path = write(tmp_path, start_server(config).url, sink.url, IMPORTED, login=login)
    lines = await found(path)
    told = [line for line in lines if line.startswith("warning events: nothing of js.max_deliver, js.consumer_ack")]
    assert len(told) == warned, lines
    assert [line for line in lines if "nothing comes there while nothing happens" in line] == [] or not warned
    assert not [line for line in lines if line.startswith("FAILED")]


async def test_a_certificate_without_an_end_is_good_until_a_day(tmp_path: Path) -> None:
    """`openssl` and others write the year 9999 for one that never ends: no number of days is of use."""
    issued = trustme.CA().issue_cert("bridge@example.net", not_after=datetime(9999, 12, 31))  # noqa: DTZ001
    issued.private_key_pem.write_to_path(str(tmp_path / "key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    login = "user: bridge, password: p, tls: {cert_file: cert.pem, key_file: key.pem}"
    lines = await found(write(tmp_path, "nats://127.0.0.1:1", "http://127.0.0.1:1/x", login=login))
    expected = f"credentials: nats.tls.cert_file {tmp_path}/cert.pem is good until 9999-12-31"
    assert [line.removeprefix("ok").strip() for line in lines if "credentials: " in line] == [expected]


async def test_expired_credentials(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    operator = Operator()
    server = start_server(operator.memory())
    creds = tmp_path / "sys.creds"
    creds.write_text(operator.system.user(issued=time.time() - 86400, expires=time.time() - 7200).creds)
    first, second = await failures(write(tmp_path, server.url, sink.url, login=f"credentials: {creds}"))
    assert re.match(rf"credentials: nats.credentials {creds} expired on \d{{4}}-\d\d-\d\d, 2h", first)
    assert first.endswith("ago; put a new one in its place")
    assert second.startswith(f"login: cannot log in to {server.url} with {creds}")
    creds.write_text(operator.system.user(issued=time.time() - 86400, expires=time.time() + 3600).creds)
    lines = await found(tmp_path / "rules.yaml")
    assert not [line for line in lines if line.startswith("FAILED")]
    assert [line for line in lines if line.startswith("warning") and "renew it" in line]


async def test_an_unreachable_receiver(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(FINE)
    port = free_port()
    [what] = await failures(write(tmp_path, server.url, f"http://127.0.0.1:{port}/s3cret-path"))
    assert what.startswith(f"receiver ops/webhook/0: no connection to 127.0.0.1:{port}: Connection refused; check")
    assert "s3cret" not in what


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("https://127.0.0.1:{port}/x", "TLS with 127.0.0.1:{port} failed"),
        ("http://no-such-host.invalid/x", "the name no-such-host.invalid cannot be looked up"),
    ],
    ids=["no TLS", "no name"],
)
async def test_what_is_wrong_with_a_receiver_is_said(tmp_path: Path, sink: Sink, url: str, why: str) -> None:
    path = write(tmp_path, f"nats://127.0.0.1:{free_port()}", url.format(port=sink.port))
    server, receiver = await failures(path)
    assert "Connection refused; check nats.servers" in server
    assert why.format(port=sink.port) in receiver


async def test_a_read_only_database(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    server = start_server(FINE)
    path = write(tmp_path, server.url, sink.url)
    with Program(tmp_path, path.read_text()) as program:
        await program.hears()
        assert program.stop() == 0
    database = tmp_path / "state" / "state.db"
    database.chmod(0o444)
    with unprivileged(tmp_path):
        [what] = await failures(path)
    assert what.startswith(f"database: cannot use {database}: Permission denied; let uid ")
    assert what.endswith("write to it and its directory, or set another storage.path")


async def test_a_database_that_has_no_place(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    path = write(tmp_path, start_server(FINE).url, sink.url)
    path.write_text(path.read_text().replace(f"{tmp_path}/state/", f"{tmp_path}/no/where/"))
    [what] = await failures(path)
    assert what == (
        f"database: cannot make {tmp_path}/no/where: there is no {tmp_path}/no; make it, or set another storage.path"
    )


def test_a_database_that_a_running_bridge_holds_is_fine(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    server = start_server(FINE)
    path = write(tmp_path, server.url, sink.url)
    with Program(tmp_path, path.read_text()) as program:
        _await(program, "connected to")
        ended = run("doctor", "--config", str(path))
        assert ended.code == 0, ended
        assert f"in use by a running bridge (pid {program.pid}), and sound" in ended.out
        assert program.stop() == 0


def test_broken_rules_are_all_said_and_the_exit_code_is_1(tmp_path: Path) -> None:
    path = write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x", "- {alert: A, events: client.conect}\n")
    ended = run("doctor", "--config", str(path))
    assert ended.code == 1
    [line] = ended.out.splitlines()
    assert line.startswith(f"FAILED  configuration: {path}:6:")
    assert "client.connect" in line


def _await(program: Program, text: str) -> None:
    deadline = time.monotonic() + 15
    while not program.said(text):
        assert time.monotonic() < deadline
        time.sleep(0.05)


@contextmanager
def unprivileged(directory: Path) -> Iterator[None]:
    """File modes count, also where the test is run by root; the directory and what lies in it can be read."""
    if os.geteuid():
        yield
        return
    for each in (directory, *directory.parents, *directory.rglob("*")):
        if each.stat().st_uid == 0:
            each.chmod(each.stat().st_mode | (0o055 if each.is_dir() else 0o044))
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)
