"""The program on a disk that takes nothing, and on one that gives back other bytes than it got."""

import resource
import sqlite3
from contextlib import closing

import pytest

from tests.program.conftest import StartBridge
from tests.program.program import Program
from tests.program.rules import BURST, rules_file
from tests.sink import Sink

NOWHERE = "nats://127.0.0.1:1"


async def test_a_stop_while_the_disk_takes_nothing_says_what_is_lost_and_ends_with_1(
    start_bridge: StartBridge, sink: Sink
) -> None:
    program = start_bridge(rules_file(NOWHERE, sink.url, BURST))
    await program.says("cannot connect")
    log = program.database.with_name("state.db-wal")
    resource.prlimit(program.pid, resource.RLIMIT_FSIZE, (log.stat().st_size, resource.RLIM_INFINITY))
    await program.says("messages go out all the same")
    assert program.stop() == 1
    [line] = program.said("not on disk at the stop: ")
    assert "ERROR" in line
    assert not program.said("Traceback")


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE state SET body = flip(body)",
        "UPDATE meta SET body = flip(body)",
        "UPDATE alert_group SET body = flip(body)",
        "UPDATE change SET body = flip(body)",
    ],
)
async def test_a_byte_that_changed_in_the_database_costs_its_content_and_no_more(
    start_bridge: StartBridge, damage: str
) -> None:
    program = start_bridge("rule_files: ['*.rules.yaml']\n" + rules_file(NOWHERE, "http://127.0.0.1:1", BURST))
    await program.says("started rules=1")
    # A file that is broken is an alert, and one that nobody takes is a change that waits.
    program.rules_path.with_name("broken.rules.yaml").write_text("rules: [{alert: ")
    program.hang_up()
    await program.says("attempt notification=")
    assert program.stop() == 0
    edit(program, damage)
    program.start()
    await program.says("alert event", "BridgeStateLost")
    assert program.stop() == 0
    [line] = program.said("state.db is damaged", "what waited in it was not sent")
    assert "ERROR" in line
    assert not program.said("Traceback")
    assert len(list(program.database.parent.glob("state.db.broken-*"))) == 1


def edit(program: Program, statement: str) -> None:
    with closing(sqlite3.connect(program.database)) as db, db:
        db.create_function("flip", 1, lambda body: bytes([body[0] ^ 0x40]) + body[1:])
        assert db.execute(statement).rowcount > 0
