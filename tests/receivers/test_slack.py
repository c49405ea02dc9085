"""Slack: its limits, its markup, its layout and its words for errors."""

import json
import re
from typing import Any

import pytest
from hypothesis import given
from msgspec.structs import replace

from bridge.errors import Refused, Rejected, Transient
from bridge.notification import Notification, State
from bridge.receiver import Reply, Request
from bridge.receivers.slack import Slack
from bridge.receivers.slack.message import GREEN, ORANGE, RED
from tests.pictures import FOLDER, pictures
from tests.receivers.notifications import HOSTILE, MANY_HOSTILE, alert, every_kind, notification
from tests.receivers.slack_rules import check_message
from tests.receivers.test_contract import strange_notifications
from tests.slack_page import message as message_of
from tests.slack_page import page

KINDS = every_kind()
SLACK = Slack.model_validate({"webhook_url": "https://hooks.slack.com/services/T0/B0/x"})


def message(told: Notification, plain: bool = False) -> dict[str, Any]:
    request = next(SLACK.deliver(told, {}, plain))
    assert isinstance(request, Request)
    read: dict[str, Any] = json.loads(request.body)
    return read


def shown(told: Notification) -> str:
    """All text of the message, as it is written."""
    return "\n".join(
        re.findall(r'"text":"((?:[^"\\]|\\.)*)"', json.dumps(message(told), ensure_ascii=False, separators=(",", ":")))
    )


@pytest.mark.parametrize("plain", [False, True], ids=["full", "plain"])
def test_slack_takes_every_message(plain: bool) -> None:
    for told in KINDS.values():
        check_message(message(told, plain))


@pytest.mark.parametrize("state", ["firing", "resolved", "event"])
def test_no_name_of_three_hundred_mentions_anybody_or_links_anywhere(state: State) -> None:
    """Wherever a stranger's text can stand: in labels, annotations, names of groups, reasons."""
    assert len(MANY_HOSTILE) >= 300
    for text in MANY_HOSTILE:
        one = replace(alert(state, text=text), reason=text, value_text=text, peak_text=text, rule_place=text)
        one.annotations["dashboard_url"] = f"https://dashboards.example.net/{text}"
        one.labels["alertname"] = text
        for alerts in ([one], [one, alert("firing", 1, text)]):
            told = notification(*alerts, group_labels={"alertname": text}, group_key=text)
            for plain in (False, True):
                check_message(message(told, plain))


@given(told=strange_notifications())
def test_slack_takes_strange_messages_and_nothing_in_them_is_live(told: Notification) -> None:
    check_message(message(told))
    check_message(message(told, plain=True))


@pytest.mark.parametrize("text", HOSTILE)
def test_a_title_is_one_line(text: str) -> None:
    assert "\n" not in message(notification(alert(text=text)))["text"]


def test_the_title_says_all_at_a_glance() -> None:
    assert message(notification(alert()))["text"] == "🔴 CRITICAL · AuthErrorBurst · 10.0.0.9 (prod-eu)"


def test_the_title_of_an_end_says_how_long_it_took() -> None:
    assert message(KINDS["resolved"])["text"] == "✅ RESOLVED after 12m · AuthErrorBurst · 10.0.0.9 (prod-eu)"


def test_the_title_of_a_one_off_has_no_severity_word() -> None:
    told = notification(alert("event", severity="warning"))
    assert message(told)["text"] == "🟠 EVENT ×1204 · AuthErrorBurst · 10.0.0.9 (prod-eu)"


def test_the_title_of_many_counts_them() -> None:
    assert message(KINDS["100 mixed"])["text"] == "🔴 CRITICAL · AuthErrorBurst · 60 firing, 40 resolved (prod-eu)"


def test_the_title_of_a_stand_in_says_whom_it_stands_in_for() -> None:
    assert message(KINDS["stand-in"])["text"].endswith("· instead of nats-ops/slack/0 (prod-eu)")


def test_the_title_of_a_reminder_says_so() -> None:
    assert message(KINDS["reminder"])["text"].endswith("· reminder 2 (prod-eu)")


