"""A process under measurement: its log, its CPU time and its memory. It ends with the benchmark, however that ends."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.demo.child import mortal

ROOT = Path(__file__).parent.parent
POLL = 0.002
"""Seconds between two looks at a log."""


PATIENCE = 30.0
"""Seconds without progress after which a benchmark has failed."""

IDLE = 0.05
"""The part of a core that a process may use that does nothing."""


UNLIKE = ("NOTIFY_SOCKET", "WATCHDOG_USEC", "PYTHONDONTWRITEBYTECODE", "PYTHONPROFILEIMPORTTIME", "PYTHONDEVMODE")
"""Variables under which a program would not run as it is installed."""


class Failed(Exception):
    """Nothing could be measured."""


class Process:
    """`python -m …` of this repository, that writes to a log. A context manager."""

    def __init__(self, log: Path, *arguments: str) -> None:
        self._log = log
        self._arguments = arguments
        self._lines: list[str] = []
        self._read = 0
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(
                mortal([sys.executable, "-m", *self._arguments]),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env={name: text for name, text in os.environ.items() if name not in UNLIKE},
            )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def stop(self) -> None:
        """SIGTERM, and wait for the end."""
        self._running.send_signal(signal.SIGTERM)
        self._running.wait(PATIENCE)

    @property
    def lines(self) -> list[str]:
        """All that it has written so far."""
        with self._log.open("rb") as log:
            log.seek(self._read)
            new = log.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._read += len(whole)
        self._lines += whole.decode(errors="replace").splitlines()
        return self._lines

    def wait_for(self, text: str, patience: float = PATIENCE) -> str:
        """The first line with this text, once there is one."""
        return self.wait_until(lambda: next((line for line in self.lines if text in line), ""), text, patience)

    def wait_until(self, found: Callable[[], str], what: str, patience: float = PATIENCE) -> str:
        """The answer, once there is one. Raises Failed if the process ends before, or does nothing for too long."""
        deadline, spent = time.monotonic() + patience, 0.0
        while True:
            ended = self._running.poll() is not None
            if answer := found():
                return answer
            if ended:
                raise Failed(
                    "\n".join([f"the measured process ended before {what!r}; its log ends:", *self.lines[-10:]])
                )
            if self.cpu > spent + patience * IDLE:
                deadline, spent = time.monotonic() + patience, self.cpu
            if time.monotonic() > deadline:
                raise Failed(
                    "\n".join([f"the measured process rests without {what!r}; its log ends:", *self.lines[-10:]])
                )
            time.sleep(POLL)

    @property
    def cpu(self) -> float:
        """Seconds of user and system time, of all its threads (proc(5), fields 14 and 15)."""
        fields = Path(f"/proc/{self._running.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    @property
    def memory(self) -> int:
        """Bytes that are resident now."""
        return memory_of(self._running.pid)

    @property
    def peak(self) -> int:
        """The most bytes that ever were."""
        return memory_of(self._running.pid, "VmHWM")

    @property
    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "it is started by entering it"
        return self._process


def memory_of(pid: int, name: str = "VmRSS") -> int:
    """Bytes, as proc(5) has them under this name."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{name}:"))
