"""What cannot begin says so in one line, and ends with 1."""

from collections.abc import Callable
from pathlib import Path

import pytest

from tests.program.conftest import StartBridge
from tests.program.program import Ended, run
from tests.program.rules import BURST, rules_file
from tests.waiting import eventually

NOWHERE = "nats://127.0.0.1:1"
GOOD = rules_file(NOWHERE, "http://127.0.0.1:1/", BURST).replace("level: debug", "level: warning")


def missing(path: Path) -> str:
    return "the file cannot be read (No such file or directory)"


def directory(path: Path) -> str:
    path.mkdir()
    return "the file cannot be read (Is a directory)"


def empty(path: Path) -> str:
    path.touch()
    return "the file is empty"


def broken_yaml(path: Path) -> str:
    path.write_text("nats: {servers: [\n")
    return "rules.yaml:2:1: error: "


def binary(path: Path) -> str:
    path.write_bytes(bytes(range(256)))
    return "rules.yaml"


def below_a_file(path: Path) -> str:
    (path.parent / "plain").touch()
    path.write_text(GOOD.replace("path: state.db", "path: plain/state.db"))
    return "plain/state.db"


def no_database(path: Path) -> str:
    (path.parent / "state.db").write_text("somebody's diary")
    path.write_text(GOOD)
    return "it is no database"


def directory_for_a_database(path: Path) -> str:
    (path.parent / "state.db").mkdir()
    path.write_text(GOOD)
    return "state.db"


CASES = [missing, directory, empty, broken_yaml, binary, below_a_file, no_database, directory_for_a_database]


@pytest.mark.parametrize("prepare", CASES, ids=lambda prepare: prepare.__name__)
def test_what_cannot_be_used_is_one_line(tmp_path: Path, prepare: Callable[[Path], str]) -> None:
    words = prepare(tmp_path / "rules.yaml")
    ended = run("run", "--config", str(tmp_path / "rules.yaml"))
    assert ended.code == 1
    assert words in only_line(ended)
    assert "Traceback" not in ended.err


async def test_a_second_process_on_one_database_is_refused(start_bridge: StartBridge) -> None:
    first = start_bridge(GOOD)
    await eventually(lambda: first.database.exists() and first.said("cannot connect"))
    ended = run("run", "--config", str(first.rules_path))
    assert ended.code == 1
    assert "another nats-alert-bridge (pid" in only_line(ended)
    assert first.alive


@pytest.mark.parametrize("arguments", [("fly",), ("run", "--fast"), ("run", "a.yaml")])
def test_wrong_usage_ends_with_2(arguments: tuple[str, ...]) -> None:
    ended = run(*arguments)
    assert ended.code == 2
    assert "Usage: nats-alert-bridge" in ended.err


def only_line(ended: Ended) -> str:
    [line] = ended.err.splitlines()
    return line
