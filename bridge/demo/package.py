"""Programs of Debian packages in a cache of their own: downloaded once for each suite, used by many processes."""

import fcntl
import platform
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

import msgspec

from bridge.demo.debian import Apt


class Package(msgspec.Struct, frozen=True):
    """Which programs of which package, where they are kept, and how one of them says its version."""

    name: str
    programs: Sequence[str]
    """The first is the one that is asked for its version."""
    cache: Path
    version_of: Callable[[Path], str]

    def fetch(self, suite: str | None) -> Path:
        """The directory of the programs: of the package of this machine's release, or of another suite.

        A link tells which version a suite had when it was asked, so that later calls need no network. Safe to call
        from several processes at once. Raises BridgeError.
        """
        link = self.cache / (suite or _name_release())
        if not self._is_complete(link):
            self.cache.mkdir(parents=True, exist_ok=True)
            with (self.cache / "lock").open("w") as lock:
                fcntl.flock(lock, fcntl.LOCK_EX)
                if not self._is_complete(link):  # nobody else was faster
                    self._download(suite, link)
        return link.resolve()

    def _is_complete(self, directory: Path) -> bool:
        return all((directory / program).exists() for program in self.programs)

    def _download(self, suite: str | None, link: Path) -> None:
        scratch = self.cache / "download"
        shutil.rmtree(scratch, ignore_errors=True)  # what a killed one left
        scratch.mkdir()
        try:
            Apt(scratch / "apt", suite).unpack(self.name, scratch / "root")
            found = [self._program(scratch, program) for program in self.programs]
            home = self.cache / self.version_of(found[0])
            home.mkdir(exist_ok=True)
            for path in found:
                path.replace(home / path.name)
            (scratch / "link").symlink_to(home.name)
            (scratch / "link").replace(link)
        finally:
            shutil.rmtree(scratch)

    def _program(self, scratch: Path, program: str) -> Path:
        return next((scratch / "root/usr").glob(f"*bin/{program}"), scratch / program)


def _name_release() -> str:
    release = platform.freedesktop_os_release()
    return f"{release['ID']}-{release.get('VERSION_ID', 'rolling')}"
