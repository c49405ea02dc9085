"""The demo itself: causes trouble, and shows each message with what caused it."""

import io
import shutil
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from rich.console import Console
from rich.text import Text

from bridge import __version__
from bridge.demo.bridge_process import RULES, BridgeProcess
from bridge.demo.channel import Channel, Post
from bridge.demo.ending import ignore_signals
from bridge.demo.nats_binary import find, version_of
from bridge.demo.nats_server import NatsServer
from bridge.demo.slack_view import alert_names, draw
from bridge.demo.system import APPLICATION, BRIDGE, run_system
from bridge.demo.trouble import STRANGER, come_and_go, fail_logins, stop_reading
from bridge.errors import BridgeError

LOGINS = 25
PATIENCE = 80.0
"""Seconds from the first trouble to the last message. 50 are enough: 40 of silence and 5 of `group_wait`."""

_QUIET_CLIENT = "billing"
_SLOW_CLIENT = "report-builder"


class Trouble(NamedTuple):
    """What was done, when (unix seconds), and the alerts that it must cause."""

    text: str
    at: float
    alerts: tuple[str, ...]


class Play:
    """One run of the demo. `keep`: it goes on until somebody ends it."""

    def __init__(self, *, keep: bool) -> None:
        self._console, self._keep = _console(), keep
        self._began = 0.0
        self._home = Path(tempfile.mkdtemp(prefix="nats-alert-bridge-demo-"))
        self._troubles: list[Trouble] = []
        self._missing: list[str] = []
        self._unwanted = 0

    def run(self) -> None:
        """Raises BridgeError if a message is missing, or if something could not be started."""
        try:
            with ExitStack() as stack:
                self._play(stack)
        except BridgeError as error:
            if (log := self._home / "bridge.log").exists():
                raise BridgeError(f"{error}\nthe bridge's log: {log}") from error
            raise
        except SystemExit:
            shutil.rmtree(self._home)
            raise
        shutil.rmtree(self._home)

    def _play(self, stack: ExitStack) -> None:
        with self._console.status("looking for a nats-server; a first one is downloaded …"):
            binary = find()
        self._began = time.time()
        version = version_of(binary)
        with self._console.status("starting two nats-servers and the bridge …"):
            servers = stack.enter_context(run_system(binary))
            channel = stack.enter_context(Channel())
            bridge = stack.enter_context(BridgeProcess(self._home, servers[0].url, BRIDGE[1], channel.url))
            stack.callback(ignore_signals)  # first of all that happens at the end
        self._introduce(version, servers, channel)
        self._cause(*servers)
        self._show_expected(channel, bridge)
        self._judge()
        if self._keep:
            self._stay(servers, channel, bridge)

    # -- what is done -------------------------------------------------------------------------------------------

    def _cause(self, server: NatsServer, victim: NatsServer) -> None:
        self._print(Text("What happens, and what must be told:", "bold"))
        victim.kill()  # first, as it takes longest to be noticed
        self._caused(f"{victim.name} was killed (SIGKILL)", "ServerSilent")
        fail_logins(server, LOGINS)
        self._caused(f"{LOGINS} logins with a wrong password from {STRANGER}", "AuthErrorBurst")
        come_and_go(server, APPLICATION, _QUIET_CLIENT)
        self._caused(f"the client {_QUIET_CLIENT} disconnected in good order")
        seconds = stop_reading(server, APPLICATION, _SLOW_CLIENT)
        self._caused(
            f"the client {_SLOW_CLIENT} stopped reading and was thrown out after {seconds:.1f} s",
            "SlowConsumer",
            "SlowConsumersRising",
        )
        self._console.print()

    def _caused(self, text: str, *alerts: str) -> None:
        at = time.time()
        self._troubles.append(Trouble(text, at, alerts))
        self._missing += alerts
        due = " and ".join(alerts) or "no message"
        self._print(Text.assemble(f"{_clock(at)}  {text}  ", (f"→ {due}", "dim")))

    # -- what is shown ------------------------------------------------------------------------------------------

    def _introduce(self, version: str, servers: tuple[NatsServer, NatsServer], channel: Channel) -> None:
        lines = [
            (f"nats-alert-bridge {__version__}", f"watches a cluster of nats-server {version}"),
            ("servers", ", ".join(f"{server.name} ({server.url})" for server in servers)),
            ("rules", str(RULES)),
            ("Slack", f"played by {channel.url.partition('/services')[0]}"),
        ]
        for name, text in lines:
            self._print(Text.assemble((f"{name:<10}", "bold"), f" {text}"))
        self._console.print()

    def _show_expected(self, channel: Channel, bridge: BridgeProcess) -> None:
        deadline = time.time() + PATIENCE
        while self._missing and time.time() < deadline:
            waited = time.time() - self._troubles[0].at
            with self._console.status(f"{waited:.0f} s: waiting for {', '.join(self._missing)}"):
                post = channel.wait(1.0)
            bridge.check()
            if post:
                self._show(post)

    def _show(self, post: Post) -> None:
        self._print(draw(post, "#nats-ops"))
        for alert in alert_names(post):
            if alert in self._missing:
                self._missing.remove(alert)
                cause = next(trouble for trouble in self._troubles if alert in trouble.alerts)
                told = f"{cause.text} at {_clock(cause.at)} → message after {post.at - cause.at:.1f} s"
                self._print(Text(f"  cause: {told}", "italic"))
        self._console.print()
        self._unwanted += _QUIET_CLIENT in str(post.message)

    def _judge(self) -> None:
        if self._missing:
            raise BridgeError(f"no message within {PATIENCE:g} s about: {', '.join(self._missing)}")
        if self._unwanted:
            raise BridgeError(f"a message names {_QUIET_CLIENT}, which left in good order")
        count = sum(len(trouble.alerts) for trouble in self._troubles)
        took = time.time() - self._began
        self._print(
            Text(f"All {count} messages came, and none about {_QUIET_CLIENT}. It took {took:.0f} s.", "bold green")
        )
        if not self._keep:
            self._print(Text("Next: `make demo KEEP=1` stays up to be played with; README.md says how to install it."))

    # -- what stays up ------------------------------------------------------------------------------------------

    def _stay(self, servers: tuple[NatsServer, NatsServer], channel: Channel, bridge: BridgeProcess) -> None:
        first, second = servers
        second.start()
        at = _clock(time.time())
        self._print(
            Text(f"\n{at}  {second.name} was started again  → its alert is resolved with the group's next message\n")
        )
        self._print(Text(_hints(first, second, self._home, bridge), overflow="ignore", no_wrap=True))
        while True:
            bridge.check()
            if post := channel.wait(0.5):
                self._show(post)

    def _print(self, shown: object) -> None:
        self._console.print(shown, highlight=False, soft_wrap=isinstance(shown, Text))


def _console() -> Console:
    """Standard output; what it cannot show becomes `?`."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")
    return Console()


def _hints(first: NatsServer, second: NatsServer, home: Path, bridge: BridgeProcess) -> str:
    login = """exec 3<>/dev/tcp/127.0.0.1/%d; echo 'CONNECT {"user":"me","pass":"wrong"}' >&3; cat <&3 >/dev/null"""
    logins = f"for i in {{1..20}}; do {login % first.port}; done"
    return f"""\
It stays up until Ctrl-C, and shows what comes. Cause more trouble, in bash, in another terminal:

  failed logins    {logins}
  a planned stop   kill -TERM {second.pid}
  a crash          kill -KILL {second.pid}
  start it again   {second.binary} --config {second.directory}/server.conf

  clients          {first.url}, {second.url}   user {APPLICATION[0]}, password {APPLICATION[1]}
  the bridge's log {bridge.log_path}
  its database     {bridge.database}
"""


def _clock(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC).astimezone():%H:%M:%S}"
