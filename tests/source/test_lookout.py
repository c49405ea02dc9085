"""Imports of the system account that are missing, misspelt or invalid: people are told, and told when it is mended."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from bridge.demo.nats_cluster import run_cluster
from bridge.demo.nats_server import NatsServer
from bridge.source.imports import Import, Imports, ask_imports
from bridge.source.settings import Settings
from tests.conftest import StartServer
from tests.importing import EXPORT, A, B, importing, stream
from tests.operator_mode import Account, Operator
from tests.program.trouble import Peer
from tests.source.heard import QUICK, Heard, Run, run, settings_for
from tests.waiting import eventually

OFTEN = replace(QUICK, imports=0.1)
PREFIX = "acct.*."
DELIVERIES, AUDIT = "acct.*.ADVISORY.CONSUMER.MAX_DELIVERIES.*.*", "acct.*.ADVISORY.API"
SUBJECTS = ("$JS.EVENT.ADVISORY.API", AUDIT, DELIVERIES)
"""What a bridge with rules on js.api_audit and js.max_deliver listens to."""


def watch(it: Run) -> None:
    it.source.watch_imports(PREFIX)


def denied(heard: Heard) -> dict[str, str]:
    """What is wrong now, by its subject."""
    now: dict[str, str] = {}
    for kind, name, fields, *_ in (call for call in heard.calls if call[0] == "told" and len(call) == 4):
        assert kind == "told"
        assert isinstance(fields, dict)
        if name == "permission_denied":
            now[str(fields["denied"])] = str(fields["reason"])
        elif name == "permission_granted":
            now.pop(str(fields["denied"]), None)
    return now


async def test_an_import_that_is_removed_is_told_and_so_is_its_return(start_server: StartServer) -> None:
    server = start_server(importing(A, B))
    async with run(settings_for(server), SUBJECTS, OFTEN) as it:
        watch(it)
        await eventually(lambda: it.heard.sees)
        server.reload(importing())
        told = await eventually(lambda: denied(it.heard))
        assert told == {
            "acct.*.>": f"connected to {server.url}: nothing can come on acct.*.>: the system account imports none of "
            "it; export the stream $JS.EVENT.> in each account, and import $JS.EVENT.> of each account with to: "
            '"acct.NAME.>"'
        }
        server.reload(importing(A, B))
        await eventually(lambda: denied(it.heard) == {})
        server.reload(importing(B))
        told = await eventually(lambda: denied(it.heard))
        assert told == {
            "acct.A.>": f"connected to {server.url}: nothing comes on acct.A.> any more: the system account no longer "
            "imports $JS.EVENT.> of the account A; import it again, unless that is meant"
        }
        server.reload(importing(A, B))
        await eventually(lambda: denied(it.heard) == {})


async def test_an_import_that_goes_with_its_account_is_no_news(start_server: StartServer) -> None:
    server = start_server(importing(A, B))
    async with run(settings_for(server), SUBJECTS, OFTEN) as it:
        watch(it)
        await eventually(lambda: it.heard.tales("permission_granted"))
        without = server.config.replace(f"{A}, ", "").replace(
            f"  A {{ users: [{{user: A, password: p}}], {EXPORT} }}\n", ""
        )
        assert "user: A" not in without
        server.reload(without)
        await eventually(lambda: [one.account for one in it.source._lookout._seen] == ["B"])
        assert not it.heard.tales("permission_denied")


@pytest.mark.parametrize(
    ("imports", "subject", "what"),
    [
        (
            [stream("A", "tenant.A.>"), stream("B", "tenant.second.>")],
            "acct.*.>",
            "the system account imports it as tenant.A.> (of A, B); write imports: 'tenant.*.' under nats, or import",
        ),
        (
            [A, stream("B", "accct.B.>")],
            "accct.B.>",
            'events of the account B come on accct.B.>, where nobody listens; import them with to: "acct.NAME.>"',
        ),
        (
            [stream("A", "acct.A.ADVISORY.API", "$JS.EVENT.ADVISORY.API")],
            DELIVERIES,
            "the system account imports no $JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.*.*; let it import $JS.EVENT.>",
        ),
        ([stream("A", "acct.>")], "acct.*.>", "imports it as acct.> (of A); import $JS.EVENT.> of each account with"),
    ],
    ids=["another prefix", "one misspelt", "too little", "no account in it"],
)
async def test_an_import_that_brings_nothing_is_told_with_the_remedy(
    start_server: StartServer, imports: list[str], subject: str, what: str
) -> None:
    async with run(settings_for(start_server(importing(*imports))), SUBJECTS) as it:
        watch(it)
        told = await eventually(lambda: denied(it.heard))
        assert told.keys() == {subject}
        assert what in told[subject]


@pytest.mark.parametrize(
    "imports",
    [[A, B], [A, stream("B")], [stream("A", "acct.A.ADVISORY.>", "$JS.EVENT.ADVISORY.>")]],
    ids=["with to", "one without to", "advisories only"],
)
async def test_nothing_is_told_of_imports_that_bring_all(start_server: StartServer, imports: list[str]) -> None:
    server = start_server(importing(*imports))
    async with run(settings_for(server), SUBJECTS, OFTEN) as it:
        watch(it)
        await eventually(lambda: it.heard.sees)
        await it.source.resubscribe((*SUBJECTS, "acct.*.ADVISORY.CONSUMER.TERMINATED.*.*"))
        # what rules need from now on and cannot get is found: so the looks before it found nothing
        await it.source.resubscribe(("other.*.ADVISORY.API",), "other.*.")
        await eventually(lambda: denied(it.heard))
        assert all("other.NAME.>" in str(tale["reason"]) for tale in it.heard.tales("permission_denied"))


async def test_what_is_well_at_the_start_ends_alerts_of_before(start_server: StartServer) -> None:
    """The process before may have told of it, and this one does not know."""
    async with run(settings_for(start_server(importing(A, stream("B", "accct.B.>")))), SUBJECTS, OFTEN) as it:
        watch(it)
        await eventually(lambda: len(it.heard.tales("permission_denied")) > 2)
        ended = [tale["denied"] for tale in it.heard.tales("permission_granted")]
        assert sorted(map(str, ended)) == ["acct.*.>", AUDIT, DELIVERIES, "acct.A.>"]


async def test_what_the_user_may_not_hear_is_not_said_to_be_well(start_server: StartServer) -> None:
    """The alert about it is the same."""
    server = start_server(importing(A, permissions=f', permissions: {{subscribe: {{deny: ["{AUDIT}"]}}}}'))
    async with run(settings_for(server), SUBJECTS, OFTEN) as it:
        watch(it)
        await eventually(lambda: it.heard.tales("permission_granted"))
        assert [tale["denied"] for tale in it.heard.tales("permission_denied")] == [AUDIT]
        assert AUDIT not in [tale["denied"] for tale in it.heard.tales("permission_granted")]


async def test_a_fault_ends_with_the_rules_that_it_is_about(start_server: StartServer) -> None:
    async with run(settings_for(start_server(importing())), SUBJECTS, OFTEN) as it:
        watch(it)
        await eventually(lambda: denied(it.heard))
        await it.source.resubscribe(("$SYS.SERVER.*.STATSZ",))
        await eventually(lambda: denied(it.heard) == {})


async def test_each_server_of_a_cluster_is_judged_by_itself(nats_binary: Path) -> None:
    """The server that the bridge is connected to decides what is imported. At the other all is well."""
    with run_cluster(nats_binary, 2, importing(A)) as servers:
        first, second = servers
        second.reload(second.config.replace(A, stream("A", "misspelt.A.>")))
        async with run(settings_for(second, first), SUBJECTS, OFTEN) as it:
            watch(it)
            await eventually(lambda: it.heard.sees)
            bad = it.heard.server_id in second.log
            (second if bad else first).stop()
            await eventually(lambda: len([call for call in it.heard.calls if call[0] == "own"]) > 1, within=20)
            await eventually(lambda: bool(denied(it.heard)) is not bad)


async def test_nobody_is_alarmed_who_may_not_ask(start_server: StartServer, caplog: pytest.LogCaptureFixture) -> None:
    """The log says once that nobody looks."""
    permissions = ', permissions: {publish: {deny: ["$SYS.REQ.SERVER.*.ACCOUNTZ"]}}'
    server = start_server(importing(permissions=permissions))
    async with run(settings_for(server), SUBJECTS, replace(OFTEN, unseen=0.05)) as it:
        watch(it)
        await eventually(lambda: server.log.count("ACCOUNTZ") >= 3)
        assert caplog.text.count("may not publish to $SYS.REQ.SERVER.*.ACCOUNTZ; allow it in permissions.publish") == 1
        assert denied(it.heard) == {}


MONITOR = """
accounts {
  SYS { users: [{user: sys, password: p}], exports: [
    {service: "$SYS.REQ.SERVER.PING", response: stream}, {service: "$SYS.REQ.SERVER.*.ACCOUNTZ"} ] }
  MON { users: [{user: mon, password: "s3cret-pass"}], imports: [
    {service: {account: SYS, subject: "$SYS.REQ.SERVER.PING"}}
    {service: {account: SYS, subject: "$SYS.REQ.SERVER.*.ACCOUNTZ"}}
    {stream: {account: A, subject: "$JS.EVENT.>"}, to: "acct.A.>"} ] }
  A { exports: [{stream: "$JS.EVENT.>"}] }
}
system_account: SYS
"""


async def test_what_the_system_account_imports_says_nothing_of_another_account(start_server: StartServer) -> None:
    server = start_server(MONITOR)
    async with run(settings_for(server, user="mon"), SUBJECTS, OFTEN) as it:
        await eventually(lambda: it.heard.sees)
        assert it.source._connection is not None
        assert await ask_imports(it.source._connection, 5) in ("elsewhere", "shared")


class Tenancy:
    """Operator mode with one tenant, whose events the system account imports. `push` an account to change it."""

    def __init__(self, directory: Path) -> None:
        self.operator = Operator("A")
        self.tenant, self.system = self.operator.accounts["A"], self.operator.system
        self.settings = Settings(servers=(), credentials=directory / "sys.creds", file="rules.yaml")
        (directory / "sys.creds").write_text(self.system.user().creds)
        self.imports()
        self.config = f"{self.operator.full(directory / 'jwt')}\njetstream: {{max_mem: 16MB, max_file: 16MB}}\n"

    def imports(self, local: str = "acct.A.>") -> None:
        one = {"name": "a", "subject": "$JS.EVENT.>", "account": self.tenant.id, "local_subject": local}
        self.system.imports = [{**one, "type": "stream"}]

    def exports(self, subject: str) -> None:
        self.tenant.exports = [{"name": "events", "subject": subject, "type": "stream"}]

    def push(self, admin: Peer, account: Account) -> None:
        answer = admin.ask("$SYS.REQ.CLAIMS.UPDATE", self.operator.jwt(account).encode())
        assert answer["data"]["code"] == 200

    def make_an_event(self, server: NatsServer) -> None:
        """A tenant's request that is audited. It also makes the server know the account."""
        with Peer(server, self.tenant.user("someone"), name="someone") as peer:
            peer.ask("$JS.API.STREAM.INFO.NOPE")


