"""Ways to connect that belong to whole deployments: certificates as logins, encrypted websockets, restricted users."""

from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

from bridge.demo.nats_server import free_port
from bridge.source.settings import Settings, Tls
from bridge.values import Secret
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, client, run, settings_at, settings_for
from tests.waiting import eventually

MAPPED = """
accounts { SYS { users: [{user: "bridge@example.net"}] } }
system_account: SYS
"""


class Files:
    """An authority, a certificate of the server and one of the bridge."""

    def __init__(self, directory: Path) -> None:
        authority = trustme.CA()
        self.directory = directory
        authority.cert_pem.write_to_path(str(directory / "ca.pem"))
        for name, identity in (("server", "127.0.0.1"), ("bridge", "bridge@example.net")):
            issued = authority.issue_cert(identity)
            issued.private_key_pem.write_to_path(str(directory / f"{name}-key.pem"))
            issued.cert_chain_pems[0].write_to_path(str(directory / f"{name}.pem"))

    def server(self, more: str = "") -> str:
        at = self.directory
        return f'tls {{ cert_file: "{at}/server.pem", key_file: "{at}/server-key.pem", ca_file: "{at}/ca.pem" {more} }}'

    @property
    def tls(self) -> Tls:
        at = self.directory
        return Tls(ca_file=at / "ca.pem", cert_file=at / "bridge.pem", key_file=at / "bridge-key.pem")


@pytest.fixture
def files(tmp_path: Path) -> Files:
    return Files(tmp_path)


def without_login(settings: Settings) -> Settings:
    return replace(settings, user=None, password=None)


async def test_a_client_certificate_is_shown_to_a_server_that_wants_one(
    start_server: StartServer, files: Files
) -> None:
    server = start_server(f"{ACCOUNTS}\n{files.server(', verify: true')}")
    async with run(replace(settings_for(server), tls=files.tls)) as it:
        await eventually(lambda: it.heard.sees)


async def test_a_client_certificate_is_a_login(start_server: StartServer, files: Files) -> None:
    server = start_server(f"{MAPPED}\n{files.server(', verify_and_map: true')}")
    async with run(replace(without_login(settings_for(server)), tls=files.tls)) as it:
        await eventually(lambda: it.heard.sees)


async def test_without_the_certificate_that_a_server_wants_the_reason_is_told(
    start_server: StartServer, files: Files
) -> None:
    server = start_server(f"{ACCOUNTS}\n{files.server(', verify: true')}")
    async with run(replace(settings_for(server), tls=Tls(ca_file=files.tls.ca_file))) as it:
        await eventually(lambda: it.heard.tales("nats_disconnected") or it.heard.tales("login_failed"))
        assert not it.heard.sees
        it.source.reconfigure(replace(settings_for(server), tls=files.tls))
        await eventually(lambda: it.heard.sees)


@pytest.mark.filterwarnings("ignore:parameter .timeout. of type:DeprecationWarning")  # of aiohttp, about nats-py
async def test_encrypted_websockets_are_heard(start_server: StartServer, files: Files) -> None:
    port = free_port()
    listen = f'websocket {{ listen: "127.0.0.1:{port}", {files.server()} }}'
    server = start_server(f"{ACCOUNTS}\n{listen}")
    settings = replace(settings_at(f"wss://127.0.0.1:{port}"), tls=Tls(ca_file=files.tls.ca_file))
    async with run(settings) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        await eventually(lambda: not it.heard.sees)
        server.start()
        await eventually(lambda: it.heard.sees)


async def test_one_of_several_servers_is_enough(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    dead = [f"nats://127.0.0.1:{free_port()}" for _ in range(3)]
    async with run(settings_at(*dead, server.url)) as it:
        await eventually(lambda: it.heard.sees)


async def test_a_token_of_the_settings_logs_in(start_server: StartServer) -> None:
    # With a token there can be no other account, so the account is the wrong one; the login works.
    server = start_server('authorization { token: "t0ken-secret" }')
    settings = replace(without_login(settings_for(server)), token=Secret("t0ken-secret"))
    async with run(settings) as it:
        [tale] = await eventually(lambda: it.heard.tales("wrong_account"))
        assert "with a token" in str(tale["reason"])
        assert not it.heard.tales("login_failed")


RESTRICTED = """
accounts {
  SYS { users: [{user: sys, password: "s3cret-pass", permissions: {
    subscribe: ["$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT", "$SYS.ACCOUNT.*.SERVER.CONNS",
                "$SYS.SERVER.*.CLIENT.AUTH.ERR", "$SYS.SERVER.*.STATSZ", "$SYS.SERVER.*.SHUTDOWN",
                "$SYS.SERVER.*.LAMEDUCK", "$SYS.SERVER.*.OCSP.PEER.>", "$JS.EVENT.>", "acct.>", "_INBOX.>"]
    publish: ["$SYS.REQ.SERVER.PING", "$SYS.REQ.SERVER.PING.*", "$SYS.REQ.SERVER.*.STATSZ"]
  }}] }
  APP { users: [{user: app, password: p}] }
}
system_account: SYS
"""
"""The least that a bridge with rules on everything needs."""


async def test_a_restricted_user_hears_all_that_it_may(start_server: StartServer) -> None:
    server = start_server(RESTRICTED)
    subjects = [
        "$SYS.ACCOUNT.*.CONNECT",
        "$SYS.ACCOUNT.*.DISCONNECT",
        "$SYS.ACCOUNT.*.SERVER.CONNS",
        "$SYS.SERVER.*.CLIENT.AUTH.ERR",
        "$SYS.SERVER.*.STATSZ",
        "$SYS.SERVER.*.SHUTDOWN",
        "$SYS.SERVER.*.LAMEDUCK",
        "$SYS.SERVER.*.OCSP.PEER.>",
        "$JS.EVENT.>",
        "acct.*.ADVISORY.>",
    ]
    async with run(settings_for(server), subjects) as it:
        await eventually(lambda: it.heard.sees)
        async with client(server, "app", "p"):
            await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.CONNECT"))
        await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.DISCONNECT"))
        assert not it.heard.tales("permission_denied")
