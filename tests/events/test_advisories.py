"""JetStream's events over every way that they come: whose they are, and each once."""

import json
from typing import Any

import pytest

from bridge.event import Event
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Learned, Names
from bridge.events.decoder import Decoder
from bridge.events.families import find, subscriptions
from bridge.once import Once
from bridge.subject import matches
from tests.events.recorded import EVERYTHING, FILES, NOW, messages, number, text

LOST, PLAIN = "ADVISORY.STREAM.QUORUM_LOST.ORDERS", "$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.ORDERS"
GIVEN_UP = "ADVISORY.CONSUMER.MAX_DELIVERIES.ORDERS.worker"
ID = "ABXYZ"
"""Of an account in operator mode."""


def body(kind: str = "stream_quorum_lost", id: str = "one", **more: Any) -> dict[str, Any]:
    return {"type": f"io.nats.jetstream.advisory.v1.{kind}", "id": id, "stream": "ORDERS", **more}


class Ear:
    """One bridge that hears imported events as well."""

    def __init__(self, **accounts: str) -> None:
        self.learned = Learned()
        names = self.learned.beside(Names(accounts, imports="acct.*."))
        self._decoder = Decoder(EVERYTHING, Once(), names, learned=self.learned)

    def hear(self, subject: str, payload: dict[str, Any], account: str = "") -> Event | None:
        return self._decoder.decode(subject, json.dumps(payload).encode(), NOW, account)

    def whose(self, subject: str, payload: dict[str, Any], account: str = "") -> tuple[str | None, str | None] | None:
        """Id and name of the account of an event; None if there is none."""
        event = self.hear(subject, payload, account)
        return (text(event, "account.id"), text(event, "account.name")) if event else None


@pytest.mark.parametrize(
    "kind", [kind for kind in EVENT_TYPES.values() if kind.name.startswith("js.")], ids=lambda kind: kind.name
)
def test_every_way_leads_to_the_type(kind: Any) -> None:
    for pattern in subscriptions([kind.name], "acct.*."):
        subject = pattern.replace("*", "x")
        family, account = find(subject, "acct.*.")
        assert family
        assert [each.name for each in family.types] == [kind.name]
        assert account == ("" if pattern.startswith("$JS.") else "x")


def test_what_only_the_system_account_hears_is_not_imported() -> None:
    assert subscriptions(["js.server_removed"], "acct.*.") == {"$JS.EVENT.ADVISORY.SERVER.REMOVED"}
    assert subscriptions(["js.max_deliver"], "acct.*.") == {
        "$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.*.*",
        "acct.*.ADVISORY.CONSUMER.MAX_DELIVERIES.*.*",
        "$SYS.ACCOUNT.*.JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.*.*",
    }
    assert not any(subject.startswith("acct") for subject in subscriptions(EVENT_TYPES))


@pytest.mark.parametrize(
    ("subject", "heard", "payload", "account"),
    [
        (PLAIN, "", {"account": "APP"}, "APP"),
        (PLAIN, "APP", {}, "APP"),
        (PLAIN, "SYS", {"account": "APP"}, "APP"),
        (PLAIN, "", {}, None),
        (f"acct.APP.{LOST}", "", {}, "APP"),
        (f"acct.APP.{LOST}", "SYS", {}, "APP"),
        (f"$SYS.ACCOUNT.APP.JS.EVENT.{LOST}", "", {}, "APP"),
    ],
)
def test_whose_an_advisory_is(subject: str, heard: str, payload: dict[str, str], account: str | None) -> None:
    assert Ear().whose(subject, body(**payload), heard) == (account, account)


@pytest.mark.parametrize("imported_first", [False, True])
def test_the_copies_of_two_accounts_are_one_event_of_the_same_account(imported_first: bool) -> None:
    ear = Ear()
    copies = [(PLAIN, body(account="APP")), (f"acct.APP.{LOST}", body())]
    first, second = reversed(copies) if imported_first else copies

    assert ear.whose(first[0], first[1]) == ("APP", "APP")
    assert ear.whose(second[0], second[1]) is None