@pytest.mark.parametrize(
    ("severity", "icon", "colour"),
    [("critical", "🔴", RED), ("warning", "🟠", ORANGE), ("odd", "🟠", ORANGE), ("", "🟠", ORANGE)],
)
def test_severity_decides_icon_and_colour(severity: str, icon: str, colour: str) -> None:
    told = message(notification(alert(severity=severity)))
    assert told["text"].startswith(icon)
    assert told["attachments"][0]["color"] == colour


def test_the_end_is_green() -> None:
    assert message(KINDS["resolved"])["attachments"][0]["color"] == GREEN


def test_the_end_repeats_neither_the_trouble_nor_its_links() -> None:
    text = shown(KINDS["resolved"])
    assert "failed logins" not in text
    assert "Users tried" not in text
    assert "Runbook" not in text
    assert "*Last value*" in text


def test_an_operators_own_words_for_the_end_are_told() -> None:
    ended = alert("resolved")
    ended.annotations["summary"] = "logins work again"
    assert "logins work again" in shown(notification(ended))


def test_the_reason_of_a_special_end_is_in_its_title() -> None:
    told = notification(replace(alert("resolved"), reason="no data"))
    assert message(told)["text"].startswith("✅ RESOLVED after 12m (no data) · ")


def test_a_firing_alert_shows_what_is_known() -> None:
    text = shown(KINDS["firing"])
    for part in (
        "23 failed logins from 10.0.0.9",
        "*client_host*\\n10.0.0.9",
        "*Value*\\n23",
        "*Peak*\\n31",
        "*Events*\\n1,204",
        "*First seen*\\n<!date^1799999220^{date_short_pretty} {time_secs}|2027-01-15 07:47:00 UTC>",
        "*Last seen*",
        "Users tried:",
        "<https://runbooks.example.net/nats/auth?a=1&amp;b=2|Runbook>",
        "AuthErrorBurst · 89abcdef",
    ):
        assert part in text


def test_what_is_known_is_not_said_twice() -> None:
    same = replace(alert(), count=23, peak_text="23", first_seen=alert().last_seen)
    text = shown(notification(same))
    assert "*Value*\\n23" in text
    assert not any(f"*{name}*" in text for name in ("Peak", "Events", "First seen", "Note"))


def test_what_is_special_about_a_firing_alert_is_noted() -> None:
    assert "*Note*\\nplanned, but not back" in shown(notification(replace(alert(), reason="planned, but not back")))


def test_what_people_read_first_comes_first() -> None:
    text = shown(KINDS["firing"])
    places = [text.index(part) for part in ("23 failed logins", "Users tried", "*client_host*", "Runbook", "89abcdef")]
    assert places == sorted(places)


def test_of_many_alerts_ten_are_listed_and_the_rest_is_counted() -> None:
    text = shown(KINDS["100 firing"])
    assert len(re.findall("23 failed logins from 10.0.0.9", text)) == 10
    assert "+90 more" in text


def test_a_name_that_the_summary_says_is_not_said_twice() -> None:
    text = shown(notification(alert(), alert("firing", 1)))
    assert "🔴 23 failed logins from 10.0.0.9\\n🔴 10.0.0.9-1: 23 failed logins from 10.0.0.9" in text


def test_of_different_rules_each_end_says_whose_it_is() -> None:
    told = notification(alert("resolved"), alert("resolved", 1, alertname="SlowConsumer"), group_labels={})
    text = shown(told)
    assert "✅ AuthErrorBurst · 10.0.0.9: resolved after 12m\\n✅ SlowConsumer · 10.0.0.9-1: resolved" in text
    assert "✅ 10.0.0.9-1: resolved after 12m" in shown(notification(alert("resolved"), alert("resolved", 1)))


def test_the_last_line_says_since_when_and_until_when() -> None:
    began, ended = "<!date^1799999280^{date_short_pretty} {time_secs}|2027-01-15 07:48:00 UTC>", "<!date^1800000000^"
    assert f"since {began}" in shown(KINDS["100 mixed"])
    assert f"from {began} to {ended}" in shown(KINDS["resolved"])
    assert "since" not in shown(KINDS["event"])


def test_labels_without_room_are_counted() -> None:
    assert re.search(r"\*More\*\\n\+\d+ labels", shown(KINDS["many labels"]))


