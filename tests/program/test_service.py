"""What a service manager does to the program: SIGTERM, SIGHUP, and the words over its socket."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import id_of, lines, states
from tests.program.program import Program
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER, fail_login
from tests.sink import Sink, answer, hang
from tests.waiting import eventually

NOWHERE = "nats://127.0.0.1:1"
LASTING = BURST.replace("2s", "10m")
"""An alert that does not end by itself while a test runs."""


async def test_sigterm_ends_it_cleanly_while_nats_is_down(start_bridge: StartBridge, sink: Sink) -> None:
    program = start_bridge(rules_file(NOWHERE, sink.url, BURST))
    await program.says("cannot connect")
    assert program.stop() == 0
    assert program.lines[-1].endswith("stopped received=0 dropped=0")


async def test_sigterm_ends_it_cleanly_while_a_receiver_hangs(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    sink.then = hang()
    program = start_bridge(rules_file(server.url, sink.url, LASTING))
    await program.hears()
    fail_login(server, times=20)
    await eventually(lambda: sink.requests)
    assert program.stop() == 0
    sink.then = answer()
    program.start()
    await eventually(lambda: len(sink.requests) == 2)
    first, second = sink.requests
    assert id_of(first) == id_of(second)


async def test_a_changed_count_is_judged_anew(start_server: StartServer, start_bridge: StartBridge, sink: Sink) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, LASTING))
    await program.hears()
    fail_login(server, times=12)
    program.write(rules_file(server.url, sink.url, LASTING.replace("count: 20", "count: 12")))
    await reload(program)
    [line] = await eventually(lambda: lines(sink.requests))
    assert (line.name, line.state, line.value) == ("AuthErrorBurst", "firing", 12)
    program.write(rules_file(server.url, sink.url, LASTING.replace("count: 20", "count: 13")))
    await reload(program, times=2)
    await eventually(lambda: states(sink.requests) == ["firing", "resolved"])


async def test_a_removed_rule_ends_its_alert_and_says_so(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, LASTING))
    await program.hears()
    fail_login(server, times=20)
    await eventually(lambda: states(sink.requests) == ["firing"])
    other = "- {alert: Other, events: client.connect, where: ['client.name = nobody']}\n"
    program.write(rules_file(server.url, sink.url, other))
    await reload(program)
    await eventually(lambda: len(sink.requests) == 2)
    firing, resolved = lines(sink.requests)
    assert (resolved.state, resolved.reason) == ("resolved", "rule removed")
    assert firing.alert == resolved.alert


async def test_a_changed_receiver_takes_over_what_waits(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    with Sink(then=answer(404)) as gone:
        program = start_bridge(rules_file(server.url, gone.url, LASTING))
        await program.hears()
        fail_login(server, times=20)
        await program.says("destination refuses us")
        program.write(rules_file(server.url, sink.url, LASTING))
        await reload(program)
        await eventually(lambda: states(sink.requests, "AuthErrorBurst") == ["firing"])
        assert id_of(gone.requests[0]) in {id_of(request) for request in sink.requests}


async def test_a_receiver_that_is_mended_by_a_reload_is_no_longer_dead(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    with Sink(then=answer(404)) as gone:
        program = start_bridge(rules_file(server.url, gone.url, LASTING))
        await program.hears()
        fail_login(server, times=20)
        await program.says("alert firing", "BridgeReceiverDead")
        program.write(rules_file(server.url, sink.url, LASTING))
        await reload(program)
        await program.says("alert resolved", "BridgeReceiverDead")


async def test_a_reload_that_changes_only_the_external_url_reaches_what_is_posted_again(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    rules = rules_file(server.url, sink.url, LASTING, kind="alertmanager")
    rules = rules.replace(f"url: '{sink.url}'", f"urls: ['{sink.url}'], resend_delay: 1s")
    program = start_bridge("external_url: https://old.example\n" + rules)
    await program.hears()
    fail_login(server, times=20)
    await eventually(lambda: "https://old.example" in links(sink))
    program.write("external_url: https://new.example\n" + rules)
    await reload(program)
    await eventually(lambda: "https://new.example" in links(sink))


def links(sink: Sink) -> set[str]:
    """Where the alerts that were posted say they come from."""
    return {alert["generatorURL"] for request in sink.requests for alert in json.loads(request.body)}


async def test_a_broken_file_keeps_the_rules_and_is_told_until_it_is_mended(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(good := rules_file(server.url, sink.url, LASTING))
    await program.hears()
    program.write(good.replace("count: 20", "count: many"))
    program.hang_up()
    await program.says("reload failed")
    await program.says(f"{program.rules_path}:", "error: ")
    await eventually(lambda: states(sink.requests, "BridgeConfigInvalid") == ["firing"])
    fail_login(server, times=20)
    await eventually(lambda: states(sink.requests, "AuthErrorBurst") == ["firing"])
    program.write(good)
    await reload(program)
    await eventually(lambda: states(sink.requests, "BridgeConfigInvalid") == ["firing", "resolved"])
    assert states(sink.requests, "AuthErrorBurst") == ["firing"]


async def test_a_broken_file_of_rules_keeps_its_last_good_version_and_the_reload_says_so(
    start_bridge: StartBridge, sink: Sink
) -> None:
    program, good, _ = await with_more_files(start_bridge, sink)
    good.write_text("rules: [{alert: Moved")
    program.hang_up()
    line = await program.says("reloaded, but ")
    assert "WARNING" in line
    assert line.endswith(f"reloaded, but {good} keeps its last good version rules=2 destinations=1")
    assert len(program.said("INFO", "reloaded")) == 1  # the one before


async def test_a_rule_that_has_moved_from_a_broken_file_to_a_sound_one_is_there_once(
    start_bridge: StartBridge, sink: Sink
) -> None:
    program, old, new = await with_more_files(start_bridge, sink)
    new.write_text(old.read_text())
    old.write_text("rules: [{alert: Other")
    program.hang_up()
    assert (await program.says("reloaded, but ")).endswith("is left out rules=2 destinations=1")


async def with_more_files(start_bridge: StartBridge, sink: Sink) -> tuple[Program, Path, Path]:
    """A program whose rules lie in two files, the second of them, and the path of a third."""
    program = start_bridge(rules_file(NOWHERE, sink.url, LASTING))
    await program.says("started rules=1")
    old, new = program.rules_path.with_name("old.rules.yaml"), program.rules_path.with_name("new.rules.yaml")
    old.write_text("rules:\n  - {alert: Moved, events: client.connect, where: ['client.name = nobody']}\n")
    program.write("rule_files: ['*.rules.yaml']\n" + rules_file(NOWHERE, sink.url, LASTING))
    program.hang_up()
    await program.says("reloaded rules=2")
    return program, old, new


async def reload(program: Program, times: int = 1) -> None:
    program.hang_up()
    await eventually(lambda: len(program.said("reloaded rules=")) == times)


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    """The socket on which systemd listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listener:
        listener.bind(str(tmp_path / "notify"))
        listener.settimeout(10)
        yield listener


def test_systemd_hears_of_start_life_reload_and_end_though_nats_is_down(
    start_bridge: StartBridge, manager: socket.socket, sink: Sink
) -> None:
    environ = {"NOTIFY_SOCKET": str(manager.getsockname()), "WATCHDOG_USEC": "400000"}
    program = start_bridge(rules_file(NOWHERE, sink.url, BURST), **environ)
    assert hear(manager, "READY=1")[1] == "STATUS=NATS is not heard, 0 messages wait"
    for _ in range(3):
        hear(manager, "WATCHDOG=1")
    program.hang_up()
    assert hear(manager, "RELOADING=1")[1].startswith("MONOTONIC_USEC=")
    hear(manager, "READY=1")
    assert program.stop() == 0
    hear(manager, "STOPPING=1")


def hear(manager: socket.socket, word: str) -> list[str]:
    """The first message that begins so; others are passed over."""
    while (said := manager.recv(4096).decode().splitlines())[0] != word:
        pass
    return said
