"""After a gap people are told who disconnected meanwhile, as far as the servers remember it; for the rules it stays
unheard."""

from pathlib import Path

from bridge.source.gather import PAGE
from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.messages import lines
from tests.program.program import Program, run
from tests.program.relay import Relay
from tests.program.rules import rules_file
from tests.program.trouble import SERVER, SMALL, Peer, throw_out
from tests.sink import Sink
from tests.source.heard import client
from tests.waiting import eventually

RULES = """\
- alert: Gone
  events: client.disconnect
  by: [client.name]
- alert: BridgeAway
  events: bridge.away
  annotations:
    summary: '{{ event.disconnects }}|{{ event.ended }}|{{ event.accounts }}'
"""

MAY_PING = SERVER.replace(
    '"s3cret-pass"}', '"s3cret-pass", permissions: {publish: ["$SYS.REQ.SERVER.PING"], subscribe: [">"]}}'
)


async def told(sink: Sink) -> list[str]:
    """Of the latest gap: how many, the sentence, the accounts."""
    await eventually(lambda: lines(sink.requests, "BridgeAway"), within=20)
    (line,) = lines(sink.requests, "BridgeAway")
    return line.summary.split("|")


async def test_who_disconnected_while_the_bridge_was_cut_off(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SMALL)
    async with Relay(server) as relay:
        program = start_bridge(rules_file(relay.url, sink.url, RULES))
        await program.hears()
        with Peer(server, name="before"):
            pass
        await eventually(lambda: lines(sink.requests, "Gone"))
        await relay.cut()
        await program.says("lost the connection")
        throw_out(server, "slow")
        for _ in range(3):
            with Peer(server, name="quick"):
                pass
        await relay.mend()
        count, sentence, accounts = await told(sink)
    # Besides these, the one that flooded the slow one and those that asked the server for it.
    reasons = dict(part.rsplit(" ", 1) for part in sentence.partition(": ")[2].split(", "))
    by_account = dict(part.split(" ") for part in accounts.split(", "))
    assert sum(map(int, reasons.values())) == int(count) == sum(map(int, by_account.values()))
    assert [int(number) for reason, number in reasons.items() if reason.startswith("Slow Consumer")] == [1]
    assert by_account["APP"] == "5"
    assert sentence.startswith(f"{count} disconnected meanwhile: Client Closed ")
    # What was missed stays missed.
    assert {line.labels["client_name"] for line in lines(sink.requests, "Gone")} == {"before"}


async def test_who_disconnected_while_the_bridge_was_down_is_in_the_recording_too(
    start_server: StartServer, tmp_path: Path, sink: Sink
) -> None:
    server = start_server(SERVER)
    recording = tmp_path / "recording.jsonl"
    rules = rules_file(server.url, sink.url, RULES)
    with Program(tmp_path / "bridge", rules, options=["--record", str(recording)]) as program:
        await program.hears()
        assert program.stop() == 0
        for name in ("one", "two"):
            with Peer(server, name=name):
                pass
        program.start()
        assert await told(sink) == ["2", "2 disconnected meanwhile: Client Closed 2", "APP 2"]
        assert program.stop() == 0
        replayed = run("replay", "--config", str(program.rules_path), str(recording))
    assert replayed.code == 0, replayed.err
    assert "2|2 disconnected meanwhile: Client Closed 2|APP 2" in replayed.out


async def test_without_the_permission_it_says_which_one_is_lacking(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    """And that is no trouble to tell people of."""
    server = start_server(MAY_PING)
    program = start_bridge(rules_file(server.url, sink.url, RULES))
    await program.hears()
    assert program.stop() == 0
    program.start()
    count, sentence, _ = await told(sink)
    assert count == ""
    assert sentence == (
        "who disconnected meanwhile is not known: the bridge may not publish to $SYS.REQ.SERVER.PING.CONNZ; "
        "allow it in permissions.publish of its user"
    )
    assert not lines(sink.requests, "BridgePermissionDenied")


async def test_nobody_is_asked_if_no_rule_watches_disconnects(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, RULES.replace("client.disconnect", "client.connect")))
    await program.hears()
    assert program.stop() == 0
    async with client(server) as spy:
        requests = await spy.subscribe("$SYS.REQ.SERVER.PING.*")
        await spy.flush()
        program.start()
        assert await told(sink) == ["", "", ""]
        await spy.publish("$SYS.REQ.SERVER.PING.END")
        assert (await requests.next_msg(5)).subject == "$SYS.REQ.SERVER.PING.END"


async def test_more_than_a_page_of_them_are_counted_each_once(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink
) -> None:
    server = start_server(SERVER)
    program = start_bridge(rules_file(server.url, sink.url, RULES))
    await program.hears()
    assert program.stop() == 0
    for _ in range(PAGE + 100):
        with Peer(server):
            pass
    program.start()
    assert (await told(sink))[0] == str(PAGE + 100)
