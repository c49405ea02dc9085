"""What systemd hears from us, on a real socket of its kind."""

import logging
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge import systemd


@pytest.fixture(params=["path", "abstract"])
def manager(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[socket.socket]:
    """The socket on which systemd listens, of both kinds that it uses."""
    name = str(tmp_path / "notify") if request.param == "path" else f"@bridge-test-{os.getpid()}"
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(name.replace("@", "\0", 1))
        listener.settimeout(5)
        monkeypatch.setenv("NOTIFY_SOCKET", name)
        yield listener


def hear(manager: socket.socket) -> list[str]:
    return manager.recv(4096).decode().splitlines()


def test_ready_is_told_with_the_status(manager: socket.socket) -> None:
    systemd.ready("14 rules, connecting to NATS")
    assert hear(manager) == ["READY=1", "STATUS=14 rules, connecting to NATS"]


def test_reloading_is_told_with_the_clock_that_counts_from_boot(manager: socket.socket) -> None:
    before = time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000
    systemd.reloading()
    state, moment = hear(manager)
    assert state == "RELOADING=1"
    assert before <= int(moment.removeprefix("MONOTONIC_USEC=")) <= time.clock_gettime_ns(time.CLOCK_MONOTONIC) // 1000


def test_stopping_is_told_with_the_status(manager: socket.socket) -> None:
    systemd.stopping("3 messages wait")
    assert hear(manager) == ["STOPPING=1", "STATUS=3 messages wait"]


def test_the_watchdog_is_fed(manager: socket.socket) -> None:
    systemd.watchdog()
    assert hear(manager) == ["WATCHDOG=1"]


def test_a_status_cannot_smuggle_in_another_assignment(manager: socket.socket) -> None:
    systemd.status("rules.yaml:\nMAINPID=1")
    assert hear(manager) == ["STATUS=rules.yaml: MAINPID=1"]


def test_nothing_happens_without_systemd(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.delenv("NOTIFY_SOCKET", raising=False)
    systemd.ready("fine")
    assert not caplog.records


def test_a_systemd_that_is_gone_is_logged_and_no_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("NOTIFY_SOCKET", str(tmp_path / "gone"))
    systemd.watchdog()
    assert [(record.levelno, "WATCHDOG=1" in record.message) for record in caplog.records] == [(logging.WARNING, True)]


@pytest.mark.parametrize(
    ("usec", "pid", "seconds"),
    [
        pytest.param("30000000", str(os.getpid()), 15.0, id="30000000-own-15.0"),
        ("30000000", None, 15.0),
        ("30000000", "1", None),
        ("0", None, None),
        ("soon", None, None),
        (None, None, None),
    ],
)
def test_the_watchdog_wants_a_sign_at_half_of_its_patience(
    monkeypatch: pytest.MonkeyPatch, usec: str | None, pid: str | None, seconds: float | None
) -> None:
    for name, value in (("WATCHDOG_USEC", usec), ("WATCHDOG_PID", pid)):
        monkeypatch.delenv(name, raising=False)
        if value is not None:
            monkeypatch.setenv(name, value)
    assert systemd.watchdog_interval() == seconds
