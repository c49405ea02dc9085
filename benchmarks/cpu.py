"""CPU of the whole bridge for each event, beside that of a bare nats-py callback that gets the same messages.

Both are processes of their own and hear the same payloads, recorded from a server and made distinct, over a real
nats-server. The CPU counted is the process's, all threads included. The journal is written and synced as always.
"""

import asyncio
import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec
import nats
import yaml

from bridge.demo.nats_server import NatsServer

EVENTS = 100_000
RULES = 100
ASKING = 3
ROUNDS = 3
CLIENTS = 1000
"""Distinct client names: combinations that the rules keep."""

SUBJECT = "$SYS.ACCOUNT.APP.DISCONNECT"
RECORDING = Path(__file__).parent.parent / "tests" / "corpus" / "2.15.1" / "clients.jsonl"
PATIENCE = 120.0
"""Seconds after which a round has failed."""

SERVER = """
accounts {
  SYS { users: [ {user: bridge, password: bench} ] }
}
system_account: SYS
"""


class Result(msgspec.Struct, frozen=True):
    """Microseconds of CPU for each event."""

    events: int
    bare: float
    bridge: float


async def measure(binary: Path) -> Result:
    """The best of a few rounds of each, alternating, so that a busy machine disturbs both alike."""
    bare: list[float] = []
    whole: list[float] = []
    with NatsServer(binary, SERVER) as server:
        for number in range(ROUNDS):
            with _bare(server.url) as listener:
                bare.append(await _cpu(server.url, listener, number, _has_counted(listener)))
            with tempfile.TemporaryDirectory() as directory:
                place = Path(directory)
                with _bridge(server.url, place) as program:
                    whole.append(await _cpu(server.url, program, number, _has_told(place)))
    return Result(EVENTS, min(bare), min(whole))


async def _cpu(url: str, process: "subprocess.Popen[bytes]", number: int, done: Callable[[], bool]) -> float:
    client = await nats.connect(url, user="bridge", password="bench", name="benchmark")
    before = _seconds(process.pid)
    for count, payload in enumerate(_payloads(number)):
        await client.publish(SUBJECT, payload)
        if count % 500 == 0:
            await client.flush()
    await client.flush()
    deadline = asyncio.get_running_loop().time() + PATIENCE
    while not done():
        if process.poll() is not None or asyncio.get_running_loop().time() > deadline:
            raise SystemExit(f"the measured process ended or did not finish within {PATIENCE:.0f} s")
        await asyncio.sleep(0.02)
    spent = _seconds(process.pid) - before
    await client.close()
    return spent / EVENTS * 1e6


def _payloads(number: int) -> Iterator[bytes]:
    """A recorded disconnect, over and over, of other clients with other ids."""
    recorded = next(
        json.loads(line["data"])
        for line in map(json.loads, RECORDING.read_text().splitlines())
        if line["subject"] == SUBJECT
    )
    for count in range(EVENTS):
        recorded["id"] = f"bench-{number}-{count}"
        recorded["client"].update(id=count, name=f"client-{count % CLIENTS}")
        recorded["server"]["seq"] = count + 1
        yield json.dumps(recorded, separators=(",", ":")).encode()


def _seconds(pid: int) -> float:
    """User and system time of a process, all its threads (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@contextmanager
def _bare(url: str) -> Iterator["subprocess.Popen[bytes]"]:
    command = [sys.executable, "-m", "benchmarks.bare", url, SUBJECT, str(EVENTS)]
    with _running(subprocess.Popen(command, stdout=subprocess.PIPE)) as process:
        assert process.stdout is not None
        process.stdout.readline()
        os.set_blocking(process.stdout.fileno(), False)
        yield process


def _has_counted(process: "subprocess.Popen[bytes]") -> Callable[[], bool]:
    return lambda: process.stdout is not None and bool(process.stdout.readline())


@contextmanager
def _bridge(url: str, directory: Path) -> Iterator["subprocess.Popen[bytes]"]:
    path = directory / "rules.yaml"
    path.write_text(yaml.safe_dump(_configuration(url, directory)))
    log = directory / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", "bridge", "run", "--config", str(path)]
        with _running(subprocess.Popen(command, stderr=output)) as process:
            for _ in range(1000):
                if "connected to" in log.read_text():
                    break
                if process.poll() is not None:
                    raise SystemExit(log.read_text())
                time.sleep(0.02)
            yield process


def _has_told(directory: Path) -> Callable[[], bool]:
    return lambda: "AllHeard" in (directory / "log").read_text()


def _configuration(url: str, directory: Path) -> dict[str, object]:
    """Three rules that ask for the event, one of which fires with the very last; all others ask for other accounts."""
    watched = {"events": "client.disconnect"}
    asking: list[dict[str, object]] = [
        {"alert": "PerClient", "type": "frequency", "count": 20, "within": "10m", "by": ["client.name"], **watched},
        {"alert": "SlowConsumer", "where": ['reason =~ "Slow Consumer.*"'], "by": ["client.name"], **watched},
        {"alert": "AllHeard", "type": "frequency", "count": EVENTS, "within": "10m", **watched},
    ]
    others: list[dict[str, object]] = [
        {
            "alert": f"Other{n}",
            "where": [f"account.name = tenant-{n}"],
            "type": "frequency",
            "count": 5,
            "within": "1m",
            **watched,
        }
        for n in range(RULES - ASKING)
    ]
    return {
        "nats": {"servers": [url], "user": "bridge", "password": "bench"},
        "storage": {"path": str(directory / "state.db")},
        "receivers": [{"name": "nobody", "webhook_configs": [{"url": "http://127.0.0.1:9/"}]}],
        "route": {"receiver": "nobody", "group_wait": "1h"},
        "rules": asking + others,
    }


@contextmanager
def _running(process: "subprocess.Popen[bytes]") -> Iterator["subprocess.Popen[bytes]"]:
    try:
        yield process
    finally:
        process.kill()
        process.wait()
        if process.stdout is not None:
            process.stdout.close()
