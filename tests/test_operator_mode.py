"""The hand-made JWTs mean to real servers what those of nsc mean."""

import asyncio
import json
import time
from pathlib import Path

import nats
from nats.aio.client import Client, RawCredentials

from tests.conftest import StartServer
from tests.operator_mode import Operator, User
from tests.waiting import eventually


async def connect(url: str, user: User, ended: asyncio.Event | None = None) -> Client:
    async def end() -> None:
        if ended:
            ended.set()

    async def ignore(error: Exception) -> None:
        pass

    raw = RawCredentials(user.creds)
    return await nats.connect(url, user_credentials=raw, allow_reconnect=False, error_cb=ignore, closed_cb=end)


async def test_users_of_a_memory_resolver_log_in_and_expire(start_server: StartServer) -> None:
    operator = Operator("APP")
    server = start_server(operator.memory())
    lasting = await connect(server.url, operator.system.user("sys"))
    app = await connect(server.url, operator.accounts["APP"].user("app"))
    ended = asyncio.Event()
    brief = await connect(server.url, operator.system.user("brief", expires=time.time() + 2), ended)
    await eventually(ended.is_set)
    assert "expired" in str(brief.last_error).lower()
    for one in (brief, app, lasting):
        await one.close()


async def test_a_full_resolver_takes_claims_revocations_and_deletions(
    start_server: StartServer, tmp_path: Path
) -> None:
    operator = Operator("APP")
    app = operator.accounts["APP"]
    server = start_server(operator.full(tmp_path / "jwt"))
    admin = await connect(server.url, operator.system.user("admin"))

    async def ask(subject: str, body: str) -> object:
        return json.loads((await admin.request(subject, body.encode(), timeout=5)).data)

    answer = await ask("$SYS.REQ.CLAIMS.UPDATE", operator.jwt(app))
    assert "jwt updated" in str(answer)
    ended, user = asyncio.Event(), app.user("u")
    one = await connect(server.url, user, ended)
    app.revoke(user)
    await ask("$SYS.REQ.CLAIMS.UPDATE", operator.jwt(app))
    await eventually(ended.is_set)
    answer = await ask("$SYS.REQ.CLAIMS.DELETE", operator.deletion(app))
    assert "deleted 1 accounts" in str(answer)
    await one.close()
    await admin.close()
