"""A destination that takes nothing costs nobody the news: its receiver's fallback hears what it was not told."""

from typing import Any

import pytest

from bridge.commit import Attempt, Settled
from bridge.inputs import Happening, Tried
from bridge.standins import Target
from tests.core.audience import OPS, Audience
from tests.core.disk import restarted
from tests.core.stage import at, rule, setup
from tests.core.test_groups import brief

MAIL, PHONE = Target("mail/email/0"), Target("phone/sms/0")
LOST = rule(alert="Lost", events="client.disconnect", resolve_on={"events": "client.connect"}, by=["client.name"])


def audience(*, fallbacks: Any = ((MAIL,),), **keys: Any) -> Audience:
    return Audience(LOST, fallbacks=fallbacks, **keys)


def tried(stage: Audience, seconds: float, trouble: str, target: Target = OPS) -> Audience:
    """An attempt to tell a destination ended so."""
    (row, *_) = stage.pending(target)
    stage.upto(seconds)
    stage.play(Tried(Attempt(row.id, target.key, at(seconds), 0.1, None, trouble, "said so"), at(seconds)))
    return stage


def out(trouble: str = "refused", **keys: Any) -> Audience:
    """`ops` takes nothing from the first message on, at 11 s; it refuses at 12 s, or it was tried in vain."""
    stage = audience(down=[OPS.key], **keys).goes(1, "x").upto(11.5)
    return tried(stage, 12, trouble)


def heard(stage: Audience, target: Target = MAIL) -> list[tuple[float, str, list[tuple[str, str]]]]:
    return brief(stage.messages(target))


def test_a_destination_that_refuses_has_its_fallback_told_at_once() -> None:
    stage = out().upto(20)
    assert heard(stage) == [(12, "first", [("x", "firing")])]
    (message,) = stage.messages(MAIL)
    assert (message.receiver, message.instead_of) == ("fallback-1", OPS.key)
    assert len(stage.pending(OPS)) == 1  # and is told itself when it takes messages again


def test_one_that_is_only_silent_has_ten_minutes() -> None:
    stage = out("transient").upto(611)
    assert heard(stage) == []
    assert heard(stage.upto(613)) == [(612, "first", [("x", "firing")])]


def test_one_that_came_back_within_ten_minutes_was_never_out() -> None:
    stage = tried(tried(out("transient"), 500, ""), 510, "transient").upto(1000)
    assert heard(stage) == []
    assert heard(stage.upto(1112))[0][0] == 1110


def test_a_message_that_was_rejected_shows_that_somebody_answers() -> None:
    assert heard(tried(out("transient"), 500, "rejected").upto(1000)) == []


def test_the_fallback_hears_all_that_changes_while_the_destination_is_out() -> None:
    stage = out().goes(30, "y").comes(100, "x").upto(200)
    assert heard(stage) == [
        (12, "first", [("x", "firing")]),
        (71, "new alerts", [("x", "firing"), ("y", "firing")]),
        (131, "resolved", [("y", "firing"), ("x", "resolved")]),
    ]


def test_what_begins_while_the_destination_is_out_is_told_to_the_fallback_when_its_group_is_due() -> None:
    stage = audience(down=[OPS.key], route={"group_by": ["client_name"]}).goes(1, "x").upto(11.5)
    tried(stage, 12, "refused").goes(100, "z").upto(111)
    assert heard(stage) == [(12, "first", [("x", "firing")]), (110, "first", [("z", "firing")])]


def test_what_the_destination_knew_is_no_news_for_the_fallback() -> None:
    stage = audience().goes(1, "x").upto(20)
    stage.down.add(OPS.key)
    stage.goes(30, "y").upto(71.5)
    tried(stage, 72, "refused").comes(80, "x").upto(140)
    assert heard(stage) == [
        (72, "first", [("x", "firing"), ("y", "firing")]),
        (131, "resolved", [("y", "firing"), ("x", "resolved")]),
    ]


