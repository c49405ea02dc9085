"""`nats-alert-bridge demo`, as people run it: all messages, and no process that stays behind."""

import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from bridge.demo.nats_binary import find, version_of
from tests.waiting import eventually

ROOT = Path(__file__).parents[2]
TITLES = (
    "🟠 WARNING · AuthErrorBurst · 127.0.0.66",
    "🟠 WARNING · SlowConsumer · report-builder · APP",
    "🟠 WARNING · SlowConsumersRising · nats-1",
    "🔴 CRITICAL · ServerSilent · nats-2",
)


class Demo:
    """A run of it whose processes all know `directory`, where they have their files."""

    def __init__(self, binary: Path | str, directory: Path, *launcher: str) -> None:
        self.directory = directory
        self._output = (directory.parent / f"{directory.name}.out").open("w+")
        directory.mkdir()
        self.process = subprocess.Popen(
            [*launcher, sys.executable, "-m", "bridge", "demo"],
            stdout=self._output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "NATS_SERVER": str(binary), "TMPDIR": str(directory)},
            cwd=ROOT,
            start_new_session=True,
        )

    @property
    def output(self) -> str:
        return Path(self._output.name).read_text()

    def processes(self) -> dict[int, str]:
        """Those that live, the demo itself included, by id: their command lines."""
        found = {}
        for each in Path("/proc").glob("[0-9]*"):
            try:
                if str(self.directory).encode() in (each / "environ").read_bytes():
                    found[int(each.name)] = (each / "cmdline").read_text().replace("\0", " ")
            except (FileNotFoundError, ProcessLookupError, PermissionError):
                continue  # it has just ended, or is somebody else's
        return found

    def child(self, word: str) -> int | None:
        """The id of the process with that word in its command line."""
        return next((pid for pid, command in self.processes().items() if word in command), None)

    def loads(self) -> bool:
        """Python itself has started, and is at the modules of the program."""
        return "site-packages" in Path(f"/proc/{self.process.pid}/maps").read_text()

    def close(self) -> None:
        for pid in self.processes():
            os.kill(pid, signal.SIGKILL)
        self.process.wait()
        self._output.close()


@pytest.fixture
def demo(nats_binary: Path, tmp_path: Path) -> Iterator[Demo]:
    run = Demo(nats_binary, tmp_path / "demo")
    yield run
    run.close()


def test_every_message_comes_within_a_minute(tmp_path: Path) -> None:
    """On both versions at once, as most of the time is waiting."""
    demos = [Demo(find(version), tmp_path / version) for version in ("distribution", "newest")]
    try:
        assert [demo.process.wait(100) for demo in demos] == [0, 0], "\n".join(demo.output for demo in demos)
        for demo in demos:
            for title in TITLES:
                assert demo.output.count(title) == 1
            assert len(re.findall(r"  cause: .* at \d\d:\d\d:\d\d → message after \d+\.\d s", demo.output)) == 4
            took = re.search(r"All 4 messages came, and none about billing. It took (\d+) s.", demo.output)
            assert took
            assert int(took[1]) < 60
            assert not demo.processes()
            assert not list(demo.directory.iterdir())
        assert version_of(find("newest")) in demos[1].output
    finally:
        for demo in demos:
            demo.close()


@pytest.mark.parametrize(
    ("moment", "number"),
    [("nats-server --config", signal.SIGINT), ("-m bridge run", signal.SIGINT), ("→ ServerSilent", signal.SIGTERM)],
    ids=["servers start", "bridge starts", "waiting"],
)
async def test_a_signal_ends_it_and_leaves_nothing(demo: Demo, moment: str, number: signal.Signals) -> None:
    await eventually(lambda: demo.child(moment) or moment in demo.output, within=20)
    demo.process.send_signal(number)
    demo.process.send_signal(number)  # as impatient people do
    assert demo.process.wait(10) == 128 + number
    assert not demo.processes()
    assert not list(demo.directory.iterdir())
    assert "Traceback" not in demo.output


async def test_ctrl_c_while_it_loads_leaves_no_traceback(demo: Demo) -> None:
    await eventually(demo.loads)
    demo.process.send_signal(signal.SIGINT)
    assert demo.process.wait(10) in (-signal.SIGINT, 128 + signal.SIGINT)
    assert not demo.processes()


async def test_it_ends_with_what_started_it(nats_binary: Path, tmp_path: Path) -> None:
    """Such as make."""
    demo = Demo(nats_binary, tmp_path / "demo", "/bin/sh", "-c", '"$@"; exit', "make")
    try:
        await eventually(lambda: "→ ServerSilent" in demo.output, within=20)
        demo.process.kill()
        await eventually(lambda: not demo.processes())
        assert not list(demo.directory.iterdir())
    finally:
        demo.close()


async def test_a_bridge_that_ends_is_a_failure_that_names_its_log(demo: Demo) -> None:
    await eventually(lambda: "→ ServerSilent" in demo.output, within=20)
    bridge = demo.child("-m bridge run")
    assert bridge
    os.kill(bridge, signal.SIGKILL)
    assert demo.process.wait(10) == 1
    named = re.search(r"the bridge's log: (\S+)", demo.output)
    assert named
    assert "connected to" in Path(named[1]).read_text()
    assert "Traceback" not in demo.output
    assert not demo.processes()


def test_without_a_nats_server_one_line_says_so(tmp_path: Path) -> None:
    demo = Demo("/nowhere/nats-server", tmp_path / "demo")
    try:
        assert demo.process.wait(20) == 1
        assert demo.output.splitlines() == [
            "NATS_SERVER is /nowhere/nats-server, which is no program; name a nats-server, or unset it"
        ]
    finally:
        demo.close()


def test_the_demo_runs_the_example_itself() -> None:
    assert (ROOT / "bridge/demo/rules.example.yaml").resolve() == ROOT / "rules.example.yaml"
