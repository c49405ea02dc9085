"""What an edit does to rules that are at work: at a reload, and the same at a start with an edited file."""

import itertools
from collections.abc import Callable
from typing import Any

import msgspec
import pytest

from bridge.commit import Settled
from bridge.inputs import Blind, Input, Message, Sight
from bridge.rule import Rule
from bridge.setup import Setup
from bridge.values import SECOND
from tests.core.audience import ROUTE, Audience
from tests.core.disk import Disk, restarted
from tests.core.stage import Stage, at, disconnected, goodbye, login_failed, rule, setup, statsz

Edit = Callable[..., Stage]


@pytest.fixture(params=["reload", "restart"])
def edit(request: pytest.FixtureRequest) -> Edit:
    """Makes the edited rules those at work; what was decided before is forgotten."""

    def reload(stage: Stage, *rules: Rule) -> Stage:
        stage.changes.clear()
        return stage.reload(*rules)

    def restart(stage: Stage, *rules: Rule) -> Stage:
        blind = stage.engine.watch.blind
        resumed = restarted(stage, setup(*rules))
        return resumed if blind else resumed.play(Sight(resumed.engine.watch.t))

    return reload if request.param == "reload" else restart


def burst(**keys: Any) -> Rule:
    given = {"events": "client.auth_error", "type": "frequency", "count": 3, "within": "10s", "by": ["client.host"]}
    return rule(**{**given, **keys})


def limit(**keys: Any) -> Rule:
    return rule(**{"events": "server.statsz", "type": "threshold", "field": "statsz.connections", "above": 10, **keys})


def grown(**keys: Any) -> Rule:
    given = {"events": "server.statsz", "type": "increase", "field": "statsz.slow_consumers", "within": "60s"}
    return rule(**{**given, **keys})


def silent(**keys: Any) -> Rule:
    return rule(**{"events": "server.statsz", "type": "flatline", "within": "20s", "by": ["server.name"], **keys})


def kept(**keys: Any) -> Rule:
    return rule(**{"events": "client.disconnect", "by": ["client.name"], "keep_firing_for": "60s", **keys})


def logins(*seconds: float) -> list[Message]:
    return [login_failed(each, number=n) for n, each in enumerate(seconds)]


def story(stage: Stage) -> list[tuple[float, str, str]]:
    return [(each.seconds, each.state, each.reason) for each in stage.decisions]


RISE = [statsz(1, slow_consumers=0), statsz(2, slow_consumers=5)]
FALL = [statsz(1, connections=12), statsz(2, connections=8)]
CHANGED, REMOVED = "rule changed", "rule removed"


# -- annotations ------------------------------------------------------------------------------------------------------


def test_annotations_are_those_of_the_moment_and_nothing_is_lost(edit: Edit) -> None:
    stage = Stage(burst(annotations={"summary": "old"})).play(*logins(1, 2, 3)).wait(4)
    (row,) = stage.rows.values()
    stage = edit(stage, burst(annotations={"summary": "new", "resolved": "over"}))
    assert story(stage) == []

    stage.play(Settled(row.id, "delivered", at(5)))
    assert story(stage.wait(20)) == [(11.0, "resolved", "")]
    end = max(stage.rows.values(), key=lambda row: row.created)
    assert end.notification.alerts[0].annotations == {"summary": "over"}