def test_the_end_of_what_only_the_destination_knew_is_told_to_the_fallback() -> None:
    stage = audience().goes(1, "x").upto(20)
    stage.down.add(OPS.key)
    stage.comes(30, "x").upto(71.5)
    assert heard(tried(stage, 72, "refused").upto(80)) == [(72, "first", [("x", "resolved")])]


def test_once_the_destination_is_well_the_fallback_hears_of_ends_only() -> None:
    stage = tried(out().upto(20), 40, "")
    stage.down.clear()
    stage.goes(50, "y").upto(100)
    assert [reason for _, reason, _ in heard(stage)] == ["first"]
    stage.comes(110, "x").comes(111, "y").upto(200)
    assert heard(stage)[1:] == [(131, "resolved", [("x", "resolved")])]
    stage.goes(300, "x").upto(400)
    assert len(heard(stage)) == 2
    assert not any(group.standins for group in stage.engine.outbox.groups.values())


def test_a_fallback_that_had_nothing_to_hear_is_dismissed_with_the_outage() -> None:
    stage = audience(route={"repeat_interval": "90s"}).goes(1, "x").upto(20)
    stage.down.add(OPS.key)
    stage = tried(stage.upto(131.5), 132, "refused").upto(140)  # a reminder
    assert [group.standins for group in stage.engine.outbox.groups.values()] == [{MAIL.key: OPS.key}]
    stage = tried(stage, 150, "")
    stage.down.clear()
    stage.comes(200, "x").upto(300)
    assert heard(stage) == []


def test_what_a_destination_rejects_goes_to_its_fallback_and_so_does_its_end() -> None:
    stage = audience(down=[OPS.key]).goes(1, "x").upto(11.5)
    (row,) = stage.pending(OPS)
    stage.play(Settled(row.id, "dead", at(12), "rejected: HTTP 400"))
    stage.down.clear()
    stage.goes(30, "y").upto(80)
    assert heard(stage) == [(12, "first", [("x", "firing")])]
    assert brief(stage.messages(OPS))[1:2] == [(71, "new alerts", [("x", "firing"), ("y", "firing")])]
    stage.comes(100, "x").upto(140)
    assert heard(stage)[1:] == [(131, "resolved", [("x", "resolved")])]


def test_what_a_destination_rejects_after_its_fallback_was_told_is_not_told_to_that_again() -> None:
    stage = tried(out().upto(20), 40, "rejected")
    (row,) = stage.pending(OPS)
    stage.play(Settled(row.id, "dead", at(40), "rejected: HTTP 400"))
    stage.down.clear()
    assert len(heard(stage.upto(60))) == 1
    stage.comes(70, "x").upto(200)
    assert heard(stage)[1:] == [(71, "resolved", [("x", "resolved")])]


def test_what_is_rejected_while_the_fallback_is_told_something_else_is_told_it_next() -> None:
    stage = audience(down=[OPS.key, MAIL.key]).goes(1, "x").upto(11.5)
    (row,) = stage.pending(OPS)
    stage.play(Settled(row.id, "dead", at(12), "rejected: HTTP 400"))
    stage.goes(30, "y").upto(71.5)
    (row,) = stage.pending(OPS)
    stage.play(Settled(row.id, "dead", at(72), "rejected: HTTP 400"))
    assert len(stage.pending(MAIL)) == 1
    stage.down.clear()
    stage.comes(80, "x").comes(81, "y").upto(200)
    assert heard(stage) == [
        (12, "first", [("x", "firing")]),
        (80, "new alerts", [("x", "firing"), ("y", "firing")]),
        (131, "resolved", [("x", "resolved"), ("y", "resolved")]),
    ]


