"""The file beside the database that keeps a second process out, and remembers which commits have been made."""

import fcntl
import logging
import os
import re
from pathlib import Path

from bridge.errors import StoreBusy
from bridge.store.files import beside
from bridge.store.translation import unwritable

LOG = logging.getLogger(__name__)

_CONTENT = re.compile(rb"pid (\d+) +commit (\d+|-)")


class Lock:
    """Held for as long as the process lives; the kernel lets go of it, however the process ends."""

    def __init__(self, descriptor: int, commit: int | None) -> None:
        self._descriptor = descriptor
        self.commit = commit
        """The number of the last commit that is known to have been on disk; None if there never was one."""

    @classmethod
    def take(cls, database: Path) -> "Lock":
        """Raises StoreBusy if another process holds it, StoreError if the directory cannot be written."""
        path = beside(database, ".lock")
        try:
            descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise unwritable(database, error) from error
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _, commit = _read(descriptor)
            lock = cls(descriptor, commit)
            lock._write()
        except BlockingIOError as error:
            pid, _ = _read(descriptor)
            os.close(descriptor)
            raise StoreBusy(
                f"another nats-alert-bridge (pid {pid or 'unknown'}) uses {database}; "
                "stop it or give this one its own storage.path"
            ) from error
        except OSError as error:
            os.close(descriptor)
            raise unwritable(database, error) from error
        return lock

    def remember(self, commit: int) -> None:
        """Call it after the commit is on disk: a database that later ends before it has lost something."""
        self.commit = commit
        try:
            self._write()
        except OSError as error:
            # The commit itself is safe. An older number here can only hide a loss, never invent one.
            LOG.debug("cannot note commit %d in the lock file: %s", commit, error.strerror)

    def release(self) -> None:
        os.close(self._descriptor)

    def _write(self) -> None:
        """In place and of one length: needs no space on a full disk, and a kill leaves the old or the new text."""
        commit = "-" if self.commit is None else self.commit
        os.pwrite(self._descriptor, f"pid {os.getpid():<10} commit {commit:<20}\n".encode(), 0)


def holder(database: Path) -> int | None:
    """The process that has the database now; None if nobody has. Raises StoreError if there is no telling."""
    try:
        descriptor = os.open(beside(database, ".lock"), os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise unwritable(database, error) from error
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        return None
    except BlockingIOError:
        return _read(descriptor)[0] or 0
    finally:
        os.close(descriptor)


def _read(descriptor: int) -> tuple[int | None, int | None]:
    match = _CONTENT.match(os.pread(descriptor, 100, 0))
    if not match:
        return None, None
    return int(match[1]), None if match[2] == b"-" else int(match[2])
