"""The rules that every bridge has about itself, and what it says of a time when it heard nothing."""

from typing import Any

import pytest

from bridge.builtin import builtin_rules
from bridge.commit import Settled
from bridge.events import EVENT_TYPES
from bridge.inputs import Blind, Happening, Input, Message, Own, Sight
from tests.core.audience import OPS, Audience
from tests.core.disk import restarted
from tests.core.stage import Stage, at, disconnected, goodbye, rule, setup, statsz


def own(when: float, name: str, **fields: Any) -> Happening:
    return Happening(name, fields, at(when))


def stage(*more: Any) -> Stage:
    return Stage(*more, *builtin_rules(each.alert for each in more))


def story(played: Stage, alert: str) -> list[tuple[float, str]]:
    return [
        (decision.seconds, decision.state)
        for decision, (_, change) in zip(played.decisions, sorted(played.changes.items()), strict=True)
        if change.facts.labels["alertname"] == alert
    ]


BACK = own(50, "nats_reconnected", since=1.0, seconds=49.0)
TAKES = own(50, "receiver_recovered", destination="d")
SILENT = {"name": "s1", "id": "NA", "ver": "2.15.1", "cluster": "c"}
EXPIRING = own(1, "credentials_expiring", reason="so", file="f", expires=2.0, seconds=1.0)
FOR_EVER: list[tuple[float, str]] = [(1.0, "firing")]


@pytest.mark.parametrize(
    ("alert", "begin", "end", "told"),
    [
        ("BridgeNatsDisconnected", own(1, "nats_disconnected", reason="so", servers="a"), BACK, 50.0),
        ("BridgeLoginFailed", own(1, "login_failed", reason="so", server="a"), BACK, 50.0),
        ("BridgeWrongAccount", own(1, "wrong_account", reason="so"), BACK, 50.0),
        ("BridgeReceiverDead", own(1, "receiver_dead", destination="d"), TAKES, 50.0),
        (
            "BridgeServerNoAnswer",
            own(1, "server_no_answer", server=SILENT, reason="so", requests="HEALTHZ"),
            own(50, "server_answered", server=SILENT | {"id": "NB"}),
            50.0,
        ),
        ("BridgeConfigInvalid", own(1, "config_invalid", file="f", reason="so"), own(50, "config_valid"), 50.0),
        ("BridgeStoreDegraded", own(1, "store_degraded", reason="so"), own(50, "store_recovered"), 50.0),
        ("BridgePermissionDenied", own(1, "permission_denied", denied="$SYS.>", reason="so"), None, 3601.0),
        (
            "BridgePermissionDenied",
            own(1, "permission_denied", denied="$SYS.>", reason="so"),
            own(50, "permission_granted", denied="$SYS.>"),
            50.0,
        ),
        ("BridgeCredentialsExpiring", EXPIRING, own(50, "credentials_valid"), 50.0),
        ("BridgeClockSkew", own(1, "clock_skew", reason="so", server={"name": "n"}, seconds=-12.0), None, 901.0),
        ("BridgeEventsDropped", own(1, "events_dropped", count=3, reason="so"), None, 301.0),
        ("BridgeMalformedEvent", Message("$SYS.ACCOUNT.A.CONNECT", b"{", at(1)), None, 3601.0),
        ("BridgeDeliveryFailed", own(1, "delivery_failed", destination="d", reason="so"), None, 3601.0),
        ("BridgeRuleOverflow", own(1, "rule_overflow", rule="R", reason="so"), None, 3601.0),
    ],
)
def test_what_people_must_act_on_fires_and_ends(alert: str, begin: Input, end: Input | None, told: float) -> None:
    played = stage(rule(alert="Other", events="client.connect")).play(begin, *([end] if end else [])).wait(5000)

    assert story(played, alert) == [(1.0, "firing"), (told, "resolved")]


@pytest.mark.parametrize(
    ("alert", "event"),
    [
        ("BridgeAway", own(1, "away", seconds=61.0, span="1m1s", servers="n1: at most 3")),
        ("BridgeStateLost", own(1, "state_lost", reason="so")),
    ],
)
def test_what_only_happened_is_told_once(alert: str, event: Input) -> None:
    assert story(stage().play(event).wait(9000), alert) == [(1.0, "event")]


