"""The database, and the disk that it lies on."""

from collections.abc import Iterator
from pathlib import Path

from bridge.doctor.finding import Finding, failed, ok, warning
from bridge.errors import StoreError
from bridge.store.inspection import FREE_NEEDED, FREE_WANTED, free_space, inspect

_MEGABYTE = 1024 * 1024


def examine_storage(path: Path) -> Iterator[Finding]:
    try:
        yield ok(f"database: {inspect(path)}")
    except StoreError as error:
        yield failed(f"database: {error}")
        return
    free = free_space(path)
    what = f"database: {free // _MEGABYTE:,} MB are free on its disk"
    if free < FREE_NEEDED:
        yield failed(f"{what}, which is too little to start; free some space")
    elif free < FREE_WANTED:
        yield warning(f"{what}; free some space before it is full")
    else:
        yield ok(what)
