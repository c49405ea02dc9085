"""What is in the answers of real servers under less usual configurations, and what is taken out of them."""

from pathlib import Path
from typing import Any

import msgspec
import pytest
import trustme

from bridge.clock import SystemClock
from bridge.demo.nats_binary import version_of
from bridge.source.gather import Answer, Origin
from bridge.source.questions import Pose, questions
from bridge.source.settings import Settings
from bridge.source.visit import visit
from tests.conftest import StartServer
from tests.operator_mode import Operator
from tests.source.heard import QUICK, settings_at
from tests.source.test_tls import authority, ca_file, encrypted, tls_config
from tests.test_operator_mode import connect

__all__ = ["authority", "ca_file"]


async def _told(settings: Settings, event: str) -> list[Any]:
    """The bodies of the messages that one round makes."""
    async with visit(settings, QUICK, SystemClock()) as nats:
        [question] = questions({event})
        return [msgspec.json.decode(data) async for _, messages in question.ask(nats, Pose(10)) for _, data in messages]


async def test_the_end_of_a_certificate_is_told(
    nats_binary: Path, start_server: StartServer, authority: trustme.CA, ca_file: Path, tmp_path: Path
) -> None:
    server = start_server(tls_config(authority, tmp_path, "127.0.0.1"))
    settings = encrypted(settings_at(server.url.replace("nats:", "tls:")), ca_file)
    [varz] = await _told(settings, "server.varz")
    assert varz["data"]["tls_required"] is True
    if version_of(nats_binary) != "2.9.10":
        assert varz["data"]["tls_cert_not_after"] > "2027"


async def test_the_limits_of_accounts_are_told_and_their_jwts_are_not(
    start_server: StartServer, tmp_path: Path
) -> None:
    operator = Operator("APP")
    operator.accounts["APP"].limits["conn"] = 7
    server = start_server(operator.memory())
    creds = tmp_path / "sys.creds"
    creds.write_text(operator.system.user("sys").creds)
    app = await connect(server.url, operator.accounts["APP"].user("app"))  # servers know an account once it is used
    bodies = await _told(Settings(servers=(server.url,), credentials=creds), "poll.account")
    await app.close()
    [told] = [body["data"] for body in bodies if body["data"]["account_name"] == operator.accounts["APP"].id]
    assert (told["limits"]["conn"], told["client_connections"], told["name_tag"]) == (7, 1, "APP")
    assert "eyJ" not in str(bodies)


@pytest.mark.parametrize(("ver", "shown"), [("2.9.10", "token:"), ("2.15.1", "s3cret")])
def test_users_that_may_be_tokens_are_hashed_where_servers_show_them(ver: str, shown: str) -> None:
    [question] = questions({"poll.connection"}, hide_tokens=True)
    page = msgspec.json.encode(
        {"server": {"id": "NA", "ver": ver}, "data": {"connections": [{"cid": 1, "authorized_user": "s3cret"}]}}
    )
    content = msgspec.Raw(msgspec.json.encode(msgspec.json.decode(page)["data"]))
    answer = Answer(server=Origin("NA", ver=ver), body=page, content=content)
    [(_, data)] = question._messages(answer)
    assert msgspec.json.decode(data)["data"]["authorized_user"].startswith(shown)
