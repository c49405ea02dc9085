"""What a terminal shows of failed tests."""

import io
import os
from pathlib import Path

from rich.cells import cell_len
from rich.console import Console
from rich.text import Text

from bridge.ruletest.report import make_console, report
from bridge.ruletest.suite import read_suite
from bridge.ruletest.trial import try_all

FAILING = Path(__file__).parent / "failing/states.yaml"


def shown(console: Console) -> str:
    report("states.yaml", try_all(read_suite(FAILING, os.environ)), console)
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_a_narrow_terminal_folds_columns_and_loses_no_row() -> None:
    wide = shown(Console(file=io.StringIO(), width=200, force_terminal=True))
    narrow = shown(Console(file=io.StringIO(), width=60, force_terminal=True))
    assert narrow.count("✗") == wide.count("✗") > 5
    assert max(cell_len(line) for line in Text.from_ansi(narrow).plain.splitlines()) <= 60


def test_a_file_gets_neither_colours_nor_blanks_at_the_ends_of_lines() -> None:
    plain = shown(make_console(io.StringIO()))
    assert "\x1b" not in plain
    assert [line for line in plain.splitlines() if line != line.rstrip()] == []


def test_the_same_tests_give_the_same_report() -> None:
    assert shown(make_console(io.StringIO())) == shown(make_console(io.StringIO()))
