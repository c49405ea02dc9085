"""Blind is: from the first moment until the PING after a connect is answered, and 10 s at most."""

import json
import os
import signal
from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.demo.nats_cluster import run_cluster
from bridge.source.settings import Limits
from bridge.values import SECOND
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, Run, client, run, settings_for
from tests.waiting import eventually


def since_answer(it: Run) -> float:
    """Seconds from the last answer to the PING until sight."""
    answers = [call for call in it.heard.calls if call[0] == "message" and str(call[1]).endswith(".STATSZ")]
    return (it.heard.at("sight") - int(str(answers[-1][-1]))) / SECOND


def turns(it: Run) -> list[object]:
    return [call[0] for call in it.heard.calls if call[0] in ("own", "sight", "blind")]


async def test_sight_begins_with_the_answer(start_server: StartServer) -> None:
    """At the start, and after each connect; with the limits of the program."""
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), limits=Limits()) as it:
        for times in (1, 2):
            await eventually(lambda times=times: turns(it).count("sight") == times)  # type: ignore[misc]
            assert since_answer(it) < 0.5
            if times == 1:
                server.restart()
    assert turns(it) == ["own", "sight", "blind", "own", "sight", "blind"]


async def test_a_server_that_hangs_delays_sight_by_the_quiet_time_only(nats_binary: Path) -> None:
    """The others count it among the living."""
    with run_cluster(nats_binary, 2, ACCOUNTS) as servers:
        async with client(servers[0]) as asking:

            async def count() -> bool:
                id = asking._server_info["server_id"]  # The other may know of both before it does.
                answer = await asking.request(f"$SYS.REQ.SERVER.{id}.STATSZ", timeout=5)
                return bool(json.loads(answer.data)["statsz"]["active_servers"] == 2)

            await eventually(count)
        os.kill(servers[1].pid, signal.SIGSTOP)
        try:
            async with run(settings_for(servers[0]), limits=Limits()) as it:
                await eventually(lambda: it.heard.sees)
                assert 0.9 * Limits().quiet <= since_answer(it) <= 3 * Limits().quiet
        finally:
            os.kill(servers[1].pid, signal.SIGCONT)


@pytest.mark.parametrize("most", [1.0, pytest.param(Limits().roll_call, marks=pytest.mark.long)])
async def test_without_any_answer_sight_begins_all_the_same(start_server: StartServer, most: float) -> None:
    server = start_server(ACCOUNTS)
    limits = replace(Limits(), roll_call=most)
    async with run(settings_for(server, user="noping", password="p"), limits=limits) as it:
        await eventually(lambda: it.heard.tales("permission_denied"))
        await eventually(lambda: it.heard.sees, within=most + 5)
        # That one is told with the denial, which comes at once.
        seconds = (it.heard.at("sight") - it.heard.at("told")) / SECOND
        assert 0.8 * most <= seconds <= most + 1


def test_the_program_waits_10_s_for_answers() -> None:
    assert Limits().roll_call == 10
