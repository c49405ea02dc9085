"""The units, as systemd's own tools judge them."""

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from bridge.demo.debian import Apt

UNITS = Path(__file__).parents[2] / "systemd"
NAMES = ["nats-alert-bridge.service", "nats-alert-bridge@prod.service"]

Analyze = Callable[..., str]


@pytest.fixture(scope="session")
def systemd(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where systemd's files lie: below /, or unpacked from Debian's package on a machine without systemd."""
    if shutil.which("systemd-analyze"):
        return Path("/")
    unpacked = tmp_path_factory.mktemp("systemd")
    Apt(unpacked / "apt").unpack_with_dependencies("systemd", unpacked / "root")
    return unpacked / "root"


@pytest.fixture
def analyze(systemd: Path, tmp_path: Path) -> Analyze:
    """Runs systemd-analyze on a root with our units, what they start, and the units that every system has."""
    for folder in ("etc/systemd/system", "opt/nats-alert-bridge/bin", "usr/lib/systemd", "usr/bin", "bin"):
        (tmp_path / folder).mkdir(parents=True)
    base = next(path for path in (systemd / "usr/lib/systemd/system", systemd / "lib/systemd/system") if path.exists())
    shutil.copytree(base, tmp_path / "usr/lib/systemd/system", symlinks=True)
    shutil.copytree(UNITS, tmp_path / "etc/systemd/system", dirs_exist_ok=True)
    for program in ("opt/nats-alert-bridge/bin/nats-alert-bridge", "usr/bin/env", "bin/kill"):
        (tmp_path / program).touch(mode=0o755)
    # systemd-analyze wants /run/systemd; where neither systemd nor we could make it, it gets a /run of its own
    lonely = os.geteuid() != 0 and not Path("/run/systemd").exists()
    private_run = ["unshare", "--map-root-user", "--mount", "sh", "-c", 'mount -t tmpfs run /run && exec "$@"', "sh"]
    libraries = [] if systemd == Path("/") else [str(path.parent) for path in systemd.rglob("*.so*")]

    def run(verb: str, *arguments: str) -> str:
        program = [systemd / "usr/bin/systemd-analyze", verb, "--man=no", f"--root={tmp_path}", *arguments]
        done = subprocess.run(
            [*(private_run if lonely else []), *map(str, program)],
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8", "LD_LIBRARY_PATH": os.pathsep.join(dict.fromkeys(libraries))},
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        return done.stdout + done.stderr

    return run


@pytest.mark.parametrize("name", NAMES)
def test_systemd_finds_nothing_wrong_with_a_unit(analyze: Analyze, name: str) -> None:
    assert analyze("verify", name) == ""


def test_systemd_would_tell_of_a_wrong_unit(analyze: Analyze, tmp_path: Path) -> None:
    unit = tmp_path / "etc/systemd/system" / NAMES[0]
    unit.write_text(unit.read_text().replace("WatchdogSec=30", "WatchdogSec=often"))
    assert "often" in analyze("verify", NAMES[0])


@pytest.mark.parametrize("name", NAMES)
def test_a_unit_is_exposed_by_1_5_at_most(analyze: Analyze, name: str) -> None:
    verdict = re.search(r"Overall exposure level for \S+: (\d+\.\d+)", analyze("security", "--offline=true", name))
    assert verdict
    assert float(verdict[1]) <= 1.5


def test_the_two_units_differ_only_in_what_belongs_to_an_instance() -> None:
    plain = (UNITS / "nats-alert-bridge.service").read_text()
    instance = (UNITS / "nats-alert-bridge@.service").read_text()
    assert instance.replace(" (%i)", "").replace("/%i/", "/").replace("-%i", "") == plain


def test_a_secret_without_a_file_does_not_keep_the_service_from_starting() -> None:
    """systemd fails a start over a credential that it cannot load, unless a default of the same name is set."""
    unit = (UNITS / "nats-alert-bridge.service").read_text()
    loaded = re.findall(r"^LoadCredential=([^:]+):", unit, re.MULTILINE)
    assert loaded == re.findall(r"^SetCredential=([^:]+):", unit, re.MULTILINE)
    assert loaded
