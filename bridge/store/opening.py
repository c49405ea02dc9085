"""What a start does with a database that is damaged, emptied, cut off or on a full disk."""

import logging
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import aiosqlite

from bridge.errors import StoreDamaged, StoreError
from bridge.store.database import connect
from bridge.store.files import is_ours, set_aside
from bridge.store.lock import Lock
from bridge.store.reserve import Reserve
from bridge.store.schema import Migration
from bridge.store.translation import may_want_space

LOG = logging.getLogger(__name__)


class Opened(NamedTuple):
    """A connection that is ready, and what is missing in its file, as a sentence; None if nothing is."""

    db: aiosqlite.Connection
    lost: str | None


async def open_database(path: Path, lock: Lock, steps: Sequence[Migration]) -> Opened:
    """Raises StoreBusy or StoreError. On a full disk it spends the reserve."""
    try:
        return await _open(path, lock, steps)
    except StoreError as error:
        if not (may_want_space(error) and Reserve(path).release()):
            raise
        LOG.warning("%s; trying again without the reserve", error)
    return await _open(path, lock, steps)


async def begin_anew(path: Path, damage: StoreDamaged, steps: Sequence[Migration]) -> Opened:
    """Moves the damaged files aside; no connection may be open to them."""
    aside = set_aside(path)
    db, _ = await connect(path, steps)
    return Opened(db, f"{damage}; it is now {aside}, and what waited in it was not sent")


async def _open(path: Path, lock: Lock, steps: Sequence[Migration]) -> Opened:
    try:
        db, last = await connect(path, steps)
    except StoreDamaged as damage:
        if lock.commit is None and not is_ours(path):
            raise StoreError(f"cannot use {path}: it is no database; set another storage.path") from damage
        return await begin_anew(path, damage, steps)
    return Opened(db, _missing(path, last, lock.commit))


def _missing(path: Path, last: int | None, remembered: int | None) -> str | None:
    """What the lock file tells: an emptied file or a removed log opens without any error."""
    if remembered is None or (last is not None and last >= remembered):
        return None
    found = "is empty" if last is None else f"ends at commit {last}"
    return f"{path} {found}, but commit {remembered} was written: it was replaced or its -wal file removed"
