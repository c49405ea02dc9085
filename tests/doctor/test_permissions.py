"""`doctor --permissions`: just enough, on real servers."""

import re
from pathlib import Path

from bridge.config import Loaded, load
from bridge.configuration import settings
from bridge.demo.bridge_process import RULES
from bridge.demo.system import BRIDGE_USER
from bridge.doctor import permissions
from bridge.doctor.needs import Needs
from bridge.source.settings import Polls
from tests.conftest import StartServer
from tests.doctor.setups import SYSTEM, found, write
from tests.program.program import run
from tests.source.heard import QUICK, client
from tests.source.heard import run as run_source
from tests.waiting import eventually

POLLED = """\
- {alert: Sick, events: server.healthz, where: ['data.status != ok']}
- {alert: Far, events: poll.connection}
- {alert: Streams, events: poll.stream}
"""


def example(directory: Path, server: str) -> Loaded:
    """The rules that operators start from."""
    for name, secret in (("nats-password", "s3cret-pass"), ("slack-webhook-url", "https://host.invalid/x")):
        (directory / name).write_text(secret)
    return load(RULES, {"CREDENTIALS_DIRECTORY": str(directory), "NATS_URL": server})


async def test_a_user_with_just_these_permissions_runs_the_example_rules(
    start_server: StartServer, tmp_path: Path
) -> None:
    needs = Needs(example(tmp_path, "nats://127.0.0.1:4222"))
    server = start_server(SYSTEM.format(permissions=f", {permissions(needs)}"))
    async with run_source(settings(example(tmp_path, server.url), RULES), needs.subjects, QUICK) as it:
        it.source.ask_missed(wanted=True, since=1)
        await eventually(lambda: it.heard.sees)
        async with client(server, "app", "s3cret-pass"):
            await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.CONNECT"))
        [tale] = await eventually(lambda: it.heard.tales("disconnects_missed"))
        assert "allow" not in str(tale)
        assert not it.heard.tales("permission_denied")
    assert "Violation" not in server.log


async def test_a_user_with_just_these_permissions_polls(start_server: StartServer, tmp_path: Path) -> None:
    loaded = load(write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x", POLLED), {})
    needs = Needs(loaded)
    server = start_server(SYSTEM.format(permissions=f", {permissions(needs)}"))
    path = write(tmp_path, server.url, "http://127.0.0.1:1/x", POLLED)
    wants = frozenset({"server.healthz", "poll.connection", "poll.stream"})
    polls = Polls(wants=wants, interval=0.2, timeout=1)
    async with run_source(settings(load(path, {}), path), needs.subjects, QUICK, polls) as it:
        await eventually(lambda: len(it.heard.heard_on("$SYS.REQ.SERVER.")) > 3)
        assert not it.heard.tales("permission_denied")
    assert "Violation" not in server.log
    lines = await found(path)
    assert any("permissions: 2 subjects of the rules and the requests are allowed" in line for line in lines), lines


async def test_a_request_that_is_not_allowed_names_the_rule(start_server: StartServer, tmp_path: Path) -> None:
    denied = ', permissions: {publish: {deny: ["$SYS.REQ.SERVER.PING.HEALTHZ"]}}'
    server = start_server(SYSTEM.format(permissions=denied))
    lines = await found(write(tmp_path, server.url, "http://127.0.0.1:1/x", POLLED))
    [what] = [line for line in lines if "permissions: " in line]
    assert what.startswith("FAILED")
    assert "may not publish to $SYS.REQ.SERVER.PING.HEALTHZ; allow it in permissions.publish of this user" in what
    assert what.endswith("needed by Sick")


def test_the_user_in_the_readme_may_do_just_this(tmp_path: Path) -> None:
    needs = Needs(example(tmp_path, "nats://127.0.0.1:4222"))
    allowed = set(re.findall(r'"([$_][^"]+)"', BRIDGE_USER))
    assert allowed == {*needs.subjects, needs.inbox, *needs.requests, *needs.requests_to_one}


async def test_one_subject_less_is_missed(start_server: StartServer, tmp_path: Path) -> None:
    path = write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x")
    needs = Needs(load(path, {}))
    text = permissions(needs).replace('    "$SYS.SERVER.*.SHUTDOWN"\n', "")
    server = start_server(SYSTEM.format(permissions=f", {text}"))
    loaded = load(write(tmp_path, server.url, "http://127.0.0.1:1/x"), {})
    async with run_source(settings(loaded, path), needs.subjects, QUICK) as it:
        [tale] = await eventually(lambda: it.heard.tales("permission_denied"))
        assert tale["denied"] == "$SYS.SERVER.*.SHUTDOWN"


def test_no_secret_need_exist_to_print_them(tmp_path: Path) -> None:
    """One asks for them to make the login that the secrets are of."""
    path = write(tmp_path, "${NOWHERE}", "${NOBODY}", login="user: bridge, password_file: none, inbox_prefix: _MY.BOX")
    ended = run("doctor", "--config", str(path), "--permissions")
    assert (ended.code, ended.err) == (0, "")
    assert '"_MY.BOX.>"' in ended.out


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
