"""JetStream's events of tenants, which the system account imports: of whom they are, once, and only what rules need."""

import json

import nats

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines
from tests.program.program import run
from tests.program.rules import rules_file
from tests.program.trouble import fail_login
from tests.sink import Sink
from tests.waiting import eventually

IMPORTING = """
jetstream: {max_mem: 16MB, max_file: 16MB}
accounts {
  SYS {
    users: [{user: sys, password: "s3cret-pass"}]
    imports: [
      {stream: {account: A, subject: "$JS.EVENT.>"}, to: "acct.A.>"}
      {stream: {account: B, subject: "$JS.EVENT.>"}, to: "acct.second.>"}
    ]
  }
  A { jetstream: enabled, users: [{user: a, password: p}], exports: [{stream: "$JS.EVENT.>", accounts: [SYS]}] }
  B { jetstream: enabled, users: [{user: b, password: p}], exports: [{stream: "$JS.EVENT.>", accounts: [SYS]}] }
}
system_account: SYS
"""

RULES = """\
- alert: ApiError
  events: js.api_audit
  where: ['error.code >= 400']
  by: [account.name, error.description]
  keep_firing_for: 1h
- alert: StreamCreated
  events: js.stream_action
  where: ['action = create']
  by: [account.name, stream]
  keep_firing_for: 1h
"""


async def ask(server: NatsServer, user: str, *requests: tuple[str, object]) -> None:
    """Requests to JetStream's API by a tenant."""
    client = await nats.connect(server.url, user=user, password="p")
    for subject, body in requests:
        await client.request(f"$JS.API.{subject}", json.dumps(body).encode() if body else b"", timeout=10)
    await client.close()


async def test_without_an_import_nothing_comes_and_check_says_so(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(IMPORTING)
    knocked = "- {alert: Knocked, events: client.auth_error}\n"
    program = start_bridge(rules_file(server.url, sink.url, RULES + knocked))
    await program.hears()
    told = run("check", str(program.rules_path))
    assert told.code == 0
    assert told.err.count("warning: js.") == 2
    stream = {"name": "S", "subjects": ["s"], "storage": "memory"}
    await ask(server, "a", ("STREAM.CREATE.S", stream), ("STREAM.DELETE.S", None))
    fail_login(server)
    await eventually(lambda: sink.requests)
    assert {line.name for line in lines(sink.requests)} == {"Knocked"}


async def test_an_import_that_is_missing_is_told_to_people_and_so_is_its_return(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """The bridge looks when it connects."""
    server = start_server(IMPORTING.replace("acct.", "misspelt."))
    file = rules_file(server.url, sink.url, RULES).replace("user: sys,", "user: sys, imports: 'acct.*.',")
    program = start_bridge(file)
    [told] = await eventually(lambda: lines(sink.requests, "BridgePermissionDenied"))
    assert (told.state, told.labels["denied"]) == ("firing", "acct.*.>")
    assert "the system account imports it as misspelt.A.> (of A, B); write imports: 'misspelt.*.' under" in told.summary
    server.stop()
    server.config = IMPORTING
    server.start()
    await eventually(
        lambda: [line.state for line in lines(sink.requests, "BridgePermissionDenied")][1:] == ["resolved"]
    )
    assert program.stop() == 0


async def test_each_tenants_trouble_is_told_as_its_own(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(IMPORTING)
    file = rules_file(server.url, sink.url, RULES).replace("user: sys,", "user: sys, imports: 'acct.*.',")
    program = start_bridge(file)
    await program.hears()
    stream = {"name": "S", "subjects": ["s"], "storage": "memory"}
    for user in "ab":
        await ask(server, user, ("STREAM.CREATE.S", stream), ("STREAM.INFO.NOPE", None), ("STREAM.DELETE.S", None))
    await eventually(lambda: len(lines(sink.requests)) >= 4)

    assert program.stop() == 0
    told = {(line.name, line.labels["account_name"]): line for line in lines(sink.requests) if line.state == "firing"}
    assert told.keys() == {(alert, account) for alert in ("ApiError", "StreamCreated") for account in ("A", "second")}
    assert {line.count for line in told.values()} == {1}
    assert {line.labels.get("error_description") for line in told.values()} == {"stream not found", None}
