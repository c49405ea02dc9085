"""A receiver, and programs that end with the test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.program.program import Program
from tests.sink import Sink


class StartBridge(Protocol):
    """Starts the program on a rules file; returns at once. Keywords are variables of its environment."""

    def __call__(self, rules: str, **environ: str) -> Program: ...


@pytest.fixture
def start_bridge(tmp_path: Path) -> Iterator[StartBridge]:
    with ExitStack() as stack:
        started: list[Program] = []

        def start(rules: str, **environ: str) -> Program:
            program = Program(tmp_path / f"bridge{len(started)}", rules, environ)
            started.append(program)
            return stack.enter_context(program)

        yield start


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink() as sink:
        yield sink