def test_once_the_destination_is_well_the_fallback_of_its_fallback_hears_of_ends_only_too() -> None:
    stage = out(fallbacks=((MAIL,), (PHONE,)))
    stage.down.add(MAIL.key)
    stage.goes(30, "y").upto(71.5)
    stage = tried(tried(stage, 72, "refused", MAIL).upto(80), 90, "")
    stage.down.discard(OPS.key)
    stage.goes(100, "z").upto(200)
    assert heard(stage, PHONE) == [(72, "first", [("x", "firing"), ("y", "firing")])]
    stage.comes(210, "x").comes(211, "z").upto(300)
    assert heard(stage, PHONE)[1:] == [(251, "resolved", [("x", "resolved")])]


def test_what_people_withdrew_goes_to_nobody() -> None:
    stage = audience(down=[OPS.key]).goes(1, "x").upto(11.5)
    (row,) = stage.pending(OPS)
    stage.play(Settled(row.id, "dead", at(12), "dropped by eve", withdrawn=True))
    assert heard(stage.upto(60)) == []


def test_what_was_given_up_after_the_fallback_was_told_is_not_told_to_it_again() -> None:
    stage = out().upto(20)
    (row,) = stage.pending(OPS)
    stage.play(Settled(row.id, "dead", at(30), "given up after 3d"))
    assert len(heard(stage.upto(60))) == 1


def test_a_fallback_that_is_out_as_well_has_its_own() -> None:
    stage = out(fallbacks=((MAIL,), (PHONE,)))
    stage = tried(stage, 13, "refused", MAIL) if stage.pending(MAIL) else stage
    stage.down.add(MAIL.key)
    stage.goes(30, "y").upto(71.5)
    tried(stage, 72, "refused", MAIL).upto(80)
    assert heard(stage, PHONE) == [(72, "first", [("x", "firing"), ("y", "firing")])]


def test_no_fallback_no_stand_in() -> None:
    stage = out(fallbacks=()).goes(30, "y").upto(200)
    assert {row.destination for row in stage.rows.values()} == {OPS.key}


def told_of_itself(trouble: str) -> tuple[Audience, Audience]:
    """An alert of the bridge about itself cannot be told; the same with one about NATS beside it."""
    full = rule(alert="Full", events="bridge.store_degraded", keep_firing_for="1d")
    dead = rule(alert="Dead", events="bridge.receiver_dead", by=["destination"], keep_firing_for="1d")
    stages = []
    for others in (False, True):
        stage = Audience(LOST, full, dead, fallbacks=((MAIL,),), down=[OPS.key])
        stage.play(Happening("store_degraded", {"reason": "so"}, at(1)))
        if others:
            stage.goes(2, "x")
        stages.append(tried(stage.upto(13), 14, trouble).upto(700))
    return stages[0], stages[1]


def alerts(stage: Audience, target: Target) -> list[str]:
    return [alert.labels["alertname"] for each in stage.messages(target) for alert in each.alerts]


def test_alerts_about_the_bridge_itself_go_to_the_fallback_but_beget_no_others() -> None:
    alone, beside = told_of_itself("transient")
    assert alerts(alone, MAIL) == ["Full"]
    assert sorted(alerts(beside, MAIL)) == ["Dead", "Full", "Lost"]


@pytest.mark.parametrize("moment", [20, 300])
def test_a_restart_changes_none_of_it(moment: float) -> None:
    stage = restarted(out("transient").upto(moment))
    assert heard(stage.upto(611)) == []
    assert heard(stage.upto(613)) == [(612, "first", [("x", "firing")])]
    stage = restarted(stage).comes(700, "x").upto(800)
    assert heard(stage) == [(731, "resolved", [("x", "resolved")])]


def test_a_reload_that_takes_the_fallback_away_ends_its_part() -> None:
    stage = out().upto(20)
    stage.reload(setup_=setup(LOST, route={"group_by": ["alertname"], "group_interval": "1m"}))
    assert stage.pending(MAIL) == []
    stage.goes(30, "y").upto(200)
    assert len(heard(stage)) == 1
