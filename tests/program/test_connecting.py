"""A server that cannot be used: one clear line, the process goes on, and connects once it is mended."""

from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import states
from tests.program.program import Program
from tests.program.rules import BURST, rules_file
from tests.program.trouble import SERVER, fail_login
from tests.sink import Sink
from tests.waiting import eventually


async def test_a_wrong_password_is_one_line_and_is_mended_by_the_server(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER.replace("s3cret-pass", "another"))
    program = start_bridge(rules_file(server.url, sink.url, BURST))
    line = await program.says("cannot log in")
    assert "as user 'sys': Authorization Violation; check nats.user and nats.password in" in line
    await eventually(lambda: server.log.count("authentication error") >= 2)
    server.reload(SERVER)
    await program.hears()
    assert len(program.said("cannot log in")) == 1
    await eventually(lambda: states(sink.requests, "BridgeLoginFailed") == ["firing", "resolved"])
    await check_alert(server, program, sink)


async def test_a_server_that_is_not_there_is_one_line_until_it_comes(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    server.stop()
    program = start_bridge(rules_file(server.url, sink.url, BURST))
    assert server.url in await program.says("cannot connect")
    server.start()
    await program.hears()
    assert len(program.said("cannot connect")) == 1
    await check_alert(server, program, sink)


async def test_a_user_outside_the_system_account_is_one_line_until_another_is_named(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, BURST, user="app", password="p"))
    line = await program.says("outside the system account")
    assert "no events would ever come; use a user of the account" in line
    await eventually(lambda: states(sink.requests, "BridgeWrongAccount") == ["firing"])
    program.write(rules_file(server.url, sink.url, BURST))
    program.hang_up()
    await program.hears()
    assert len(program.said("outside the system account")) == 1
    await eventually(lambda: states(sink.requests, "BridgeWrongAccount") == ["firing", "resolved"])
    await check_alert(server, program, sink)


async def check_alert(server: NatsServer, program: Program, sink: Sink) -> None:
    """It works now."""
    fail_login(server, times=20)
    await eventually(lambda: "firing" in states(sink.requests, "AuthErrorBurst"))
    assert program.alive