def test_a_short_absence_is_not_told() -> None:
    assert story(stage().play(own(1, "away", seconds=60.0)), "BridgeAway") == []


def test_one_file_or_destination_does_not_end_the_trouble_of_another() -> None:
    played = stage().play(
        own(1, "receiver_dead", destination="a"),
        own(2, "receiver_dead", destination="b"),
        own(3, "receiver_recovered", destination="a"),
    )

    assert story(played, "BridgeReceiverDead") == [(1.0, "firing"), (2.0, "firing"), (3.0, "resolved")]
    assert played.decisions[-1].labels["destination"] == "a"


def test_each_has_a_severity_a_text_and_is_about_the_bridge() -> None:
    for each in builtin_rules([]):
        assert each.alert.startswith("Bridge")
        assert each.labels["severity"] in ("info", "warning", "critical")
        assert each.about_bridge
        assert each.annotations["summary"]


def test_everything_that_the_bridge_can_say_of_itself_has_a_rule_or_needs_none() -> None:
    watched = {name for each in builtin_rules([]) for name in each.events}
    ends = {name for each in builtin_rules([]) if each.resolve_on for name in each.resolve_on.events}

    own_types = {name for name in EVENT_TYPES if name.startswith("bridge.")}
    assert own_types - watched - ends == {"bridge.started"}


def test_a_rule_of_the_same_name_takes_its_place() -> None:
    mine = rule(alert="BridgeAway", events="bridge.away", labels={"severity": "critical"})
    played = stage(mine).play(own(1, "away", seconds=5.0))

    assert [decision.labels for decision in played.decisions] == [{"severity": "critical"}]
    assert len([each for each in builtin_rules(["BridgeAway", "Other"]) if each.alert == "BridgeAway"]) == 0


def test_malformed_messages_are_counted_by_one_alert() -> None:
    watched = rule(alert="Other", events="client.connect")
    audience = Audience(watched, *builtin_rules([]))
    audience.play(*(Message("$SYS.ACCOUNT.A.CONNECT", b"{", at(n)) for n in range(1, 6)))
    audience.upto(30)

    assert story(audience, "BridgeMalformedEvent") == FOR_EVER
    assert audience.engine.malformed == 5
    summary = audience.messages()[-1].alerts[0].annotations["summary"]
    assert "$SYS.ACCOUNT.A.CONNECT" in summary


def test_a_message_about_the_bridge_that_is_given_up_raises_nothing() -> None:
    audience = Audience(*builtin_rules([]), down=[OPS.key])
    audience.play(own(1, "state_lost", reason="so"))
    (row,) = audience.upto(5).pending()
    audience.play(Settled(row.id, "dead", at(10), "given up"))

    assert story(audience.upto(9000), "BridgeDeliveryFailed") == []


def test_a_full_rule_says_so_once_a_minute_at_most() -> None:
    few = rule(alert="Few", events="server.statsz", type="flatline", within="1h", by=["server.name"], limit=1)
    played = stage(few).play(*(statsz(n, f"s{n}", f"P{n}") for n in range(1, 200)))

    assert story(played, "BridgeRuleOverflow") == [(2.0, "firing")]
    (facts,) = [
        facts() for facts in played.engine.firing.alerts.values() if facts().rule.startswith("BridgeRuleOverflow")
    ]
    assert facts.tally.count == 4  # At 2, 62, 122 and 182.
    assert facts.labels["rule"] == "Few"


# -- what was missed --------------------------------------------------------------------------------------------------


HEARD = rule(alert="Heard", events="client.connect", type="flatline", within="1h")
AWAY = rule(alert="Away", events="bridge.away", annotations={"summary": "{{ event.messages }}; {{ event.servers }}"})


def away(*inputs: Input) -> list[str]:
    """What the bridge says of its absences."""
    audience = Audience(HEARD, AWAY, route={"group_interval": "1s"})
    audience.play(*inputs)
    audience.upto(5000)
    return [
        alert.annotations["summary"]
        for message in audience.messages()
        for alert in message.alerts
        if alert.labels["alertname"] == "Away"
    ]


