"""Logins that fail, and what is said about them."""

import base64
import json
import logging
import os
from pathlib import Path

import nkeys
import pytest
from msgspec.structs import replace

from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, QUICK, run, settings_at, settings_for
from tests.waiting import eventually

CAUSES = ["s3cret-pass", "wr0ng-pass"]


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
    assert not any(secret in caplog.text for secret in CAUSES)


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


async def test_failed_logins_grow_seldom(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server, password="wr0ng-pass")) as it:
        await eventually(lambda: server.log.count("authentication error") == 3, within=6)
        spans = [line for line in server.log.splitlines() if "authentication error" in line]
        first, second, third = (float(line.split()[2].rpartition(":")[2]) for line in spans)
        assert (second - first) % 60 >= 0.7
        assert (third - second) % 60 >= 1.5
        assert len(it.heard.tales("login_failed")) == 1


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
    server = start_server(f"accounts {{ SYS {{ users: [{{nkey: {public(user)}}}] }} }}\nsystem_account: SYS")
    (tmp_path / "user.nk").write_bytes(user + b"\n")
    settings = replace(settings_for(server), user=None, password=None, nkey_file=tmp_path / "user.nk")
    async with run(settings) as it:
        await eventually(lambda: it.heard.sees)


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (None, "No such file"),
        ("", "holds no user JWT"),
        ("-----BEGIN USER NKEY SEED-----\n{seed}\n------END USER NKEY SEED------\n", "holds no user JWT"),
        ("-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n", "holds no seed"),
        ("-----BEGIN NATS USER JWT-----\n{jwt}", "holds no user JWT"),
        (
            "-----BEGIN NATS USER JWT-----\n{jwt}\n------END NATS USER JWT------\n"
            "-----BEGIN USER NKEY SEED-----\nSUBROKEN\n------END USER NKEY SEED------\n",
            "no valid seed",
        ),
    ],
)
async def test_broken_credentials_are_told_and_read_again(
    start_server: StartServer, tmp_path: Path, content: str | None, problem: str
) -> None:
    user = new_key(nkeys.PREFIX_BYTE_USER)
    config, jwt = operator_mode(user)
    server = start_server(config)
    creds = tmp_path / "sys.creds"
    if content is not None:
        creds.write_text(content.format(jwt=jwt, seed=user.decode()))
    settings = replace(settings_for(server), user=None, password=None, credentials=creds)
    async with run(settings) as it:
        [tale] = await eventually(lambda: it.heard.tales("login_failed"))
        assert problem in str(tale["reason"])
        assert str(creds) in str(tale["reason"])
        creds.write_text(
            f"-----BEGIN NATS USER JWT-----\r\n{jwt}\r\n------END NATS USER JWT------\r\n\r\n"
            f"-----BEGIN USER NKEY SEED-----\r\n{user.decode()}\r\n------END USER NKEY SEED------\r\n"
        )
        await eventually(lambda: it.heard.sees, within=4)
        assert jwt not in str(it.heard.calls)


async def test_credentials_that_the_server_refuses_are_told(start_server: StartServer, tmp_path: Path) -> None:
    user = new_key(nkeys.PREFIX_BYTE_USER)
    config, _ = operator_mode(user)
    _, foreign = operator_mode(user)
    server = start_server(config)
    (tmp_path / "sys.creds").write_text(
        f"-----BEGIN NATS USER JWT-----\n{foreign}\n------END NATS USER JWT------\n"
        f"-----BEGIN USER NKEY SEED-----\n{user.decode()}\n------END USER NKEY SEED------\n"
    )
    settings = replace(settings_for(server), user=None, password=None, credentials=tmp_path / "sys.creds")
    async with run(settings, limits=replace(QUICK, answer=4, connect=5)) as it:
        [tale] = await eventually(lambda: it.heard.tales("login_failed"))
        assert "Authorization Violation; check nats.credentials in rules.yaml" in str(tale["reason"])


def new_key(prefix: int) -> bytes:
    return bytes(nkeys.encode_seed(os.urandom(32), prefix))


def public(seed: bytes) -> str:
    return str(nkeys.from_seed(bytearray(seed)).public_key.decode())


def operator_mode(user: bytes) -> tuple[str, str]:
    """A server's configuration with accounts made of JWTs, and the JWT of a user of its system account."""
    operator, account = new_key(nkeys.PREFIX_BYTE_OPERATOR), new_key(nkeys.PREFIX_BYTE_ACCOUNT)
    operator_jwt = sign(operator, public(operator), {"type": "operator", "system_account": public(account)})
    limits = {
        "subs": -1,
        "data": -1,
        "payload": -1,
        "imports": -1,
        "exports": -1,
        "wildcards": True,
        "conn": -1,
        "leaf": -1,
    }
    account_jwt = sign(operator, public(account), {"type": "account", "limits": limits})
    user_jwt = sign(account, public(user), {"type": "user", "subs": -1, "data": -1, "payload": -1})
    preload = f"{{ {public(account)}: {account_jwt} }}"
    return f"operator: {operator_jwt}\nresolver: MEMORY\nresolver_preload: {preload}", user_jwt


def sign(issuer: bytes, subject: str, claims: dict[str, object]) -> str:
    body = {
        "jti": "x",
        "iat": 1700000000,
        "iss": public(issuer),
        "name": "n",
        "sub": subject,
        "nats": {"version": 2, **claims},
    }
    parts = [_encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body)]
    signature = nkeys.from_seed(bytearray(issuer)).sign(".".join(parts).encode())
    return ".".join([*parts, _encode(signature)])


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