# -- limits: the state is kept and judged anew at once ----------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "events", "after", "told"),
    [
        (burst(), logins(1, 2), burst(count=2), [(5.0, "firing", ""), (11.0, "resolved", "")]),
        (burst(), logins(1, 2, 3), burst(count=4), [(5.0, "resolved", "")]),
        (burst(), logins(1, 2, 3), burst(count=2), [(12.0, "resolved", "")]),
        (grown(above=9), RISE, grown(above=4), [(5.0, "firing", "")]),
        (grown(), RISE, grown(above=5), [(5.0, "resolved", "")]),
        (limit(), [statsz(1, connections=8)], limit(above=7), [(5.0, "firing", "")]),
        (limit(), [statsz(1, connections=12)], limit(above=12), [(5.0, "resolved", "")]),
        (limit(above=20), [statsz(1, connections=12)], limit(above=20), []),
        (limit(clear=5), FALL, limit(clear=9), [(5.0, "resolved", "")]),
        (limit(clear=5), FALL, limit(), [(5.0, "resolved", "")]),
    ],
    ids=itertools.count(),
)
def test_limits(edit: Edit, before: Rule, events: list[Input], after: Rule, told: list[object]) -> None:
    stage = Stage(before).play(*events).wait(5)

    assert story(edit(stage, after).wait(40)) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("8s", "2s", [(5.0, "firing", ""), (11.0, "resolved", "")]),  # It has held since 3.
        ("8s", "4s", [(7.0, "firing", ""), (11.0, "resolved", "")]),
        ("4s", "6s", [(9.0, "firing", ""), (11.0, "resolved", "")]),
        ("4s", "9s", []),
        ("1s", "1h", [(11.0, "resolved", "")]),  # What fires goes on.
    ],
)
def test_for(edit: Edit, before: str, after: str, told: list[object]) -> None:
    stage = Stage(burst(for_=before)).play(*logins(1, 2, 3)).wait(5)

    assert story(edit(stage, burst(for_=after)).wait(40)) == told


def test_for_of_a_measuring_rule_ends_with_the_next_measurement(edit: Edit) -> None:
    stage = Stage(limit(for_="1m")).play(statsz(1, connections=12)).wait(5)
    stage = edit(stage, limit(for_="2s")).wait(7)
    assert story(stage) == []

    assert story(stage.play(statsz(11, connections=12))) == [(11.0, "firing", "")]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("1h", "10s", [(21.0, "resolved", "")]),  # Gone at 11, edited at 15.
        ("1h", "2s", [(15.0, "resolved", "")]),
        ("1h", "0", [(15.0, "resolved", "")]),
        ("10s", "30s", [(41.0, "resolved", "")]),
    ],
)
def test_keep_firing_for(edit: Edit, before: str, after: str, told: list[object]) -> None:
    stage = Stage(burst(keep_firing_for=before)).play(*logins(1, 2, 3)).wait(15)

    assert story(edit(stage, burst(keep_firing_for=after)).wait(60)) == told


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ("1m", "20s", [(21.0, "resolved", "")]),
        ("1m", "2s", [(5.0, "resolved", "")]),
        ("1m", "0", [(5.0, "resolved", "")]),  # From now on its events are one-offs, and nothing would end it.
        ("1m", "2m", [(121.0, "resolved", "")]),
    ],
)
def test_keep_firing_for_of_an_instant_rule(edit: Edit, before: str, after: str, told: list[object]) -> None:
    stage = Stage(kept(keep_firing_for=before)).play(disconnected(1, "x")).wait(5)

    assert story(edit(stage, kept(keep_firing_for=after)).wait(200)) == told


def test_a_larger_limit_of_combinations_lets_new_ones_in_and_keeps_the_old(edit: Edit) -> None:
    stage = Stage(burst(limit=1, count=2)).play(login_failed(1, "a"), login_failed(2, "b")).wait(3)
    stage = edit(stage, burst(limit=5, count=2))
    stage.play(login_failed(4, "a"), login_failed(5, "b"), login_failed(6, "b"))

    assert [(each.seconds, each.labels) for each in stage.decisions] == [
        (4.0, {"client_host": "a"}),
        (6.0, {"client_host": "b"}),
    ]


# -- within: the window is kept ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("within", "told"),
    [
        ("3s", [(6.0, "resolved", "")]),
        ("4s", [(6.0, "resolved", "")]),
        ("5s", [(6.0, "resolved", "")]),
        ("6s", [(7.0, "resolved", "")]),
        ("30s", [(31.0, "resolved", "")]),
    ],
)
def test_within_keeps_the_window(edit: Edit, within: str, told: list[object]) -> None:
    stage = Stage(burst()).play(*logins(1, 2, 3)).wait(6)

    assert story(edit(stage, burst(within=within)).wait(60)) == told


def test_what_a_longer_window_lacks_counts_as_not_seen(edit: Edit) -> None:
    stage = Stage(burst(within="2s")).play(*logins(1, 4, 7)).wait(8)
    stage = edit(stage, burst(within="1m"))
    assert story(stage) == []

    assert story(stage.play(login_failed(8, number=8), login_failed(9, number=9))) == [(9.0, "firing", "")]


