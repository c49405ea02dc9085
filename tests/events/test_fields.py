"""What rules may rely on when they name a field: identity, accounts, claims, units, spans, zeros, derived numbers."""

import base64
import json
from typing import Any

import pytest

from bridge.event import hash_token, payload
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.reading import read_number, read_text
from bridge.inputs import Message
from bridge.matcher import Matcher
from bridge.plan import tests as compile_tests
from bridge.values import SECOND
from tests.events.recorded import (
    CAME,
    GONE,
    NOW,
    REFUSED,
    STATSZ,
    connection,
    decode,
    decoder,
    event,
    messages,
    number,
    recorded,
    text,
)
from tests.events.recorded import FILES as RECORDINGS


def statsz(**statistics: Any) -> dict[str, Any]:
    return {"server": {"name": "n1", "id": "P1", "seq": 1, "ver": "2.15.1"}, "statsz": statistics}


# -- every event -------------------------------------------------------------------------------------------------------


def test_type_subject_and_tokens() -> None:
    gone = event(GONE, connection())
    assert [text(gone, name) for name in ("type", "subject", "token.1", "token.3", "token.4", "token.5")] == [
        "client.disconnect",
        GONE,
        "$SYS",
        "APP",
        "DISCONNECT",
        None,
    ]


@pytest.mark.parametrize("kind", ["SHUTDOWN", "LAMEDUCK"])
def test_a_server_that_stops_has_the_fields_of_a_server(kind: str) -> None:
    """Its message is a bare server object, without `type` and `id`."""
    server = {"name": "n1", "id": "P1", "seq": 9, "ver": "2.15.1", "cluster": "c1"}
    stops = event(f"$SYS.SERVER.P1.{kind}", server)

    assert stops.type == f"server.{kind.lower()}"
    assert [text(stops, f"server.{name}") for name in ("name", "id", "ver", "cluster")] == ["n1", "P1", "2.15.1", "c1"]
    assert number(stops, "server.seq") == 9


@pytest.mark.parametrize("end", [".SHUTDOWN", ".LAMEDUCK", ".STATSZ", ".CONNECT", ".DISCONNECT", ".AUTH.ERR"])
def test_every_recorded_event_names_its_server(end: str) -> None:
    decodes = decoder()
    for message in recorded(end):
        if heard := decodes.decode(message.subject, message.data, message.at):
            assert text(heard, "server.name")
            assert text(heard, "server.id")
            assert text(heard, "server.ver") in ("2.9.10", "2.15.1")
            time = number(heard, "server.time")
            assert time is not None
            assert abs(time) < 10


# -- accounts ----------------------------------------------------------------------------------------------------------

ACCOUNT = "ACCYTJVK57OUMR57ZB4HZJH3XMSLIHAML2FL7HQFEKS5FVLAEGSCDIIB"


@pytest.mark.parametrize(
    ("accounts", "version", "tag", "name"),
    [
        ({ACCOUNT: "payments"}, "2.15.1", "SHOP", "payments"),
        ({}, "2.15.1", "SHOP", "SHOP"),
        ({}, "2.11.0", "SHOP", "SHOP"),
        ({}, "2.10.29", "eve", ACCOUNT),  # There it is the name of the user.
        ({}, "2.9.10", "eve", ACCOUNT),
        ({}, "2.15.1", "", ACCOUNT),
        ({}, "2.15.1", None, ACCOUNT),
        ({}, "2.15.1", ["SHOP"], ACCOUNT),
        ({}, "no version", "SHOP", ACCOUNT),
        ({"OTHER": "payments"}, "2.9.10", None, ACCOUNT),
    ],
)
def test_the_name_of_an_account(accounts: dict[str, str], version: str, tag: object, name: str) -> None:
    body = connection(acc=ACCOUNT, name_tag=tag)
    body["server"]["ver"] = version
    names = Names(accounts=accounts)

    assert text(event(CAME, body, names), "account.name", names) == name
    assert text(event(CAME, body, names), "account.id", names) == ACCOUNT


def test_recorded_accounts_in_operator_mode_have_their_names() -> None:
    """By `name_tag` where that is the account's; before 2.11 it is the user's, and only the file knows better."""
    decodes = decoder()
    new = {
        (text(heard, "account.id"), text(heard, "account.name"))
        for path in RECORDINGS
        if path.stem == "operator" and path.parent.name == "2.15.1"
        for each in messages(path)
        if (heard := decodes.decode(each.subject, each.data, each.at)) and heard.type == "client.connect"
    }
    assert new == {(ACCOUNT, "APP")}


