"""Reading what an operator names: whole, bounded, and never a pipe or device that would hold the program up."""

import os
import stat
from pathlib import Path

SECRET_MAX = 64 * 1024
"""Bytes of a file that holds a secret; the largest credentials are a tenth of it."""


def read_bytes(path: Path, limit: int) -> bytes:
    """At most `limit` + 1 bytes of a regular file. Raises OSError.

    Opened without waiting: opening a pipe that no one writes to would never return.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    with os.fdopen(descriptor, "rb") as file:
        mode = os.fstat(descriptor).st_mode
        if stat.S_ISDIR(mode):
            raise IsADirectoryError(21, "it is a directory", str(path))
        if not stat.S_ISREG(mode):
            raise OSError(22, "it is not a regular file", str(path))
        return file.read(limit + 1)


def read_secret(path: Path) -> str:
    """The text of a secret's file. Raises OSError; ValueError if it is too large or not UTF-8."""
    raw = read_bytes(path, SECRET_MAX)
    if len(raw) > SECRET_MAX:
        raise ValueError(f"is larger than {SECRET_MAX // 1024} KB; name the file that holds only the secret")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8 text; name the file that holds only the secret") from None
    return text
