"""The command line: what it says of itself, and what is left of an error that ends it."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from bridge.cli.program import last_words, program
from bridge.errors import ConfigError, Problem, StoreBusy, StoreError

DEFAULT = "/etc/nats-alert-bridge/rules.yaml"


@pytest.mark.parametrize("command", ["run", "check"])
def test_the_help_names_the_default_file_in_full(command: str) -> None:
    shown = " ".join(CliRunner().invoke(program, [command, "--help"]).output.split())
    assert f"$NATS_ALERT_BRIDGE_CONFIG, else {DEFAULT}" in shown


@pytest.mark.skipif(Path(DEFAULT).exists(), reason="a bridge is installed here")
@pytest.mark.parametrize("command", ["check", "servers", "doctor", "alerts"])
def test_who_names_no_rules_file_where_none_is_installed_is_told_how(command: str) -> None:
    error = CliRunner().invoke(program, [command], env={"NATS_ALERT_BRIDGE_CONFIG": None}).exception
    assert isinstance(error, ConfigError)
    assert last_words(error) == (
        f"{DEFAULT}: error: there is no such file; name the rules file on the command line, or by "
        "$NATS_ALERT_BRIDGE_CONFIG"
    )


def raised(cause: Callable[[], None]) -> Exception:
    """With the traceback that raising gives to it."""
    with pytest.raises(Exception) as error:  # noqa: PT011 - which one is the test's choice
        cause()
    return error.value


def of_tasks(*errors: Exception) -> ExceptionGroup[Exception]:
    """As nested task groups raise them."""
    return ExceptionGroup("unhandled errors in a TaskGroup", [ExceptionGroup("inner", list(errors))])


def test_an_error_of_ours_is_its_own_text() -> None:
    problems = [Problem("a.yaml", 1, 1, "x; y"), Problem("a.yaml", 2, 1, "x; y")]
    assert last_words(ConfigError(problems)) == "a.yaml:1:1: error: x; y\na.yaml:2:1: error: x; y"


def test_an_error_of_ours_in_a_group_of_tasks_is_one_line() -> None:
    assert last_words(of_tasks(StoreError("the disk is full; free some"))) == "the disk is full; free some"


def test_one_error_of_ours_in_several_tasks_is_told_once() -> None:
    assert last_words(of_tasks(StoreBusy("a"), StoreBusy("a"), StoreError("b"))) == "a\nb"


def divide() -> None:
    _ = 1 // 0


@pytest.mark.parametrize("wrap", [lambda error: error, of_tasks], ids=["alone", "in a group"])
def test_any_other_error_is_a_line_that_says_bug_and_then_the_innermost_traceback(
    wrap: Callable[[Exception], Exception],
) -> None:
    first, *trace = last_words(wrap(raised(divide))).splitlines()
    assert first.startswith("this is a bug of nats-alert-bridge ")
    assert "ZeroDivisionError: integer division or modulo by zero; please report it" in first
    assert trace[0] == "Traceback (most recent call last):"
    assert any("in divide" in line for line in trace)
    assert not any("ExceptionGroup" in line for line in trace)


def test_a_bug_beside_an_error_of_ours_hides_neither() -> None:
    first, second, *_ = last_words(of_tasks(raised(divide), StoreError("b"))).splitlines()
    assert first == "b"
    assert second.startswith("this is a bug")


def test_what_ends_the_program_ends_it_with_1() -> None:
    code = (
        "import click; from bridge.cli import program as p\n"
        "@p.program.command()\n"
        "def fail(): raise ExceptionGroup('tasks', [RuntimeError('oh')])\n"
        "p.run_program()"
    )
    ended = subprocess.run(
        [sys.executable, "-c", code, "fail"], capture_output=True, text=True, timeout=20, check=False
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("this is a bug of nats-alert-bridge ")
    assert "RuntimeError: oh" in ended.stderr


def test_check_takes_its_file_as_other_commands_do(tmp_path: Path) -> None:
    (tmp_path / "rules.yaml").write_text("rules: 5\n")
    named = CliRunner().invoke(program, ["check", "--config", str(tmp_path / "rules.yaml")])
    given = CliRunner().invoke(program, ["check", str(tmp_path / "rules.yaml")])
    assert (named.exit_code, named.output) == (given.exit_code, given.output) == (1, given.output)
    both = CliRunner().invoke(program, ["check", "--config", "rules.yaml", "rules.yaml"])
    assert "FILES and --config do not go together" in both.output
