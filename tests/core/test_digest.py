"""A chat takes a message at a time: what comes on top of twenty that wait is told in one."""

from collections.abc import Callable

import pytest

from bridge.commit import Attempt, OutboxRow, Settled
from bridge.crowd import DIGEST, WAITING_MAX
from bridge.headline import headline
from bridge.inputs import Happening, Sight, Tried
from bridge.notification import Notification
from bridge.standins import Target
from bridge.values import SECOND
from tests.core.audience import OPS, ROUTE, Audience
from tests.core.disk import restarted
from tests.core.stage import START, at, rule, setup

CHAT, MAIL, PHONE = Target("ops/slack/0", digest=True), Target("mail/webhook/0"), Target("phone/webhook/0")
LOST = rule(alert="Lost", events="client.disconnect", resolve_on={"events": "client.connect"}, by=["client.name"])
APART = {"group_by": ["..."], "group_interval": "1m"}
NAMES = [f"n{number:02}" for number in range(WAITING_MAX + 15)]


def crowd(*, targets: tuple[Target, ...] = (CHAT,), **keys: object) -> Audience:
    """35 alerts at 1 s, each a group of its own, are due at 11 s; the chat takes nothing yet."""
    stage = Audience(LOST, targets=targets, route=APART, down=[CHAT.key], **keys)  # type: ignore[arg-type]
    for name in NAMES:
        stage.goes(1, name)
    return stage.upto(12)


def names(row: OutboxRow, state: str = "firing") -> list[str]:
    return sorted(each.labels["client_name"] for each in row.notification.alerts if each.state == state)


def early(stage: Audience) -> list[str]:
    """Those for which there was room."""
    return [name for row in stage.pending(CHAT) for name in names(row)]


def late(stage: Audience) -> list[str]:
    """Those who wait for room."""
    return sorted(set(NAMES) - set(early(stage)))


def digests(stage: Audience) -> list[OutboxRow]:
    return [row for row in stage.rows.values() if row.notification.covers]


def test_twenty_wait_one_by_one_and_the_rest_comes_in_one_once_there_is_room() -> None:
    stage = crowd()
    assert len(stage.pending(CHAT)) == len(early(stage)) == WAITING_MAX
    waiting = late(stage)
    stage.settle(stage.pending(CHAT)[0], 13)
    (digest,) = digests(stage)
    assert names(digest) == waiting
    assert (digest.notification.group_key, digest.notification.groups) == (DIGEST, 15)
    assert headline(digest.notification) == "🟠 FIRING · Lost · 15 alerts in 15 groups"


def test_all_is_told_once_and_so_are_the_ends() -> None:
    stage = crowd()
    stage.down.clear()
    stage.upto(20)
    told = [name for row in stage.rows.values() for name in names(row)]
    assert sorted(told) == NAMES
    for name in NAMES:
        stage.comes(30, name)
    stage.upto(200)
    assert sorted(name for row in stage.rows.values() for name in names(row, "resolved")) == NAMES
    assert not stage.engine.outbox.groups


def test_what_ended_while_it_waited_is_told_as_ended() -> None:
    stage = crowd()
    *others, gone = late(stage)
    stage.comes(15, gone).settle(stage.pending(CHAT)[0], 16)
    (digest,) = digests(stage)
    assert names(digest, "resolved") == [gone]
    assert names(digest) == others


def test_a_digest_that_is_dead_told_nobody() -> None:
    stage = crowd()
    told, untold = early(stage)[0], late(stage)[0]
    stage.settle(stage.pending(CHAT)[0], 13)
    (digest,) = digests(stage)
    stage.play(Settled(digest.id, "dead", at(14), "rejected: HTTP 400"))
    stage.down.clear()
    stage.comes(20, untold).comes(20, told).upto(200)
    assert [name for row in stage.rows.values() for name in names(row, "resolved")] == [told]


def told_of(stage: Audience, target: Target, state: str) -> list[str]:
    rows = [row for row in stage.rows.values() if row.destination == target.key]
    return sorted(name for row in rows for name in names(row, state))


def rejected(**keys: object) -> tuple[Audience, list[str]]:
    """The chat rejects a digest for good. Gives the names in it, too."""
    stage = crowd(**keys)  # type: ignore[arg-type]
    waiting = late(stage)
    stage.settle(stage.pending(CHAT)[0], 13)
    (digest,) = digests(stage)
    stage.play(Settled(digest.id, "dead", at(14), "rejected: HTTP 400"))
    return stage, waiting


def test_the_fallback_hears_of_a_digest_that_the_chat_rejects_and_of_all_its_ends() -> None:
    stage, waiting = rejected(fallbacks=((MAIL,),))
    assert told_of(stage, MAIL, "firing") == waiting
    stage.down.clear()
    for name in NAMES:
        stage.comes(40, name)
    stage.upto(200)
    assert told_of(stage, MAIL, "resolved") == waiting
    assert told_of(stage, CHAT, "resolved") == sorted(set(NAMES) - set(waiting))
    assert not stage.engine.outbox.groups


def test_a_digest_that_stops_at_a_fallback_that_is_out_goes_on_to_the_next() -> None:
    stage, waiting = rejected(fallbacks=((MAIL,), (PHONE,)))
    first = stage.pending(MAIL)[0]
    stage.down.add(MAIL.key)
    stage.play(Tried(Attempt(first.id, MAIL.key, at(15), 0.1, 403, "refused", "said so"), at(15)))
    stage.upto(20)
    assert told_of(stage, PHONE, "firing") == waiting
    for name in NAMES:
        stage.comes(40, name)
    stage.upto(200)
    assert told_of(stage, PHONE, "resolved") == waiting


