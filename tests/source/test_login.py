"""Logins that fail, and what is said about them."""

import logging
from pathlib import Path

import nkeys
import pytest
from msgspec.structs import replace

from bridge.errors import LoginFailed
from bridge.source.login import read_login
from bridge.source.servers import parse_server
from bridge.source.settings import Settings
from tests.conftest import StartServer
from tests.operator_mode import Operator, new_key
from tests.source.heard import ACCOUNTS, QUICK, run, settings_at, settings_for
from tests.waiting import eventually

SECRETS = ["s3cret-pass", "wr0ng-pass"]


async def test_a_wrong_password_is_told_once_and_mended_by_new_settings(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server, password="wr0ng-pass")) as it:
        await eventually(lambda: server.log.count("authentication error") >= 2)
        [tale] = it.heard.tales("login_failed")
        assert tale["server"] == server.url
        assert tale["reason"] == (
            f"cannot log in to {server.url} as user 'sys': Authorization Violation; "
            "check nats.user and nats.password in rules.yaml"
        )
        it.source.reconfigure(settings_for(server))
        await eventually(lambda: it.heard.sees, within=2)
        assert len(it.heard.tales("login_failed")) == 1
    warnings = [record for record in caplog.records if record.levelno >= logging.WARNING]
    assert sum("cannot log in" in record.message for record in warnings) == 1
    assert not any(secret in caplog.text for secret in SECRETS)


async def test_a_login_that_works_again_is_told(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS.replace("s3cret-pass", "other"))
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.tales("login_failed"))
        server.reload(ACCOUNTS)
        await eventually(lambda: it.heard.sees, within=4)
        assert len(it.heard.tales("nats_reconnected")) == 1
        assert not it.heard.tales("nats_disconnected")


async def test_a_password_changed_under_a_connection_is_told(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server)) as it:
        await eventually(lambda: it.heard.sees)
        server.reload(ACCOUNTS.replace("s3cret-pass", "changed"))
        await eventually(lambda: it.heard.tales("login_failed"))
        assert not it.heard.sees
        it.source.reconfigure(settings_for(server, password="changed"))
        await eventually(lambda: it.heard.sees, within=2)


async def test_the_url_can_hold_the_login_and_is_never_shown_with_it(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server = start_server(ACCOUNTS)
    settings = replace(settings_at(f"nats://sys:s3cret-pass@127.0.0.1:{server.port}"), user=None, password=None)
    async with run(settings) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert tale["servers"] == server.url
    assert "s3cret-pass" not in caplog.text + str(it.heard.calls)


async def test_a_token_logs_in(start_server: StartServer) -> None:
    # With a token there can be no other account; the login works, and the account is the wrong one.
    server = start_server('authorization { token: "t0ken-secret" }')
    settings = replace(settings_at(f"nats://t0ken-secret@127.0.0.1:{server.port}"), user=None, password=None)
    async with run(settings) as it:
        [tale] = await eventually(lambda: it.heard.tales("wrong_account"))
        assert "with a token" in str(tale["reason"])
        assert "t0ken-secret" not in str(it.heard.calls)


async def test_an_nkey_logs_in(start_server: StartServer, tmp_path: Path) -> None:
    user = new_key(nkeys.PREFIX_BYTE_USER)
    server = start_server(f"accounts {{ SYS {{ users: [{{nkey: {user.public}}}] }} }}\nsystem_account: SYS")
    (tmp_path / "user.nk").write_text(f"{user.seed}\n")
    settings = replace(settings_for(server), user=None, password=None, nkey_file=tmp_path / "user.nk")
    async with run(settings) as it:
        await eventually(lambda: it.heard.sees)


JWT = "-----BEGIN NATS USER JWT-----\na.b.c\n------END NATS USER JWT------\n"
SEED = "-----BEGIN USER NKEY SEED-----\n{}\n------END USER NKEY SEED------\n"


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        pytest.param("", "holds no user JWT", id="empty"),
        pytest.param(SEED.format("SUA"), "holds no user JWT", id="no JWT"),
        pytest.param(JWT, "holds no seed", id="no seed"),
        pytest.param(JWT[:40], "holds no user JWT", id="cut"),
        pytest.param(JWT + SEED.format("SUBROKEN"), "no valid seed", id="broken seed"),
        pytest.param(JWT + SEED.format("0189!"), "holds no seed", id="no base32"),
        pytest.param("\x00\xff" * 100, "holds no user JWT", id="noise"),
    ],
)
def test_broken_credentials_are_refused_before_use(tmp_path: Path, content: str, problem: str) -> None:
    creds = tmp_path / "sys.creds"
    creds.write_text(content)
    with pytest.raises(LoginFailed, match=f"nats.credentials {creds}.*{problem}"):
        read_login(Settings(servers=(), credentials=creds), parse_server("nats://host"))


def test_the_seed_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "account.nk").write_text(new_key(nkeys.PREFIX_BYTE_ACCOUNT).seed)
    with pytest.raises(LoginFailed, match="seed of something else than a user"):
        read_login(Settings(servers=(), nkey_file=tmp_path / "account.nk"), parse_server("nats://host"))


async def test_credentials_are_read_again_at_each_try(start_server: StartServer, tmp_path: Path) -> None:
    operator = Operator()
    user = operator.system.user()
    server = start_server(operator.memory())
    creds = tmp_path / "sys.creds"
    settings = replace(settings_for(server), user=None, password=None, credentials=creds)
    async with run(settings) as it:
        [tale] = await eventually(lambda: it.heard.tales("login_failed"))
        assert f"cannot read nats.credentials {creds}: No such file" in str(tale["reason"])
        creds.write_text(user.creds.replace("\n", "\r\n"))
        await eventually(lambda: it.heard.sees, within=4)
        assert user.jwt not in str(it.heard.calls)


async def test_credentials_that_the_server_refuses_are_told(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(Operator().memory())
    (tmp_path / "sys.creds").write_text(Operator().system.user().creds)
    settings = replace(settings_for(server), user=None, password=None, credentials=tmp_path / "sys.creds")
    async with run(settings, limits=replace(QUICK, answer=4, connect=5)) as it:
        [tale] = await eventually(lambda: it.heard.tales("login_failed"))
        assert "Authorization Violation; check nats.credentials in rules.yaml" in str(tale["reason"])
