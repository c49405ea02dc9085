"""The bridge as a process of its own, just as systemd would run it: same command, same environment."""

import os
import signal
import subprocess
import sys
from pathlib import Path
from types import TracebackType
from typing import Self

import bridge
from bridge.demo.child import mortal
from bridge.demo.nats_server import wait_until
from bridge.errors import BridgeError

RULES = Path(__file__).with_name("rules.example.yaml").resolve()
"""The example that operators start from."""

_START_SECONDS = 30.0
_STOP_SECONDS = 5.0


class BridgeProcess:
    """`python -m bridge run --config rules.example.yaml`, credentials and state below `home`. A context manager.

    Start it from the main thread: it is killed when the thread that started it ends.
    """

    def __init__(self, home: Path, nats_url: str, password: str, webhook_url: str) -> None:
        self.log_path = home / "bridge.log"
        self.database = home / "state" / "state.db"
        self._credentials = home / "credentials"
        self._secrets = {"nats-password": password, "slack-webhook-url": webhook_url}
        self._nats_url = nats_url
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        self._write_secrets()
        self.database.parent.mkdir(mode=0o700)
        package = Path(bridge.__file__).parent
        command = mortal([sys.executable, "-m", "bridge", "run", "--config", str(RULES)])
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=self._environ(),
                cwd=package.parent,  # where `-m bridge` is this very bridge
                start_new_session=True,
            )
        try:
            self._await_sight()
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def check(self) -> None:
        """Raises BridgeError with the end of its log if it does not run."""
        if self._process is None or self._process.poll() is not None:
            lines = self.log_path.read_text(errors="replace").splitlines()[-10:]
            raise BridgeError("\n".join(["the bridge has ended; its log ends:", *lines]))

    def stop(self) -> None:
        """SIGTERM, and SIGKILL where that does not end it in time."""
        process, self._process = self._process, None
        if process is None:
            return
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _await_sight(self) -> None:
        def holds() -> bool:
            self.check()
            return "connected to" in self.log_path.read_text(errors="replace")

        if not wait_until(holds, _START_SECONDS):
            raise BridgeError(f"the bridge was not connected within {_START_SECONDS:g} s; see {self.log_path}")

    def _write_secrets(self) -> None:
        self._credentials.mkdir(mode=0o700)
        for name, text in self._secrets.items():
            path = self._credentials / name
            path.touch(mode=0o600)
            path.write_text(text + "\n")

    def _environ(self) -> dict[str, str]:
        given = {name: text for name, text in os.environ.items() if name not in ("NOTIFY_SOCKET", "WATCHDOG_USEC")}
        return given | {
            "NATS_URL": self._nats_url,
            "CREDENTIALS_DIRECTORY": str(self._credentials),
            "STATE_DIRECTORY": str(self.database.parent),
        }
