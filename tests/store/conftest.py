"""A place for a database, and commits in it."""

import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from bridge.store import Store
from tests.store.samples import nth

Ask = Callable[[str], list[Any]]
Fill = Callable[[int], Awaitable[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.db"


@pytest.fixture
def ask(path: Path) -> Ask:
    """Another program's look at the file."""

    def ask(question: str) -> list[Any]:
        with closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as db:
            return db.execute(question).fetchall()

    return ask


@pytest.fixture
def fill(path: Path) -> Fill:
    """Makes commits 1 to n, and closes."""

    async def fill(n: int) -> None:
        store = await Store.open(path)
        for i in range(1, n + 1):
            await store.commit(nth(i))
        await store.close()

    return fill
