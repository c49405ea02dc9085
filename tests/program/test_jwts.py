"""Operator mode is full of credentials. None is found in anything that the program writes or sends."""

from pathlib import Path

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.events.recorded import FILES, messages
from tests.events.test_corpus import secrets
from tests.program.messages import lines
from tests.program.program import Program
from tests.program.rules import rules_file
from tests.program.trouble import SERVER, Peer
from tests.sink import Sink
from tests.waiting import eventually

SHOWING = """
  by: [claimed.name, claimed.iss, claimed.sub]
  annotations:
    summary: '{{ event }} {{ event.account.id }} {{ top("claimed.name", 5) }}'
"""
RULES = f"""\
- alert: Pushed
  events: [account.claims_update, account.claims_delete]{SHOWING}
- alert: Refused
  events: [client.auth_error, client.rejected]{SHOWING}
- alert: Gone
  events: [client.connect, client.disconnect]
  type: frequency
  count: 1
  within: 1m{SHOWING}
- alert: Requested
  subject: $SYS.REQ.CLAIMS.*
  by: [subject, claimed.name, client.jwt, jwt]
  annotations: {{summary: '{{{{ event }}}}'}}
- alert: Anything
  subject: $SYS.ACCOUNT.>
  by: [client.jwt, client.name]
  keep_firing_for: 1h
  annotations: {{summary: '{{{{ event }}}} {{{{ event.client.jwt }}}}'}}
- alert: BridgeMalformedEvent
  events: bridge.malformed_event
  keep_firing_for: 1h
  annotations: {{summary: '{{{{ event.reason }}}}'}}
"""


async def test_no_jwt_reaches_database_log_messages_or_recording(start_server: StartServer, tmp_path: Path) -> None:
    server = start_server(SERVER)
    betraying = secrets()
    with Sink() as sink:
        file = rules_file(server.url, sink.url, RULES)
        recording = tmp_path / "recording.jsonl"
        with Program(tmp_path / "bridge", file, options=("--record", str(recording))) as program:
            await program.hears()
            told = publish(server)
            await eventually(lambda: {line.name for line in lines(sink.requests)} >= told, within=20)
            assert program.stop() == 0
        sent = b"".join(request.body for request in sink.requests)
        wrote = {path.name: path.read_bytes() for path in (tmp_path / "bridge").iterdir()}
        wrote["recording"] = recording.read_bytes()
    del wrote["rules.yaml"]
    assert wrote.keys() >= {"state.db", "stderr"}
    for name, kept in {**wrote, "messages": sent}.items():
        assert [part for part in betraying if part.encode() in kept] == [], name
    assert b"ACCYTJVK57OUMR57ZB4HZJH3XMSLIHAML2FL7HQFEKS5FVLAEGSCDIIB" in wrote["recording"]
    assert len(betraying) > 10


def publish(server: NatsServer) -> set[str]:
    """All that was recorded in operator mode, and bodies that are nearly JWTs. Returns the alerts that it leads to."""
    with Peer(server, "sys", "s3cret-pass") as peer:
        for path in FILES:
            for message in messages(path) if path.stem == "operator" else ():
                peer.publish(message.subject, message.data)
                if "CLAIMS" in message.subject and message.data:
                    peer.publish(message.subject, message.data[:-40].replace(b".", b"\n", 1))
    return {"Pushed", "Refused", "Gone", "Requested", "Anything", "BridgeMalformedEvent"}
