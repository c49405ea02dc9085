"""Full disks."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.store import Store
from bridge.store.reserve import SIZE
from tests.store.children import hear, outgrow_the_file_size_limit, start
from tests.store.samples import Model, nth


def may_mount() -> bool:
    if not shutil.which("unshare") or os.geteuid():
        return False
    return subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode == 0


async def test_the_commit_that_found_no_room_can_be_given_again(path: Path) -> None:
    process, pipe = start(outgrow_the_file_size_limit, path)
    answer = hear(pipe)
    process.join(10)
    assert isinstance(answer, tuple)
    n, line = answer
    assert line == (
        f"cannot use {path}: disk I/O error (SQLITE_IOERR_WRITE); check free space, quota and the disk's health"
    )
    store = await Store.open(path)
    assert await store.load() == Model(map(nth, range(1, n + 1))).snapshot()
    await store.close()


@pytest.mark.skipif(not may_mount(), reason="needs the right to mount a small file system")
@pytest.mark.parametrize("when", ["while it runs", "at the start"])
def test_a_full_disk_is_survived_by_the_reserve(tmp_path: Path, when: str) -> None:
    """In a mount namespace of its own: 40 MB, of which the reserve is 16."""
    script = 'mount -t tmpfs -o size=40m none "$1" && exec "$2" -m tests.store.full_disk "$1" "$3"'
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", tmp_path, sys.executable, when],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert (done.stdout, done.returncode) == ("survived\n", 0), done.stderr


async def test_the_reserve_is_space_and_not_a_promise(path: Path) -> None:
    store = await Store.open(path)
    reserve = path.with_name("state.db.reserve")
    assert reserve.stat().st_blocks * 512 >= SIZE
    assert store.release_reserve()
    assert not reserve.exists()
    assert not store.release_reserve()
    assert store.restore_reserve()
    assert reserve.stat().st_blocks * 512 >= SIZE
    await store.close()


async def test_the_reserve_that_was_given_away_is_taken_back_when_history_is_pruned(path: Path) -> None:
    store, reserve = await Store.open(path), path.with_name("state.db.reserve")
    store.release_reserve()
    await store.prune(0, 0)
    assert reserve.stat().st_blocks * 512 >= SIZE
    await store.close()
