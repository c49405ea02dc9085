"""Where a nats-server comes from, in which order, and what is said where none can be had."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from bridge.demo.nats_binary import find, version_of
from bridge.errors import BridgeError

APT = [Path("/etc/apt"), Path("/var/lib/apt"), Path("/var/cache/apt")]


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user without a nats-server, and with an empty cache."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    monkeypatch.setenv("PATH", str(tmp_path / "bin") + os.pathsep + "/usr/bin")
    monkeypatch.delenv("NATS_SERVER", raising=False)
    return tmp_path / "cache/nats-alert-bridge/nats-server"


def write_server(path: Path, version: str = "2.10.1") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!/bin/sh\necho nats-server: v{version}\n")
    path.chmod(0o755)
    return path


def test_the_named_one_comes_before_the_one_on_the_path(
    cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_path, named = write_server(tmp_path / "bin/nats-server"), write_server(tmp_path / "own/server")
    assert find() == on_path
    monkeypatch.setenv("NATS_SERVER", str(named))
    assert find() == named


def test_the_one_on_the_path_comes_before_a_cached_one(cache: Path, tmp_path: Path) -> None:
    write_server(cache / "2.9.10/nats-server")
    on_path = write_server(tmp_path / "bin/nats-server")
    assert find() == on_path


@pytest.mark.skipif(Path("/usr/sbin/nats-server").exists(), reason="this machine has one installed, which comes first")
def test_the_newest_cached_one_is_taken(cache: Path) -> None:
    write_server(cache / "2.9.10/nats-server")
    newest = write_server(cache / "2.15.1/nats-server")
    assert find() == newest


def test_a_named_one_that_is_no_program_is_an_error(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NATS_SERVER", "/nowhere/nats-server")
    with pytest.raises(BridgeError, match="NATS_SERVER is /nowhere/nats-server"):
        find()


def test_a_program_that_is_no_nats_server_has_no_version(tmp_path: Path) -> None:
    other = write_server(tmp_path / "other", version="")
    with pytest.raises(BridgeError, match="is no nats-server"):
        version_of(other)


def test_two_versions_are_tested() -> None:
    assert version_of(find("distribution")) != version_of(find("newest"))


def test_without_network_the_message_says_what_to_install(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    with pytest.raises(BridgeError, match=r"apt-get install nats-server.*NATS_SERVER=") as caught:
        find("distribution")
    assert "127.0.0.1" in str(caught.value)


def test_two_processes_download_it_once_and_leave_apt_as_it_was(cache: Path) -> None:
    """The package itself: by the machine's mirror, checked, unpacked without root."""
    before = {path: path.stat().st_mtime_ns for folder in APT for path in folder.rglob("*")}
    program = "from bridge.demo.nats_binary import find; print(find('distribution'))"
    finders = [subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True) for _ in range(2)]
    answers = {finder.communicate(timeout=100)[0].strip() for finder in finders}
    assert answers == {str(find("distribution"))}
    assert version_of(find("distribution")) == find("distribution").parent.name
    assert sorted(path.name for path in cache.iterdir() if path.is_dir() and not path.is_symlink()) == [
        find("distribution").parent.name
    ]
    assert {path: path.stat().st_mtime_ns for folder in APT for path in folder.rglob("*")} == before
