"""What is secret stays so, whatever happens and however much is logged."""

import base64
from collections.abc import Iterator

import pytest

from tests.conftest import StartServer
from tests.program.conftest import StartBridge
from tests.program.rules import BURST, PASSWORD, rules_file
from tests.program.trouble import SERVER, fail_login
from tests.sink import Sink, answer, cut
from tests.waiting import eventually

PATH_SECRET, TOKEN = "T0P/S3CR3T/h00k", "b34r3r-t0k3n"
SIGNING = "whsec_czNjcjN0LXNpZ25pbmcta2V5LXMzY3IzdA=="
BOT, BASIC, OTHER_PATH = "xoxb-s3cr3t-b0t", "b4s1c-p4ss", "S3CR3T-b4s3"

OTHERS = """\
    slack_configs: [{{bot_token: {bot}, channel: '#ops', mode: thread, base_url: '{url}'}}]
    alertmanager_configs: [{{urls: ['{url}', '{url}/2'], username: me, password: {basic}, resend_delay: 1s}}]
"""


@pytest.fixture
def other() -> Iterator[Sink]:
    """For what is told by other destinations; it takes nothing at first."""
    with Sink(*[answer(503), cut(), answer(401), answer(400)] * 2) as sink:
        yield sink


async def test_no_secret_is_logged_or_stored(
    start_server: StartServer, start_bridge: StartBridge, sink: Sink, other: Sink
) -> None:
    server = start_server(SERVER.replace("s3cret-pass", "another"))
    sink.script(answer(503), cut(), answer(400))
    url = sink.url.replace("hook", PATH_SECRET)
    rules = rules_file(server.url, url, BURST.replace("2s", "1s")).replace(
        f"url: '{url}'", f"url: '{url}', bearer_token: {TOKEN}, signing: {{secret: {SIGNING}}}"
    )
    others = OTHERS.format(bot=BOT, basic=BASIC, url=other.url.replace("hook", OTHER_PATH))
    rules = rules.replace("route:\n", f"{others}route:\n", 1)
    program = start_bridge(rules)
    await program.says("cannot log in")
    program.write(rules.replace("count: 20", "count: many"))
    program.hang_up()
    await program.says("reload failed")
    program.write(rules)
    program.hang_up()
    server.reload(SERVER)
    await program.hears()
    fail_login(server, times=20)
    await eventually(lambda: len(sink.requests) >= 7)
    server.kill()
    await program.says("lost the connection")
    assert program.stop() == 0
    assert sink.requests[0].path == f"/{PATH_SECRET}"
    assert sink.requests[0].headers["authorization"] == f"Bearer {TOKEN}"
    files = [path for path in program.rules_path.parent.iterdir() if path != program.rules_path]
    assert {"stderr", "state.db"} <= {path.name for path in files}
    assert {request.headers["authorization"].split(" ")[0] for request in other.requests} == {"Bearer", "Basic"}
    key = base64.b64decode(SIGNING.removeprefix("whsec_")).decode()
    for secret in (PATH_SECRET, TOKEN, PASSWORD, SIGNING, key, BOT, BASIC, OTHER_PATH):
        assert not [path.name for path in files if secret.encode() in path.read_bytes()]
