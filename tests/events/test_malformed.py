"""Decoding is total: whatever comes is an event, a double, or counted as malformed; nothing is raised past it."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.engine import Engine
from bridge.event import payload
from bridge.events import EVENT_TYPES
from bridge.inputs import Blind, Message, Sight
from bridge.values import SECOND
from tests.core.stage import START, rule, setup
from tests.events.recorded import (
    CAME,
    FILES,
    GONE,
    NOW,
    REFUSED,
    REJECTED,
    STATSZ,
    connection,
    decoder,
    messages,
    number,
    text,
)

SUBJECTS = [CAME, GONE, REJECTED, REFUSED, STATSZ, "$SYS.SERVER.P1.SHUTDOWN", "$SYS.SERVER.P1.LAMEDUCK"]


@pytest.mark.parametrize("subject", SUBJECTS)
@pytest.mark.parametrize(
    "data",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b"7",
        b'"text"',
        b"{",
        b'{"server": ',
        b"\xff\xfe{}",
        b"NaN",
        b'{"server": {"seq": NaN}}',
        b'{"server": {"id": "P1", "seq": 1e999}}',
        b'{"server": null, "client": null}',
        b'{"server": [], "client": {}}',
        b'{"server": "P1", "client": {}, "id": "P1", "name": 1, "x": tru}',
        b'{"server": {"id": "P1"}, "client": 5} trailing',
        b"[" * 100_000,
        b'{"a":' * 50_000,
        b'{"server":' * 5_000 + b"{}" + b"}" * 5_000,
        b'{"id": "\\ud800"}',
        b" " * 1_048_577,
        b'{"server": {"id": "' + b"x" * 5_000_000 + b'"}}',
    ],
    ids=range(22),
)
def test_what_is_no_event_is_malformed_and_counted(subject: str, data: bytes) -> None:
    decodes = decoder()
    heard = decodes.decode(subject, data, NOW)
    bare = subject.endswith(("SHUTDOWN", "LAMEDUCK"))
    if bare and heard and heard.type != "bridge.malformed_event":
        # A bare server object cannot be told from another object with an id.
        assert isinstance(json.loads(data), dict)
        return
    assert heard is not None
    assert heard.type == "bridge.malformed_event"
    assert decodes.malformed == 1
    assert heard.body["from"] == subject
    assert heard.body["bytes"] == len(data)
    assert len(decodes.latest_malformed) < 400
    assert text(heard, "reason")
    assert number(heard, "bytes") == len(data)


@pytest.mark.parametrize("server", [{}, {"id": ""}, {"id": 7}, {"id": None}, {"id": ["P1"]}])
def test_statistics_of_no_server_are_malformed(server: dict[str, Any]) -> None:
    decodes = decoder()
    for subject, body in ((STATSZ, {"server": server, "statsz": {}}), ("$SYS.SERVER.P1.SHUTDOWN", server)):
        heard = decodes.decode(subject, json.dumps(body).encode(), NOW)
        assert heard is not None
        assert heard.type == "bridge.malformed_event"


def test_a_reason_shows_nothing_of_the_payload() -> None:
    decodes = decoder()
    heard = decodes.decode(GONE, b'{"client": {"jwt": "SECRET"}, "server": SECRET}', NOW)
    assert heard is not None

    assert "SECRET" not in json.dumps(heard.body) + decodes.latest_malformed


@pytest.mark.parametrize(
    "value", [None, 7, -1.5, 1e300, 10**30, "text", "", [], [1], {}, {"a": {"b": 1}}, True], ids=repr
)
@pytest.mark.parametrize("place", ["client", "server", "statsz"])
def test_a_value_of_another_type_costs_only_its_field(place: str, value: object) -> None:
    """`client.name: 7` is read as the text 7; the event itself goes on."""
    decodes = decoder()
    names = [path for path in EVENT_TYPES["client.disconnect"].fields if path.startswith("client.")]
    names += [path for path in EVENT_TYPES["server.statsz"].fields if path.startswith("statsz.")]
    for place_, path in enumerate(path for path in names if path.startswith(place + ".") and path.count(".") == 1):
        leaf = path.split(".")[1]
        if place == "client":
            body = connection(_id=f"{place_}", **{**connection()["client"], leaf: value})
            heard = decodes.decode(GONE, json.dumps(body).encode(), NOW)
        else:
            server = {"id": "P1", "name": "n1", "seq": place_ + 1}
            heard = decodes.decode(STATSZ, json.dumps({"server": server, "statsz": {leaf: value}}).encode(), NOW)
        assert heard is not None
        if heard.type != "bridge.malformed_event":  # An object that the catalogue knows fields of must be one.
            for field in EVENT_TYPES[heard.type].fields:
                text(heard, field)
                number(heard, field)
            payload(heard)


# -- fuzz --------------------------------------------------------------------------------------------------------------

DECODER = decoder()
LINES = [
    message
    for path in FILES
    for message in messages(path)
    if message.data.startswith(b"{") and DECODER.decode(message.subject, message.data, 1)
]

ALL = [
    rule(
        alert="Burst",
        events=["client.auth_error", "client.disconnect", "leafnode.disconnect"],
        type="frequency",
        count=2,
        within="1m",
        by=["client.host", "account.name"],
        annotations={"summary": "{{ top('client.user') }} {{ event.client.rtt }} {{ event.client.start | date }}"},
    ),
    rule(
        alert="Each",
        events=["client.connect", "client.rejected"],
        by=["client.name", "claimed.name"],
        where=["client.id > 3", "client.start < 1h", "claimed.exp < 30d"],
    ),
    rule(
        alert="Expiry", events="client.auth_error", where=["claimed.exp < 30d", "client.rtt < 5s"], by=["claimed.sub"]
    ),
    rule(alert="Grown", events="server.statsz", type="increase", field="statsz.slow_consumers", within="1m"),
    rule(alert="Bytes", events="server.statsz", type="increase", field="statsz.sent.bytes", above="1MB", within="1m"),
    rule(alert="Cpu", events="server.statsz", type="threshold", field="statsz.cpu", of="statsz.cores", above="1%"),
    rule(alert="Per", events="server.statsz", type="threshold", field="statsz.mem", per="statsz.connections", above=1),
    rule(
        alert="Sum", events="server.statsz", type="threshold", field="statsz.mem", above="1KiB", sum_over="server.name"
    ),
    rule(alert="Peers", events="server.statsz", type="threshold", field="statsz.route_peers", below=9),
    rule(alert="Used", events="server.statsz", type="threshold", field="statsz.jetstream.storage_used", above="1%"),
    rule(alert="Start", events="server.statsz", type="threshold", field="statsz.start", below="-1s"),
    rule(
        alert="Silent",
        events="server.statsz",
        type="flatline",
        within="3 intervals",
        by=["server.name"],
        unless={"events": ["server.shutdown", "server.lameduck"]},
    ),
    rule(alert="Raw", subject="$SYS.SERVER.>", type="increase", field="statsz.cores", within="1m", by=["server.name"]),
    rule(alert="RawMax", subject="$SYS.ACCOUNT.>", type="threshold", field="client.id", above=0, by=["client.acc"]),
    rule(alert="RawAny", subject="$SYS.ACCOUNT.*.*", by=["client.name"], annotations={"summary": "{{ event }}"}),
    rule(alert="Wrong", events="bridge.malformed_event", keep_firing_for="5s", by=["from"]),
]


def survives(*given_: Message) -> None:
    """All rules take it, and what they tell of it can be rendered, written and read again."""
    engine = Engine(setup(*ALL), START)
    engine.begin()
    engine.process([Sight(START), *given_])
    engine.process([Blind(START + 2 * SECOND), Sight(START + 3 * SECOND), *given_])
    engine.advance(START + 400 * SECOND)
    commit = engine.drain(everything=True)
    json.dumps([row.notification.alerts[0].annotations for row in commit.rows])
    assert engine.malformed <= 2 * len(given_) + 2


@settings(max_examples=150, deadline=None)
@given(subject=st.sampled_from(SUBJECTS), data=st.binary(max_size=200))
def test_bytes(subject: str, data: bytes) -> None:
    survives(Message(subject, data, START + 1))


@settings(max_examples=100, deadline=None)
@given(line=st.sampled_from(LINES), place=st.floats(0, 1), junk=st.binary(max_size=4), cut=st.booleans())
def test_damaged_messages(line: Message, place: float, junk: bytes, cut: bool) -> None:
    at = round(place * len(line.data))
    survives(Message(line.subject, line.data[:at] + junk + (b"" if cut else line.data[at + 1 :]), START + 1))


VALUES = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.sampled_from([10**30, -(10**30), 2**63, 2**64, 10**400]),
    st.floats(allow_nan=False, allow_infinity=False),
    st.sampled_from([1e308, -1e308, 5e-324, 1e300]),
    st.text(max_size=5),
    st.sampled_from(["\x1e", "\x1eoverflow", "\x1f\x1f", "{{ 1 }}", "a" * 5000, "9" * 5000, "2." + "9" * 60, "²"]),
    st.lists(st.integers(), max_size=2),
    st.dictionaries(st.text(max_size=3), st.integers(), max_size=2),
    st.lists(st.dictionaries(st.sampled_from(["name", "pending", "lag", "current"]), st.integers()), max_size=2),
)


def leaves(body: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of everything in a payload."""
    if isinstance(body, dict):
        return [path, *(leaf for name, item in body.items() for leaf in leaves(item, (*path, name)))]
    if isinstance(body, list):
        return [path, *(leaf for place, item in enumerate(body) for leaf in leaves(item, (*path, place)))]
    return [path]


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    if not path:
        return value
    copy = dict(body) if isinstance(body, dict) else list(body)
    copy[path[0]] = replaced(body[path[0]], path[1:], value)
    return copy