def test_within_of_flatline(edit: Edit) -> None:
    stage = Stage(silent()).play(statsz(1)).wait(15)

    assert story(edit(stage, silent(within="10s")).wait(16)) == [(15.0, "firing", "")]
    assert story(edit(Stage(silent()).play(statsz(1)).wait(25), silent(within="1m")).wait(100)) == [
        (25.0, "resolved", ""),
        (61.0, "firing", ""),
    ]


# -- what means something else: reset ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "after",
    [
        rule(events="client.auth_error", by=["client.host"], keep_firing_for="1m"),  # type
        burst(events=["client.auth_error", "client.disconnect"]),
        burst(where=["client.kind = Client"]),
        burst(by=["client.user"]),
        burst(by=[]),
        burst(labels={"severity": "warning"}),
        burst(labels={"who": "{{ labels.client_host }}"}),
    ],
    ids=["type", "events", "where", "by", "no by", "static label", "written label"],
)
def test_a_rule_that_means_something_else_begins_anew(edit: Edit, after: Rule) -> None:
    stage = Stage(burst(count=2)).play(*logins(1, 2)).wait(4)
    stage = edit(stage, after).wait(5)
    assert story(stage) == [(4.0, "resolved", CHANGED)]

    # Nothing is left of its state.
    stage.play(login_failed(5, number=5))
    assert len([each for each in stage.decisions if each.state == "firing"]) == (after.type == "any")


@pytest.mark.parametrize(
    ("before", "after"),
    [
        (limit(), limit(field="statsz.subscriptions")),
        (limit(), limit(of="statsz.cores", above="1%")),
        (limit(), limit(per="statsz.cores")),
        (limit(), limit(sum_over="server.name")),
    ],
    ids=["field", "of", "per", "sum_over"],
)
def test_another_measure_begins_anew(edit: Edit, before: Rule, after: Rule) -> None:
    stage = Stage(before).play(statsz(1, connections=12)).wait(4)

    assert story(edit(stage, after).wait(5)) == [(4.0, "resolved", CHANGED)]


def test_a_removed_rule_resolves_its_alerts_and_leaves_nothing(edit: Edit) -> None:
    stage = Stage(burst(), grown(alert="Grown")).play(*logins(1, 2, 3), statsz(4, slow_consumers=3)).wait(5)
    stage = edit(stage, kept(alert="Other")).wait(6)
    assert story(stage) == [(5.0, "resolved", REMOVED)]
    snapshot = Disk(stage.commits).load()
    assert snapshot.states == []

    # It comes back: nothing is known, and nothing fires.
    again = edit(stage, burst(), grown(alert="Grown"))
    again.play(login_failed(6, number=6), statsz(7, slow_consumers=9))
    assert [each for each in again.decisions if each.state == "firing"] == []


def test_the_end_of_a_removed_rule_is_told_in_its_own_words() -> None:
    stage = Audience(burst(keep_firing_for="1h", annotations={"resolved": "never mind {{ labels.client_host }}"}))
    stage.play(*logins(1, 2, 3))
    stage.upto(30).reload(setup_=setup(kept(alert="Other"), route=ROUTE))
    end = stage.upto(100).messages()[-1].alerts[0]

    assert (end.state, end.reason, end.annotations["summary"]) == ("resolved", REMOVED, "never mind 10.0.0.9")


def test_a_rule_that_is_not_enabled_sleeps(edit: Edit) -> None:
    stage = Stage(burst()).play(*logins(1, 2, 3)).wait(5)
    stage = edit(stage, burst(enabled=False))
    assert [(at, state) for at, state, _ in story(stage)] == [(5.0, "resolved")]
    stage.play(*(login_failed(6 + n, number=n) for n in range(10)))
    assert len(story(stage)) == 1
    assert stage.engine.subjects == frozenset()

    stage = edit(stage, burst()).play(*(login_failed(20 + n, number=n) for n in range(3)))
    assert [(at, state) for at, state, _ in story(stage)][-1] == (22.0, "firing")


def test_other_rules_do_not_notice(edit: Edit) -> None:
    stage = Stage(burst(), kept(alert="Kept"), limit(alert="Many"))
    stage.play(*logins(1, 2), disconnected(3, "x"), statsz(4, connections=50)).wait(5)
    stage = edit(stage, limit(alert="New", above=1), kept(alert="Kept"), burst())
    stage.play(login_failed(6, number=6)).wait(100)

    assert [(each.seconds, each.state, each.reason) for each in stage.decisions] == [
        (5.0, "resolved", REMOVED),
        (6.0, "firing", ""),
        (11.0, "resolved", ""),
        (63.0, "resolved", ""),
    ]


def test_one_offs_that_wait_for_their_message_are_counted_on() -> None:
    """A reload in between, with another text for them."""
    route = {"group_wait": "10s", "group_by": ["alertname"]}
    old = rule(events="client.disconnect", by=["client.name"], annotations={"summary": "old"})
    new = rule(events="client.disconnect", by=["client.name"], annotations={"summary": "new {{ count }}"})
    stage = Stage(setup_=setup(old, route=route)).play(disconnected(1, "x"))
    stage.reload(setup_=setup(new, route=route)).play(disconnected(2, "x", number=2)).wait(30)
    (row,) = stage.rows.values()

    assert [alert.annotations["summary"] for alert in row.notification.alerts] == ["new 2"]


def test_an_alert_that_began_with_a_reload_before_its_commit_is_not_lost() -> None:
    """Decided, not written yet, and the rules are made anew: the next commit holds it."""
    stage = Stage(burst())
    stage.engine.process(logins(1, 2, 3))
    stage.reload(burst(count=2))
    resumed = restarted(stage).play(Sight(at(3))).wait(60)

    assert [change.state for change in stage.changes.values()] == ["firing"]
    assert [state for _, state, _ in story(resumed)] == ["resolved"]


# -- names of edited labels -------------------------------------------------------------------------------------------


def test_labels_of_the_file_are_those_of_the_next_alert() -> None:
    """An identity is rendered when the alert begins and kept until it ends."""
    stage = Stage(burst()).play(*logins(1, 2, 3)).wait(4)
    stage.reload(setup_=msgspec.structs.replace(setup(burst()), labels={"cluster": "prod"}))
    stage.wait(30).play(*(login_failed(n, number=n) for n in (31, 32, 33)))

    assert [each.labels for each in stage.decisions] == [
        {"client_host": "10.0.0.9"},
        {"client_host": "10.0.0.9"},
        {"client_host": "10.0.0.9", "cluster": "prod"},
    ]


# -- broken files at the start ----------------------------------------------------------------------------------------


SLEEPERS = (burst(), limit(alert="Many"), silent(alert="Silent"), kept(alert="Kept"), grown(alert="Grown"))


def asleep(*rules: Rule) -> Audience:
    """Everything fires or is about to; then the process starts with `rules` only, as the file of the rest is broken."""
    stage = Audience(*SLEEPERS, route={"group_wait": "0"})
    stage.play(*logins(1, 2, 3), statsz(4, connections=50, slow_consumers=1), disconnected(5, "x"))
    resumed = restarted(stage.upto(6), routed(*rules), seconds=10, dormant=True)
    resumed.play(Sight(at(10)))
    return resumed


def routed(*rules: Rule) -> Setup:
    return setup(*rules, route={**ROUTE, "group_wait": "0"})


def test_rules_of_a_broken_file_are_neither_evaluated_nor_resolved_nor_deleted() -> None:
    stage = asleep(rule(alert="Other", events="client.connect"))
    states = Disk(stage.commits).load().states
    stage.play(*(login_failed(11 + n, number=n) for n in range(9)))
    stage.upto(4000)

    assert story(stage) == []
    assert Disk(stage.commits).load().states == states
    # It is still told that they fire.
    reminded = {alert.labels["alertname"] for message in stage.messages() for alert in message.alerts}
    assert reminded == {"A", "Many", "Kept"}


