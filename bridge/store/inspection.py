"""Looks at the database as somebody who owns nothing of it: nothing is made, changed or left behind."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.lock import holder
from bridge.store.schema import APPLICATION_ID, MIGRATIONS
from bridge.store.translation import damaged, translated, unwritable

FREE_WANTED = 256 * 1024 * 1024
FREE_NEEDED = 32 * 1024 * 1024
"""Bytes: the reserve of the database twice. Below it a start cannot make its reserve."""


def inspect(path: Path) -> str:
    """What it is, in words. Raises StoreError if a bridge could not work with it."""
    path = Path(os.path.realpath(path))
    if not _is_there(path):
        _check_directory(path)
        return f"{path} is not there yet; a start makes it"
    pid = holder(path)
    if pid is None:
        _check_directory(path)
    with _opened(path, writing=pid is None) as db:
        version = _version(db, path)
        if (verdict := db.execute("PRAGMA quick_check(1)").fetchone()[0]) != "ok":
            raise damaged(path, " ".join(str(verdict).split()))
        if pid is not None:
            return f"{path} is in use by a running bridge (pid {pid}), and sound (version {version}); read only for now"
        db.execute("BEGIN IMMEDIATE")
        db.execute("ROLLBACK")
    return f"{path} is sound and can be written (version {version})"


def free_space(path: Path) -> int:
    """Bytes on the disk of the database, or of the nearest directory above it that exists."""
    directory = next(parent for parent in Path(os.path.realpath(path)).parents if _is_there(parent))
    return shutil.disk_usage(directory).free


def _is_there(path: Path) -> bool:
    """False also where this user may not look: what is tried next says so."""
    try:
        return path.exists()
    except OSError:
        return False


def _check_directory(path: Path) -> None:
    """A file that has no name can be made in it, or, if it is still missing, where it would be made."""
    directory = path.parent if _is_there(path.parent) else path.parent.parent
    if not _is_there(directory):
        raise StoreError(f"cannot make {path.parent}: there is no {directory}; make it, or set another storage.path")
    try:
        with tempfile.TemporaryFile(dir=directory):
            pass
    except OSError as error:
        raise unwritable(path, error) from error


@contextmanager
def _opened(path: Path, *, writing: bool) -> Iterator[sqlite3.Connection]:
    if writing:
        try:
            os.close(os.open(path, os.O_RDWR | os.O_CLOEXEC | os.O_NONBLOCK))
        except OSError as error:
            raise unwritable(path, error) from error
    try:
        db = sqlite3.connect(f"{path.as_uri()}?mode={'rw' if writing else 'ro'}", uri=True, isolation_level=None)
        try:
            yield db
        finally:
            db.close()
    except sqlite3.Error as error:
        raise translated(error, path) from error


def _version(db: sqlite3.Connection, path: Path) -> int:
    owner = db.execute("PRAGMA application_id").fetchone()[0]
    version = int(db.execute("PRAGMA user_version").fetchone()[0])
    if not owner and not db.execute("SELECT count(*) FROM sqlite_schema").fetchone()[0]:
        return 0
    if owner != APPLICATION_ID:
        raise StoreError(f"cannot use {path}: it is another program's database; set another storage.path")
    if version > len(MIGRATIONS):
        raise StoreError(
            f"cannot use {path}: a newer nats-alert-bridge wrote it (version {version}, this one knows "
            f"{len(MIGRATIONS)}); install that again, or set another storage.path"
        )
    return version
