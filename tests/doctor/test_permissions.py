"""`doctor --permissions`: just enough, on real servers."""

from pathlib import Path

from bridge.config import load
from bridge.configuration import settings
from bridge.demo.bridge_process import RULES
from bridge.doctor import permissions
from bridge.doctor.needs import Needs
from tests.conftest import StartServer
from tests.doctor.setups import SYSTEM, write
from tests.program.program import run
from tests.source.heard import QUICK, client
from tests.source.heard import run as run_source
from tests.waiting import eventually


async def test_a_user_with_just_these_permissions_runs_the_example_rules(
    start_server: StartServer, tmp_path: Path
) -> None:
    for name, secret in (("nats-password", "s3cret-pass"), ("slack-webhook-url", "https://host.invalid/x")):
        (tmp_path / name).write_text(secret)
    environ = {"CREDENTIALS_DIRECTORY": str(tmp_path), "NATS_URL": "nats://127.0.0.1:4222"}
    needs = Needs(load(RULES, environ))
    server = start_server(SYSTEM.format(permissions=f", {permissions(needs)}"))
    loaded = load(RULES, environ | {"NATS_URL": server.url})
    async with run_source(settings(loaded, RULES), needs.subjects, QUICK) as it:
        await eventually(lambda: it.heard.sees)
        async with client(server, "app", "s3cret-pass"):
            await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.CONNECT"))
        await eventually(lambda: it.heard.heard_on("$SYS.SERVER."))
        assert not it.heard.tales("permission_denied")
    assert "Violation" not in server.log


async def test_one_subject_less_is_missed(start_server: StartServer, tmp_path: Path) -> None:
    path = write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x")
    needs = Needs(load(path, {}))
    text = permissions(needs).replace('    "$SYS.SERVER.*.SHUTDOWN"\n', "")
    server = start_server(SYSTEM.format(permissions=f", {text}"))
    loaded = load(write(tmp_path, server.url, "http://127.0.0.1:1/x"), {})
    async with run_source(settings(loaded, path), needs.subjects, QUICK) as it:
        [tale] = await eventually(lambda: it.heard.tales("permission_denied"))
        assert tale["denied"] == "$SYS.SERVER.*.SHUTDOWN"


def test_the_command_prints_a_servers_configuration(tmp_path: Path) -> None:
    path = write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x")
    ended = run("doctor", "--config", str(path), "--permissions")
    assert ended.code == 0
    assert ended.out == (
        "permissions: {\n"
        "  subscribe: [\n"
        '    "$SYS.SERVER.*.CLIENT.AUTH.ERR"\n'
        '    "$SYS.SERVER.*.SHUTDOWN"\n'
        '    "_INBOX.>"\n'
        "  ]\n"
        "  publish: [\n"
        '    "$SYS.REQ.SERVER.PING"\n'
        "  ]\n"
        "}\n"
    )
