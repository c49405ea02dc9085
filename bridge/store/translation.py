"""Foreign errors as ours: what failed, on what, and what the operator can do."""

import errno
import os
import sqlite3
from pathlib import Path

from bridge.errors import StoreBusy, StoreDamaged, StoreError

BUSY_TIMEOUT = 5.0
"""Seconds that a statement waits for the write lock of another program."""


def translated(error: sqlite3.Error, path: Path) -> StoreError:
    name = getattr(error, "sqlite_errorname", "")
    match _code(error):
        case sqlite3.SQLITE_CORRUPT | sqlite3.SQLITE_NOTADB:
            return damaged(path, str(error))
        case sqlite3.SQLITE_BUSY | sqlite3.SQLITE_LOCKED:
            return StoreBusy(
                f"cannot write {path}: another program has held its lock for {BUSY_TIMEOUT:g} s; "
                "end it (an sqlite3 shell with an open transaction?)"
            )
        case sqlite3.SQLITE_FULL:
            return StoreError(f"cannot write {path}: the disk is full; free some space")
        case sqlite3.SQLITE_READONLY:
            return StoreError(f"cannot write {path}: it is read-only ({name}); check its owner, mode and mount")
        case sqlite3.SQLITE_CANTOPEN:
            return StoreError(f"cannot open {path} ({name}); let uid {os.geteuid()} write to it and its directory")
        case sqlite3.SQLITE_IOERR:
            return StoreError(f"cannot use {path}: {error} ({name}); check free space, quota and the disk's health")
    return StoreError(f"cannot use {path}: {error}" + (f" ({name})" if name else ""))


def damaged(path: Path, what: str) -> StoreDamaged:
    return StoreDamaged(f"{path} is damaged ({what}); a start moves it aside and begins a new one")


def unwritable(path: Path, error: OSError) -> StoreError:
    return StoreError(
        f"cannot use {path}: {error.strerror}; "
        f"let uid {os.geteuid()} write to it and its directory, or set another storage.path"
    )


def may_want_space(error: StoreError) -> bool:
    """On a full disk SQLite cannot make its -shm, and says I/O error (SQLITE_IOERR_SHMSIZE)."""
    cause = error.__cause__
    if isinstance(cause, OSError):
        return cause.errno in (errno.ENOSPC, errno.EDQUOT)
    full = (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN)
    return isinstance(cause, sqlite3.Error) and _code(cause) in full


def _code(error: sqlite3.Error) -> int:
    """The primary code; 0 if the error is not SQLite's own but its Python binding's."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF
