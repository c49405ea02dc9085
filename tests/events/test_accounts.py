"""Accounts: what is asked of them, their connections, and what they are called."""

import base64
import json
from typing import Any

import pytest

from bridge.event import Event, payload
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Learned, Names
from bridge.events.decoder import Decoder
from bridge.events.families import subscriptions
from bridge.events.reading import read_text
from bridge.inputs import Message
from bridge.once import Once
from tests.core.stage import Stage, at, rule
from tests.events.recorded import CAME, EVERYTHING, GONE, NOW, connection, decoder, event, number, text

ID = "ACCYTJVK57OUMR57ZB4HZJH3XMSLIHAML2FL7HQFEKS5FVLAEGSCDIIB"
OLD, NEW = "$SYS.SERVER.ACCOUNT.APP.CONNS", "$SYS.ACCOUNT.APP.SERVER.CONNS"


def jwt(**claims: Any) -> str:
    return f"eyJ0eXAi.{base64.urlsafe_b64encode(json.dumps(claims).encode()).decode().rstrip('=')}.c2ln"


def pushed(subject: str, data: str) -> Event:
    heard = decoder().decode(subject, data.encode(), NOW)
    assert heard is not None
    return heard


UPDATE = jwt(name="APP", iss="OPER", sub=ID, exp=NOW // 1_000_000 + 60, nats={"type": "account"})


@pytest.mark.parametrize(
    "subject", ["$SYS.REQ.CLAIMS.UPDATE", f"$SYS.REQ.ACCOUNT.{ID}.CLAIMS.UPDATE", f"$SYS.ACCOUNT.{ID}.CLAIMS.UPDATE"]
)
def test_an_update_of_claims_is_an_event_on_each_of_its_subjects(subject: str) -> None:
    heard = pushed(subject, UPDATE + "\n")
    assert heard.type == "account.claims_update"
    assert [text(heard, f"claimed.{name}") for name in ("name", "iss", "sub", "account")] == ["APP", "OPER", ID, ID]
    assert text(heard, "account.id") == text(heard, "account.name") == ID
    assert number(heard, "claimed.exp") == 60
    assert b"eyJ" not in heard.raw


@pytest.mark.parametrize(("accounts", "id"), [([ID], ID), ([ID, "AOTHER"], None), ([], None), ("x", None), ([7], None)])
def test_a_request_to_delete_accounts_names_them(accounts: object, id: str | None) -> None:
    heard = pushed("$SYS.REQ.CLAIMS.DELETE", jwt(iss="OPER", nats={"type": "generic", "accounts": accounts}))
    assert heard.type == "account.claims_delete"
    assert text(heard, "account.id") == id
    named = [each for each in accounts if isinstance(each, str)] if isinstance(accounts, list) else []
    assert text(heard, "claimed.accounts") == (", ".join(named) or None)


@pytest.mark.parametrize("data", ["", "x", "a.b.c", "{}", "[]", "7", '{"claimed": 7}', '{"claimed": {}}', "eyJ.eyJ"])
def test_a_push_that_is_no_jwt_is_malformed(data: str) -> None:
    heard = pushed("$SYS.REQ.CLAIMS.UPDATE", data)
    assert heard.type == "bridge.malformed_event"
    assert not data or data not in json.dumps(heard.body["reason"])


def test_a_rule_on_the_subject_sees_the_claims_and_no_jwt() -> None:
    decodes = Decoder({}, Once(), Names(), ["$SYS.REQ.CLAIMS.UPDATE"])
    heard = decodes.decode("$SYS.REQ.CLAIMS.UPDATE", UPDATE.encode(), NOW)
    assert heard
    assert read_text(None, "type", Names())(heard) == "account.claims_update"
    assert read_text(None, "claimed.name", Names())(heard) == "APP"
    assert read_text(None, "account.id", Names())(heard) == ID
    assert "eyJ" not in json.dumps(payload(heard)) + (read_text(None, "", Names())(heard) or "")


# -- connections of accounts -----------------------------------------------------------------------------------


def conns(**more: Any) -> dict[str, Any]:
    server = {"name": "n1", "id": "P1", "seq": 1, "ver": "2.15.1"}
    return {"type": "x.account_connections", "id": "one", "server": server, "acc": "APP", "conns": 3, **more}


def test_both_spellings_are_one_event() -> None:
    decodes = decoder()
    first, second = (decodes.decode(subject, json.dumps(conns()).encode(), NOW) for subject in (OLD, NEW))
    assert first
    assert (first.type, number(first, "conns"), second) == ("account.connections", 3, None)


def test_only_the_new_spelling_is_subscribed_to() -> None:
    assert subscriptions(["account.connections"]) == {"$SYS.ACCOUNT.*.SERVER.CONNS"}


def test_a_rule_on_the_old_spelling_sees_the_same_event() -> None:
    stage = Stage(rule(alert="Old", subject="$SYS.SERVER.ACCOUNT.*.CONNS", by=["type", "account.id"]))
    assert stage.engine.subjects == {"$SYS.SERVER.ACCOUNT.*.CONNS"}
    heard = Decoder({}, Once(), Names(), ["$SYS.SERVER.ACCOUNT.*.CONNS"]).decode(OLD, json.dumps(conns()).encode(), NOW)
    assert heard
    assert heard.type == "account.connections"


# -- names -----------------------------------------------------------------------------------------------------


def test_a_name_that_one_event_tells_is_that_of_the_next_which_does_not() -> None:
    learned = Learned()
    names = learned.beside(Names())
    decodes = Decoder(EVERYTHING, Once(), names, learned=learned)

    def hear(subject: str, body: dict[str, Any]) -> str | None:
        heard = decodes.decode(subject, json.dumps(body).encode(), NOW)
        assert heard
        return text(heard, "account.name", names)

    assert hear(GONE, connection(acc=ID, _id="a")) == ID
    assert hear(NEW, conns(acc=ID, name="payments")) == "payments"
    assert hear(GONE, connection(acc=ID, _id="b")) == "payments"
    lost = {"type": "a.stream_quorum_lost", "id": "c", "account": ID, "stream": "S"}
    assert hear("$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.S", lost) == "payments"
    assert hear(CAME, connection(acc=ID, name_tag="billing", _id="d", id=8)) == "billing"
    assert hear("$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.S", {**lost, "id": "e"}) == "billing"


def test_the_operators_name_wins() -> None:
    learned = Learned()
    names = learned.beside(Names({ID: "mine"}))
    decodes = Decoder(EVERYTHING, Once(), names, learned=learned)
    heard = decodes.decode(NEW, json.dumps(conns(acc=ID, name="theirs")).encode(), NOW)
    assert heard
    assert text(heard, "account.name", names) == "mine"


def test_learned_names_survive_a_reload_and_are_in_templates() -> None:
    told = {"events": "js.stream_quorum_lost", "by": ["account.name"]}
    summary = "{{ account(event.account.id) }} has lost {{ event.account.id }}"
    counted = rule(alert="Counted", events="account.connections", by=["account.name"])
    stage = Stage(counted, rule(alert="Told", **told))
    stage.play(Message(NEW, json.dumps(conns(acc=ID, name="payments")).encode(), at(1)))
    stage.reload(counted, rule(alert="Told", **told, annotations={"summary": summary}))
    lost = {"type": "a.stream_quorum_lost", "id": "c", "account": ID, "stream": "S"}
    stage.play(Message("$JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.S", json.dumps(lost).encode(), at(2))).wait(5)

    (alert,) = [
        each for row in stage.rows.values() for each in row.notification.alerts if each.labels["alertname"] == "Told"
    ]
    assert alert.labels["account_name"] == "payments"
    assert alert.annotations["summary"] == f"payments has lost {ID}"


def test_learning_names_subscribes_to_nothing() -> None:
    engine = Stage(rule(alert="A", events="client.connect", by=["account.name"])).engine
    assert engine.subjects == {"$SYS.ACCOUNT.*.CONNECT"}


# -- leafnodes of super-clusters -------------------------------------------------------------------------------

NOTICE = "$SYS.ACCOUNT.APP.LEAFNODE.CONNECT"


def notice(seq: int) -> tuple[str, dict[str, Any]]:
    return NOTICE, {"server": {"name": "n1", "id": "P1", "seq": seq, "ver": "2.15.1"}, "acc": "APP"}


def leafnode(id: str, subject: str = CAME) -> tuple[str, dict[str, Any]]:
    return subject, connection(kind="Leafnode", _id=id, id=ord(id))


def kinds(*given: tuple[str, dict[str, Any]]) -> list[str | None]:
    decodes = decoder()
    heard = [decodes.decode(subject, json.dumps(body).encode(), NOW) for subject, body in given]
    return [each.type if each else None for each in heard]


def test_a_leafnode_that_connects_is_one_event_however_often_it_is_told() -> None:
    assert kinds(leafnode("a"), notice(6), notice(7)) == ["leafnode.connect", None, None]


def test_a_leafnode_that_only_a_notice_tells_of_is_an_event() -> None:
    assert kinds(notice(6), notice(7), leafnode("a", GONE), notice(8)) == [
        "leafnode.connect",
        None,
        "leafnode.disconnect",
        "leafnode.connect",
    ]


def test_a_notice_has_the_fields_that_it_can_have() -> None:
    heard = event(*notice(6))
    assert [text(heard, name) for name in ("account.id", "client.kind", "server.name")] == ["APP", "Leafnode", "n1"]
    assert text(heard, "client.name") is None


# -- answers to polls ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [kind for kind in EVENT_TYPES.values() if kind.poll], ids=lambda kind: kind.name)
def test_all_items_of_one_answer_are_events(kind: Any) -> None:
    """They have the number of one message of the server."""
    subject = kind.aliases[0].replace("*", "P1")
    body = {"server": {"name": "n1", "id": "P1", "seq": 9}, "data": {}}
    assert kinds((subject, body), (subject, body)) == [kind.name, kind.name]
    assert subscriptions([kind.name]) == frozenset()


def test_an_answer_may_be_larger_than_an_event() -> None:
    body = {"server": {"name": "n1", "id": "P1", "seq": 9}, "data": {"x": "y" * 2_000_000}}
    assert kinds(("$SYS.REQ.SERVER.P1.VARZ", body), ("$SYS.SERVER.P1.STATSZ", body)) == [
        "server.varz",
        "bridge.malformed_event",
    ]


# -- names that servers are asked for --------------------------------------------------------------------------


class Asked:
    """A decoder for servers that do not name accounts, and what it has learned."""

    def __init__(self, names: Names = Names()) -> None:  # noqa: B008 - it is frozen
        self.learned = Learned()
        wanted = {"client.connect": ["account.name"], "account.claims_update": ["account.name"]}
        self.decodes = Decoder(wanted, Once(), self.learned.beside(names), (), self.learned)
        self._number = 0

    def name(self, id: str) -> str | None:
        """What the account of a connection is called."""
        self._number += 1
        body = connection(acc=id, _id=str(self._number), id=self._number)
        body["server"]["ver"] = "2.9.10"
        heard = self.decodes.decode(CAME, json.dumps(body).encode(), NOW)
        assert heard
        return text(heard, "account.name")

    def answer(self, id: str, data: object) -> None:
        body = data if isinstance(data, bytes) else json.dumps({"server": {"id": "P1"}, "data": data}).encode()
        assert self.decodes.decode(f"$SYS.REQ.ACCOUNT.{id}.INFO", body, NOW) is None


def test_an_account_that_is_only_an_id_is_asked_for_once_and_then_called_by_its_name() -> None:
    asked = Asked()
    assert (asked.name(ID), asked.name(ID)) == (ID, ID)
    assert asked.learned.nameless == [ID]
    asked.answer(ID, {"account_name": ID, "name_tag": "PAY"})
    assert (asked.name(ID), asked.learned.nameless) == ("PAY", [ID])


def test_an_account_that_has_a_name_or_is_no_public_key_is_not_asked_for() -> None:
    asked = Asked(Names(accounts={ID: "payments"}))
    assert [asked.name(id) for id in (ID, "APP", "$G", ID.lower(), ID + "A")] == [
        "payments",
        "APP",
        "$G",
        ID.lower(),
        ID + "A",
    ]
    assert asked.learned.nameless == []


def test_an_account_whose_change_is_asked_for_is_asked_for_too() -> None:
    asked = Asked()
    asked.decodes.decode(f"$SYS.REQ.ACCOUNT.{ID}.CLAIMS.UPDATE", UPDATE.encode(), NOW)
    assert asked.learned.nameless == [ID]


@pytest.mark.parametrize("data", [None, {}, {"name_tag": ""}, {"name_tag": 7}, [], b"", b"x", b"[" * 5000])
def test_an_answer_without_a_name_changes_nothing(data: object) -> None:
    asked = Asked()
    asked.answer(ID, data)
    assert asked.name(ID) == ID


def test_the_claims_say_the_name_where_nothing_else_does() -> None:
    asked = Asked()
    asked.answer(ID, {"account_name": ID, "decoded_jwt": {"name": "PAY"}})
    assert asked.name(ID) == "PAY"


def test_how_many_are_asked_for_is_bounded() -> None:
    asked = Asked()
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
    for n in range(10_050):
        asked.name("A" + "".join(letters[n // 26**place % 26] for place in range(4)) + "A" * 51)
    assert len(asked.learned.nameless) == 10_000


def test_a_template_that_calls_accounts_by_name_learns_names() -> None:
    plain = rule(alert="A", events="client.connect", by=["account.id"])
    called = rule(alert="B", events="client.connect", annotations={"description": "{{ account(event.client.acc) }}"})
    assert not Stage(plain).engine.names_accounts
    assert Stage(called).engine.names_accounts
