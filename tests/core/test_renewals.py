"""A message that its destination surely does not have tells at its next try what there is to tell by then."""

from collections.abc import Mapping

import pytest

from bridge.command import AddSilence
from bridge.commit import Attempt, OutboxRow
from bridge.inputs import Postponed, Remembered, Renewing, Tried
from bridge.renewals import next_id, row_of
from bridge.silence import Silence
from bridge.standins import Target
from bridge.values import HOUR
from tests.core.audience import OPS, Audience
from tests.core.disk import restarted
from tests.core.stage import at, login_failed, rule

LOST = rule(alert="Lost", events="client.disconnect", resolve_on={"events": "client.connect"}, by=["client.name"])
CHAT = Target("ops/slack/0", digest=True)
GIVE_UP = 72 * HOUR


def waiting(*, target: Target = OPS, **keys: object) -> Audience:
    """An alert at 1 s, whose message at 11 s is not taken."""
    return Audience(LOST, targets=(target,), down=[target.key], **keys).goes(1, "a").upto(12)  # type: ignore[arg-type]


def tried(stage: Audience, seconds: float, row: OutboxRow | None = None, is_untaken: bool = True) -> Audience:
    """In vain."""
    row = row or stage.pending(target_of(stage))[0]
    stage.play(Tried(Attempt(row.id, row.destination, at(seconds), 0.1, 503, "transient", "", is_untaken), at(seconds)))
    stage.play(Postponed(row, at(seconds)))
    return stage


def target_of(stage: Audience) -> Target:
    (key,) = stage.down
    return Target(key)


def asked(stage: Audience, seconds: float, number: int = 1) -> OutboxRow:
    """The row as its worker gets it for its next try."""
    (row,) = stage.pending(target_of(stage))
    stage.upto(seconds).play(Renewing(row.id, number, at(seconds)))
    (row,) = stage.pending(target_of(stage))
    assert row.asked == number
    return row


def says(row: OutboxRow) -> dict[str, str]:
    return {each.labels["client_name"]: each.state for each in row.notification.alerts}


def later(stage: Audience, seconds: float, row: OutboxRow) -> list[dict[str, str]]:
    """What is told once the destination has taken a row."""
    before = len(stage.messages(OPS))
    stage.down.clear()
    stage.settle(row, seconds).upto(seconds + 300)
    return [{each.labels["client_name"]: each.state for each in told.alerts} for told in stage.messages(OPS)[before:]]


def test_it_tells_all_that_came_since_and_nothing_follows() -> None:
    stage = tried(waiting(), 12)
    stage.goes(20, "b").comes(30, "a")
    row = asked(stage, 200)
    assert says(row) == {"a": "resolved", "b": "firing"}
    assert later(stage, 201, row) == []


def test_its_id_says_that_it_is_another_message() -> None:
    stage = tried(waiting(), 12)
    first = stage.pending()[0].notification.id
    ids = [first]
    for number, name in enumerate("bcd"):
        stage.goes(20 + number, name)
        ids.append(asked(stage, 30 + number, number + 1).notification.id)
    assert ids == [first, f"{first}-2", f"{first}-3", f"{first}-4"]
    assert {row_of(id) for id in ids} == {stage.pending()[0].id}
    assert next_id(first) == f"{first}-2"


def test_without_news_it_stays_as_it_is() -> None:
    stage = tried(waiting(), 12)
    before = stage.pending()[0].notification
    assert asked(stage, 200).notification == before


def test_it_is_given_up_as_late_as_what_it_tells_of_would_be() -> None:
    stage = tried(waiting(), 12)
    row = stage.pending()[0]
    assert row.expires == row.created + GIVE_UP
    stage.goes(3600, "b")
    renewed = asked(stage, 3601)
    assert (renewed.created, renewed.expires) == (row.created, at(3601) + GIVE_UP)


def test_what_the_destination_may_have_is_told_as_it_is() -> None:
    stage = tried(waiting(), 12, is_untaken=False)
    stage.goes(20, "b")
    row = asked(stage, 200)
    assert says(row) == {"a": "firing"}
    assert later(stage, 201, row) == [{"a": "firing", "b": "firing"}]


def test_people_are_told_how_things_are_whether_they_may_have_it_or_not() -> None:
    stage = tried(waiting(target=CHAT), 12, is_untaken=False)
    stage.goes(20, "b")
    assert says(asked(stage, 200)) == {"a": "firing", "b": "firing"}


def test_one_doubtful_try_is_enough() -> None:
    stage = tried(tried(tried(waiting(), 12), 13, is_untaken=False), 14)
    stage.goes(20, "b")
    assert says(asked(stage, 200)) == {"a": "firing"}


def test_a_new_process_does_not_know_what_became_of_the_tries_before() -> None:
    stage = tried(waiting(), 12).goes(20, "b")
    stage = restarted(stage)
    assert says(asked(stage, 200)) == {"a": "firing"}


def test_what_was_told_in_part_goes_on_as_it_began() -> None:
    stage = waiting()
    stage.play(Remembered(stage.pending()[0].id, {"ts": "1"}, at(12)))
    stage = tried(stage, 13).goes(20, "b")
    assert says(asked(stage, 200)) == {"a": "firing"}


