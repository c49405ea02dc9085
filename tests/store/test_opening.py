"""What stands in the way of a start: one line each, and nothing of anybody else's is touched."""

import os
import sqlite3
import stat
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from bridge.errors import StoreError
from bridge.store import Store
from bridge.store.database import check_library
from bridge.store.files import prepare
from tests.store.samples import nth
from tests.waiting import eventually

NOBODY = 65534


@pytest.fixture
def anyone(tmp_path: Path) -> Iterator[None]:
    """File modes count for this test, also where it is run by root."""
    if os.geteuid() != 0:
        yield
        return
    above = {directory: directory.stat().st_mode for directory in tmp_path.parents if directory.stat().st_uid == 0}
    for directory, mode in above.items():
        directory.chmod(mode | 0o011)
    os.chown(tmp_path, NOBODY, -1)
    os.seteuid(NOBODY)
    yield
    os.seteuid(0)
    for directory, mode in above.items():
        directory.chmod(mode)


@contextmanager
def umask(mask: int) -> Iterator[None]:
    before = os.umask(mask)
    yield
    os.umask(before)


async def refusal(path: Path) -> str:
    """The one line; and nothing stays behind that would keep the process alive or the database locked."""
    threads = threading.active_count()
    with pytest.raises(StoreError) as refused:
        await Store.open(path)
    await eventually(lambda: threading.active_count() <= threads)
    line = str(refused.value)
    assert "\n" not in line
    return line


async def test_a_directory_is_no_database(tmp_path: Path) -> None:
    assert await refusal(tmp_path) == (
        f"cannot use {tmp_path}: it is a directory; name a file in it, such as {tmp_path}/state.db"
    )


async def test_a_directory_that_cannot_be_made_is_named(tmp_path: Path) -> None:
    assert await refusal(tmp_path / "a" / "b" / "state.db") == (
        f"cannot make or enter the directory {tmp_path}/a/b: No such file or directory; "
        f"make it for uid {os.geteuid()}, or set another storage.path"
    )


async def test_a_file_in_place_of_the_directory_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert f"cannot use {tmp_path}/file/state.db: Not a directory" in await refusal(tmp_path / "file" / "state.db")


async def test_a_pipe_is_no_database(path: Path) -> None:
    os.mkfifo(path)
    assert f"cannot use {path}: it is not a regular file" in await refusal(path)


async def test_a_name_that_is_too_long_is_one_line(tmp_path: Path) -> None:
    assert "File name too long" in await refusal(tmp_path / ("x" * 250))


@pytest.mark.usefixtures("anyone")
async def test_a_directory_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o555)
    assert await refusal(closed / "state.db") == (
        f"cannot use {closed}/state.db: Permission denied; "
        f"let uid {os.geteuid()} write to it and its directory, or set another storage.path"
    )


@pytest.mark.usefixtures("anyone")
async def test_a_directory_that_cannot_be_entered_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "closed").mkdir(mode=0o000)
    assert "Permission denied" in await refusal(tmp_path / "closed" / "state.db")
    assert "Permission denied" in await refusal(tmp_path / "closed" / "deeper" / "state.db")


@pytest.mark.usefixtures("anyone")
async def test_a_file_that_cannot_be_written_is_one_line(path: Path) -> None:
    store = await Store.open(path)
    await store.close()
    path.chmod(0o444)
    assert f"cannot use {path}: Permission denied" in await refusal(path)


async def test_a_text_file_is_refused_and_left_alone(path: Path) -> None:
    path.write_text("rules:\n" * 1000)
    assert await refusal(path) == f"cannot use {path}: it is no database; set another storage.path"
    assert path.read_text() == "rules:\n" * 1000


async def test_another_programs_database_is_refused_and_left_alone(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("CREATE TABLE songs (title)")
    before = path.read_bytes()
    assert await refusal(path) == f"cannot use {path}: it is another program's database; set another storage.path"
    assert path.read_bytes() == before


async def test_a_database_of_a_newer_version_is_refused(path: Path) -> None:
    store = await Store.open(path)
    await store.close()
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 99")
    assert "a newer nats-alert-bridge wrote it (version 99, this one knows 5)" in await refusal(path)


async def test_an_empty_database_that_sqlite_made_is_taken(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db:
        db.execute("VACUUM")
    store = await Store.open(path)
    assert (await store.load(), store.lost) == (None, None)
    await store.close()


@pytest.mark.parametrize("mask", [0o000, 0o077])
async def test_only_its_user_may_read_it(tmp_path: Path, mask: int) -> None:
    with umask(mask):
        store = await Store.open(tmp_path / "new" / "state.db")
        await store.commit(nth(1))
    modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in (tmp_path / "new").iterdir()}
    await store.close()
    assert modes == dict.fromkeys(
        ("state.db", "state.db-wal", "state.db-shm", "state.db.lock", "state.db.reserve"), 0o600
    )
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o700


def test_a_relative_path_stays_where_it_was_at_the_start(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert prepare(Path("state.db")) == tmp_path / "state.db"


def test_a_library_that_is_too_old_is_named() -> None:
    with pytest.raises(StoreError, match=r"this Python uses SQLite 3\.34\.1; 3\.38\.0 or newer is needed"):
        check_library((3, 34, 1))
    check_library((3, 38, 0))
