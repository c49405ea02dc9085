"""Packages of Debian, downloaded and unpacked without root, and without touching what apt keeps on this machine.

apt gets lists and a cache of its own, under a directory that the caller names; mirrors, proxies, keys and the check of
signatures stay those of the machine.
"""

import shutil
import subprocess
from pathlib import Path

from bridge.errors import BridgeError

# Hooks on updates write to the machine's own caches (docker-clean, AppStream), other index files are hundreds of
# megabytes (apt-file), and the sandbox user could not write here.
_CONFIG = """\
#clear APT::Update;
#clear Acquire::IndexTargets;
Acquire::IndexTargets::deb::Packages {{
    MetaKey "$(COMPONENT)/binary-$(ARCHITECTURE)/Packages";
    flatMetaKey "Packages";
    ShortDescription "Packages";
    Description "$(RELEASE)/$(COMPONENT) $(ARCHITECTURE) Packages";
    flatDescription "$(RELEASE) Packages";
}};
APT::Sandbox::User "root";
Acquire::Languages "none";
Acquire::Retries "2";
Debug::NoLocking "true";
Dir::State::lists "{home}/lists";
Dir::Cache "{home}/cache";
"""
_SOURCES = """\
Dir::Etc::sourcelist "{home}/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
"""
_KEYRINGS = (
    Path("/usr/share/keyrings/debian-archive-keyring.pgp"),
    Path("/usr/share/keyrings/debian-archive-keyring.gpg"),
)


class Apt:
    """apt with lists of its own in `home`: as the machine is set up, or for one `suite` of the machine's own mirror.

    Raises BridgeError with what apt said: no network, a signature that the machine's keys do not vouch for.
    """

    def __init__(self, home: Path, suite: str | None = None) -> None:
        if not shutil.which("apt-get") or not shutil.which("dpkg"):
            raise BridgeError("this machine has no apt-get to download packages with")
        self._home = home
        for folder in ("lists/partial", "cache/archives/partial"):
            (home / folder).mkdir(parents=True, exist_ok=True)
        config = _CONFIG.format(home=home)
        if suite is not None:
            (home / "sources.list").write_text(_name_source(home / "own", suite))
            config += _SOURCES.format(home=home)
        (home / "apt.conf").write_text(config)
        self._warnings = ""
        self._warnings = self._run("update").stderr  # a mirror out of reach is only a warning here

    def run(self, *arguments: str) -> str:
        """Run `apt-get` in the home and return what it prints. Raises BridgeError."""
        return self._run(*arguments).stdout

    def unpack(self, package: str, into: Path) -> None:
        """Put the newest version of a package into a directory as it would lie below /. Nothing is configured."""
        self.run("download", package)
        for archive in self._home.glob(f"{package}_*.deb"):
            unpack(archive, into)

    def unpack_with_dependencies(self, package: str, into: Path) -> None:
        """Like `unpack`, with whatever else the package needs that this machine has not installed."""
        self.run("install", "--yes", "--download-only", "--no-install-recommends", package)
        for archive in (self._home / "cache/archives").glob("*.deb"):
            unpack(archive, into)

    def _run(self, *arguments: str) -> "subprocess.CompletedProcess[str]":
        command = ["apt-get", "--config-file", str(self._home / "apt.conf"), "--quiet=2", *arguments]
        done = _run(command, self._home)
        if done.returncode != 0:
            raise BridgeError(f"apt-get {arguments[0]} failed: {_complaints(self._warnings + done.stderr)}")
        return done


def unpack(archive: Path, into: Path) -> None:
    """Unpack a .deb into a directory, as it would lie below /. Raises BridgeError."""
    done = _run(["dpkg", "--extract", str(archive), str(into)], into.parent)
    if done.returncode != 0:
        raise BridgeError(f"cannot unpack {archive.name}: {_complaints(done.stderr)}")


def _name_source(home: Path, suite: str) -> str:
    """A line of sources.list for another suite, on the mirror that this machine has Debian's packages from."""
    columns = "$(ORIGIN)|$(COMPONENT)|$(REPO_URI)"  # the origin is what the signed Release file says
    targets = Apt(home).run("indextargets", "--format", columns, "Created-By: Packages")
    for line in targets.splitlines():
        origin, component, mirror = line.split("|")
        if (origin, component) == ("Debian", "main"):
            keyring = next((f"[signed-by={path}] " for path in _KEYRINGS if path.exists()), "")  # else trusted.gpg.d
            return f"deb {keyring}{mirror} {suite} main\n"
    raise BridgeError("apt on this machine has no Debian mirror")


def _run(command: list[str], directory: Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)


def _complaints(text: str) -> str:
    lines = dict.fromkeys(line.strip() for line in text.splitlines() if line.startswith(("W:", "E:", "dpkg")))
    return "; ".join(lines) or text.strip()