@pytest.mark.parametrize(
    ("subject", "body", "account"),
    [
        ("$SYS.ACCOUNT.APP.NEW.THING", {"acc": "APP"}, ("APP", "payments")),
        ("$SYS.ACCOUNT.APP.NEW.THING", {}, ("APP", "payments")),
        ("$SYS.ACCOUNT.APP.JS.EVENT.ADVISORY.X", {}, ("APP", "payments")),
        ("acct.APP.ADVISORY.X", {}, ("APP", "payments")),
        ("acct.APP.ADVISORY.X", {"account": "OTHER"}, ("OTHER", "OTHER")),
        ("$JS.EVENT.ADVISORY.X", {"account": "OTHER"}, ("OTHER", "OTHER")),
        ("$JS.EVENT.ADVISORY.X", {"client": {"acc": "APP"}}, ("APP", "payments")),
        ("$JS.EVENT.ADVISORY.X", {"account": 7}, (None, None)),
    ],
    ids=range(8),
)
def test_a_raw_event_has_the_account_of_its_payload_or_its_subject(
    subject: str, body: dict[str, Any], account: tuple[str | None, str | None]
) -> None:
    names = Names(accounts={"APP": "payments"}, imports="acct.*.")
    heard = decoder(names, raw=["$SYS.>", "$JS.>", "acct.>"]).decode(subject, json.dumps(body).encode(), NOW)
    assert heard is not None

    assert (read_text(None, "account.id", names)(heard), read_text(None, "account.name", names)(heard)) == account


# -- claims ------------------------------------------------------------------------------------------------------------


def jwt(**claims: Any) -> str:
    def part(what: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(what).encode()).decode().rstrip("=")

    return f"{part({'alg': 'ed25519-nkey'})}.{part(claims)}.c2lnbmF0dXJl"


def test_claims_come_from_the_presented_jwt() -> None:
    token = jwt(name="eve", iss="SIGNER", sub="UEVE", exp=NOW // SECOND + 3600, nats={"issuer_account": ACCOUNT})
    failed = event(REFUSED, connection(jwt=token, acc="$G"))

    assert [text(failed, f"claimed.{name}") for name in ("name", "iss", "sub", "account")] == [
        "eve",
        "SIGNER",
        "UEVE",
        ACCOUNT,
    ]
    assert number(failed, "claimed.exp") == 3600.0


def test_the_account_that_is_claimed_is_the_issuer_where_no_other_is_named() -> None:
    assert text(event(REFUSED, connection(jwt=jwt(iss=ACCOUNT))), "claimed.account") == ACCOUNT


@pytest.mark.parametrize(
    "token",
    ["", "a.b", "a.b.c", "...", "a.!!!.c", f"a.{'A' * 10_001}.c", "a.e30.c", 7, ["a.b.c"], jwt(exp="soon")],
    ids=range(10),
)
def test_what_is_no_jwt_claims_nothing(token: object) -> None:
    failed = event(REFUSED, connection(jwt=token))

    assert [text(failed, f"claimed.{name}") for name in ("name", "iss", "sub", "account")] == [None] * 4
    assert number(failed, "claimed.exp") is None


@pytest.mark.parametrize("expiry", [10**400, -(10**400), 1e308, -1e308, 10**19, True, {}, [1]], ids=str)
def test_a_strangers_claim_breaks_nothing_whatever_it_is(expiry: Any) -> None:
    failed = event(REFUSED, connection(jwt=jwt(exp=expiry, name={"a": 1}, iss=["b"])))

    span = number(failed, "claimed.exp")
    assert span is None or isinstance(span, float)
    assert text(failed, "claimed.name") is None
    text(failed, "claimed.exp")


def test_a_claimed_name_is_a_strangers_text() -> None:
    failed = event(REFUSED, connection(jwt=jwt(name="e\u202eve\n" * 200)))

    shown = text(failed, "claimed.name") or ""
    assert shown.isprintable()
    assert len(shown) <= 256


def test_recorded_failures_in_operator_mode_claim_a_name() -> None:
    decodes = decoder()
    for path in RECORDINGS:
        if path.stem == "operator":
            heard = [decodes.decode(each.subject, each.data, each.at) for each in messages(path)]
            names = {text(each, "claimed.name") for each in heard if each and each.type == "client.auth_error"}
            assert len(names - {None}) >= 1


# -- units -------------------------------------------------------------------------------------------------------------


def test_durations_are_seconds() -> None:
    gone = event(GONE, connection(rtt=1_500_000))

    assert number(gone, "client.rtt") == pytest.approx(0.0015)
    assert float(text(gone, "client.rtt") or "") == pytest.approx(0.0015)


def test_a_time_is_the_span_until_it() -> None:
    gone = event(GONE, connection(start="2026-11-23T00:00:00.123456789+01:00", stop="no time"))
    moment = 1_795_388_400.123456

    assert number(gone, "client.start") == pytest.approx(moment - NOW / SECOND, abs=1e-4)
    assert number(gone, "client.stop") is None
    assert text(gone, "client.start") == "2026-11-23T00:00:00.123456789+01:00"


@pytest.mark.parametrize("time", ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2026-11-23", "", 5, True, "9" * 99])
def test_a_strange_time_breaks_nothing(time: object) -> None:
    number(event(GONE, connection(start=time)), "client.start")


def test_a_number_that_servers_leave_out_while_it_is_zero_is_zero() -> None:
    heard = event(STATSZ, statsz(cpu=1))
    zeros = [path for path, field in EVENT_TYPES["server.statsz"].fields.items() if field.zero]
    assert len(zeros) > 10

    assert {number(heard, path) for path in zeros} == {0.0}
    assert {text(heard, path) for path in zeros} == {"0"}
    assert number(heard, "statsz.connections") is None
    assert number(event(GONE, connection()), "client.rtt") == 0.0


@pytest.mark.parametrize(
    ("matcher", "holds"),
    [
        ('statsz.jetstream.meta.leader = ""', True),
        ('statsz.jetstream.meta.leader != "n1"', True),
        ("statsz.jetstream.meta.leader =~ .+", False),
        ("statsz.connections < 5", False),
        ("statsz.connections >= 0", False),
        ("statsz.stale_connections = 0", True),
        ("statsz.stale_connections < 1", True),
        ("statsz.cpu > 90%", True),
        ("statsz.cpu = 95", True),
        ("statsz.cpu = 95.0", False),
    ],
)
def test_an_absent_field_is_no_text_and_no_number(matcher: str, holds: bool) -> None:
    heard = event(STATSZ, statsz(cpu=95.0))
    (test,) = compile_tests([Matcher.parse(matcher)], EVENT_TYPES["server.statsz"], Names())

    assert test(heard) is holds


# -- derived numbers ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("statistics", "path", "value"),
    [
        ({"cpu": 150.0, "cores": 2}, "statsz.cpu_per_core", 75.0),
        ({"cpu": 150.0, "cores": 0}, "statsz.cpu_per_core", None),
        ({"cpu": 150.0}, "statsz.cpu_per_core", None),
        # Pooled routes repeat the name of a peer.
        (
            {"routes": [{"name": "a", "pending": 5}, {"name": "a", "pending": 9}, {"name": "b"}]},
            "statsz.route_peers",
            2,
        ),
        ({"routes": [{"name": "a", "pending": 5}, {"name": "a", "pending": 9}]}, "statsz.route_pending_max", 9),
        ({"routes": []}, "statsz.route_peers", 0),
        ({}, "statsz.route_peers", 0),  # Servers leave the list out while it is empty.
        ({}, "statsz.gateway_peers", 0),
        (
            {"jetstream": {"meta": {"leader": "n2"}}},
            "statsz.jetstream.meta.not_current",
            None,
        ),  # Only the leader knows.
        ({"routes": "none"}, "statsz.route_peers", 0),
        ({"gateways": [{"name": "a"}, {"name": "b"}]}, "statsz.gateway_peers", 2),
        (
            {"jetstream": {"meta": {"replicas": [{"current": True, "lag": 3}, {"current": False, "offline": True}]}}},
            "statsz.jetstream.meta.not_current",
            1,
        ),
        (
            {"jetstream": {"meta": {"replicas": [{"current": True, "lag": 3}, {"current": False, "offline": True}]}}},
            "statsz.jetstream.meta.offline",
            1,
        ),
        ({"jetstream": {"meta": {"replicas": [{"lag": 3}, {"lag": 8}]}}}, "statsz.jetstream.meta.lag_max", 8),
        (
            {"jetstream": {"stats": {"storage": 50}, "config": {"max_storage": 200}}},
            "statsz.jetstream.storage_used",
            25,
        ),
        (
            {"jetstream": {"stats": {"storage": 50}, "config": {"max_storage": 0}}},
            "statsz.jetstream.storage_used",
            None,
        ),
        (
            {"jetstream": {"stats": {"storage": 50}, "config": {"max_storage": -1}}},
            "statsz.jetstream.storage_used",
            None,
        ),
        ({"jetstream": {"stats": {"memory": 0}, "config": {"max_memory": 100}}}, "statsz.jetstream.memory_used", 0),
    ],
    ids=range(18),
)
def test_derived_numbers(statistics: dict[str, Any], path: str, value: float | None) -> None:
    assert number(event(STATSZ, statsz(**statistics)), path) == value


# -- strangers' text and credentials -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("plain", "plain"),
        ("two\nlines", "two⏎lines"),
        ("two\r\nlines", "two⏎lines"),
        ("a\tb\x00c\x1b[31md\x7f", "abc[31md"),
        ("\u202eevil\u2066\u200e\ufeff", "evil"),
        ("x" * 257, "x" * 255 + "…"),
        ("x" * 256, "x" * 256),
        ("é" * 300, "é" * 255 + "…"),
        ("e\u0301" * 300, "é" * 255 + "…"),
        ("\x1f", ""),
        ("\x1eoverflow", "overflow"),
        ("👩‍👩‍👧", "👩👩👧"),
    ],
)
def test_strangers_text_is_one_short_line_without_control_and_direction(written: str, read: str) -> None:
    gone = event(GONE, connection(name=written, user=written))

    assert text(gone, "client.name") == text(gone, "client.user") == read
    shown = payload(gone)["client"]["name"]
    assert shown == read


