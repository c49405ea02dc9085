"""Encrypted connections, and those that ought to be."""

from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

from bridge.demo.nats_binary import version_of
from bridge.demo.nats_server import free_port
from bridge.source.settings import Settings, Tls
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, run, settings_at, settings_for
from tests.waiting import eventually


@pytest.fixture
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def ca_file(authority: trustme.CA, tmp_path: Path) -> Path:
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    return tmp_path / "ca.pem"


def tls_config(authority: trustme.CA, directory: Path, *names: str, more: str = "") -> str:
    cert = authority.issue_cert(*names)
    cert.private_key_pem.write_to_path(str(directory / "key.pem"))
    cert.cert_chain_pems[0].write_to_path(str(directory / "cert.pem"))
    files = f'cert_file: "{directory}/cert.pem", key_file: "{directory}/key.pem"'
    return f"{ACCOUNTS}\ntls {{ {files} {more} }}"


def encrypted(settings: Settings, ca_file: Path, *, first: bool = False) -> Settings:
    return replace(settings, tls=Tls(ca_file=ca_file, first=first))


async def test_a_trusted_server_is_heard(
    start_server: StartServer, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    server = start_server(tls_config(authority, tmp_path, "127.0.0.1"))
    async with run(encrypted(settings_at(server.url.replace("nats:", "tls:")), ca_file)) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        await eventually(lambda: not it.heard.sees)


async def test_the_handshake_can_come_first(
    nats_binary: Path, start_server: StartServer, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    if version_of(nats_binary).startswith("2.9."):
        pytest.skip("servers know handshake_first from 2.10.4 on")
    server = start_server(tls_config(authority, tmp_path, "127.0.0.1", more=", handshake_first: true"))
    async with run(encrypted(settings_for(server), ca_file, first=True)) as it:
        await eventually(lambda: it.heard.sees)


async def test_a_server_of_another_authority_is_not_trusted(
    start_server: StartServer, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    server = start_server(tls_config(trustme.CA(), tmp_path, "127.0.0.1"))
    async with run(encrypted(settings_for(server), ca_file)) as it:
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert "its certificate is not accepted" in str(tale["reason"])


async def test_a_certificate_for_another_name_is_not_accepted(
    start_server: StartServer, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    server = start_server(tls_config(authority, tmp_path, "other.example.net"))
    async with run(encrypted(settings_for(server), ca_file)) as it:
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert "its certificate is not accepted" in str(tale["reason"])


async def test_no_login_is_sent_in_the_clear(start_server: StartServer, ca_file: Path) -> None:
    server = start_server(ACCOUNTS)
    async with run(encrypted(settings_for(server, password="wr0ng"), ca_file)) as it:
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert "the server offers no TLS" in str(tale["reason"])
        assert "authentication error" not in server.log


async def test_nothing_is_heard_in_the_clear(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    server = start_server()
    settings = replace(settings_at(server.url.replace("nats:", "tls:")), user=None, password=None)
    async with run(settings) as it:
        await eventually(lambda: "the server offers no TLS" in caplog.text)
        await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert not it.heard.sees


async def test_files_that_cannot_be_used_are_named(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(ACCOUNTS)
    async with run(encrypted(settings_for(server), tmp_path / "missing.pem")) as it:
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert f"cannot use nats.tls.ca_file {tmp_path}/missing.pem: No such file" in str(tale["reason"])


@pytest.mark.filterwarnings("ignore:parameter .timeout. of type:DeprecationWarning")  # of aiohttp, about nats-py
async def test_websockets_are_heard(start_server: StartServer) -> None:
    port = free_port()
    server = start_server(f'{ACCOUNTS}\nwebsocket {{ listen: "127.0.0.1:{port}", no_tls: true }}')
    async with run(settings_at(f"ws://127.0.0.1:{port}")) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        await eventually(lambda: not it.heard.sees)
        server.start()
        await eventually(lambda: it.heard.sees, within=3)
