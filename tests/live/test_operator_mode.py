"""Operator mode three ways: claims are pushed, a user expires, one is revoked, an account is deleted."""

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from pathlib import Path

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.live.conftest import StartWatch
from tests.live.watch import Watch
from tests.operator_mode import Account, Operator, User
from tests.program.trouble import Peer
from tests.sink import Answer, Sink, answer

BOTH = ["firing", "resolved"]

Change = Callable[[Peer], Awaitable[None]]
"""Somebody with a login to the system account makes the operator's claims known to the server."""


class Course:
    """An operator with the accounts APP and OLD, and what happens to their users."""

    def __init__(self, server: NatsServer, watch: Watch, operator: Operator) -> None:
        self.server, self.watch = server, watch
        self.app, self.old = operator.accounts["APP"], operator.accounts["OLD"]
        self.admin, self.last = operator.system.user("admin"), self.old.user("last")
        self.logins = [self.admin, self.last]

    async def run(self, revoke: Change, delete: Change) -> None:
        with ExitStack() as logins:
            admin = logins.enter_context(Peer(self.server, self.admin, name="admin"))
            logins.enter_context(self.login(self.last, "last"))
            logins.enter_context(self.login(revoked := self.app.user("revoked"), "revoked"))
            logins.enter_context(self.login(self.app.user("brief", expires=time.time() + 3), "brief"))
            self.app.revoke(revoked)
            await revoke(admin)
            await self.watch.fires("CredentialsRevoked")
            self.is_refused(revoked)
            await self.watch.fires("LoginFailed", claimed_name="revoked")
            await self.watch.fires("CredentialsExpired", client_name="brief")
            await delete(admin)
            self.is_refused(self.last)
            await self.watch.resolves("LoginFailed", claimed_name="last")
            await self.watch.resolves("CredentialsExpired", client_name="brief")
        await self.watch.ends_well()

    def login(self, user: User, name: str) -> Peer:
        self.logins.append(user)
        return Peer(self.server, user, name=name)

    def is_refused(self, user: User) -> None:
        peer = Peer(self.server, user)
        assert b"Authorization Violation" in peer.read_to_end()
        peer.close()

    def check(self) -> None:
        """What all three ways have in common."""
        watch = self.watch
        assert watch.by("CredentialsRevoked", "client_name", "account_name") == {"revoked APP": BOTH}
        assert watch.by("CredentialsExpired", "client_name", "account_name")["brief APP"] == BOTH
        refused = {f"revoked {self.app.id}": BOTH, f"last {self.old.id}": BOTH}
        assert watch.by("LoginFailed", "claimed_name", "claimed_account") == refused
        assert watch.told("LoginFailed", claimed_name="revoked")[0].summary == "revoked of APP was refused 1 ×"
        assert watch.counted("ClientComes", "client_name") == {"last": 1, "revoked": 1, "brief": 1}
        gone = watch.counted("ClientGoes", "client_name", "reason")
        assert gone.items() >= {"revoked Credentials Revoked": 1, "brief Authentication Expired": 1}.items()
        assert len(gone) <= 3
        self.tells_no_secret()

    def tells_no_secret(self) -> None:
        parts = [part.encode() for user in self.logins for part in user.jwt.split(".")[1:]]
        seeds = [user.key.seed.encode() for user in self.logins]
        told = b"".join(request.body for request in self.watch.sink.requests)
        for name, text in {**self.watch.files, "messages": told}.items():
            assert text, name
            assert [secret for secret in (*parts, *seeds) if secret in text] == [], name


def login_of_bridge(operator: Operator, directory: Path) -> str:
    """Its credentials, and names for two of three accounts: servers before 2.11 tell none."""
    path = directory / "sys.creds"
    path.write_text(operator.system.user("bridge").creds)
    names = {account.id: account.name for account in (operator.system, operator.accounts["APP"])}
    return f"credentials: '{path}', accounts: {json.dumps(names)}"


def update_of(account: Account, *, old: bool = False) -> str:
    """The subject of a notice that the account has changed, in one of two spellings."""
    return f"$SYS.{'' if old else 'REQ.'}ACCOUNT.{account.id}.CLAIMS.UPDATE"