def test_nobody_that_it_told_of_is_left_out() -> None:
    """An alert that was silenced meanwhile would be; so the message goes out as it was, and the news after it."""
    stage = tried(waiting(), 12)
    silence = Silence(id="s", matchers=("client_name = a",), starts_at=at(15), ends_at=at(7200))
    stage.upto(15).play(AddSilence(silence, at(15)))
    stage.goes(20, "b")
    row = asked(stage, 200)
    assert says(row) == {"a": "firing"}
    assert later(stage, 201, row) == [{"b": "firing"}]


def test_an_alert_that_has_fired_anew_is_told_as_it_fires_now() -> None:
    stage = tried(waiting(), 12)
    first = stage.pending()[0].notification.alerts[0].id
    stage.comes(20, "a").goes(30, "a")
    (alert,) = asked(stage, 200).notification.alerts
    assert alert.state == "firing"
    assert alert.id != first


def test_an_end_that_a_mute_had_held_back_is_not_lost() -> None:
    """Nothing but the message knows of it any more, so that goes out as it was."""
    stage = Audience(LOST).goes(1, "a").goes(1, "b").upto(12)
    silence = Silence(id="s", matchers=("client_name = a",), starts_at=at(15), ends_at=at(100))
    stage.play(AddSilence(silence, at(15)))
    stage.comes(20, "a").upto(80)
    stage.down = {OPS.key}
    stage.upto(150)
    assert says(stage.pending()[0]) == {"a": "resolved", "b": "firing"}
    tried(stage, 151).comes(160, "b")
    row = asked(stage, 300)
    assert says(row) == {"a": "resolved", "b": "firing"}
    assert later(stage, 301, row) == [{"b": "resolved"}]


def test_a_reminder_becomes_news() -> None:
    stage = Audience(LOST).goes(1, "a").upto(12)
    stage.down = {OPS.key}
    stage.upto(3700)
    assert stage.pending()[0].notification.reason == "reminder"
    tried(stage, 3701).goes(3702, "b")
    row = asked(stage, 3800)
    assert says(row) == {"a": "firing", "b": "firing"}
    assert (row.notification.reason, row.notification.reminder) == ("new alerts", 0)


APART = {"group_by": ["..."], "group_interval": "1m"}


def crowd() -> Audience:
    """25 groups at 11 s: 20 messages, and one that tells of the other five, which is tried in vain."""
    stage = Audience(LOST, targets=(CHAT,), route=APART, down=[CHAT.key])
    for number in range(25):
        stage.goes(1, f"n{number:02}")
    stage.upto(12).settle(stage.pending(CHAT)[0], 13)
    (digest,) = digests(stage)
    return tried(stage, 14, digest)


def digests(stage: Audience) -> list[OutboxRow]:
    return [row for row in stage.rows.values() if row.notification.covers]


def states(row: OutboxRow) -> Mapping[str, int]:
    told = [each.state for each in row.notification.alerts]
    return {state: told.count(state) for state in set(told)}


def test_a_digest_tells_of_all_its_groups_how_they_are() -> None:
    stage = crowd()
    (digest,) = digests(stage)
    names = sorted(says(digest))
    stage.comes(100, names[0]).comes(100, names[1])
    stage.play(Renewing(digest.id, 1, at(200)))
    (row,) = digests(stage)
    assert sorted(says(row)) == names
    assert states(row) == {"firing": 3, "resolved": 2}
    assert row.notification.covers.keys() == digest.notification.covers.keys()
    told = len(stage.rows)
    stage.settle(row, 201).upto(600)
    assert len(stage.rows) == told


@pytest.mark.parametrize("is_untaken", [True, False])
def test_what_ends_elsewhere_is_asked_for_in_vain(is_untaken: bool) -> None:
    stage = tried(waiting(), 12, is_untaken=is_untaken)
    (row,) = stage.pending()
    stage.settle(row, 13, "dead").play(Renewing(row.id, 1, at(14)))
    assert not stage.pending()


TRIED = rule(alert="Tried", events="client.auth_error", by=["client.host"])
MAIL = Target("mail/webhook/0")


def test_no_one_off_that_it_counts_is_left_out() -> None:
    """What a fallback is owed is known to nobody once a message holds it; an equal one of later is not the same."""
    stage = Audience(
        LOST, TRIED, route={"group_by": []}, targets=(OPS,), fallbacks=((MAIL,),), down=[OPS.key, MAIL.key]
    )

    def knocks(seconds: float, numbers: range) -> None:
        for number in numbers:
            stage.upto(seconds).play(login_failed(seconds, number=number))

    def rejects(seconds: float) -> OutboxRow:
        """What it is told goes to its fallback."""
        stage.upto(seconds).settle(stage.pending(OPS)[0], seconds, "dead")
        return stage.pending(MAIL)[0]

    stage.goes(1, "a").upto(12)
    stage.settle(rejects(13), 14)
    knocks(20, range(3))
    stage.upto(90)
    owed = rejects(91)
    assert counted(owed) == 3
    tried(stage, 92, owed)
    knocks(100, range(3, 4))
    stage.upto(170)
    rejects(171)
    stage.play(Renewing(owed.id, 1, at(172)))
    (row,) = stage.pending(MAIL)
    stage.down.clear()
    told = counted(row)
    stage.settle(row, 173).upto(1000)
    late = [each for each in stage.rows.values() if each.destination == MAIL.key and each.created > at(171)]
    assert told + sum(map(counted, late)) == 4


def counted(row: OutboxRow) -> int:
    return sum(each.count for each in row.notification.alerts if each.state == "event")
