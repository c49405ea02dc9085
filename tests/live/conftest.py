"""Bridges that end with the test."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest

from tests.live.watch import LOGIN, Watch


class StartWatch(Protocol):
    """Starts the program on a file of `rules/`; returns once it hears NATS. `nats` is how it connects."""

    async def __call__(self, server: str, rules: str, nats: str = LOGIN) -> Watch: ...


@pytest.fixture
def start_watch(tmp_path: Path) -> Iterator[StartWatch]:
    with ExitStack() as stack:

        async def start(server: str, rules: str, nats: str = LOGIN) -> Watch:
            watch = stack.enter_context(Watch(tmp_path / "bridge", server, rules, nats).run())
            await watch.sees()
            return watch

        yield start
