"""Disk space kept for bad days: given back when the disk is full, so that what must be written still can be."""

import logging
import os
from pathlib import Path

from bridge.errors import StoreError
from bridge.store.files import beside

LOG = logging.getLogger(__name__)

SIZE = 16 * 1024 * 1024
"""Bytes; holds some thousand notifications."""


class Reserve:
    """A file beside the database that does nothing but occupy `SIZE` bytes."""

    def __init__(self, database: Path) -> None:
        self._path = beside(database, ".reserve")

    def release(self) -> bool:
        """Frees the space. False if there was none to free. Raises StoreError if it cannot be freed."""
        try:
            self._path.unlink()
        except FileNotFoundError:
            return False
        except OSError as error:
            raise StoreError(f"cannot remove {self._path}: {error.strerror}; check its owner and mount") from error
        return True

    def restore(self) -> bool:
        """True if the space is held. It is taken only where as much again stays free, so as not to fill the disk."""
        try:
            if self._path.exists() and self._path.stat().st_blocks * 512 >= SIZE:
                return True
            if _free(self._path.parent) < 2 * SIZE:
                return False
            _allocate(self._path)
        except OSError as error:
            LOG.debug("cannot reserve %d bytes at %s: %s", SIZE, self._path, error.strerror)
            return False
        return True


def _free(directory: Path) -> int:
    room = os.statvfs(directory)
    return room.f_bavail * room.f_frsize


def _allocate(path: Path) -> None:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        os.posix_fallocate(descriptor, 0, SIZE)
    except OSError:
        path.unlink()
        raise
    finally:
        os.close(descriptor)
