"""Where a real nats-server comes from: named, installed, cached, or downloaded and unpacked without root."""

import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Literal

from bridge.demo.package import Package
from bridge.errors import BridgeError

Version = Literal["any", "distribution", "newest"]


def find(version: Version = "any") -> Path:
    """The path of a nats-server that runs here.

    `any`: `$NATS_SERVER`, else the one on PATH, else the newest in the user's cache, else the distribution's package.
    `distribution` and `newest`: the package of this machine's release, or of Debian unstable, from the cache or else
    downloaded into it; safe to call from several processes at once. Raises BridgeError that says what to install.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nats-alert-bridge" / "nats-server"
    match version:
        case "any":
            return _named() or _on_path() or _newest_of(cache) or _from_debian(cache, None)
        case "distribution":
            return _from_debian(cache, None)
        case "newest":
            return _from_debian(cache, "unstable")


def version_of(binary: Path) -> str:
    """Such as `2.9.10`. Raises BridgeError if it does not run."""
    try:
        done = subprocess.run([binary, "--version"], capture_output=True, text=True, check=False, timeout=10)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise BridgeError(f"{binary} does not run: {error}") from error
    if not (match := re.search(r"v(\d+(?:\.\d+)+)", done.stdout)):
        raise BridgeError(f"{binary} is no nats-server that runs here: {(done.stderr or done.stdout).strip()}")
    return match[1]


def _named() -> Path | None:
    if not (name := os.environ.get("NATS_SERVER")):
        return None
    if not (path := shutil.which(name)):
        raise BridgeError(f"NATS_SERVER is {name}, which is no program; name a nats-server, or unset it")
    return Path(path).resolve()


def _on_path() -> Path | None:
    # Debian's package installs into /usr/sbin, which is not on the PATH of ordinary users
    path = shutil.which("nats-server", path=os.pathsep.join([os.environ.get("PATH", os.defpath), "/usr/sbin"]))
    return Path(path) if path else None


def _newest_of(cache: Path) -> Path | None:
    found = [path for path in cache.glob("[0-9]*/nats-server") if os.access(path, os.X_OK)]
    return max(found, key=lambda path: [int(part) for part in path.parent.name.split(".")], default=None)


def _from_debian(cache: Path, suite: str | None) -> Path:
    try:
        return Package("nats-server", ("nats-server",), cache, version_of).fetch(suite) / "nats-server"
    except BridgeError as error:
        raise BridgeError(
            f"no nats-server for the tests and the demo: {error}; install one (Debian: apt-get install nats-server) "
            "or name one: NATS_SERVER=/path/to/nats-server"
        ) from error