def test_a_gap_is_counted_by_the_servers_own_numbers() -> None:
    assert away(statsz(1, seq=10), Blind(at(2)), statsz(60, seq=15), Sight(at(61))) == ["4; n1: at most 4"]


def test_nothing_missed_is_zero() -> None:
    assert away(statsz(1, seq=10), Blind(at(2)), statsz(60, seq=11), Sight(at(61))) == ["0; n1: at most 0"]


def test_servers_are_counted_each_for_itself() -> None:
    seen = away(
        statsz(1, "a", "A", seq=10),
        statsz(1, "b", "B", seq=70),
        Blind(at(2)),
        statsz(60, "b", "B", seq=71),
        statsz(60, "a", "A", seq=20),
        Sight(at(61)),
    )
    assert seen == ["9; a: at most 9; b: at most 0"]


def test_a_server_that_was_restarted_or_is_silent_is_unknown() -> None:
    seen = away(
        statsz(1, "a", "A", seq=10),
        statsz(1, "b", "B", seq=10),
        Blind(at(2)),
        statsz(60, "a", "A2", seq=3),
        Sight(at(61)),
    )
    assert seen == ["2; a: restarted, at most 2 since then, unknown before; b: not heard since, unknown"]


def test_a_server_that_came_during_the_gap_has_counted_from_1_on() -> None:
    seen = away(statsz(1, seq=10), Blind(at(2)), statsz(60, seq=11), statsz(60, "new", "N", seq=8), Sight(at(61)))
    assert seen == ["7; n1: at most 0; new: new, at most 7"]


def test_a_gap_within_a_gap_is_a_part_of_it() -> None:
    seen = away(statsz(1, seq=10), Blind(at(2)), Blind(at(31)), statsz(60, seq=20), Sight(at(61)))
    assert seen == ["9; n1: at most 9"]


def test_what_was_missed_between_two_connections_of_one_gap_counts() -> None:
    seen = away(
        *(statsz(1, seq=10), statsz(1, "b", "B", seq=10), Blind(at(2))),
        *(Own("P1", 7, at(30)), statsz(30, seq=12), statsz(30, "b", "B", seq=11), statsz(30, "c", "C", seq=2)),
        *(Own("P1", 8, at(60)), statsz(60, seq=20), statsz(60, "c", "C", seq=4), Sight(at(61))),
    )
    assert seen == ["10; b: not heard since, unknown; c: new, at most 2; n1: at most 8"]


def test_a_number_that_goes_back_tells_nothing() -> None:
    """A double of what was heard before the gap must not end the counting."""
    seen = away(statsz(1, seq=10), Blind(at(2)), statsz(59, seq=9), statsz(60, seq=15), Sight(at(61)))
    assert seen == ["4; n1: at most 4"]


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        ({"a": 1}, {"a": 5}, "at most 3 messages of a were missed"),
        ({"a": 1, "b": 1}, {"a": 5, "b": 3}, "at most 4 messages of a, b were missed"),
        ({"a": 1, "b": 1}, {"a": 5}, "at most 3 messages of a were missed; how many of b is not known"),
        ({"a": 1}, {}, "how many messages of a were missed is not known"),
        ({}, {}, "how many messages were missed is not known"),
        (dict.fromkeys("abcd", 1), dict.fromkeys("abcd", 3), "at most 4 messages of 4 servers were missed"),
    ],
)
def test_what_was_missed_is_a_sentence(before: dict[str, int], after: dict[str, int], told: str) -> None:
    mine = rule(alert="Away", events="bridge.away", annotations={"summary": "{{ event.missed }}"})
    audience = Audience(mine, route={"group_interval": "1s"})
    audience.play(*(statsz(1, name, name, seq=seq) for name, seq in before.items()), Blind(at(2)))
    audience.play(*(statsz(60, name, name, seq=seq) for name, seq in after.items()), Sight(at(61)))
    audience.upto(100)

    assert [each.annotations["summary"] for message in audience.messages() for each in message.alerts] == [told]


