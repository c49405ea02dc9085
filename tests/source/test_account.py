"""Users that may not hear what the bridge must hear."""

import logging

import pytest
from msgspec.structs import replace

from bridge.source.settings import Polls
from bridge.values import Secret
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, QUICK, Run, client, run, settings_for
from tests.waiting import eventually


@pytest.mark.parametrize(
    ("config", "user", "shown"),
    [
        pytest.param(ACCOUNTS, "app", "as user 'app'", id="another account"),
        pytest.param("authorization { user: u, password: p }", "u", "as user 'u'", id="no accounts"),
        pytest.param("", None, "without a login", id="no users"),
    ],
)
async def test_a_user_outside_the_system_account_is_told_once(
    start_server: StartServer, caplog: pytest.LogCaptureFixture, config: str, user: str | None, shown: str
) -> None:
    server = start_server(config)
    settings = replace(settings_for(server), user=user, password=Secret("p") if user else None)
    async with run(settings) as it:
        [tale] = await eventually(lambda: it.heard.tales("wrong_account"))
        assert shown in str(tale["reason"])
        assert "system_account" in str(tale["reason"])
        assert not it.heard.sees
    assert sum("outside the system account" in record.message for record in caplog.records) == 1


async def test_a_wrong_account_is_left_when_the_settings_change(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server, user="app", password="p")) as it:
        await eventually(lambda: it.heard.tales("wrong_account"))
        it.source.reconfigure(settings_for(server))
        await eventually(lambda: it.heard.sees, within=1)


