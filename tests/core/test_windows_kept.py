"""State, aggregate, cardinality, spike, ratio: what they know outlasts an edit at a start, sleep, a clock set back."""

from typing import Any

import msgspec
import pytest

from bridge.inputs import Blind, Input, Message, Sight
from bridge.rule import Rule
from bridge.values import SECOND
from tests.core.disk import restarted
from tests.core.stage import START, Stage, at, disconnected, login_failed, rule, setup, statsz


def loose(**keys: Any) -> Rule:
    given = {"events": "server.statsz", "type": "state", "matching": ["statsz.connections > 10"], "for_": "20s"}
    return rule(**{**given, **keys})


def mean(**keys: Any) -> Rule:
    given = {"events": "server.statsz", "type": "aggregate", "field": "statsz.connections", "fn": "avg"}
    return rule(**{**given, "above": 10, "within": "20s", **keys})


def users(**keys: Any) -> Rule:
    given = {"events": "client.auth_error", "type": "cardinality", "field": "client.user", "within": "20s"}
    return rule(**{**given, **({} if "below" in keys else {"above": 2}), **keys})


def wave(**keys: Any) -> Rule:
    given = {"events": "client.auth_error", "type": "spike", "factor": 3, "within": "10s", "at_least": 3}
    return rule(**{**given, **keys})


def share(**keys: Any) -> Rule:
    given = {"events": "client.disconnect", "type": "ratio", "matching": ["client.name = a"], "above": "50%"}
    return rule(**{**given, "within": "20s", "at_least": 2, **keys})


def logins(*seconds: float) -> list[Message]:
    return [login_failed(each, user=f"user {each}", number=n) for n, each in enumerate(seconds)]


def went(*names: str) -> list[Message]:
    return [disconnected(1 + place, name, number=place) for place, name in enumerate(names)]


def many(*numbers: float) -> list[Message]:
    return [statsz(1 + place, connections=number) for place, number in enumerate(numbers)]


def seconds_of(instant: int) -> float:
    """Seconds after the start."""
    return (instant - START) / SECOND


def story(stage: Stage) -> list[tuple[float, str, str]]:
    return [(each.seconds, each.state, each.reason) for each in stage.decisions]


@pytest.mark.parametrize(
    ("before", "events", "after", "told"),
    [
        (loose(), many(11), loose(for_="3s"), [(5, "firing", ""), (91, "resolved", "no data")]),
        (loose(for_="0"), many(11), loose(matching=["statsz.connections > 9"]), [(5, "resolved", "rule changed")]),
        (mean(), many(8, 10), mean(above=8), [(5, "firing", ""), (22, "resolved", "")]),
        (mean(), many(8, 12), mean(fn="max"), [(5, "firing", ""), (22, "resolved", "")]),
        (mean(at_least=3), many(12, 12), mean(at_least=2), [(5, "firing", ""), (21, "resolved", "")]),
        (mean(), many(12), mean(within="3s"), [(5, "resolved", "")]),
        (mean(), many(12), mean(field="statsz.mem"), [(5, "resolved", "rule changed")]),
        (users(), logins(1, 2), users(above=1), [(5, "firing", ""), (21, "resolved", "")]),
        (users(), logins(1, 2), users(below=3), [(21, "firing", "")]),
        (users(), logins(1, 2, 3), users(field="client.host"), [(5, "resolved", "rule changed")]),
        (share(), went("b", "a"), share(above="40%"), [(5, "firing", ""), (21, "resolved", "")]),
        (share(), went("a", "a"), share(at_least=3), [(5, "resolved", "")]),
        (share(), went("a", "a"), share(matching=["client.name = b"]), [(5, "resolved", "rule changed")]),
        (wave(), logins(0.5, 1, 2, 3), wave(factor=2), []),
    ],
)
def test_an_edit_at_a_start(before: Rule, events: list[Input], after: Rule, told: list[object]) -> None:
    stage = restarted(Stage(before).play(*events).wait(5), setup(after)).play(Sight(at(5)))

    assert story(stage.wait(200))[: len(told) or 1] == told