def test_a_payload_for_display_has_no_credentials_at_any_depth() -> None:
    body = connection(jwt="SECRET", nonce="SECRET", user="app", _deep=[{"a": {"raw": "SECRET", "Jwt": "shown"}}])

    shown = payload(event(GONE, body))
    assert "SECRET" not in json.dumps(shown)
    assert shown["deep"] == [{"a": {"Jwt": "shown"}}]


@pytest.mark.parametrize("path", ["client.jwt", "client.nonce", "jwt", "peer.raw", "client.jwt.x"])
def test_a_raw_rule_cannot_read_a_credential(path: str) -> None:
    body = {"jwt": "SECRET", "client": {"jwt": "SECRET", "nonce": "SECRET"}, "peer": {"raw": 7.0}}
    heard = decoder(raw=["$SYS.>", "$JS.>"]).decode("$SYS.X.Y.Z", json.dumps(body).encode(), NOW)
    assert heard is not None

    assert read_text(None, path, Names())(heard) is None
    assert read_number(None, path, Names())(heard) is None


@pytest.mark.parametrize("version", ["2.9.10", "2.10.27", "2.11.0", "2.11.1"])
def test_a_token_in_place_of_a_user_is_hashed_where_servers_do_not_hide_it(version: str) -> None:
    body = connection(user="s3cr3t-token")
    body["server"]["ver"] = version
    failed = event(REFUSED, body, Names(token_auth=True))

    assert text(failed, "client.user") == hash_token("s3cr3t-token")
    assert "s3cr3t" not in json.dumps(payload(failed, hide_user=True))


@pytest.mark.parametrize("version", ["2.10.28", "2.11.2", "2.12.0", "2.15.1"])
def test_a_user_is_shown_where_servers_hide_tokens(version: str) -> None:
    body = connection(user="app")
    body["server"]["ver"] = version

    assert text(event(REFUSED, body, Names(token_auth=True)), "client.user") == "app"


def test_users_are_shown_unless_the_operator_says_that_they_may_be_tokens() -> None:
    body = connection(user="app")
    body["server"]["ver"] = "2.9.10"

    assert text(event(REFUSED, body), "client.user") == "app"


def test_a_raw_rule_reads_no_token_either() -> None:
    names = Names(token_auth=True)
    raw = decoder(names, raw=["$SYS.>", "$JS.>"])
    heard = raw.decode("$SYS.X.Y.Z", json.dumps({"client": {"user": "s3cr3t"}, "user": "s3cr3t"}).encode(), NOW)
    assert heard is not None

    for path in ("client.user", "user", ""):
        assert "s3cr3t" not in (read_text(None, path, names)(heard) or "")


def test_recorded_tokens_are_hidden() -> None:
    """2.9.10 puts a wrong token into `user`, in clear."""
    names = Names(token_auth=True)
    decodes = decoder(names)
    for message in recorded("AUTH.ERR", "2.9.10"):
        heard = decodes.decode(message.subject, message.data, message.at)
        if heard and (user := text(heard, "client.user", names)):
            assert user.startswith("token:")


def test_messages_are_not_decoded_for_nothing() -> None:
    """What no rule asks for is not even parsed: not even when it is broken."""
    decodes = decoder()
    decodes._families.clear()

    assert decodes.decode(STATSZ, b"{", NOW) is None
    assert decodes.malformed == 0
    assert decode(Message(STATSZ, json.dumps(statsz()).encode(), NOW)).type == "server.statsz"
