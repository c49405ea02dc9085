"""Who is not told though something changed: silences, inhibition, time intervals, and what becomes of it afterwards."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest

from bridge.command import AddSilence, ExpireSilence
from bridge.commit import Muted
from bridge.inhibit import InhibitRule
from bridge.inputs import Asked, Happening
from bridge.label_matchers import LabelMatchers
from bridge.muting import Mutes
from bridge.route import Route
from bridge.routing import Routing
from bridge.rule import Rule
from bridge.setup import PlacedRule, Setup
from bridge.silence import KEPT, Silence, declared, new_id
from bridge.time_interval import TimeIntervals
from bridge.values import HOUR, MINUTE, SECOND
from tests.core.audience import OPS, PAGER, ROUTE, Audience
from tests.core.disk import restarted
from tests.core.stage import START, at, rule
from tests.core.test_groups import audience, brief, lost, once


def wanted(*rules: Rule, route: dict[str, Any] | None = None, **mutes: Any) -> Setup:
    """A configuration with two receivers, `ops` and `pager`."""
    targets = {"ops": (OPS,), "pager": (PAGER,)}
    merged = Route.model_validate({"receiver": "ops", **ROUTE, **(route or {})})
    return Setup(
        tuple(PlacedRule(each) for each in rules or (lost(),)),
        Routing(merged, targets, 72 * HOUR, mutes=Mutes(**mutes)),
    )


def stage_of(*rules: Rule, route: dict[str, Any] | None = None, **mutes: Any) -> Audience:
    stage = audience()
    stage.reload(setup_=wanted(*rules, route=route, **mutes))
    return stage


def silence(begin: float = 0, end: float | None = 3600, *matchers: str, **keys: Any) -> Silence:
    made = Silence(
        id="",
        matchers=matchers or ("client_name = x",),
        starts_at=at(begin),
        ends_at=None if end is None else at(end),
        **keys,
    )
    return msgspec.structs.replace(made, id=new_id(made))


def hush(stage: Audience, given: Silence, seconds: float = 0) -> Audience:
    stage.play(AddSilence(given, at(seconds)))
    return stage


def muted(stage: Audience) -> list[tuple[float, str, str]]:
    records: Sequence[Muted] = [record for commit in stage.commits for record in commit.muted]
    return [((each.at - START) / SECOND, each.labels.get("client_name", ""), each.reason) for each in records]


# -- silences ----------------------------------------------------------------------------------------------------------


def test_a_silenced_alert_is_told_at_the_first_tick_after_the_silence() -> None:
    stage = hush(audience(), silence(0, 100)).goes(1, "x").goes(2, "y").upto(300)

    assert brief(stage.messages()) == [
        (11, "first", [("y", "firing")]),
        (131, "new alerts", [("x", "firing"), ("y", "firing")]),
    ]


def test_what_was_muted_is_recorded_once_with_the_reason() -> None:
    given = silence(0, 1000, comment="planned\nwork")
    stage = hush(audience(), given).goes(1, "x").upto(400)

    assert muted(stage) == [(11, "x", f"silence {given.id} (planned⏎work)")]
    assert not stage.messages()


def test_an_end_under_a_silence_is_told_afterwards_to_those_who_were_told_of_the_firing() -> None:
    stage = audience().goes(1, "x").upto(20)
    hush(stage, silence(20, 200), 20).comes(30, "x").upto(400)

    assert brief(stage.messages()) == [(11, "first", [("x", "firing")]), (251, "resolved", [("x", "resolved")])]
    assert not stage.engine.outbox.groups


def test_an_end_under_a_silence_is_told_to_nobody_who_was_not_told_of_the_firing() -> None:
    stage = hush(audience(), silence(0, 200)).goes(1, "x").upto(20).comes(30, "x").upto(400)

    assert not stage.messages()
    assert not stage.engine.outbox.groups


def test_an_end_that_waits_survives_a_restart() -> None:
    stage = audience().goes(1, "x").upto(20)
    hush(stage, silence(20, 200), 20).comes(30, "x").upto(100)
    resumed = restarted(stage).upto(400)

    assert brief(resumed.messages()) == [(251, "resolved", [("x", "resolved")])]


def test_an_end_that_waits_is_not_told_if_it_fires_again() -> None:
    stage = audience().goes(1, "x").upto(20)
    hush(stage, silence(20, 200), 20).comes(30, "x").upto(100).goes(150, "x").upto(400)

    assert brief(stage.messages())[1:] == [(251, "new alerts", [("x", "firing")])]


def test_who_was_told_before_a_silence_is_not_told_again_after_it() -> None:
    stage = audience().goes(1, "x").upto(20)
    hush(stage, silence(20, 200), 20).upto(1000)

    assert len(stage.messages()) == 1


def test_who_was_left_out_of_a_message_is_told_anew_afterwards() -> None:
    stage = audience().goes(1, "x").upto(20)
    hush(stage, silence(20, 200), 20).goes(30, "y").upto(400)

    assert brief(stage.messages())[1:] == [
        (71, "new alerts", [("y", "firing")]),
        (251, "new alerts", [("x", "firing"), ("y", "firing")]),
    ]


def test_reminders_wait_for_the_end_of_a_silence() -> None:
    stage = audience(route={"repeat_interval": "2m"}).goes(1, "x").upto(20)
    hush(stage, silence(20, 400), 20).upto(500)

    assert [(when, reason) for when, reason, _ in brief(stage.messages())] == [(11, "first"), (431, "reminder")]


def test_a_muted_one_off_is_not_told() -> None:
    stage = hush(audience(once()), silence(0, 100)).goes(1, "x").goes(2, "y").upto(300)

    assert brief(stage.messages()) == [(11, "first", [("y", "event")])]
    assert [name for _, name, _ in muted(stage)] == ["x"]


def test_a_silence_that_is_expired_mutes_no_more() -> None:
    given = silence(0, 10_000)
    stage = hush(audience(), given).goes(1, "x").upto(30)
    stage.play(ExpireSilence(given.id, at(30), "no longer needed"))
    stage.upto(100)

    assert brief(stage.messages()) == [(71, "first", [("x", "firing")])]
    known = stage.engine.outbox.muting.silences.known[given.id]
    assert (known.state(at(30)), known.expired) == ("expired", "no longer needed")


def test_silences_survive_a_restart() -> None:
    stage = hush(audience(), silence(0, 100)).goes(1, "x").upto(20)
    resumed = restarted(stage).upto(300)

    assert brief(resumed.messages()) == [(131, "first", [("x", "firing")])]


def test_a_silence_ends_with_the_last_alert_that_it_mutes() -> None:
    given = silence(0, 10_000, "alertname = Lost", expire_on_resolve=True)
    stage = hush(audience(), given).goes(1, "x").goes(2, "y").upto(20).comes(100, "x").upto(200)
    silences = stage.engine.outbox.muting.silences
    assert silences.known[given.id].state(at(200)) == "active"

    stage.comes(200, "y").goes(205, "z").upto(300)
    assert silences.known[given.id].state(at(300)) == "expired"
    assert brief(stage.messages())[-1][-1] == [("z", "firing")]


def test_a_silence_says_before_its_end_that_it_still_mutes() -> None:
    told = rule(alert="Ends", events="bridge.silence_expiring", by=["silence", "alerts", "remaining", "created_by"])
    given = silence(0, 7200, created_by="ann")
    stage = hush(audience(lost(), told), given).goes(1, "x").upto(7000)
    (message,) = stage.messages()

    assert message.alerts[0].labels == {
        "alertname": "Ends",
        "silence": given.id,
        "alerts": "1",
        "remaining": "900",
        "created_by": "ann",
    }
    assert message.created_at == at(7200) - 15 * MINUTE
    assert len(stage.upto(7300).messages()) == 2  # No second notice; what it muted is told.


def test_a_silence_that_mutes_nothing_ends_without_a_word() -> None:
    told = rule(alert="Ends", events="bridge.silence_expiring")

    assert not hush(audience(lost(), told), silence(0, 7200)).goes(1, "y").comes(2, "y").upto(8000).messages(PAGER)


def test_one_that_has_ended_long_ago_is_forgotten() -> None:
    stage = hush(audience(), silence(0, 10))
    stage.wait(KEPT / SECOND + 20)
    hush(stage, silence(KEPT / SECOND, KEPT / SECOND + 100, "a = b"), KEPT / SECOND + 20)

    assert [each.matchers for each in stage.engine.outbox.muting.silences.known.values()] == [("a = b",)]


def test_declared_silences_come_and_go_with_the_file() -> None:
    given = declared(silence(0, 10_000, declared=True))
    stage = stage_of(silences=(given,)).goes(1, "x").upto(100)
    assert not stage.messages()

    stage.reload(setup_=wanted())
    assert brief(stage.upto(200).messages()) == [(131, "first", [("x", "firing")])]


def test_a_declared_silence_that_ended_with_its_alerts_does_not_begin_again_at_a_restart() -> None:
    given = declared(silence(0, 10_000, declared=True, expire_on_resolve=True))
    stage = stage_of(silences=(given,)).goes(1, "x").comes(5, "x").upto(100)
    resumed = restarted(stage).goes(100, "x").upto(200)

    assert brief(resumed.messages())[-1][-1] == [("x", "firing")]


def test_a_recurring_silence_mutes_within_its_time_intervals_only() -> None:
    nights = _intervals(at(0), at(120))
    stage = stage_of(
        time_intervals={"nights": nights},
        silences=(declared(silence(0, None, time_intervals=("nights",), declared=True)),),
    )
    stage.goes(1, "x").upto(400)

    assert brief(stage.messages()) == [(131, "first", [("x", "firing")])]


def test_a_silence_whose_time_interval_is_gone_is_complained_of_until_it_ends() -> None:
    stage = stage_of(time_intervals={"nights": _intervals(at(0), at(120))})
    hush(stage, given := silence(0, None, time_intervals=("nights",)))
    silences = stage.engine.outbox.muting.silences
    assert silences.complaints(at(1)) == []

    stage.reload(setup_=wanted())
    (complaint,) = silences.complaints(at(1))
    assert complaint.startswith(f"silence {given.id} (client_name = x) does not mute within nights any more: the rules")
    stage.play(ExpireSilence(given.id, at(2)))
    assert silences.complaints(at(3)) == []


def test_silences_are_bounded_and_those_that_ended_first_make_room(monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("silence", "execution"):
        monkeypatch.setattr(f"bridge.{module}.LIVING_MAX", 3)
    stage = stage_of(silences=(declared(silence(0, 10_000, declared=True)),))
    given = [silence(0, 100 + n, f"a = {n}") for n in range(9)]
    stage.play(*(Asked(n, AddSilence(each, at(1)), at(1)) for n, each in enumerate(given[:4])))
    error = stage.commits[-1].answers[-1].error
    assert error == "there are 3 silences already; expire some, or let one mean more alerts"

    for n, each in enumerate(given[4:]):
        stage.play(ExpireSilence(given[n if n < 3 else n + 1].id, at(10 + n)))
        hush(stage, each, 10 + n)
    known = stage.engine.outbox.muting.silences.known.values()
    assert sum(each.expired == "" and not each.declared for each in known) == 3
    assert len(known) == 7
    assert given[0].id not in {each.id for each in known}


def _intervals(begin: int, end: int) -> TimeIntervals:
    """From one minute of the day to another, START lying in the first."""
    first, last = (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=each) for each in (begin, end))
    times = {"start_time": f"{first:%H:%M}", "end_time": f"{last:%H:%M}"}
    return TimeIntervals.model_validate({"name": "nights", "time_intervals": [{"times": [times]}]})


# -- inhibition --------------------------------------------------------------------------------------------------------


def inhibiting(*equal: str, **keys: Any) -> dict[str, Any]:
    rule_ = {
        "source_matchers": ["alertname = Big"],
        "target_matchers": ["alertname = Lost"],
        "equal": list(equal),
        **keys,
    }
    return {"inhibit_rules": (InhibitRule.model_validate(rule_),)}


BIG = rule(alert="Big", events="client.disconnect", where=["reason = big"], by=["client.name"], keep_firing_for="100s")


@pytest.mark.parametrize(
    ("equal", "quiet"),
    [
        ((), True),
        (("client_name",), False),
        (("cluster",), True),  # Both have none: a label that is missing is empty.
        (("alertname",), False),
    ],
)
def test_an_alert_that_fires_mutes_another_if_the_labels_agree(equal: tuple[str, ...], quiet: bool) -> None:
    small = lost(where=["reason = small"])
    stage = stage_of(BIG, small, **inhibiting(*equal)).goes(1, "b", "big").goes(2, "x", "small").upto(60)
    told = [name for _, _, states in brief(stage.messages()) for name, _ in states]

    assert ("x" not in told) is quiet
    assert [reason for _, _, reason in muted(stage)] == (['inhibited by Big{client_name="b"}'] if quiet else [])


def test_it_is_told_once_the_source_is_resolved() -> None:
    small = lost(where=["reason = small"])
    stage = stage_of(BIG, small, **inhibiting()).goes(1, "b", "big").goes(2, "x", "small").upto(400)
    first = next(message for message in stage.messages() if message.group_labels == {"alertname": "Lost"})

    assert (first.created_at - START) // SECOND == 132  # The source ends at 101, ticks are at 72 and 132.


def test_an_alert_on_both_sides_is_not_muted_by_another_on_both() -> None:
    both = inhibiting(source_matchers=['client_name =~ ".+"'], target_matchers=['client_name =~ ".+"'])
    assert len(stage_of(**both).goes(1, "x").goes(2, "y").upto(60).messages()[0].alerts) == 2


def test_a_one_off_mutes_nobody() -> None:
    big = once(alert="Big", where=["reason = big"])
    stage = stage_of(big, lost(where=["reason = small"]), **inhibiting()).goes(1, "b", "big").goes(2, "x", "small")

    assert not muted(stage.upto(60))


def test_a_silenced_alert_mutes_others_all_the_same() -> None:
    small = lost(where=["reason = small"])
    stage = hush(stage_of(BIG, small, **inhibiting()), silence(0, 1000, "alertname = Big"))

    assert not stage.goes(1, "b", "big").goes(2, "x", "small").upto(60).messages()


def test_inhibition_survives_a_restart() -> None:
    small = lost(where=["reason = small"])
    stage = stage_of(BIG, small, **inhibiting()).goes(1, "b", "big").goes(2, "x", "small")
    resumed = restarted(stage).upto(60)

    assert [name for _, _, states in brief(resumed.messages()) for name, _ in states] == ["b"]


# -- time intervals ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("key", ["mute_time_intervals", "active_time_intervals"])
def test_a_route_tells_nobody_at_some_times(key: str) -> None:
    day = (at(0), at(120)) if key == "mute_time_intervals" else (at(120), at(600))
    route = {"routes": [{"matchers": ["client_name = x"], "receiver": "pager", key: ["nights"]}]}
    stage = stage_of(route=route, time_intervals={"nights": _intervals(*day)}).goes(1, "x").goes(1, "y").upto(400)

    assert brief(stage.messages(OPS)) == [(11, "first", [("y", "firing")])]
    assert brief(stage.messages(PAGER)) == [(131, "first", [("x", "firing")])]
    ((_, name, reason),) = muted(stage)
    assert (name, "nights" in reason) == ("x", True)


# -- the bridge about itself -------------------------------------------------------------------------------------------


def test_only_a_silence_mutes_what_the_bridge_says_about_itself() -> None:
    own = rule(alert="Wrong", events="bridge.wrong_account", keep_firing_for="1h")
    always = TimeIntervals.model_validate({"name": "always", "time_intervals": [{}]})
    muting: dict[str, Any] = {
        "route": {"routes": [{"receiver": "pager", "mute_time_intervals": ["always"]}]},
        "time_intervals": {"always": always},
        "inhibit_rules": (InhibitRule.model_validate({"source_matchers": ["alertname = Lost"]}),),
    }
    stage = stage_of(lost(), own, **muting).goes(1, "x")
    stage.play(Happening("wrong_account", {"reason": "so"}, at(2)))
    assert [message.about_bridge for message in stage.upto(60).messages(PAGER)] == [True]

    silent = hush(stage_of(lost(), own, **muting), silence(0, 1000, "alertname = Wrong"))
    silent.play(Happening("wrong_account", {"reason": "so"}, at(2)))
    assert not silent.upto(60).messages(PAGER)


def test_matchers_of_a_silence_are_those_of_routes() -> None:
    lines = ('{client_name=~"x|z"}', "alertname != Other")
    stage = hush(audience(), silence(0, 1000, *lines)).goes(1, "x").goes(2, "y").goes(3, "z").upto(60)

    assert [LabelMatchers.parse(line).text for line in lines] == list(lines)
    assert brief(stage.messages()) == [(11, "first", [("y", "firing")])]