async def test_a_memory_resolver(start_server: StartServer, start_watch: StartWatch, tmp_path: Path) -> None:
    """Claims are the server's configuration. Nobody answers to a push, but it was made."""
    operator = Operator("APP", "OLD")
    server = start_server(operator.memory())
    watch = await start_watch(server.url, "operator.yaml", login_of_bridge(operator, tmp_path))
    course = Course(server, watch, operator)

    async def revoke(admin: Peer) -> None:
        admin.publish(update_of(course.app), operator.jwt(course.app).encode())
        server.reload(operator.memory())

    async def delete(_: Peer) -> None:
        del operator.accounts["OLD"]
        server.reload(operator.memory())

    await course.run(revoke, delete)
    course.check()
    assert watch.counted("ClaimsPushed", "claimed_name", "account_id") == {f"APP {course.app.id}": 1}
    # thrown out, and refused later
    assert watch.told("LoginFailed", claimed_name="last")[-1].count == 2
    assert watch.counted("ClientGoes", "client_name", "reason")["last Authentication Failure"] == 1


async def test_a_full_resolver(start_server: StartServer, start_watch: StartWatch, tmp_path: Path) -> None:
    """The server keeps what is pushed."""
    operator = Operator("APP", "OLD")
    server = start_server(operator.full(tmp_path / "jwt"))
    watch = await start_watch(server.url, "operator.yaml", login_of_bridge(operator, tmp_path))
    course = Course(server, watch, operator)

    def ask(admin: Peer, subject: str, body: str) -> None:
        assert admin.ask(subject, body.encode())["data"]["code"] == 200

    async def revoke(admin: Peer) -> None:
        ask(admin, "$SYS.REQ.CLAIMS.UPDATE", operator.jwt(course.app))

    async def delete(admin: Peer) -> None:
        ask(admin, "$SYS.REQ.CLAIMS.DELETE", operator.deletion(course.old))

    with Peer(server, course.admin, name="admin") as admin:
        for account in operator.accounts.values():
            ask(admin, "$SYS.REQ.CLAIMS.UPDATE", operator.jwt(account))
    await course.run(revoke, delete)
    course.check()
    pushed = {f"APP {course.app.id}": 2, f"OLD {course.old.id}": 1}
    assert watch.counted("ClaimsPushed", "claimed_name", "account_id") == pushed
    assert watch.counted("AccountDeleted", "claimed_accounts") == {course.old.id: 1}
    # who is in an account that is deleted expires
    assert watch.by("CredentialsExpired", "client_name") == {"brief": BOTH, "last": BOTH}
    assert watch.counted("ClientGoes", "client_name", "reason")["last Authentication Expired"] == 1


async def test_a_url_resolver(start_server: StartServer, start_watch: StartWatch, tmp_path: Path) -> None:
    """The server gets claims by HTTP when it needs an account, and takes notices of changes. What was deleted there
    lives on in the server until its next start."""
    operator = Operator("APP", "OLD")
    with Sink() as accounts:
        accounts.then = account_server(operator, accounts)
        server = start_server(operator.url(f"http://127.0.0.1:{accounts.port}/jwt/v1/accounts/"))
        watch = await start_watch(server.url, "operator.yaml", login_of_bridge(operator, tmp_path))
        course = Course(server, watch, operator)

        async def revoke(admin: Peer) -> None:
            admin.publish(update_of(course.app, old=True), operator.jwt(course.app).encode())

        async def delete(_: Peer) -> None:
            del operator.accounts["OLD"]
            server.restart()
            await watch.sees(2)

        await course.run(revoke, delete)
    course.check()
    assert watch.counted("ClaimsPushed", "claimed_name", "account_id") == {f"APP {course.app.id}": 1}
    assert watch.told("LoginFailed", claimed_name="last")[-1].count == 1


def account_server(operator: Operator, accounts: Sink) -> Answer:
    """Answers as nats-account-server does."""

    async def respond(writer: asyncio.StreamWriter) -> None:
        *_, id = accounts.requests[-1].path.split("/")
        known = {account.id: account for account in (operator.system, *operator.accounts.values())}
        if id in known:
            await answer(200, operator.jwt(known[id]).encode())(writer)
        else:
            await answer(404 if id else 200)(writer)

    return respond
