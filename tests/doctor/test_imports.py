"""Events that the system account must import: the doctor says of which accounts they come, and what is wrong."""

from pathlib import Path

import pytest

from bridge.config import load
from bridge.doctor import permissions
from bridge.doctor.needs import Needs
from tests.conftest import StartServer
from tests.doctor.setups import MONITOR, found, write
from tests.importing import A, B, importing, stream
from tests.operator_mode import Operator
from tests.program.program import run
from tests.program.trouble import Peer
from tests.sink import Sink

RULES = "- {alert: GivenUp, events: js.max_deliver}\n"
LOGIN = "user: bridge, password: s3cret-pass, imports: 'acct.*.'"
ONE_BY_ONE = 'import $JS.EVENT.> of each account with to: "acct.NAME.>"'


@pytest.mark.parametrize(
    ("imports", "lines"),
    [
        ([A, B], ["ok      imports: acct.*.> brings events of 2 accounts (A, B)"]),
        ([A], ["ok      imports: acct.*.> brings events of 1 account (A); nothing is imported of B"]),
        (
            [],
            [
                (
                    "FAILED  imports: nothing can come on acct.*.>: the system account imports none of it; export the "
                    f"stream $JS.EVENT.> in each account, and {ONE_BY_ONE}; needed by GivenUp"
                )
            ],
        ),
        (
            [stream("A", "tenant.A.>")],
            [
                (
                    "FAILED  imports: nothing can come on acct.*.>: the system account imports it as tenant.A.> "
                    f"(of A); write imports: 'tenant.*.' under nats, or {ONE_BY_ONE}; needed by GivenUp"
                )
            ],
        ),
        (
            [A, stream("B", "acct.>")],
            [
                (
                    "FAILED  imports: events of the account B come on acct.>, where nobody listens; import them "
                    'with to: "acct.NAME.>"'
                ),
                "ok      imports: acct.*.> brings events of 1 account (A)",
            ],
        ),
    ],
    ids=["all", "not all", "none", "elsewhere", "one misspelt"],
)
async def test_what_is_imported_is_said(
    start_server: StartServer, tmp_path: Path, sink: Sink, imports: list[str], lines: list[str]
) -> None:
    server = start_server(importing(*imports, user="bridge"), name="n1")
    told = await found(write(tmp_path, server.url, sink.url, RULES, login=LOGIN))
    assert [line for line in told if "imports: " in line] == lines
    assert any("account: it is the system account, 1 server answered" in line for line in told)


@pytest.mark.parametrize(
    ("imports", "what"),
    [
        (stream("A", "tenant.A.>"), "imports it of A; write imports: 'tenant.*.' under nats"),
        (stream("A", "$JS.A.>"), "nothing of js.max_deliver comes from other accounts; to hear it, export the stream"),
        (stream("A"), "js.max_deliver can come, by imports without to:, and nobody knows from which account"),
    ],
    ids=["with a prefix", "with one that cannot be named", "without to"],
)
async def test_imports_that_the_rules_file_does_not_know_are_found(
    start_server: StartServer, tmp_path: Path, sink: Sink, imports: str, what: str
) -> None:
    server = start_server(importing(imports, user="bridge"), name="n1")
    told = await found(write(tmp_path, server.url, sink.url, RULES))
    [line] = [line for line in told if line.startswith("warning events: ")]
    assert what in line


async def test_who_may_not_ask_is_told_what_for(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    denied = ', permissions: {publish: {deny: ["$SYS.REQ.SERVER.*.ACCOUNTZ"]}}'
    server = start_server(importing(A, user="bridge", permissions=denied), name="n1")
    told = await found(write(tmp_path, server.url, sink.url, RULES, login=LOGIN))
    [line] = [line for line in told if "ACCOUNTZ" in line or "imports: " in line]
    assert line.startswith("warning permissions: ")
    assert "may not publish to $SYS.REQ.SERVER.*.ACCOUNTZ; allow it in permissions.publish of this user, or " in line
    assert line.endswith("nobody is told when the system account imports events of an account no more")
    assert "ok      account: 1 server answered, as in the system account" in told


async def test_the_least_permissions_suffice_to_look(start_server: StartServer, tmp_path: Path, sink: Sink) -> None:
    path = write(tmp_path, "nats://127.0.0.1:4222", sink.url, RULES, login=LOGIN)
    least = permissions(Needs(load(path, {})))
    assert least.count("ACCOUNTZ") == 1
    server = start_server(importing(A, B, user="bridge", permissions=f", {least}"), name="n1")
    told = await found(write(tmp_path, server.url, sink.url, RULES, login=LOGIN))
    assert "ok      imports: acct.*.> brings events of 2 accounts (A, B)" in told
    assert "ok      permissions: 3 subjects of the rules and the requests are allowed" in told


def test_only_rules_that_need_imports_need_to_ask_for_them(tmp_path: Path) -> None:
    """Leaders and quorums come by themselves too."""
    rules = "- {alert: Lost, events: js.stream_quorum_lost}\n"
    path = write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x", rules, login=LOGIN)
    assert "ACCOUNTZ" not in permissions(Needs(load(path, {})))
    polled = RULES + "- {alert: Many, events: poll.account, where: ['data.client_connections > 5']}\n"
    path = write(tmp_path, "nats://127.0.0.1:4222", "http://127.0.0.1:1/x", polled, login=LOGIN)
    ended = run("doctor", "--config", str(path), "--permissions")
    assert ended.out.count('"$SYS.REQ.SERVER.*.ACCOUNTZ"') == 1


async def test_an_account_that_imports_the_ping_is_not_the_system_account(
    start_server: StartServer, tmp_path: Path, sink: Sink
) -> None:
    server = start_server(MONITOR, name="n1")
    told = await found(write(tmp_path, server.url, sink.url, RULES, login=LOGIN))
    [account] = [line for line in told if "account: " in line]
    assert account == (
        "ok      account: 1 server answered; it is not the system account but imports from it, and only what it "
        "imports comes"
    )
    [imports] = [line for line in told if "imports: " in line]
    assert imports.startswith("warning imports: it cannot be asked in this account whether something is imported as")


async def test_accounts_of_operator_mode_are_called_as_the_rules_file_calls_them(
    start_server: StartServer, tmp_path: Path, sink: Sink
) -> None:
    operator = Operator("A")
    tenant = operator.accounts["A"]
    tenant.exports = [{"name": "events", "subject": "$JS.EVENT.>", "type": "stream"}]
    one: dict[str, object] = {
        "name": "a",
        "subject": "$JS.EVENT.>",
        "account": tenant.id,
        "local_subject": "acct.A.>",
        "type": "stream",
    }
    operator.system.imports = [one]
    (tmp_path / "sys.creds").write_text(operator.system.user().creds)
    server = start_server(operator.full(tmp_path / "jwt"))
    login = f"credentials: '{tmp_path}/sys.creds', imports: 'acct.*.', accounts: {{{tenant.id}: payments}}"
    path = write(tmp_path, server.url, sink.url, RULES, login=login)
    told = await found(path)
    assert "ok      imports: acct.*.> will bring those of payments once a client of it is there" in told
    with Peer(server, operator.system.user(), name="admin") as admin:
        assert admin.ask("$SYS.REQ.CLAIMS.UPDATE", operator.jwt(tenant).encode())["data"]["code"] == 200
    with Peer(server, tenant.user(), name="someone"):
        told = await found(path)
    assert "ok      imports: acct.*.> brings events of 1 account (payments)" in told
