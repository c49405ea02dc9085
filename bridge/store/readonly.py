"""A look at the database beside the process that writes it, which never waits for it."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import quote

from bridge.errors import StoreError
from bridge.store.files import beside
from bridge.store.schema import APPLICATION_ID, MIGRATIONS
from bridge.store.translation import translated

TRIES = "max(attempts, (SELECT count(*) FROM attempt WHERE attempt.row = outbox.id))"
"""Of a message: the row itself counts only those after which it waited on."""

_AS_WHOM = "run this as root or as the user that the bridge runs as"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


@contextmanager
def reading(path: Path) -> Iterator[sqlite3.Connection]:
    """All that is read is of one instant. Keep it short: the log cannot be emptied meanwhile. Raises StoreError."""
    try:
        path.stat()
    except (FileNotFoundError, NotADirectoryError):
        what = f"there is no database {path} yet; start the bridge, or say with --config which one is meant"
        raise StoreError(what) from None
    except OSError as error:
        raise StoreError(f"cannot read {path}: {error.strerror}; {_AS_WHOM}") from error
    try:
        db = sqlite3.connect(_uri(path), uri=True, isolation_level=None, timeout=1.0)
    except sqlite3.Error as error:
        raise _unreadable(error, path) from error
    try:
        # Damaged text is shown as it can be; what was committed is checked by who sends it.
        db.text_factory = lambda raw: raw.decode("utf-8", "replace")
        _check(db, path)
        db.execute("BEGIN")
        yield db
    except sqlite3.Error as error:
        raise _unreadable(error, path) from error
    finally:
        db.close()


def when(micros: int) -> datetime:
    """An instant for people and programs."""
    return _EPOCH + timedelta(microseconds=micros)


def _uri(path: Path) -> str:
    """Without a log nobody writes; then nothing is made beside the file either, which a reader may not be able to."""
    alone = "" if beside(path, "-wal").exists() else "&immutable=1"
    return f"file:{quote(str(path))}?mode=ro{alone}"


def _check(db: sqlite3.Connection, path: Path) -> None:
    ((owner,),) = db.execute("PRAGMA application_id")
    ((version,),) = db.execute("PRAGMA user_version")
    if owner != APPLICATION_ID:
        raise StoreError(f"{path} is no database of nats-alert-bridge; say with --config which one is meant")
    if version != len(MIGRATIONS):
        newer = version > len(MIGRATIONS)
        fix = "use the program that wrote it" if newer else "start the bridge once, which brings it up to date"
        raise StoreError(f"{path} has version {version}, this program reads {len(MIGRATIONS)}; {fix}")


def _unreadable(error: sqlite3.Error, path: Path) -> StoreError:
    if isinstance(error, sqlite3.OperationalError) and "unable to open" in str(error):
        return StoreError(f"cannot read {path}; {_AS_WHOM}")
    return translated(error, path)