@pytest.mark.parametrize("imported_first", [False, True])
def test_once_both_copies_of_one_event_came_the_label_of_an_import_stands_for_its_account(imported_first: bool) -> None:
    """Then it does not matter any more which comes first, nor that most events come as one copy only."""
    ear = Ear()
    copies = [(PLAIN, body(account=ID)), (f"acct.payments.{LOST}", body())]
    for subject, payload in reversed(copies) if imported_first else copies:
        ear.hear(subject, payload)

    assert ear.whose(f"acct.payments.{LOST}", body(id="b")) == (ID, "payments")
    assert ear.whose(PLAIN, body(id="c", account=ID)) == (ID, "payments")
    assert ear.whose(f"acct.payments.{GIVEN_UP}", body("max_deliver", "d")) == (ID, "payments")


def test_an_audit_says_whose_its_label_is() -> None:
    ear = Ear()
    assert ear.whose("acct.payments.ADVISORY.API", body("api_audit", client={"acc": ID})) == (ID, "payments")
    assert ear.whose(f"acct.payments.{GIVEN_UP}", body("max_deliver", "b")) == (ID, "payments")


def test_a_label_that_the_operator_gives_to_an_account_stands_for_it_from_the_first_event_on() -> None:
    ear = Ear(**{ID: "payments"})

    assert ear.whose(f"acct.payments.{GIVEN_UP}", body("max_deliver")) == (ID, "payments")
    assert ear.whose(PLAIN, body(id="b", account=ID)) == (ID, "payments")


def test_a_copy_that_does_not_say_whose_it_is_gives_way_once_the_other_is_heard() -> None:
    """So it is with accounts that the system account imports without a prefix."""
    ear = Ear()
    assert ear.whose(PLAIN, body()) == (None, None)
    assert ear.whose(PLAIN, body(account="APP")) is None

    assert ear.whose(PLAIN, body(id="b")) is None
    assert ear.whose(PLAIN, body(id="b", account="APP")) == ("APP", "APP")
    assert ear.whose(f"acct.APP.{GIVEN_UP}", body("max_deliver", "c")) == ("APP", "APP")


def test_each_message_of_one_account_only_is_an_event() -> None:
    ear = Ear()
    assert ear.whose(f"acct.A.{GIVEN_UP}", body("max_deliver")) == ("A", "A")
    assert ear.whose(f"acct.A.{GIVEN_UP}", body("max_deliver")) is None
    assert ear.whose(f"acct.B.{GIVEN_UP}", body("max_deliver", "b")) == ("B", "B")


def test_accounts_that_are_remembered_are_bounded() -> None:
    learned = Learned()
    for n in range(20_000):
        learned.pair(f"{n}", "", "label")
        learned.learn(f"A{n}", f"name {n}")
    assert len(learned.names) == 10_000
    assert len(learned._pairs) == 1_000


def test_both_copies_of_every_recorded_advisory_have_the_same_account_whichever_comes_first() -> None:
    for path in FILES:
        heard = [each for each in messages(path) if each.subject.startswith(("$JS.EVENT.", "acct."))]
        for order in (heard, heard[::-1]):
            ear = Ear()
            accounts = {ear.whose(each.subject, json.loads(each.data), each.account) for each in order}
            assert accounts <= {(name, name) for name in ("APP", "A", "bee", None)} | {("B", "bee"), None}


# -- fields ----------------------------------------------------------------------------------------------------

REPLICAS = [
    {"name": "n1", "current": True, "active": 1_500_000_000, "peer": "p1"},
    {"name": "n2", "current": False, "active": 1_795_421_568_221_763_094, "lag": 7, "peer": "p2"},
    {"name": "n3", "current": False, "offline": True, "active": 20_000_000_000, "peer": "p3"},
]


def heard(subject: str, payload: dict[str, Any]) -> Event:
    event = Ear().hear(subject, payload)
    assert event is not None
    return event


def test_what_stands_beside_the_members_of_a_group() -> None:
    """Servers that have never heard of a member say so with the time since the year 1."""
    event = heard(PLAIN, body(replicas=REPLICAS))
    assert text(event, "replicas") == "n1, n2 (behind), n3 (offline)"
    numbers = [number(event, f"replicas.{name}") for name in ("not_current", "offline", "lag_max", "active_max")]
    assert numbers == [2, 1, 7, 20.0]


