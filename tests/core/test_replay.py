"""A replay decides what the live engine decides, whoever hands the inputs over in whatever pieces."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.comparison import compare
from bridge.config import rehearse
from bridge.configuration import setup as configured
from bridge.inputs import Blind, Happening, Input, Own, Sight
from bridge.recording import read
from bridge.replay import Playback, Sent, Transition
from bridge.rule import Rule
from bridge.setup import Setup
from bridge.values import SECOND
from tests.core.stage import START, Stage, at, connected, disconnected, login_failed, rule, setup, statsz
from tests.core.streams import RULES, streams

ROOT = Path(__file__).parents[2]
CORPUS = sorted((ROOT / "tests" / "corpus").glob("*/*.jsonl"))
SLOW = {"group_by": ["alertname"], "group_wait": "5s", "group_interval": "10s"}
SEEN = Sight(START)


def played(wanted: Setup, *inputs: Input) -> list[Transition | Sent]:
    """To the end of the recording, and what follows it."""
    playback = Playback(wanted, inputs[0].at)
    return [*playback.play(inputs), *playback.end()]


def changes(happened: Iterable[Transition | Sent]) -> list[tuple[float, str]]:
    return [((each.at - START) / SECOND, each.state) for each in happened if isinstance(each, Transition)]


def messages(happened: Iterable[Transition | Sent]) -> list[tuple[float, str, int]]:
    """When, the status, and how many events the message counts."""
    return [
        (
            (each.at - START) / SECOND,
            each.notification.status,
            sum(alert.count for alert in each.notification.alerts),
        )
        for each in happened
        if isinstance(each, Sent)
    ]


GONE = rule(
    alert="Gone",
    events="client.disconnect",
    annotations={"summary": "{{ count }} {{ value }} {{ event.client.name }} {{ top('client.name', 9) }}"},
)


def test_a_one_off_is_told_each_time_and_equal_ones_are_one_line_of_the_message() -> None:
    happened = played(
        setup(GONE, route=SLOW), SEEN, *(disconnected(second, name) for second, name in enumerate("aab", 1))
    )

    assert changes(happened) == [(1.0, "event"), (2.0, "event"), (3.0, "event")]
    assert [each.value for each in happened if isinstance(each, Transition)] == [1.0, 1.0, 1.0]
    told = [each.annotations["summary"] for each in happened if isinstance(each, Transition)]
    assert told == ["1 1 a a (1)", "1 1 a a (1)", "1 1 b b (1)"]
    assert messages(happened) == [(6.0, "event", 3)]


def test_a_one_off_whose_value_is_how_things_are_has_that_value_each_time() -> None:
    new = rule(type="new_value", events="client.disconnect", fields=["client.name"], learn_for="0")
    happened = played(
        setup(new, route=SLOW), SEEN, *(disconnected(second, name) for second, name in enumerate("abc", 1))
    )

    assert [each.value for each in happened if isinstance(each, Transition)] == [1.0, 2.0, 3.0]


def test_a_one_off_after_the_message_counts_anew() -> None:
    happened = played(setup(GONE, route=SLOW), SEEN, disconnected(1, "a"), disconnected(8, "a"))

    assert [each.value for each in happened if isinstance(each, Transition)] == [1.0, 1.0]
    assert messages(happened) == [(6.0, "event", 1), (16.0, "event", 1)]


def test_an_alert_is_pending_before_it_fires() -> None:
    held = rule(events="client.auth_error", type="frequency", count=2, within="3s", for_="2s", by=["client.host"])
    happened = played(setup(held), SEEN, *(login_failed(second) for second in (0, 1, 3)), Sight(at(30)))

    assert changes(happened) == [(1.0, "pending"), (3.0, "firing"), (4.0, "resolved")]


def test_a_pending_alert_whose_condition_ends_is_inactive() -> None:
    held = rule(events="client.auth_error", type="frequency", count=2, within="3s", for_="10s")
    happened = played(setup(held), SEEN, login_failed(0, number=1), login_failed(1), Sight(at(30)))

    assert changes(happened) == [(1.0, "pending"), (3.0, "inactive")]
    assert messages(happened) == []


def test_the_end_of_a_recording_tells_what_waits_and_changes_no_alert() -> None:
    silent = rule(alert="Silent", events="server.statsz", type="flatline", within="2s", by=["server.name"])
    kept = rule(alert="Kept", events="client.auth_error", keep_firing_for="1s")
    happened = played(setup(silent, kept, route=SLOW), SEEN, statsz(1), login_failed(2))

    assert changes(happened) == [(2.0, "firing")]
    assert messages(happened) == [(7.0, "firing", 1)]


def test_a_recording_that_is_blind_lets_no_time_pass_for_silence() -> None:
    silent = rule(events="server.statsz", type="flatline", within="10s", by=["server.name"])
    happened = played(setup(silent), SEEN, statsz(1), Blind(at(2)), Sight(at(100)), Sight(at(120)))

    assert changes(happened) == [(109.0, "firing")]


def test_times_that_go_back_count_as_the_latest_that_was_seen() -> None:
    happened = played(setup(rule(events="client.disconnect")), SEEN, disconnected(9, "a"), disconnected(3, "b"))

    assert changes(happened) == [(9.0, "event"), (9.0, "event")]


def test_what_the_bridge_said_about_itself_is_an_event_of_the_replay() -> None:
    started = rule(events="bridge.started", annotations={"summary": "{{ event.version }}"})
    [happened, _] = played(setup(started), SEEN, Happening("started", {"version": "7"}, at(1)))

    assert isinstance(happened, Transition)
    assert happened.annotations == {"summary": "7"}


def test_the_recording_bridges_own_connection_is_no_event() -> None:
    come = rule(events="client.connect", by=["client.name"])

    assert played(setup(come), SEEN, Own("P1", 7, START), connected(1, "nats-alert-bridge")) == []


@settings(max_examples=60, deadline=None)
@given(inputs=streams(), data=st.data())
def test_any_pieces_give_the_same_output(inputs: list[Input], data: st.DataObject) -> None:
    wanted = setup(*RULES, route={"group_by": ["alertname"], "group_wait": "1s", "group_interval": "3s"})
    playback = Playback(wanted, START)
    happened: list[Transition | Sent] = []
    rest: Sequence[Input] = inputs
    while rest:
        size = data.draw(st.integers(1, len(rest)))
        happened += playback.play(rest[:size])
        rest = rest[size:]
        if rest and rest[0].at > START:
            happened += playback.wait(data.draw(st.integers(START, rest[0].at)))
    happened += playback.end()

    assert happened == played(wanted, *inputs)


@settings(max_examples=60, deadline=None)
@given(inputs=streams())
def test_it_decides_what_the_engine_decides(inputs: list[Input]) -> None:
    kept: list[Rule] = [each for each in RULES if each.alert != "Once"]  # To the engine, equal ones are one change.
    until = inputs[-1].at + 300 * SECOND
    stage = Stage(setup_=setup(*kept), sighted=False).play(*inputs).wait((until - START) / SECOND)
    playback = Playback(setup(*kept), START)
    happened = [*playback.play(inputs), *playback.wait(until)]

    assert [each for each in changes(happened) if each[1] not in ("pending", "inactive")] == stage.story


@pytest.mark.parametrize("path", CORPUS, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_the_example_rules_play_every_recording_the_same_each_time(path: Path) -> None:
    wanted = configured(rehearse(ROOT / "rules.example.yaml", {}))

    def once() -> list[Transition | Sent]:
        with path.open("rb") as lines:
            return played(wanted, *read(lines, str(path)))

    assert once() == once()


def test_the_recorded_failures_and_slow_consumers_are_told() -> None:
    burst = rule(alert="Burst", events="client.auth_error", type="frequency", count=5, within="10s")
    slow = rule(alert="Slow", events="client.disconnect", where=['reason =~ "Slow Consumer .*"'], by=["client.name"])
    for version in ("2.15.1", "2.9.10"):
        told = set()
        for name in ("auth", "clients"):
            with (ROOT / "tests" / "corpus" / version / f"{name}.jsonl").open("rb") as lines:
                happened = played(setup(burst, slow), *read(lines, name))
            told |= {(each.state, each.labels["alertname"]) for each in happened if isinstance(each, Transition)}
        assert told >= {("firing", "Burst"), ("event", "Slow")}, version


def test_a_comparison_with_equal_rules_finds_nothing() -> None:
    inputs: list[Input] = [SEEN, *(disconnected(second, "a") for second in range(1, 30))]

    assert list(compare(inputs, Playback(setup(GONE), START), Playback(setup(GONE), START))) == []


def test_a_comparison_finds_what_only_one_of_them_leads_to_in_the_order_of_time() -> None:
    def burst(count: int) -> Setup:
        return setup(rule(events="client.auth_error", type="frequency", count=count, within="10s"), GONE, route=SLOW)

    inputs: list[Input] = [
        SEEN,
        login_failed(1),
        login_failed(2),
        disconnected(2.5, "a"),
        login_failed(3),
        Sight(at(40)),
    ]
    found = list(compare(inputs, Playback(burst(3), START), Playback(burst(2), START)))
    shown = [(difference.mark, *_shown(difference.happened)) for difference in found]

    assert shown == [
        ("+", 2.0, "firing"),
        ("-", 3.0, "firing"),
        ("+", 7.0, "message"),
        ("-", 8.0, "message"),
        ("-", 11.0, "resolved"),
        ("+", 12.0, "resolved"),
        ("+", 17.0, "message"),
        ("-", 18.0, "message"),
    ]


@settings(max_examples=30, deadline=None)
@given(inputs=streams())
def test_a_comparison_finds_as_much_as_two_replays_do(inputs: list[Input]) -> None:
    some, others = setup(*RULES[:4], route=SLOW), setup(*RULES[2:], route=SLOW)
    found = list(compare(inputs, Playback(some, inputs[0].at), Playback(others, inputs[0].at)))
    mine = [each for each in played(some, *inputs) if isinstance(each, Transition)]
    theirs = [each for each in played(others, *inputs) if isinstance(each, Transition)]

    only = [each.happened for each in found if each.mark == "-" and isinstance(each.happened, Transition)]
    assert only == [each for each in mine if each not in theirs]


def _shown(happened: Transition | Sent) -> tuple[float, str]:
    return (happened.at - START) / SECOND, happened.state if isinstance(happened, Transition) else "message"