@pytest.mark.parametrize("twice", [False, True])
def test_rules_whose_file_is_mended_go_on_as_if_no_time_had_passed(twice: bool) -> None:
    stage: Stage = asleep().upto(500)
    if twice:
        stage = restarted(stage, dormant=True).play(Sight(at(500)))
    stage.wait(1010).reload(setup_=routed(*SLEEPERS)).wait(1011)
    # The window of the burst is in receive time; all else has slept.
    assert story(stage) == [(1010.0, "resolved", "")]
    stage.play(statsz(1012, connections=51, slow_consumers=3)).wait(1013)
    assert story(stage)[1:] == [(1012.0, "firing", "")]  # Grown, by two since before.

    assert story(stage.wait(1400))[2:] == [
        (1032.0, "firing", ""),  # Silent: 20 s after the last STATSZ.
        (1069.0, "resolved", ""),  # Kept: a second of its minute had gone by, and four were blind.
        (1072.0, "resolved", ""),  # Grown: its step leaves the window.
        (1102.0, "resolved", "no data"),  # Many.
    ]


def test_a_silence_is_no_longer_for_the_time_asleep() -> None:
    stage = asleep().upto(1010).reload(setup_=routed(*SLEEPERS)).wait(1100)

    assert story(stage) == [
        (1010.0, "resolved", ""),
        (1028.0, "firing", ""),
        (1069.0, "resolved", ""),
        (1098.0, "resolved", "no data"),
    ]


def test_a_mended_file_at_the_next_start_is_the_same() -> None:
    resumed = restarted(asleep().upto(1010), routed(*SLEEPERS)).play(Sight(at(1010))).wait(1100)

    assert story(resumed) == [
        (1020.0, "resolved", ""),  # Its window emptied unseen.
        (1028.0, "firing", ""),
        (1069.0, "resolved", ""),
        (1098.0, "resolved", "no data"),
    ]


def test_what_a_mended_file_lacks_is_gone() -> None:
    stage = asleep().upto(20).reload(setup_=routed(limit(alert="Many"))).wait(30)

    assert sorted(story(stage)) == [(20.0, "resolved", REMOVED), (20.0, "resolved", REMOVED)]
    assert len(Disk(stage.commits).load().states) == 1


def test_what_a_mended_file_says_otherwise_has_changed() -> None:
    stage = asleep().upto(20).reload(setup_=routed(limit(alert="Many", field="statsz.mem"))).wait(30)

    assert sorted(reason for _, _, reason in story(stage)) == [CHANGED, REMOVED, REMOVED]


def test_a_reload_with_the_file_still_broken_lets_it_sleep_on() -> None:
    stage = asleep().reload(setup_=routed(kept(alert="Other")), dormant=True).wait(4000)
    assert story(stage) == []

    assert story(stage.reload(setup_=routed(*SLEEPERS)).wait(4001)) == [(4000.0, "resolved", "")]


def test_a_rule_that_was_edited_elsewhere_does_not_sleep() -> None:
    """Its own file is good: it is there, and means something else."""
    stage = asleep(limit(alert="Many", field="statsz.mem"))

    assert story(stage) == [(6.0, "resolved", CHANGED)]


# -- a clock that was set back ----------------------------------------------------------------------------------------


BACK = 100
"""Seconds by which the clock is set back while the bridge is down."""


@pytest.mark.parametrize(
    ("before", "events", "after", "told"),
    [
        (burst(), logins(1, 2), [login_failed(7, number=7)], [(7.0, "firing"), (11.0, "resolved")]),
        (burst(), logins(1, 2), [login_failed(12, number=7)], []),
        (burst(), logins(1, 2, 3), [], [(11.0, "resolved")]),
        (burst(for_="8s", within="1m"), logins(1, 2, 3), [], [(11.0, "firing"), (61.0, "resolved")]),
        (kept(), [disconnected(1, "x")], [], [(61.0, "resolved")]),
        (limit(), [statsz(1, connections=12)], [], [(91.0, "resolved")]),
        (silent(), [statsz(1)], [], [(21.0, "firing")]),
        (grown(), [statsz(1, slow_consumers=1)], [statsz(8, slow_consumers=3)], [(8.0, "firing"), (68.0, "resolved")]),
    ],
    ids=itertools.count(),
)
def test_a_clock_that_is_set_back_moves_all_that_is_known(
    before: Rule, events: list[Input], after: list[Message], told: list[tuple[float, str]]
) -> None:
    """As if nothing had happened to the clock; `told` is in its old time."""
    stage = Stage(before).play(*events).wait(5)
    resumed = restarted(stage, seconds=5 - BACK).play(Sight(at(5 - BACK)))
    resumed.play(*(msgspec.structs.replace(each, at=each.at - BACK * SECOND) for each in after))
    resumed.wait(100 - BACK)

    assert [(each.seconds + BACK, each.state) for each in resumed.decisions] == told


