"""What Slack is sent."""

from typing import Any

from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.rules import rules_file
from tests.program.trouble import SERVER, fail_login
from tests.sink import Received, Sink
from tests.waiting import eventually

RULES = """\
- alert: AuthErrorBurst
  events: client.auth_error
  type: frequency
  count: 20
  within: 1s
  by: [client.host, client.name]
  labels: {severity: warning}
  annotations:
    summary: '{{ value }} failed logins of {{ labels.client_name }}'
    description: 'Names: {{ top("client.name", 5) }}, {{ event.client.name }}'
    resolved: '{{ labels.client_name }} has stopped'
    runbook_url: https://runbooks.example.net/auth
"""


async def test_firing_and_resolved_reach_slack_and_a_strangers_name_pings_nobody(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, RULES, kind="slack"))
    await program.hears()
    fail_login(server, name="<!everyone> <https://evil.example|log in>", times=20)
    await eventually(lambda: len(sink.requests) == 2)
    assert program.stop() == 0
    firing, resolved = sink.requests
    assert "WARNING" in firing.json["text"]
    assert "RESOLVED" in resolved.json["text"]
    assert "20 failed logins of &lt;!everyone&gt;" in shown(firing)
    assert "<https://runbooks.example.net/auth|Runbook>" in shown(firing)
    assert "has stopped" in shown(resolved)
    assert firing.json["attachments"][0]["color"] != resolved.json["attachments"][0]["color"]
    for request in (firing, resolved):
        assert b"<!" not in request.body.replace(b"<!date^", b"")
        assert b"<https://evil" not in request.body


def shown(request: Received) -> str:
    """All texts of the attachment's blocks."""
    return "\n".join(_texts(request.json["attachments"][0]["blocks"]))


def _texts(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in _texts(item)]
        case dict():
            return [text for item in value.values() for text in _texts(item)]
    return []
