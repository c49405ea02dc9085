"""A real nats-server as a process: it does what it is told, and never outlives its parent."""

import secrets
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self

from bridge.demo.child import mortal
from bridge.errors import BridgeError

START_SECONDS = 10.0
STOP_SECONDS = 10.0

_given: set[int] = set()


def free_port() -> int:
    """A TCP port of the loopback that nothing listens on.

    Below 32768, where Linux takes the ports of outgoing connections from: so none takes it while a server restarts.
    """
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as servers do: old connections do not count
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in _given:
            _given.add(port)
            return port


class NatsServer:
    """A nats-server on free ports of the loopback, in a directory of its own. A context manager.

    Start it from the main thread: it is killed when the thread that started it ends. Starting and stopping take some
    tens of milliseconds, in which they block. `config` is the rest of its configuration: no name, ports or store.
    """

    def __init__(self, binary: Path, config: str = "", *, name: str = "nats") -> None:
        self.binary, self.config, self.name = binary, config, name
        self.port, self.monitor_port = free_port(), free_port()
        self.directory = Path(tempfile.mkdtemp(prefix="nats-server-"))
        self._log = self.directory / "nats-server.log"
        self._process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> Self:
        try:
            self.start()
        except BaseException:  # Ctrl-C too
            shutil.rmtree(self.directory)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        shutil.rmtree(self.directory)

    @property
    def url(self) -> str:
        """For clients, without credentials."""
        return f"nats://127.0.0.1:{self.port}"

    @property
    def monitor_url(self) -> str:
        """Of the server's own HTTP pages, such as `/varz`."""
        return f"http://127.0.0.1:{self.monitor_port}"

    @property
    def pid(self) -> int:
        """Of the running process. Raises BridgeError if none runs."""
        return self._running().pid

    @property
    def log(self) -> str:
        """All that the server has written, over all its starts."""
        return self._log.read_text(errors="replace") if self._log.exists() else ""

    def start(self) -> None:
        """Start and wait until it takes clients. Raises BridgeError with the end of its log."""
        if self._process is not None:
            raise BridgeError(f"nats-server {self.name} runs already")
        before = len(self.log)
        self._write_config()
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(
                self._command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True
            )
        try:
            self._await_line(before, "Server is ready")
        except BaseException:
            self.kill()
            raise

    def stop(self) -> None:
        """SIGTERM, and wait for the end: the server says goodbye to clients and to the system account."""
        self._running().send_signal(signal.SIGTERM)
        self._await_end()

    def kill(self) -> None:
        """SIGKILL, and wait for the end; nothing happens if none runs."""
        if self._process is not None:
            self._process.kill()
        self._await_end()

    def restart(self) -> None:
        """Stop, if it runs, and start on the same ports."""
        if self._process is not None:
            self.stop()
        self.start()

    def reload(self, config: str | None = None) -> None:
        """SIGHUP, with a new configuration if one is given; wait until it is in force. Raises BridgeError."""
        if config is not None:
            self.config = config
        before = len(self.log)
        self._write_config()
        self._running().send_signal(signal.SIGHUP)
        self._await_line(before, "Reloaded server configuration")

    def lame_duck(self) -> None:
        """SIGUSR2: the server announces its end and sends its clients away, by default over two minutes."""
        self._running().send_signal(signal.SIGUSR2)

    def _running(self) -> "subprocess.Popen[bytes]":
        if self._process is None or self._process.poll() is not None:
            raise BridgeError(f"nats-server {self.name} does not run; {self._last_words()}")
        return self._process

    def _write_config(self) -> None:
        # all of it here, not as flags: 2.9.10 forgets flags at a reload, and then refuses the change of name and store
        (self.directory / "server.conf").write_text(
            f'server_name: "{self.name}"\nhost: "127.0.0.1"\nport: {self.port}\nhttp: "127.0.0.1:{self.monitor_port}"\n'
            f'store_dir: "{self.directory}"\n{self.config}\n'
        )

    def _command(self) -> list[str]:
        return mortal([str(self.binary), "--config", str(self.directory / "server.conf")])

    def _await_line(self, start: int, text: str) -> None:
        def holds() -> bool:
            new = self.log[start:]
            if "Failed to reload" in new:
                raise BridgeError(f"nats-server {self.name} refuses the configuration; {self._last_words()}")
            self._running()
            return text in new

        if not wait_until(holds, START_SECONDS):
            raise BridgeError(
                f"nats-server {self.name} did not say {text!r} in {START_SECONDS} s; {self._last_words()}"
            )

    def _await_end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired as error:
            process.kill()
            process.wait()
            raise BridgeError(
                f"nats-server {self.name} did not end in {STOP_SECONDS} s; {self._last_words()}"
            ) from error

    def _last_words(self) -> str:
        return "its log ends:\n" + "\n".join(self.log.splitlines()[-10:])


def wait_until(holds: Callable[[], bool], seconds: float) -> bool:
    """Ask every 5 ms; False if it did not hold in time."""
    deadline = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.005)
    return True
