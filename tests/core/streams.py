"""Random streams of inputs, with times at and around the edges of the rules' windows."""

from hypothesis import strategies as st

from bridge.inputs import Blind, Input, Sight
from tests.core.stage import START, connected, disconnected, goodbye, login_failed, rule, statsz

RULES = [
    rule(alert="Burst", events="client.auth_error", type="frequency", count=3, within="10s", by=["client.host"]),
    rule(
        alert="Held",
        events="client.auth_error",
        type="frequency",
        count=2,
        within="10s",
        for_="5s",
        keep_firing_for="5s",
    ),
    rule(alert="Once", events="client.disconnect", by=["client.name"]),
    rule(alert="Kept", events="client.disconnect", keep_firing_for="10s", resolve_on={"events": "client.connect"}),
    rule(alert="Grown", events="server.statsz", type="increase", field="statsz.slow_consumers", above=3, within="20s"),
    rule(
        alert="Many", events="server.statsz", type="threshold", field="statsz.connections", above=5, clear=3, for_="10s"
    ),
    rule(
        alert="Silent",
        events="server.statsz",
        type="flatline",
        within="20s",
        by=["server.name"],
        unless={"events": "server.shutdown", "for": "30s"},
        forget_after="100s",
    ),
    rule(alert="Moved", events="server.statsz", type="change", field="statsz.connections", keep_firing_for="10s"),
    rule(
        alert="New",
        events="client.disconnect",
        type="new_value",
        fields=["client.name"],
        learn_for="10s",
        forget_after="20s",
        keep_firing_for="5s",
    ),
    rule(
        alert="Left",
        events="client.disconnect",
        type="not_followed_by",
        then={"events": "client.connect"},
        match=["client.kind"],
        by=["client.name"],
        within="10s",
        or_before="5s",
        for_="5s",
    ),
    rule(
        alert="Not back",
        events="server.shutdown",
        type="not_followed_by",
        then={"events": "server.statsz"},
        match=["server.name"],
        within="10s",
        keep_firing_for="5s",
    ),
    rule(
        alert="Loose",
        events="server.statsz",
        type="state",
        matching=["statsz.connections > 4"],
        for_="5s",
        keep_firing_for="5s",
    ),
    rule(
        alert="Median",
        events="server.statsz",
        type="aggregate",
        field="statsz.connections",
        fn="p50",
        below=4,
        within="20s",
        at_least=2,
    ),
    rule(alert="Users", events="client.auth_error", type="cardinality", field="client.host", above=1, within="10s"),
    rule(
        alert="Servers",
        events="server.statsz",
        type="cardinality",
        field="server.name",
        below=2,
        within="20s",
        keep_firing_for="5s",
    ),
    rule(alert="Wave", events="client.auth_error", type="spike", factor=2, within="10s", at_least=2),
    rule(
        alert="Ebb",
        events="client.auth_error",
        type="spike",
        factor=2,
        within="10s",
        at_least=1,
        direction="down",
        by=["client.host"],
        for_="5s",
    ),
    rule(
        alert="Share",
        events="client.disconnect",
        type="ratio",
        matching=["client.name != x"],
        above="50%",
        within="10s",
        at_least=2,
    ),
]

# Multiples of half a window, and one microsecond to either side.
_STEP = st.sampled_from([0, 0, 1, 5_000_000, 4_999_999, 5_000_001, 10_000_000, 20_000_000, 100_000_000, 333_333])


@st.composite
def streams(draw: st.DrawFn) -> list[Input]:
    """Events of two servers, two hosts and three clients, with blind spans."""
    now = START
    inputs: list[Input] = [Sight(START)]
    blind = False
    for number in range(draw(st.integers(1, 40))):
        now += draw(_STEP)
        seconds = (now - START) / 1e6
        match draw(st.integers(0, 8)):
            case 0 | 1 | 2:
                inputs.append(login_failed(seconds, host=draw(st.sampled_from("ab")), number=number))
            case 3:
                inputs.append(disconnected(seconds, draw(st.sampled_from("xyz")), number=number))
            case 4:
                inputs.append(connected(seconds, "x", client_id=number, number=number))
            case 5 | 6:
                server = draw(st.sampled_from("st"))
                slow, connections = draw(st.integers(0, 9)), draw(st.integers(0, 9))
                process = server + draw(st.sampled_from("12"))
                inputs.append(
                    statsz(seconds, server, process, number + 1, slow_consumers=slow, connections=connections)
                )
            case 7:
                inputs.append(goodbye(seconds + number / 1e6, draw(st.sampled_from("st")), f"P{number}"))
            case _:
                inputs.append(Sight(now) if blind else Blind(now))
                blind = not blind
        now = max(now, inputs[-1].at)
    return inputs