async def test_an_export_that_is_withdrawn_is_told_with_the_account(start_server: StartServer, tmp_path: Path) -> None:
    """And one that comes only after the server has taken up the claims of the system account."""
    it_is = Tenancy(tmp_path)
    server = start_server(it_is.config)
    settings = replace(it_is.settings, servers=(server.url,))
    with Peer(server, it_is.system.user("admin"), name="admin") as admin:
        async with run(settings, SUBJECTS, OFTEN) as it:
            watch(it)
            await eventually(lambda: it.heard.sees)
            it_is.push(admin, it_is.tenant)
            it_is.make_an_event(server)
            told = await eventually(lambda: denied(it.heard))
            of = f"nothing comes on acct.A.>: the import of $JS.EVENT.> of the account {it_is.tenant.id}"
            assert f"{of} was not taken up by the server; see that this account exports it" in told["acct.A.>"]

            it_is.exports("$JS.EVENT.>")
            it_is.push(admin, it_is.tenant)
            it_is.push(admin, it_is.system)
            await eventually(lambda: denied(it.heard) == {})
            it_is.make_an_event(server)
            await eventually(lambda: it.heard.heard_on("acct.A.ADVISORY.API"))

            it_is.exports("other")
            it_is.push(admin, it_is.tenant)
            told = await eventually(lambda: denied(it.heard))
            assert f"{of} is invalid; see that this account exports it to the system account" in told["acct.A.>"]

            it_is.exports("$JS.EVENT.>")
            it_is.push(admin, it_is.tenant)
            await eventually(lambda: denied(it.heard) == {})


async def test_an_account_of_which_nobody_is_there_is_no_fault(start_server: StartServer, tmp_path: Path) -> None:
    """Its import waits, and is taken up when somebody comes."""
    it_is = Tenancy(tmp_path)
    it_is.exports("$JS.EVENT.>")
    server = start_server(it_is.config)
    with Peer(server, it_is.system.user("admin"), name="admin") as admin:
        it_is.push(admin, it_is.tenant)
        async with run(replace(it_is.settings, servers=(server.url,)), SUBJECTS, OFTEN) as it:
            watch(it)
            await eventually(lambda: it.heard.sees)
            assert it.source._connection is not None
            found = await ask_imports(it.source._connection, 5)
            assert isinstance(found, Imports)
            assert found.all == [Import(it_is.tenant.id, "$JS.EVENT.>", "acct.A.>", "waiting")]
            it_is.make_an_event(server)
            await eventually(lambda: it.heard.heard_on("acct.A.ADVISORY.API"))
            found = await ask_imports(it.source._connection, 5)
            assert isinstance(found, Imports)
            assert [one.state for one in found.all] == ["taken"]
        assert not it.heard.tales("permission_denied")
