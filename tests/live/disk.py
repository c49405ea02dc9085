"""A disk that fills up, under the store of a server."""

import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from bridge.demo.nats_server import NatsServer


class Disk:
    """A small file system in memory, where JetStream of one server keeps its files."""

    def __init__(self, at: Path) -> None:
        self._at = at

    def grow(self) -> None:
        """To more than anybody needs here."""
        subprocess.run(["mount", "-o", "remount,size=64m", self._at], check=True)


@contextmanager
def small_disk(server: NatsServer, place: Path, size: str) -> Iterator[Disk]:
    """For a server that does not run, which loses what it had stored. It is killed at the end."""
    place.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"only root can mount a small disk: {mounted.stderr.strip()}")
    store = server.directory / "jetstream"
    shutil.rmtree(store, ignore_errors=True)
    store.symlink_to(place)
    try:
        yield Disk(place)
    finally:
        server.kill()
        subprocess.run(["umount", place], check=True)
