"""Without NATS nothing is known, so time alone neither fires nor resolves anything."""

from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines, states
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER, fail_login, report
from tests.sink import Sink
from tests.waiting import eventually

SILENT = """\
- alert: ServerSilent
  events: server.statsz
  type: flatline
  within: 5s
  by: [server.name]
- alert: Kept
  events: client.auth_error
  by: [client.name]
  keep_firing_for: 3s
"""


async def test_while_blind_nothing_fires_or_ends_by_time(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, BURST + SILENT))
    await program.hears()
    report(server)
    fail_login(server, name="x", times=20)
    await eventually(lambda: len(sink.requests) == 2)
    assert sorted(line.name for line in lines(sink.requests)) == ["AuthErrorBurst", "Kept"]
    server.kill()
    # Longer than any span of the rules; the bridge waits 10 s before it tells.
    await eventually(lambda: len(sink.requests) > 2)
    assert [(line.name, line.state) for line in lines(sink.requests)[2:]] == [("BridgeNatsDisconnected", "firing")]
    server.start()
    await program.hears(times=2)
    await eventually(lambda: states(sink.requests, "BridgeNatsDisconnected") == ["firing", "resolved"])
    await eventually(lambda: states(sink.requests, "AuthErrorBurst") == ["firing", "resolved"])
    await eventually(lambda: states(sink.requests, "Kept") == ["firing", "resolved"])
    assert program.alive