@pytest.mark.parametrize(
    "url",
    ["javascript:alert(1)", "file:///etc/passwd", "https://x|y>", "https://x <!channel>", "x", "https://", "http://[x"],
)
def test_a_runbook_that_is_no_web_address_is_no_link(url: str) -> None:
    firing = alert()
    firing.annotations["runbook_url"] = url
    assert "Runbook" not in shown(notification(firing))


@pytest.mark.parametrize(
    ("status", "body", "kind"),
    [
        (400, b"invalid_payload", Rejected),
        (400, b"invalid_blocks", Rejected),
        (400, b"invalid_blocks\n", Rejected),
        (400, b"msg_too_long", Rejected),
        (400, b"msg_blocks_too_long", Rejected),
        (400, b"no_text", Rejected),
        (400, b"user_not_found", Refused),
        (403, b"invalid_token", Refused),
        (403, b"action_prohibited", Refused),
        (403, b"team_disabled", Refused),
        (404, b"no_service", Refused),
        (404, b"channel_not_found", Refused),
        (410, b"channel_is_archived", Refused),
        (500, b"rollup_error", Transient),
        (500, b"invalid_blocks", Rejected),
        (429, b"rate_limited", Transient),
        (200, b'{"ok":false,"error":"invalid_auth"}', Refused),
        (200, b'{"ok":false,"error":"internal_error"}', Transient),
        (200, b'{"ok":false,"error":"msg_too_long"}', Rejected),
    ],
)
def test_slacks_words_decide(status: int, body: bytes, kind: type[Exception]) -> None:
    with pytest.raises(kind) as caught:
        SLACK.judge(Reply(status=status, body=body))
    assert type(caught.value) is kind


@pytest.mark.parametrize("body", [b"ok", b'{"ok":true}', b'{"success":true}', b""])
def test_any_other_200_means_taken(body: bytes) -> None:
    SLACK.judge(Reply(status=200, body=body))


@pytest.mark.parametrize("body", [b"<html>ok</html>", b"\n<!DOCTYPE html>"])
def test_a_page_for_browsers_is_no_answer_of_slacks(body: bytes) -> None:
    """Of a login in between, or of the channel itself, whose address was taken for the webhook's."""
    with pytest.raises(Transient, match="check webhook_url"):
        SLACK.judge(Reply(status=200, body=body))


@pytest.mark.parametrize(("body", "untaken"), [(b"<html>ok</html>", True), (b'{"ok":true,"cha', False), (b"", False)])
def test_an_app_that_cannot_read_the_answer_may_have_been_heard(body: bytes, untaken: bool) -> None:
    app = Slack.model_validate({"bot_token": "x", "channel": "#a"})
    with pytest.raises(Transient, match="check base_url") as caught:
        app.judge(Reply(status=200, body=body))
    assert caught.value.is_untaken == untaken


@pytest.mark.parametrize(
    ("word", "shown"),
    [("some_new_trouble", True), ("xoxb-1-a", False), ("https://x", False), ("hunter", False), ("a_" * 40, False)],
)
def test_a_word_that_is_new_is_told_and_nothing_else(word: str, shown: bool) -> None:
    app = Slack.model_validate({"bot_token": "x", "channel": "#a"})
    with pytest.raises(Rejected) as caught:
        app.judge(Reply(status=200, body=json.dumps({"ok": False, "error": word}).encode()))
    assert (word in str(caught.value)) == shown


def test_the_page_that_pictures_are_taken_of_can_show_every_message() -> None:
    for kind, told in KINDS.items():
        shown_ = page(message_of(message(told), "03:11"))
        assert "<!date" not in shown_, kind
        assert "<script" not in shown_, kind
        assert "class=at" not in shown_.partition("<body>")[2], f"{kind} mentions somebody"


@pytest.mark.parametrize("name", ["slack-firing", "slack-updated", "slack-resolved"])
def test_pictures_are_small(name: str) -> None:
    assert 10_000 < (FOLDER / f"{name}.png").stat().st_size < 100_000
    assert set(pictures()) == {path.stem for path in FOLDER.glob("slack-*.png")}