async def test_somebody_who_listens_to_everything_in_a_wrong_account_hides_nothing(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with client(server, "app", "p") as other:
        await other.subscribe(">", cb=_ignore)
        await other.rtt()
        async with run(settings_for(server, user="app", password="p"), limits=replace(QUICK, roll_call=0.5)) as it:
            [tale] = await eventually(lambda: it.heard.tales("wrong_account"))
            assert "no server answered" in str(tale["reason"])
            assert it.heard.sees


async def test_a_refused_subscription_is_told_once_and_the_rest_is_heard(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(ACCOUNTS)
    subjects = ["$SYS.ACCOUNT.*.CONNECT", "$SYS.ACCOUNT.*.DISCONNECT"]
    async with run(settings_for(server, user="nosub", password="p"), subjects) as it:
        await eventually(lambda: it.heard.sees)
        async with client(server, "app", "p"):
            pass
        await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.DISCONNECT"))
        [tale] = it.heard.tales("permission_denied")
        assert tale["denied"] == "$SYS.ACCOUNT.*.CONNECT"
        assert str(tale["reason"]).endswith("allow it in permissions.subscribe of this user")
    assert sum(record.levelno == logging.WARNING for record in caplog.records) == 1


async def test_without_a_refused_subscription_an_overlapping_one_hears(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    subjects = ["$SYS.ACCOUNT.*.CONNECT", "$SYS.*.APP.*"]
    async with run(settings_for(server, user="oneapp", password="p"), subjects) as it:
        await eventually(lambda: it.heard.sees)
        assert [tale["denied"] for tale in it.heard.tales("permission_denied")] == subjects[:1]
        async with client(server, "app", "p"):
            await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.CONNECT"))


@pytest.mark.parametrize(("user", "denied"), [("noping", "$SYS.REQ.SERVER.PING"), ("noinbox", "_INBOX.>")])
async def test_without_the_right_to_ask_sight_begins_late(start_server: StartServer, user: str, denied: str) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server, user=user, password="p")) as it, client(server) as other:
        [tale] = await eventually(lambda: it.heard.tales("permission_denied"))
        assert tale["denied"] == denied
        assert not it.heard.sees
        await eventually(lambda: it.heard.sees)
        assert it.heard.at("sight") - it.heard.at("told") > 0.8 * QUICK.roll_call * 1_000_000
        assert not it.heard.tales("wrong_account")
        await other.publish("ev.a")
        await eventually(lambda: it.heard.heard_on("ev.a"))


async def test_what_the_server_allows_later_is_heard_without_a_new_connection(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    limits = replace(QUICK, retry=0.3)
    subjects = ["$SYS.ACCOUNT.*.CONNECT", "ev.>"]
    async with run(settings_for(server, user="nosub", password="p"), subjects, limits) as it:
        await eventually(lambda: it.heard.tales("permission_denied"))
        server.reload(ACCOUNTS.replace('deny: ["$SYS.ACCOUNT.*.CONNECT"]', 'deny: ["other"]'))
        [tale] = await eventually(lambda: it.heard.tales("permission_granted"))
        assert tale["denied"] == "$SYS.ACCOUNT.*.CONNECT"
        async with client(server, user="app", password="p"):
            await eventually(lambda: it.heard.heard_on("$SYS.ACCOUNT.APP.CONNECT"))
        assert {tale["denied"] for tale in it.heard.tales("permission_denied")} == {"$SYS.ACCOUNT.*.CONNECT"}
        assert sum(call[0] == "own" for call in it.heard.calls) == 1


async def _ignore(message: object) -> None:
    pass


def restricted(**denied: str) -> str:
    """The accounts, where the user that the bridge logs in as may not do this."""
    permissions = ", ".join(f'{action}: {{deny: ["{subject}"]}}' for action, subject in denied.items())
    user = '{user: sys, password: "s3cret-pass"'
    return ACCOUNTS.replace(user, f"{user}, permissions: {{{permissions}}}")


HEALTH = Polls(wants=frozenset({"server.healthz"}), interval=0.3, timeout=0.5)
HEALTHZ = "$SYS.REQ.SERVER.PING.HEALTHZ"


def answers(it: Run) -> list[object]:
    return [subject for subject, _ in it.heard.heard_on("$SYS.REQ.SERVER.") if str(subject).endswith(".HEALTHZ")]


async def test_a_denial_is_told_as_long_as_it_lasts_and_logged_once(
    start_server: StartServer, caplog: pytest.LogCaptureFixture
) -> None:
    """Else its alert would end while nothing has changed."""
    server = start_server(ACCOUNTS)
    subjects = ["$SYS.ACCOUNT.*.CONNECT"]
    async with run(settings_for(server, user="nosub", password="p"), subjects, replace(QUICK, retry=0.3)) as it:
        await eventually(lambda: len(it.heard.tales("permission_denied")) >= 4)
        assert not it.heard.tales("permission_granted")
    assert caplog.text.count("may not subscribe to") == 1


async def test_what_is_allowed_by_another_server_is_granted(start_server: StartServer) -> None:
    """Whether by the same or by a later connection."""
    server = start_server(restricted(subscribe="$SYS.ACCOUNT.*.CONNECT"))
    async with run(settings_for(server), ["$SYS.ACCOUNT.*.CONNECT"]) as it:
        await eventually(lambda: it.heard.tales("permission_denied"))
        server.stop()
        server.config = ACCOUNTS
        server.start()
        [tale] = await eventually(lambda: it.heard.tales("permission_granted"))
        assert tale["denied"] == "$SYS.ACCOUNT.*.CONNECT"


async def test_a_request_that_is_denied_is_no_servers_fault_and_granted_once_it_is_answered(
    start_server: StartServer,
) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), polls=HEALTH) as it:
        await eventually(lambda: answers(it))
        server.reload(restricted(publish=HEALTHZ))
        await eventually(lambda: len(it.heard.tales("permission_denied")) >= 4)
        assert not it.heard.tales("server_no_answer")
        server.reload(ACCOUNTS)
        [tale] = await eventually(lambda: it.heard.tales("permission_granted"))
        assert tale["denied"] == HEALTHZ


async def test_answers_that_may_be_heard_again_are(start_server: StartServer) -> None:
    server = start_server(ACCOUNTS)
    async with run(settings_for(server), limits=replace(QUICK, retry=0.3), polls=HEALTH) as it:
        await eventually(lambda: answers(it))
        server.reload(restricted(subscribe="_INBOX.>"))
        await eventually(lambda: "_INBOX.>" in {tale["denied"] for tale in it.heard.tales("permission_denied")})
        server.reload(ACCOUNTS)
        await eventually(lambda: "_INBOX.>" in {tale["denied"] for tale in it.heard.tales("permission_granted")})
        known = len(answers(it))
        await eventually(lambda: len(answers(it)) > known + 2)
        assert not it.heard.tales("server_no_answer")
