"""The real Alertmanager and its amtool, of Debian's packages: what our words mean is what they mean there."""

import os
import re
import socket
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bridge.demo.package import Package
from bridge.errors import BridgeError

_TEMPLATES = b"/usr/share/prometheus/alertmanager"
_TEMPLATES_HERE = b"./" * 15 + b"tmpl"
"""Debian's Alertmanager reads its templates from a place that only root can fill. This has the same length, and means
a directory below the one that it is started in."""


def find(suite: str | None = "unstable") -> Path:
    """The directory with `prometheus-alertmanager` and `amtool`: from the user's cache, or else downloaded into it.

    `suite`: of Debian unstable, or, for None, of this machine's own release. Raises BridgeError.
    """
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "nats-alert-bridge/alertmanager"
    name = "prometheus-alertmanager"
    try:
        return Package(name, (name, "amtool"), cache, _version_of).fetch(suite)
    except BridgeError as error:
        raise BridgeError(f"no Alertmanager for the tests: {error}") from error


@contextmanager
def running(programs: Path, config: Path, *options: str) -> Iterator[str]:
    """An Alertmanager with this file as its configuration, by itself and with empty storage; gives its base URL."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    templates = config.parent / "tmpl"
    templates.mkdir(exist_ok=True)
    for name in ("default.tmpl", "email.tmpl"):
        (templates / name).touch()  # webhooks need none of them
    command = [
        str(_relocated(programs / "prometheus-alertmanager")),
        f"--config.file={config}",
        f"--storage.path={config.parent / 'alertmanager'}",
        f"--web.listen-address=127.0.0.1:{port}",
        "--cluster.listen-address=",
        *options,
    ]
    with (
        (config.parent / "alertmanager.log").open("wb") as log,
        subprocess.Popen(command, stderr=log, cwd=config.parent) as process,
    ):
        try:
            _wait_until_ready(url, process, Path(log.name))
            yield url
        finally:
            process.terminate()


def _relocated(program: Path) -> Path:
    """The same program, which looks for its templates below the directory that it is started in."""
    relocated = program.with_name("alertmanager-relocated")
    if not relocated.exists():
        fresh = program.with_name(f"alertmanager-{os.getpid()}")
        fresh.write_bytes(program.read_bytes().replace(_TEMPLATES, _TEMPLATES_HERE))
        fresh.chmod(0o755)
        fresh.replace(relocated)
    return relocated


def _wait_until_ready(url: str, process: "subprocess.Popen[bytes]", log: Path) -> None:
    end = time.monotonic() + 30
    while time.monotonic() < end and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/-/ready", timeout=5):  # noqa: S310 - our own URL
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.05)
    raise AssertionError(f"the Alertmanager does not run:\n{log.read_text()}")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _version_of(program: Path) -> str:
    done = subprocess.run([program, "--version"], capture_output=True, text=True, check=False, timeout=20)
    if not (match := re.search(r"version (\d+(?:\.\d+)+)", done.stdout + done.stderr)):
        raise BridgeError(f"{program} is no Alertmanager that runs here: {(done.stderr or done.stdout).strip()}")
    return match[1]