def test_a_clock_that_is_set_back_moves_messages_as_well() -> None:
    stage = Stage(setup_=setup(kept(keep_firing_for="1h"), route={"group_wait": "30s", "repeat_interval": "1m"}))
    stage.play(disconnected(1, "x")).wait(5)
    resumed = restarted(stage, seconds=5 - BACK).play(Sight(at(5 - BACK))).wait(40 - BACK)
    (row,) = resumed.rows.values()
    assert row.created == at(31 - BACK)

    again = restarted(resumed, seconds=-2 * BACK)
    (moved,) = again.engine.outbox.rows.values()
    by = at(40 - BACK) - at(-2 * BACK)
    assert (moved.id, moved.created, moved.due, moved.expires) == (
        row.id,
        row.created - by,
        row.due - by,
        row.expires - by,
    )


def test_a_clock_that_is_set_back_is_told_as_the_time_of_the_end() -> None:
    stage = Stage(burst()).play(*logins(1, 2, 3)).wait(5)
    resumed = restarted(stage, seconds=5 - BACK).play(Sight(at(5 - BACK))).wait(100 - BACK)
    end = next(change for change in resumed.changes.values() if change.state == "resolved")

    assert (end.facts.starts, end.facts.ends) == (at(3 - BACK), at(11 - BACK))
    assert (end.facts.tally.first, end.facts.tally.last) == (at(1 - BACK), at(3 - BACK))


def test_counters_outlive_a_restart_with_an_edit_of_the_limit(edit: Edit) -> None:
    stage = Stage(grown(above=100)).play(statsz(1, slow_consumers=5)).wait(3)
    stage = edit(stage, grown(above=1)).play(statsz(4, slow_consumers=8))

    assert [(each.seconds, each.value) for each in stage.decisions] == [(4.0, 3.0)]


def test_an_edit_counts_at_once_while_blind_as_well(edit: Edit) -> None:
    """Time alone changes no alert then, but an edit is not time."""
    stage = Stage(burst()).play(*logins(1, 2, 3), Blind(at(4))).wait(5)

    assert story(edit(stage, burst(count=5)).wait(60)) == [(5.0, "resolved", "")]


def test_a_goodbye_that_was_heard_is_remembered(edit: Edit) -> None:
    planned = {"unless": {"events": "server.shutdown", "for": "1m"}}
    stage = Stage(silent(**planned)).play(statsz(1), goodbye(5)).wait(10)
    stage = edit(stage, silent(**planned, annotations={"summary": "new"}))

    assert story(stage.wait(100)) == [(65.0, "firing", "planned, but not back")]


def test_the_expected_count_as_seen_when_the_rule_is_loaded(edit: Edit) -> None:
    stage = Stage(silent(expect=[{"server.name": "n1"}])).wait(5)
    stage = edit(stage, silent(expect=[{"server.name": "n1"}, {"server.name": "n2"}])).wait(100)

    assert [(each.seconds, each.labels["server_name"]) for each in stage.decisions] == [(20.0, "n1"), (25.0, "n2")]


def test_numbers_of_states_are_never_used_twice(edit: Edit) -> None:
    stage = Stage(burst(count=9)).play(login_failed(1, "a"), login_failed(2, "b")).wait(3)
    known = {state.no for state in stage.engine._rules.by_id["A"].states.values()}
    stage = edit(stage, burst(count=9, where=["client.kind = Client"])).play(login_failed(4, "a"))

    assert not known & {state.no for state in stage.engine._rules.by_id["A"].states.values()}
