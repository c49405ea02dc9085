"""The example file as it is, with the least permissions, in its own time: two servers of three are killed."""

from pathlib import Path

import pytest

from bridge.demo.nats_cluster import run_cluster
from bridge.demo.system import BRIDGE, BRIDGE_USER
from tests.live.test_jetstream import has_meta_leader, jetstream
from tests.program.program import ROOT, Program
from tests.sink import Sink
from tests.waiting import eventually

SYSTEM = f"""
accounts {{
  SYS {{ users: [{BRIDGE_USER % BRIDGE[1]}] }}
  APP {{ jetstream: enabled, users: [{{user: app, password: p}}] }}
}}
system_account: SYS
jetstream: enabled
"""

ALERTS = {"ServerSilent": 2, "BridgeServerNoAnswer": 2, "StreamQuorumLost": 1, "ServerUnhealthy": 1}
"""Two do not speak or answer; the third has no majority, neither for the stream nor for JetStream as a whole."""

TEXTS = [
    "No sign of life from",
    "is heard again",
    "has no quorum",
    "has a leader again",
    "is not healthy",
    "is healthy again",
]
"""What Slack must hear of."""


def times(program: Program, state: str, alert: str) -> int:
    return len(program.said(f"alert {state} ", f"alertname='{alert}'"))


async def all_are(program: Program, state: str, within: float) -> None:
    """Once each alert is in this state, as often as it should be."""
    await eventually(lambda: {name: times(program, state, name) for name in ALERTS} == ALERTS, within)


@pytest.mark.long
@pytest.mark.timeout(400)
async def test_each_alert_comes_and_ends_once(nats_binary: Path, tmp_path: Path) -> None:
    with Sink() as slack, run_cluster(nats_binary, 3, SYSTEM) as servers:
        async with jetstream(servers[0]) as js:
            await eventually(lambda: has_meta_leader(js), within=20)
            info = await js.add_stream(name="ORDERS", subjects=["orders"], num_replicas=3)
        assert info.cluster
        left = next(server for server in servers if server.name == info.cluster.leader)
        (tmp_path / "nats-password").write_text(BRIDGE[1])
        (tmp_path / "slack-webhook-url").write_text(slack.url)
        environ = {"NATS_URL": left.url, "CREDENTIALS_DIRECTORY": str(tmp_path), "STATE_DIRECTORY": str(tmp_path)}
        rules = (ROOT / "rules.example.yaml").read_text()
        with Program(tmp_path / "bridge", rules, environ) as program:
            await program.hears()
            killed = [server for server in servers if server is not left]
            for server in killed:
                server.kill()
            await all_are(program, "firing", within=200)
            for server in killed:
                server.start()
            await all_are(program, "resolved", within=120)
            await eventually(lambda: [text for text in TEXTS if text not in told(slack)] == [], within=90)
            assert program.stop() == 0
        for state in ("firing", "resolved"):
            assert {name: times(program, state, name) for name in ALERTS} == ALERTS


def told(slack: Sink) -> str:
    return "".join(request.body.decode() for request in slack.requests)