def test_a_leader_of_a_domain_is_told_by_name() -> None:
    subject = "$JS.EVENT.ADVISORY.DOMAIN.LEADER_ELECTED"
    event = heard(subject, body("domain_leader_elected", leader="p2", replicas=REPLICAS, cluster="c"))
    assert [text(event, name) for name in ("leader", "server.cluster", "cluster")] == ["n2", "c", "c"]
    assert text(heard(subject, body("domain_leader_elected", leader="p9", replicas=REPLICAS)), "leader") == "p9"


def test_an_advisory_that_names_a_server_has_the_fields_of_one() -> None:
    payload = body("server_out_of_space", server="n1", server_id="P1", cluster="c")
    event = heard("$JS.EVENT.ADVISORY.SERVER.OUT_OF_STORAGE", payload)
    assert [text(event, f"server.{name}") for name in ("name", "id", "cluster")] == ["n1", "P1", "c"]


def test_what_an_audit_says_of_a_failure() -> None:
    answer = {"type": "x", "error": {"code": 404, "err_code": 10059, "description": "stream not found"}}
    payload = body("api_audit", server="n1", client={"acc": "APP"}, response=json.dumps(answer))
    event = heard("$JS.EVENT.ADVISORY.API", payload)
    assert [number(event, f"error.{name}") for name in ("code", "err_code")] == [404, 10059]
    assert text(event, "error.description") == "stream not found"
    assert [text(event, name) for name in ("server.name", "account.id")] == ["n1", "APP"]


@pytest.mark.parametrize("response", [None, 7, "", "{", '{"error": 7}', '{"error": {"code": "x"}}', "[" * 9999, "{}"])
def test_an_audit_of_a_success_has_no_failure(response: object) -> None:
    event = heard("$JS.EVENT.ADVISORY.API", body("api_audit", client={"acc": "APP"}, response=response))
    assert [number(event, "error.code"), text(event, "error.description")] == [0, None]


def test_the_time_to_an_acknowledgement_is_in_seconds() -> None:
    metric = {"type": "io.nats.jetstream.metric.v1.consumer_ack", "id": "a", "stream": "S", "ack_time": 250_000_000}
    assert number(heard("$JS.EVENT.METRIC.CONSUMER.ACK.S.C", metric), "ack_time") == 0.25


def test_a_user_of_an_audit_may_be_a_token() -> None:
    decoder = Decoder(EVERYTHING, Once(), Names(token_auth=True))
    payload = body("api_audit", client={"acc": "APP", "user": "s3cret"})
    event = decoder.decode("$JS.EVENT.ADVISORY.API", json.dumps(payload).encode(), NOW)
    assert event
    assert (text(event, "client.user") or "").startswith("token:")


def test_a_message_of_another_type_than_its_subject_is_no_event_and_counted() -> None:
    decoder = Decoder(EVERYTHING, Once(), Names())
    assert decoder.decode(PLAIN, json.dumps(body("stream_quorum_found")).encode(), NOW) is None
    assert sum(decoder.unknown.values()) == 1
    malformed = decoder.decode(PLAIN, b'{"id": "a"}', NOW)
    assert malformed
    assert malformed.type == "bridge.malformed_event"


def test_subjects_that_nobody_knows_are_counted_without_the_ids_in_them() -> None:
    decoder = Decoder({}, Once(), Names(), ["$SYS.SERVER.>"])
    for letter in "ABC":
        decoder.decode(f"$SYS.SERVER.N{letter * 55}.NEW.THING", b"{}", NOW)
    for n in range(2_000):
        decoder.decode(f"$SYS.SERVER.{n}", b"{}", NOW)
    assert decoder.unknown["$SYS.SERVER.*.NEW.THING"] == 3
    assert len(decoder.unknown) == 1_001
    assert sum(decoder.unknown.values()) == 2_003


def test_every_subject_of_a_subscription_is_one_that_it_matches() -> None:
    for kind in EVENT_TYPES.values():
        for subject in kind.subjects:
            assert matches(subject, subject.replace("*", "x"))