def test_the_next_gap_is_counted_from_what_was_heard_last() -> None:
    seen = away(
        statsz(1, seq=10),
        *(Blind(at(2)), statsz(60, seq=15), Sight(at(61))),
        statsz(70, seq=16),
        *(Blind(at(80)), statsz(160, seq=20), Sight(at(161))),
    )
    assert seen == ["4; n1: at most 4", "3; n1: at most 3"]


def test_the_first_sight_of_all_is_no_return() -> None:
    assert away(statsz(1, seq=10)) == []


def test_a_restart_counts_what_was_missed_while_it_was_down() -> None:
    audience = Audience(HEARD, AWAY, route={"group_interval": "1s"})
    audience.play(statsz(1, seq=10))
    resumed = restarted(audience, seconds=100)
    resumed.play(statsz(101, seq=15), Sight(at(102)))
    resumed.upto(200)

    (alert,) = [alert for message in resumed.messages() for alert in message.alerts]
    assert alert.annotations["summary"] == "4; n1: at most 4"


# -- who disconnected meanwhile ---------------------------------------------------------------------------------------

LEFT = rule(alert="Left", events="client.disconnect")
STORY = rule(alert="Away", events="bridge.away", annotations={"summary": "{{ event.messages }}; {{ event.ended }}"})
GAP = (statsz(1, seq=10), Blind(at(2)), statsz(60, seq=15), Sight(at(61)))


def ended(when: float) -> Happening:
    return own(when, "disconnects_missed", ended="2 disconnected meanwhile: Client Closed 2", disconnects=2)


def untold(*inputs: Input) -> Audience:
    audience = Audience(LEFT, STORY, route={"group_interval": "1s"})
    audience.play(*inputs)
    return audience


def stories(audience: Audience) -> list[str]:
    return [
        message.alerts[0].annotations["summary"]
        for message in audience.messages()
        if message.alerts[0].labels["alertname"] == "Away"
    ]


def test_the_story_of_a_gap_waits_for_what_servers_remember_of_it() -> None:
    audience = untold(*GAP, ended(63))
    audience.upto(70)
    assert stories(audience) == ["4; 2 disconnected meanwhile: Client Closed 2"]


@pytest.mark.parametrize("ends", [(), (Blind(at(62)),)])
def test_it_waits_no_longer_than_10_seconds_and_not_beyond_the_next_gap(ends: tuple[Input, ...]) -> None:
    audience = untold(*GAP, *ends)
    audience.upto(63)
    assert stories(audience) == (["4;"] if ends else [])
    audience.upto(72)
    assert stories(audience) == ["4;"]
    audience.play(ended(75))
    audience.upto(80)
    assert len(stories(audience)) == 1


def test_it_is_not_lost_by_a_restart() -> None:
    resumed = restarted(untold(*GAP), seconds=3)
    resumed.upto(70)
    assert stories(resumed) == ["4;"]


def test_nobody_waits_if_no_rule_watches_disconnects() -> None:
    audience = Audience(HEARD, STORY, route={"group_interval": "1s"})
    audience.play(*GAP)
    audience.upto(62)
    assert stories(audience) == ["4;"]


def test_a_recording_cannot_overrule_what_was_counted() -> None:
    fields = {"messages": 0, "ended": "x", "self": 1, "name": "y"}
    audience = untold(*GAP, Happening("disconnects_missed", fields, at(62)))
    audience.upto(70)
    assert stories(audience) == ["4; x"]


def test_what_was_told_about_nats_before_a_restart_ends_with_the_sight_after_it() -> None:
    """The new process hears NATS at once: its source has nothing to say about a return."""
    played = stage().play(Blind(at(1)), own(1, "nats_disconnected", reason="so", servers="a"))
    resumed = restarted(played, setup(*builtin_rules([])), seconds=50).play(Sight(at(51)))

    assert story(resumed, "BridgeNatsDisconnected") == [(51.0, "resolved")]


def test_alerts_about_clients_do_not_notice_the_bridge_and_the_other_way_round() -> None:
    one = rule(alert="One", events="client.disconnect")
    played = stage(one).play(disconnected(1, "x"), goodbye(2), own(3, "store_degraded", reason="so"))

    assert story(played, "One") == [(1.0, "event")]
    assert story(played, "BridgeStoreDegraded") == [(3.0, "firing")]
