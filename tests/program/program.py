"""The program under test: a process of its own, as an operator runs it, with its files in one directory."""

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import msgspec

from tests.waiting import PATIENCE, eventually

ROOT = Path(__file__).parents[2]
STOP_SECONDS = 5.0
"""So long may a clean stop take."""


class Program:
    """`python -m bridge run` on a rules file. A context manager that leaves no process behind.

    The database is `state.db` in the directory, and outlives the process, as the rules file does.
    """

    def __init__(
        self, directory: Path, rules: str, environ: Mapping[str, str] | None = None, options: Sequence[str] = ()
    ) -> None:
        directory.mkdir(parents=True, exist_ok=True)
        self.rules_path, self.database = directory / "rules.yaml", directory / "state.db"
        self._log = directory / "stderr"
        self._environ = dict(environ or {})
        self._options = options
        self._process: subprocess.Popen[bytes] | None = None
        self.write(rules)

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._process is not None and self._process.poll() is None:
            self.kill()
        # pytest shows it if the test has failed
        sys.stderr.write("\n".join([f"{self.rules_path.parent.name} said:", *self.lines, ""]))

    @property
    def lines(self) -> list[str]:
        """All that it wrote to its standard error, over all its starts."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def said(self, *texts: str) -> list[str]:
        """The lines that hold all of these."""
        return [line for line in self.lines if all(text in line for text in texts)]

    async def says(self, *texts: str, within: float = PATIENCE) -> str:
        """The first line that holds all of these, once there is one."""
        return (await eventually(lambda: self.said(*texts), within))[0]

    async def hears(self, times: int = 1) -> None:
        """Once it has connected to NATS so many times."""
        await eventually(lambda: len(self.said("connected to nats://")) >= times)

    @property
    def alive(self) -> bool:
        return self._running().poll() is None

    @property
    def pid(self) -> int:
        return self._running().pid

    def write(self, rules: str) -> None:
        """Edit the rules file."""
        self.rules_path.write_text(rules)

    def start(self) -> None:
        """Returns at once."""
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "bridge", "run", "--config", str(self.rules_path), *self._options],
                cwd=ROOT,
                env=bare_environ() | self._environ,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """SIGKILL, and wait for the end."""
        self._running().kill()
        self._running().wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code. A TimeoutExpired if it takes longer than it may."""
        self._running().terminate()
        return self.wait(STOP_SECONDS)

    def hang_up(self) -> None:
        """SIGHUP: the rules are to be read anew."""
        self._running().send_signal(signal.SIGHUP)

    def suspend(self) -> None:
        """SIGSTOP: it does nothing at all until `resume`."""
        self._running().send_signal(signal.SIGSTOP)

    def resume(self) -> None:
        self._running().send_signal(signal.SIGCONT)

    def wait(self, seconds: float) -> int:
        """The exit code, once it has ended."""
        return self._running().wait(seconds)

    def _running(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None
        return self._process


class Ended(msgspec.Struct, frozen=True):
    """What a process left that has ended."""

    code: int
    out: str
    err: str


def run(*arguments: str, within: float = 20.0) -> Ended:
    """`python -m bridge` with these arguments, to its end."""
    done = subprocess.run(
        [sys.executable, "-m", "bridge", *arguments],
        cwd=ROOT,
        env=bare_environ(),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=within,
    )
    return Ended(done.returncode, done.stdout, done.stderr)


def bare_environ() -> dict[str, str]:
    """Nothing of what the program would heed, but for what Python needs."""
    return {name: os.environ[name] for name in ("PATH", "HOME", "LANG", "VIRTUAL_ENV") if name in os.environ}
