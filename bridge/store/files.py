"""The database as files: where they lie, who may read them, and what happens to damaged ones."""

import os
import stat
from datetime import UTC, datetime
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.schema import APPLICATION_ID
from bridge.store.translation import unwritable

_MAGIC = b"SQLite format 3\0"


def beside(database: Path, suffix: str) -> Path:
    return database.with_name(database.name + suffix)


def prepare(path: Path) -> Path:
    """The real path, in a directory that exists. Makes the last directory if need be, for this user only."""
    path = Path(os.path.realpath(path))
    try:
        if path.is_dir():
            raise StoreError(f"cannot use {path}: it is a directory; name a file in it, such as {path / 'state.db'}")
        if not path.parent.exists():
            path.parent.mkdir(mode=0o700)
            path.parent.chmod(0o700)
    except OSError as error:
        raise StoreError(
            f"cannot make or enter the directory {path.parent}: {error.strerror}; "
            f"make it for uid {os.geteuid()}, or set another storage.path"
        ) from error
    return path


def make_file(path: Path) -> None:
    """Makes it, if it is not there, readable for this user only: SQLite makes files that all can read, and gives
    its -wal and -shm the mode of the database. Raises StoreError if it cannot be written."""
    try:
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK, 0o600)
        try:
            found = os.fstat(descriptor)
            if stat.S_ISREG(found.st_mode) and found.st_size == 0:
                os.fchmod(descriptor, 0o600)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise unwritable(path, error) from error
    if not stat.S_ISREG(found.st_mode):
        raise StoreError(f"cannot use {path}: it is not a regular file; set another storage.path")


def make_empty(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise unwritable(path, error) from error
    make_file(path)


def is_ours(path: Path) -> bool:
    """Whether the header says so. For damaged files, and only while this process has no connection to it: closing a
    file drops the locks that SQLite holds on it (POSIX)."""
    with path.open("rb") as file:
        header = file.read(100)
    return header.startswith(_MAGIC) and header[68:72] == APPLICATION_ID.to_bytes(4, "big")


def set_aside(path: Path) -> Path:
    """Renames a damaged database with its -wal and -shm; gives the new name of the first."""
    aside = beside(path, f".broken-{datetime.now(UTC):%Y%m%dT%H%M%S.%fZ}")
    try:
        # The database goes last: as long as it is there the next start finds it and does this again.
        for suffix in ("-wal", "-shm", ""):
            if beside(path, suffix).exists():
                beside(path, suffix).rename(beside(aside, suffix))
    except OSError as error:
        raise unwritable(path, error) from error
    return aside