def test_one_digest_waits_at_a_time() -> None:
    stage = crowd()
    stage.settle(stage.pending(CHAT)[0], 13)
    for number in range(5):
        stage.goes(20, f"new{number}")
    stage.upto(32)
    for row in stage.pending(CHAT)[:3]:
        stage.settle(row, 33)
    assert len([row for row in stage.pending(CHAT) if row.notification.covers]) == 1
    stage.down.clear()
    stage.upto(200)
    assert told_of(stage, CHAT, "firing") == sorted([*NAMES, *(f"new{number}" for number in range(5))])


def test_what_was_over_before_there_was_room_leaves_nothing_behind() -> None:
    """Its destination is not told of ends, and there was nothing else."""
    quiet = Target(CHAT.key, digest=True, send_resolved=False)
    stage = crowd(targets=(quiet,))
    for name in late(stage):
        stage.comes(15, name)
    stage.down.clear()
    for name in NAMES:
        stage.comes(20, name)
    stage.upto(300)
    assert not stage.engine.outbox.groups


def test_programs_are_told_one_by_one() -> None:
    stage = crowd(targets=(CHAT, OPS))
    assert len(stage.messages(OPS)) == len(NAMES)
    assert digests(stage) == []


def test_alerts_about_the_bridge_itself_do_not_wait_for_room() -> None:
    own = rule(alert="Full", events="bridge.store_degraded", keep_firing_for="1d")
    stage = Audience(LOST, own, targets=[CHAT], route=APART, down=[CHAT.key])
    for name in NAMES:
        stage.goes(1, name)
    stage.upto(12).play(Happening("store_degraded", {"reason": "so"}, at(13)))
    stage.upto(15)
    assert "Full" in [row.notification.alerts[0].labels["alertname"] for row in stage.pending(CHAT)]


@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_restart_loses_none(moment: str) -> None:
    stage = crowd()
    first, waiting = early(stage)[0], late(stage)
    if moment == "before":
        stage = restarted(stage)
    stage.settle(stage.pending(CHAT)[0], 13)
    if moment == "after":
        stage = restarted(stage)
    rows = [row for row in stage.pending(CHAT) if row.notification.covers]
    assert [names(row) for row in rows] == [waiting]
    assert first not in early(stage)
    stage.down.clear()
    for name in NAMES:
        stage.comes(40, name)
    stage.upto(200)
    assert sorted(name for row in stage.rows.values() for name in names(row, "resolved")) == NAMES


def test_a_new_route_while_a_digest_is_under_way_keeps_what_it_told() -> None:
    stage = crowd()
    stage.settle(stage.pending(CHAT)[0], 13)
    stage.reload(setup_=setup(LOST, route={"group_by": ["alertname"], "group_interval": "1m"}, targets=[CHAT]))
    stage.down.clear()
    stage.upto(100)
    for name in NAMES:
        stage.comes(110, name)
    stage.upto(300)
    assert sorted(name for row in stage.rows.values() for name in names(row, "resolved")) == NAMES


def test_the_fallback_hears_of_those_that_waited_for_room_too() -> None:
    stage = crowd(fallbacks=((MAIL,),))
    first = stage.pending(CHAT)[0]
    stage.play(Tried(Attempt(first.id, CHAT.key, at(13), 0.1, 403, "refused", "said so"), at(13)))
    stage.upto(20)
    assert sorted(name for row in stage.rows.values() if row.destination == MAIL.key for name in names(row)) == NAMES


@pytest.mark.parametrize("moment", ["waiting", "under way"])
def test_a_chat_that_is_removed_takes_its_digest_and_all_who_wait_with_it(moment: str) -> None:
    stage = crowd(targets=(CHAT, OPS))
    if moment == "under way":
        stage.settle(stage.pending(CHAT)[0], 13)
        assert len(digests(stage)) == 1
    stage.reload(setup_=setup(LOST, route={**ROUTE, **APART}, targets=[OPS]))
    stage.upto(20)
    assert not stage.pending(CHAT)
    assert told_of(stage, OPS, "firing") == NAMES  # the others go on, and are not told again
    for name in NAMES:
        stage.comes(30, name)
    stage.upto(200)
    assert told_of(stage, OPS, "resolved") == NAMES
    assert not stage.engine.outbox.groups


@pytest.mark.parametrize("how", ["ticks", "restarts"])
def test_a_digest_says_the_same_however_time_is_split(how: str) -> None:
    def again(stage: Audience, seconds: float) -> Audience:
        other = restarted(stage)
        other.rows = {**stage.rows, **other.rows}
        other.play(Sight(at(seconds)))
        return other

    def pass_time(stage: Audience, until: float) -> Audience:
        seconds = (stage.engine.watch.t - START) / SECOND
        while how == "ticks" and (seconds := seconds + 0.7) < until:
            stage.wait(seconds)
        stage.wait(until)
        return again(stage, until) if how == "restarts" else stage

    def story(pass_: Callable[[Audience, float], Audience]) -> list[Notification]:
        stage = crowd()
        for nth in range(5):
            stage.goes(12.1 + nth / 10, f"m{nth}")  # They wait for room after the others.
        for moment, name in ((23, late(stage)[0]), (33, late(stage)[1])):
            stage = pass_(stage, moment)
            stage.comes(moment, name)
            stage.settle(min(stage.pending(CHAT), key=lambda row: (row.created, row.id)), moment + 1)
        for row in [row for row in stage.pending(CHAT) if row.notification.covers]:
            stage.settle(row, 45)
        stage = pass_(stage, 200)
        return [row.notification for _, row in sorted(stage.rows.items())]

    def in_one_go(stage: Audience, until: float) -> Audience:
        stage.wait(until)
        return stage

    told = story(pass_time)
    assert told == story(in_one_go)
    assert any(each.covers for each in told)
