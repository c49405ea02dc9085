"""One thing that happened is one event, however often and over whatever subject it came."""

import json
from typing import Any

import pytest

from bridge.events.decoder import Decoder
from bridge.once import Once
from tests.events.recorded import CAME, GONE, NOW, REFUSED, REJECTED, STATSZ, connection, decoder


def kinds(decodes: Decoder, *given: tuple[str, dict[str, Any]]) -> list[str | None]:
    events = [decodes.decode(subject, json.dumps(body).encode(), NOW) for subject, body in given]
    return [event.type if event else None for event in events]


def statsz(seq: object, server: str = "P1") -> tuple[str, dict[str, Any]]:
    return STATSZ, {"server": {"id": server, "name": "n1", "seq": seq}, "statsz": {}}


def test_a_second_message_with_the_same_id_is_a_double() -> None:
    assert kinds(decoder(), (GONE, connection()), (GONE, connection())) == ["client.disconnect", None]


def test_a_second_message_with_the_same_number_of_a_server_is_a_double() -> None:
    given = [statsz(1), statsz(1), statsz(2), statsz(1, "P2"), statsz(2, "P2"), statsz(2)]

    assert kinds(decoder(), *given) == ["server.statsz", None, "server.statsz", "server.statsz", "server.statsz", None]


def test_an_id_wins_over_the_number() -> None:
    """Servers number each copy that they send; the same happening has one id."""
    first, second = connection(_id="a"), connection(_id="b", id=8)

    assert kinds(decoder(), (GONE, first), (GONE, second)) == ["client.disconnect"] * 2


@pytest.mark.parametrize("id", [None, "", 7, ["a"]])
def test_without_an_id_the_number_decides(id: object) -> None:
    body = connection(_id=id)
    assert kinds(decoder(), (GONE, body), (GONE, body)) == ["client.disconnect", None]


@pytest.mark.parametrize("seq", [None, 0, -1, "1", 2**64, 2.5])
def test_without_either_every_message_is_news(seq: object) -> None:
    assert kinds(decoder(), statsz(seq), statsz(seq)) == ["server.statsz"] * 2


def test_a_raw_rule_hears_a_double_once_as_well() -> None:
    decodes = Decoder({}, Once(), decoder()._names, raw=["$SYS.>"])
    first = decodes.decode("$SYS.ACCOUNT.A.SERVER.CONNS", b'{"id": "x", "server": {"id": "P1", "seq": 1}}', NOW)
    second = decodes.decode("$SYS.SERVER.ACCOUNT.A.CONNS", b'{"id": "x", "server": {"id": "P1", "seq": 2}}', NOW)

    assert (first is not None, second) == (True, None)


def test_the_twin_of_an_authentication_error_is_none() -> None:
    failed = connection(_reason="Authentication Failure", acc="$G", _id="a")
    twin = connection(_reason="Authentication Failure", acc="$G", _id="b")

    assert kinds(decoder(), (REFUSED, failed), (REJECTED, twin)) == ["client.auth_error", None]
    assert kinds(decoder(), (REJECTED, twin), (REFUSED, failed)) == [None, "client.auth_error"]


def test_a_client_that_is_thrown_out_of_its_account_is_gone() -> None:
    thrown = connection(_reason="Authentication Failure", acc="APP")

    assert kinds(decoder(), (GONE, thrown)) == ["client.disconnect"]


@pytest.mark.parametrize(
    ("client", "kind"),
    [
        ({"acc": "$G", "user": None, "lang": None}, "client.rejected"),
        ({"acc": "$G", "user": "", "lang": ""}, "client.rejected"),
        ({"acc": "$G", "user": "app", "lang": ""}, "client.disconnect"),
        ({"acc": "$G", "user": "", "lang": "go"}, "client.disconnect"),
        ({"acc": "APP", "user": "", "lang": ""}, "client.disconnect"),
        ({"acc": "$G", "user": "", "lang": "", "kind": "Leafnode"}, "leafnode.disconnect"),
        ({"acc": "APP", "kind": "Leafnode"}, "leafnode.disconnect"),
    ],
)
def test_which_disconnect_it_is(client: dict[str, Any], kind: str) -> None:
    given = {name: value for name, value in connection(**client)["client"].items() if value is not None}
    assert kinds(decoder(), (REJECTED, {**connection(), "client": given})) == [kind]


def test_a_repeated_connect_of_a_living_connection_is_none() -> None:
    came, again, gone, new = (connection(_id=id) for id in "abcd")

    assert kinds(decoder(), (CAME, came), (CAME, again), (GONE, gone), (CAME, new)) == [
        "client.connect",
        None,
        "client.disconnect",
        "client.connect",
    ]


def test_numbers_of_connections_are_each_servers_own() -> None:
    one, other = connection(_id="a"), connection(_id="b", _server={"id": "P2", "name": "n2"})

    assert kinds(decoder(), (CAME, one), (CAME, other)) == ["client.connect"] * 2


def test_the_bridges_own_connections_are_no_events() -> None:
    once = Once()
    once.claim(("P1", 7))
    decodes = decoder(once=once)

    assert kinds(decodes, (CAME, connection()), (GONE, connection(_id="b"))) == [None, None]
    assert kinds(decodes, (CAME, connection(_id="c", id=8))) == ["client.connect"]


def test_the_latest_own_connections_are_remembered() -> None:
    once = Once()
    for number in range(40):
        once.claim(("P1", number))

    assert [number for number in range(40) if ("P1", number) in once.mine] == list(range(24, 40))


def test_memory_is_bounded_and_the_latest_are_kept() -> None:
    once = Once()
    assert all(once.first(f"id{number}", "", 0) for number in range(100_000))

    assert not any(once.first(f"id{number}", "", 0) for number in range(100_000 - 32_768, 100_000))
    assert len(once.happenings) <= 2 * 32_768


def test_connections_are_known_as_far_as_promised() -> None:
    once = Once()
    assert all(once.connections.first(("P1", number)) for number in range(100_000))

    assert not any(once.connections.first(("P1", number)) for number in range(100_000))