@pytest.mark.parametrize("restart", [False, True])
def test_two_windows_that_became_longer_have_to_be_watched(restart: bool) -> None:
    """The rule has watched for 100 s, but of what was more than 20 s ago it has kept nothing."""
    stage = Stage(wave()).wait(100)
    longer = wave(within="20s")
    stage = restarted(stage, setup(longer)).play(Sight(at(100))) if restart else stage.reload(longer)
    stage.play(*logins(100, 115, 116, 117))

    assert story(stage.wait(130)) == [(120, "firing", "")]


def test_two_windows_that_became_shorter_and_longer_again_lack_what_was_between() -> None:
    stage = Stage(wave(within="20s")).wait(100).reload(wave(within="5s")).reload(wave(within="20s"))
    stage.play(*logins(105, 126, 127, 128))

    assert story(stage.wait(140)) == [(130, "firing", "")]


@pytest.mark.parametrize("restart", [False, True])
def test_a_window_of_below_that_became_longer_has_to_be_watched(restart: bool) -> None:
    """What the journal does not hold any more, that is."""
    stage = Stage(users(below=2)).play(*logins(*range(10, 100))).wait(100)
    stage.commits.append(stage.engine.drain(everything=True))
    longer = users(below=100, within="50s")
    stage = restarted(stage, setup(longer)).play(Sight(at(100))) if restart else stage.reload(longer)

    assert story(stage.wait(140)) == [(130, "firing", "")]


SLEEPERS = (
    loose(alert="State"),
    mean(alert="Mean", keep_firing_for="10s"),
    users(alert="Fewer", below=1),
    wave(alert="Wave"),
)


def test_rules_whose_file_is_mended_go_on_as_if_no_time_had_passed() -> None:
    """Windows are in receive time; how long something is so, was kept, watched or missed is not."""
    stage = Stage(*SLEEPERS).play(statsz(1, connections=11), *logins(2))
    stage = restarted(stage.wait(5), setup(), dormant=True).play(Sight(at(5))).wait(1005)
    assert story(stage) == []
    stage.reload(*SLEEPERS).wait(1100)

    changes = [stage.changes[n] for n in sorted(stage.changes)]
    assert [
        (change.facts.rule, seconds_of(change.at), change.state, change.facts.tally.value) for change in changes
    ] == [
        ("Mean", 1015, "resolved", 11),  # Its window has emptied, and that was kept for 10 s.
        ("State", 1021, "firing", 20),  # Four seconds had gone by.
        ("Fewer", 1022, "firing", 0),
        ("State", 1091, "resolved", 90),
    ]


@pytest.mark.parametrize(
    ("before", "events", "after", "told"),
    [
        (loose(), many(11), [], [(21, "firing"), (91, "resolved")]),
        (mean(), many(4, 12), [statsz(7, connections=20)], [(7, "firing"), (27, "resolved")]),
        (users(), logins(1, 2), logins(7), [(7, "firing"), (21, "resolved")]),
        (users(below=2), logins(1, 2), logins(7), [(22, "firing")]),
        (users(below=2), [*logins(1, 2), Blind(at(4))], [Sight(at(10))], [(27, "firing")]),
        (share(), went("a"), [disconnected(7, "a")], [(7, "firing"), (21, "resolved")]),
        (wave(), logins(1), logins(11, 12, 13), [(20, "firing"), (21, "resolved")]),
    ],
)
def test_a_clock_that_is_set_back_moves_all_that_is_known(
    before: Rule, events: list[Input], after: list[Input], told: list[tuple[float, str]]
) -> None:
    """As if nothing had happened to the clock; `told` is in its old time."""
    back = 100
    stage = Stage(before).play(*events).wait(5)
    blind = stage.engine.watch.blind
    stage = restarted(stage, seconds=5 - back)
    if not blind:
        stage.play(Sight(at(5 - back)))
    stage.play(*(msgspec.structs.replace(each, at=each.at - back * SECOND) for each in after))
    stage.wait(110 - back)

    assert [(each.seconds + back, each.state) for each in stage.decisions] == told
