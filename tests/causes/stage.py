"""One nats-server, one program and one receiver: what breaks between them is timed."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import msgspec

from bridge.demo.nats_server import NatsServer
from bridge.source.settings import Limits
from tests.program.messages import states
from tests.program.program import ROOT, bare_environ
from tests.program.rules import rules_file
from tests.sink import Sink
from tests.waiting import eventually

START_SECONDS, PATIENCE = 60.0, 45.0
"""Generous for slow machines; what is allowed is judged later, by the times."""

HEARD = "- {alert: Heard, subject: 'ev.>', by: [subject]}\n"

RUN = """
import asyncio, json, os, sys
from pathlib import Path
from bridge import log
from bridge.app import App
from bridge.config import load
from bridge.source.settings import Limits

path, limits = Path(sys.argv[1]), Limits(**json.loads(sys.argv[2]))
log.configure("text", "info")
sys.exit(asyncio.run(App(path, os.environ, load(path, os.environ), limits=limits).run()))
"""
"""`run`, with other bounds."""


class Stage:
    """Where a cause plays. `limits` are the program's; causes last for `dwell` seconds after they were told."""

    def __init__(self, binary: Path, directory: Path, sink: Sink, limits: Limits, dwell: float) -> None:
        self.directory, self.dwell = directory, dwell
        self.server: NatsServer
        self.broken_at = self.mended_at = 0.0
        self._binary, self._sink, self._limits = binary, sink, limits
        self._stack = ExitStack()
        self._log = directory / "stderr"
        self._process: subprocess.Popen[bytes]
        self._sights = 0

    @property
    def lines(self) -> list[str]:
        return self._log.read_text(errors="replace").splitlines()

    @contextmanager
    def entered(self) -> Iterator[None]:
        with self._stack:
            yield

    async def begin(self, config: str, login: str = "user: sys, password: s3cret-pass", trap: str = "") -> None:
        """Start server and program, and wait until it hears. `trap` is Python that lays one in the program."""
        self.server = self._stack.enter_context(NatsServer(self._binary, config))
        rules = rules_file(self.server.url, self._sink.url, HEARD)
        path = self.directory / "rules.yaml"
        path.write_text(rules.replace("user: sys, password: s3cret-pass", login))
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-c", trap + RUN, str(path), json.dumps(msgspec.to_builtins(self._limits))],
                cwd=ROOT,
                env=bare_environ(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self._stack.callback(self._end)
        await eventually(lambda: self._count("connected to nats://") >= 1, within=START_SECONDS)

    def broken(self) -> None:
        """From now on something is wrong."""
        self.broken_at, self._sights = time.monotonic(), self._count("connected to nats://")

    def mended(self) -> None:
        """From now on nothing outside of the bridge is in its way."""
        self.mended_at = time.monotonic()

    async def told(self, alert: str) -> float:
        """Seconds from the beginning of the trouble to the receiver's knowing of it."""
        await eventually(lambda: "firing" in states(self._sink.requests, alert), within=PATIENCE)
        return next(
            request.at - self.broken_at for request in self._sink.requests if "firing" in states([request], alert)
        )

    async def recovered(self, sign: str = "connected to nats://") -> float:
        """Seconds from the end of the trouble, or its beginning, to a connection that works in the same process."""
        before = self._sights if sign.startswith("connected") else 0
        await eventually(lambda: self._count(sign) > before, within=PATIENCE)
        seconds = time.monotonic() - (self.mended_at or self.broken_at)
        assert self._process.poll() is None, self.lines
        return seconds

    def _count(self, text: str) -> int:
        return sum(text in line for line in self.lines) if self._log.exists() else 0

    def _end(self) -> None:
        self._process.kill()
        self._process.wait()
