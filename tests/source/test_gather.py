"""One request, the answers of all servers, all pages of each."""

import time
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from bridge.clock import SystemClock
from bridge.demo.nats_cluster import run_cluster
from bridge.errors import LoginFailed, Unreachable
from bridge.source.connection import Connection
from bridge.source.gather import Gathered, Paged, request
from bridge.source.visit import visit
from tests.conftest import StartServer
from tests.source.crowd import crowd
from tests.source.heard import ACCOUNTS, QUICK, client, settings_at, settings_for, stopped
from tests.waiting import eventually

CONNECTIONS = Paged("CONNZ", "connections", {"auth": True, "acc": "APP"})
JETSTREAM = """
jetstream { max_mem: 16MB, max_file: 64MB }
accounts {
  SYS { users: [{user: sys, password: "s3cret-pass"}] }
  A { jetstream: enabled, users: [{user: a, password: p}] }
  B { jetstream: enabled, users: [{user: b, password: p}] }
  C { jetstream: enabled, users: [{user: c, password: p}] }
}
system_account: SYS
"""


async def _cids(nats: Connection, paged: Paged) -> list[list[int]]:
    return [[item["cid"] for item in answer.items] async for answer in nats.pages(paged, within=10)]


async def _all(nats: Connection) -> Gathered | None:
    """The answers of three servers, once these know each other."""
    gathered = await nats.ask(request(), within=30)
    assert nats.active <= 3
    return gathered if len(gathered.answers) == nats.active == 3 else None


async def test_all_servers_answer_and_nobody_waits_longer_than_for_the_last(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with visit(settings_for(servers[0]), replace(QUICK, quiet=20), SystemClock()) as nats:
            called = await eventually(partial(_all, nats), within=40)
            assert called
            began = time.monotonic()
            gathered = await nats.ask(request("VARZ"), within=30)
            assert time.monotonic() - began < 10
            assert {answer.data["server_name"] for answer in gathered.answers.values()} == {"s1", "s2", "s3"}
            for known in called.answers.values():
                [one] = (await nats.ask(request("VARZ", known.server.id), within=30)).answers.values()
                assert one.server == known.server


async def test_a_server_that_hangs_costs_the_quiet_time_and_hides_no_other(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3, ACCOUNTS) as servers:
        async with visit(settings_for(servers[0]), replace(QUICK, quiet=3), SystemClock()) as nats:
            await eventually(partial(_all, nats), within=40)
            with stopped(servers[2]):
                began = time.monotonic()
                gathered = await nats.ask(request("VARZ"), within=60)
                assert 3 <= time.monotonic() - began < 30
            assert {answer.server.name for answer in gathered.answers.values()} == {"s1", "s2"}


async def test_what_no_server_knows_is_said_at_once(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with visit(settings_for(server), QUICK, SystemClock()) as nats:
        for subject in (request("NOPEZ"), request("VARZ", "NO" + "A" * 54)):
            began = time.monotonic()
            gathered = await nats.ask(subject, within=30)
            assert gathered.nobody
            assert not gathered.answers
            assert time.monotonic() - began < 10


async def test_what_a_server_refuses_is_an_answer_with_an_error(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with visit(settings_for(server), QUICK, SystemClock()) as nats:
        [answer] = (await nats.ask(request("CONNZ"), {"sort": "nonsense"}, within=30)).answers.values()
        assert "sort" in answer.error
        assert answer.data is None


async def test_what_the_user_may_not_ask_ends_the_wait(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with visit(settings_for(server, user="noping", password="p"), QUICK, SystemClock()) as nats:
        began = time.monotonic()
        gathered = await nats.ask(request("VARZ"), within=30)
        assert gathered.denied
        assert not gathered.answers
        assert time.monotonic() - began < 10


async def test_every_connection_is_on_one_page_and_only_on_one(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    with crowd(server, 7):
        async with visit(settings_for(server), QUICK, SystemClock()) as nats:
            pages = await _cids(nats, replace(CONNECTIONS, limit=3))
            assert [len(page) for page in pages] == [3, 3, 1]
            assert len({cid for page in pages for cid in page}) == 7
            assert [len(page) for page in await _cids(nats, replace(CONNECTIONS, limit=7))] == [7, 0]
            assert await _cids(nats, replace(CONNECTIONS, options={"acc": "NOBODY", "auth": True})) == [[]]


async def test_more_connections_than_a_page_of_the_server_holds_all_arrive(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    with crowd(server, 1100):
        async with visit(settings_for(server), QUICK, SystemClock()) as nats:
            for limit in (1024, 4096):
                pages = await _cids(nats, replace(CONNECTIONS, limit=limit))
                assert len({cid for page in pages for cid in page}) == 1100


async def test_the_streams_of_all_accounts_come_page_by_page(start_server: StartServer) -> None:
    server = start_server(JETSTREAM)
    for user in "abc":
        async with client(server, user, "p") as other:
            await other.jetstream().add_stream(name=f"S-{user}", subjects=["s.>"])
    async with visit(settings_for(server), QUICK, SystemClock()) as nats:
        # 2.9.10 does not order the accounts of the first page, so its pages overlap.
        limit = 1024 if nats.server.endswith("2.9.10") else 2
        paged = Paged("JSZ", "account_details", {"accounts": True, "streams": True}, limit=limit)
        accounts = [item async for answer in nats.pages(paged, within=30) for item in answer.items]
        assert sorted(_streams(accounts)) == [("A", "S-a"), ("B", "S-b"), ("C", "S-c")]


def _streams(accounts: list[Any]) -> list[tuple[str, str]]:
    return [(account["name"], stream["name"]) for account in accounts for stream in account["stream_detail"]]


async def test_a_visit_says_why_it_came_to_nothing(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    with pytest.raises(LoginFailed, match=r"check nats\.user"):
        async with visit(settings_for(server, password="wrong"), QUICK, SystemClock()):
            pass
    with pytest.raises(Unreachable, match="cannot connect to"):
        async with visit(settings_at("nats://127.0.0.1:1"), QUICK, SystemClock()):
            pass
    async with visit(settings_at("nats://127.0.0.1:1", server.url), QUICK, SystemClock()) as nats:
        assert (await nats.ask(request(), within=30)).answers
