"""A real nats-server, of two versions, does what it is told and never outlives us."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import nats
import pytest
from nats.aio.client import Client

from bridge.demo.nats_binary import version_of
from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer, free_port
from bridge.errors import BridgeError
from tests.conftest import StartServer
from tests.waiting import eventually

CONFIG = 'accounts {{ $SYS {{ users: [ {{user: "admin", password: "{}"}} ] }} }}'


async def accepts(server: NatsServer, password: str) -> bool:
    client = Client()
    try:
        await client.connect(server.url, user="admin", password=password, allow_reconnect=False)
    except nats.errors.Error:
        return False
    finally:
        await client.close()  # after a refusal too: nats-py leaves the socket open
    return True


async def test_a_client_finds_the_version_that_was_asked_for(start_server: StartServer, nats_binary: Path) -> None:
    async with await nats.connect(start_server().url) as client:
        assert version_of(nats_binary) in str(client.connected_server_version)


async def test_a_restart_keeps_address_and_configuration(start_server: StartServer) -> None:
    server = start_server(CONFIG.format("one"))
    url, pid = server.url, server.pid
    server.restart()
    assert server.url == url
    assert server.pid != pid
    assert await accepts(server, "one")


async def test_a_server_comes_back_after_a_kill(start_server: StartServer) -> None:
    server = start_server(CONFIG.format("one"))
    server.kill()
    assert "Initiating Shutdown" not in server.log
    server.start()
    assert await accepts(server, "one")


def test_a_stop_is_orderly(start_server: StartServer) -> None:
    server = start_server()
    server.stop()
    assert "Initiating Shutdown" in server.log
    with pytest.raises(BridgeError, match="does not run"):
        server.reload()


async def test_a_reload_puts_the_new_configuration_in_force(start_server: StartServer) -> None:
    server = start_server("jetstream {}\n" + CONFIG.format("one"))
    server.reload("jetstream {}\n" + CONFIG.format("two"))
    assert [await accepts(server, "one"), await accepts(server, "two")] == [False, True]


async def test_a_refused_reload_says_why_and_the_server_goes_on(start_server: StartServer) -> None:
    server = start_server(CONFIG.format("one"))
    with pytest.raises(BridgeError, match="refuses the configuration"):
        server.reload("accounts {")
    assert await accepts(server, "one")


def test_a_start_that_fails_says_why(nats_binary: Path) -> None:
    with pytest.raises(BridgeError, match="missing"), NatsServer(nats_binary, "system_account: MISSING"):
        pass


async def test_a_lame_duck_announces_its_end(start_server: StartServer) -> None:
    server = start_server()
    server.lame_duck()
    await eventually(lambda: "Entering lame duck mode" in server.log)


async def test_a_message_crosses_a_cluster(nats_binary: Path) -> None:
    with run_cluster(nats_binary, 3) as servers:
        async with await nats.connect(servers[0].url) as near, await nats.connect(servers[2].url) as far:
            listener = await far.subscribe("greeting")
            await far.flush()

            async def heard() -> bool:
                await near.publish("greeting", b"hello")
                await near.flush()
                return listener.pending_msgs > 0

            await eventually(heard)


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
async def test_no_server_outlives_the_process_that_started_it(
    nats_binary: Path, tmp_path: Path, end: signal.Signals
) -> None:
    program = f"""
import time
from pathlib import Path
from bridge.demo.nats_server import NatsServer
with NatsServer(Path({str(nats_binary)!r})) as server:
    print(server.pid, flush=True)
    time.sleep(60)
"""
    with subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
        env={**os.environ, "TMPDIR": str(tmp_path)},
    ) as parent:
        assert parent.stdout
        server = Path("/proc") / parent.stdout.readline().strip()
        assert "nats-server" in (server / "cmdline").read_text()
        parent.send_signal(end)
        parent.wait(10)
    await eventually(lambda: not server.exists() or "State:\tZ" in (server / "status").read_text())


def test_a_free_port_is_given_once_and_lies_below_those_of_outgoing_connections() -> None:
    ports = [free_port() for _ in range(50)]
    assert len(set(ports)) == 50
    assert max(ports) < int(Path("/proc/sys/net/ipv4/ip_local_port_range").read_text().split()[0])
