"""Rules on what servers tell only when asked, through the whole program."""

import os
import signal
from pathlib import Path

import pytest
from nats.js.api import AckPolicy

from bridge.demo.nats_cluster import run_cluster
from tests.conftest import StartServer
from tests.program.program import Program
from tests.program.rules import rules_file
from tests.program.test_record import decided, replayed
from tests.sink import Sink
from tests.source.crowd import crowd
from tests.source.heard import client
from tests.source.test_gather import JETSTREAM
from tests.waiting import eventually

RULES = """\
- alert: StreamFull
  events: poll.stream
  type: threshold
  field: data.messages_used
  above: 50%
  by: [account.name, data.name]
- alert: Lag
  events: poll.consumer
  type: threshold
  field: data.num_pending
  above: 3
  by: [account.name, data.stream_name, data.name]
- alert: Crowded
  events: server.varz
  type: threshold
  field: data.connections
  above: 20
  by: [server.name]
- alert: Unhealthy
  events: server.healthz
  type: state
  matching: ['data.status != ok']
  by: [server.name]
"""


def _rules(server: str, sink: str, rules: str = RULES) -> str:
    text = rules_file(server, sink, rules)
    return text.replace("nats: {", "nats: {poll: {interval: 1s, timeout: 2s}, ", 1)


async def test_polls_become_alerts_and_a_replay_of_the_recording_decides_the_same(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    server = start_server(JETSTREAM)
    recording = tmp_path / "recording.jsonl"
    with Program(tmp_path / "bridge", _rules(server.url, sink.url), options=["--record", str(recording)]) as bridge:
        async with client(server, "a", "p") as other:
            js = other.jetstream()
            await js.add_stream(name="S", subjects=["s.>"], max_msgs=10)
            await js.add_consumer("S", durable_name="C", ack_policy=AckPolicy.EXPLICIT)
            await bridge.hears()
            for _ in range(8):
                await js.publish("s.a", b"x", timeout=5)
            await bridge.says("alert firing", "alertname='StreamFull'", "account_name='A'")
            await bridge.says("alert firing", "alertname='Lag'", "data_name='C'")
            await js.purge_stream("S")
            await bridge.says("alert resolved", "alertname='StreamFull'")
        with crowd(server, 25, "b"):
            await bridge.says("alert firing", "alertname='Crowded'")
        await bridge.says("alert resolved", "alertname='Crowded'")
        assert bridge.stop() == 0
        assert not bridge.said("alert", "Unhealthy")
        changes, _ = replayed(recording, bridge.rules_path)
        assert changes == decided(bridge.database)


SEEN = """\
- alert: Seen
  events: server.healthz
  by: [server.name]
"""


@pytest.mark.long
async def test_a_server_that_hangs_is_one_alert_until_it_answers(nats_binary: Path, sink: Sink, tmp_path: Path) -> None:
    with (
        run_cluster(nats_binary, 3, JETSTREAM) as servers,
        Program(tmp_path / "bridge", _rules(servers[0].url, sink.url, SEEN)) as bridge,
    ):
        for name in ("s1", "s2", "s3"):
            await bridge.says("alert event", "alertname='Seen'", f"server_name='{name}'")
        os.kill(servers[2].pid, signal.SIGSTOP)
        try:
            await bridge.says("alert firing", "alertname='BridgeServerNoAnswer'", "server_name='s3'", within=20)
            count = len(bridge.said("alertname='Seen'"))
            await eventually(lambda: len(bridge.said("alertname='Seen'")) > count + 3, within=20)
        finally:
            os.kill(servers[2].pid, signal.SIGCONT)
        await bridge.says("alert resolved", "alertname='BridgeServerNoAnswer'", "server_name='s3'", within=20)
        assert bridge.stop() == 0
        assert len(bridge.said("alert firing", "BridgeServerNoAnswer")) == 1
        assert len(bridge.said("gives no answer to HEALTHZ, STATSZ")) == 1


async def test_a_reload_changes_what_is_asked_without_a_reconnect(
    start_server: StartServer, sink: Sink, tmp_path: Path
) -> None:
    server = start_server(JETSTREAM)
    with Program(tmp_path / "bridge", _rules(server.url, sink.url, RULES)) as bridge:
        await bridge.hears()
        bridge.write(_rules(server.url, sink.url, SEEN))
        bridge.hang_up()
        await bridge.says("alert event", "alertname='Seen'")
        assert bridge.stop() == 0
        assert len(bridge.said("connected to nats://")) == 1