@settings(max_examples=250, deadline=None)
@given(line=st.sampled_from(LINES), data=st.data())
def test_messages_with_strange_values(line: Message, data: st.DataObject) -> None:
    body = json.loads(line.data)
    for _ in range(data.draw(st.integers(1, 3))):
        path = data.draw(st.sampled_from(leaves(body)))
        body = replaced(body, path, data.draw(VALUES))
        if not isinstance(body, dict):
            break
    survives(Message(line.subject, json.dumps(body).encode(), START + 1), Message(line.subject, line.data, START + 2))


def test_numbers_that_no_sum_can_carry() -> None:
    """Each is finite, their sums and ratios are not."""

    def statsz(seq: int, **numbers: float) -> Message:
        server = {"id": "P1", "name": "n1", "seq": seq, "ver": "2.15.1"}
        return Message(STATSZ, json.dumps({"server": server, "statsz": numbers}).encode(), START + seq)

    huge = [1e308, -1e308, 1e308, 1.7e308, -1.7e308, 1e300, -1e300, 1e300]
    survives(
        *(statsz(seq, slow_consumers=each, cpu=each, cores=1e-300, mem=each) for seq, each in enumerate(huge, 1)),
        statsz(20, slow_consumers=1, cpu=1e299, cores=1e-300, mem=1, connections=5e-324),
    )


def test_a_number_of_a_message_that_is_none() -> None:
    """`true` and `false` are integers for Python, and no numbers for JSON."""
    body = {"server": {"id": "P1", "name": "n1", "seq": False, "ver": "2.15.1"}, "statsz": {"slow_consumers": 1}}
    other = {"server": {"id": "P1", "name": "n1", "seq": True, "ver": "2.15.1"}, "statsz": {"slow_consumers": 2}}
    survives(*(Message(STATSZ, json.dumps(each).encode(), START + 1) for each in (body, other)))
