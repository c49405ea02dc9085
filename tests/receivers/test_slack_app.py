"""Slack as an app: one message that is edited, a thread of what changed, mentions where they were asked for."""

from collections.abc import AsyncIterator
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from bridge.clock import SystemClock
from bridge.commit import OutboxRow
from bridge.notification import AlertView
from bridge.receivers.slack import Slack
from bridge.values import HOUR, MINUTE, SECOND, Secret
from tests.delivery.conftest import Ledger, StartWorker, clock, ledger, make_row, start
from tests.receivers.notifications import NOW, alert, notification
from tests.sink import answer
from tests.slack import TOKEN, FakeSlack
from tests.waiting import eventually

__all__ = ["clock", "ledger", "start"]


class Channel:
    """A group's messages on their way to one channel, with what was remembered as the outbox keeps it."""

    def __init__(self, slack: FakeSlack, start: StartWorker, ledger: Ledger, **keys: object) -> None:
        self.slack, self.ledger = slack, ledger
        self.clock = SystemClock()
        self.keys = {"bot_token": TOKEN, "channel": "#nats-ops", "base_url": slack.url, **keys}
        self.worker = start(Slack.model_validate(self.keys))
        self.memory: dict[str, Any] = {}
        self.n = 0

    async def tell(self, *alerts: AlertView, again: str = "", **changes: object) -> OutboxRow:
        """One message of the group; `again`: the id of an earlier one that is told once more."""
        self.n += 1
        id = again or f"{self.n:016x}"
        told = notification(*alerts, id=id, **{"reason": "new alerts" if self.n > 1 else "first", **changes})
        row = make_row(self.clock, self.n, id=id, notification=told, memory=self.memory)
        done = len(self.ledger.ends)
        self.worker.put(row)
        await eventually(lambda: len(self.ledger.ends) > done)
        for _, memory in self.ledger.memories:
            self.memory |= memory
        return row


@pytest.fixture
async def slack() -> AsyncIterator[FakeSlack]:
    with FakeSlack() as fake:
        yield fake


FIRING, ENDED = alert(), alert("resolved")
MORE = replace(alert("firing", 1), starts_at=NOW - MINUTE)


@pytest.mark.parametrize("edits", [1, 12])
async def test_a_pause_that_slack_wants_for_edits_holds_back_no_other_message(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, edits: int
) -> None:
    """Be it one edit or more than go out at the same time."""
    channel = Channel(slack, start, ledger, mode="update")
    await channel.tell(FIRING)
    taking, slack.then = slack.then, answer(429, Retry_After="300")
    for n in range(2, 2 + edits):
        told = notification(FIRING, id=f"{n:016x}", reason="new alerts")
        channel.worker.put(make_row(channel.clock, n, id=told.id, notification=told, memory=channel.memory))
    await eventually(lambda: [attempt for attempt in ledger.attempts if attempt.status == 429])
    slack.then = taking
    other = make_row(channel.clock, 30, id="f" * 16)
    channel.worker.put(other)
    await eventually(lambda: other.id in ledger.delivered)
    assert f"{2:016x}" not in ledger.delivered


async def test_as_messages_each_change_is_one_of_its_own(slack: FakeSlack, start: StartWorker, ledger: Ledger) -> None:
    channel = Channel(slack, start, ledger, mode="message")
    await channel.tell(FIRING)
    await channel.tell(ENDED)
    assert [said.text.split(" ")[0] for said in slack.parents] == ["🔴", "✅"]
    assert channel.memory == {}


async def test_an_update_edits_the_message_in_place_until_its_end(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="update")
    await channel.tell(FIRING)
    await channel.tell(FIRING, MORE)
    (only,) = slack.said
    assert "2 alerts" in only.text
    await channel.tell(ENDED)
    assert (only.text.split(" ")[0], only.edits) == ("✅", 2)
    await channel.tell(FIRING, reason="first")
    assert [said.text.split(" ")[0] for said in slack.parents] == ["✅", "🔴"]


async def test_a_thread_has_what_changed_and_its_parent_how_it_stands(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="thread")
    await channel.tell(FIRING)
    assert slack.replies == []
    await channel.tell(FIRING, MORE)
    await channel.tell(FIRING, MORE, reason="reminder", reminder=1)
    await channel.tell(ENDED)
    (parent,) = slack.parents
    lists = [said.message["attachments"][0]["blocks"][0]["text"]["text"].split("\n") for said in slack.replies]
    assert [len(lines) for lines in lists] == [1, 2, 1], "what is new, all of a reminder, what has ended"
    assert lists[0][0].startswith("🔴 10.0.0.9-1")
    spans = [said.message["attachments"][0]["blocks"][-1]["elements"][-1]["text"] for said in slack.replies]
    assert f"since <!date^{MORE.starts_at // SECOND}^" in spans[0], "of what is new, not of all"
    assert (parent.text.split(" ")[0], parent.edits) == ("✅", 3)
    assert [said.text.split(" ")[0] for said in slack.replies] == ["🔴", "🔴", "✅"]
    assert {said.thread for said in slack.replies} == {parent.ts}
    assert not any(said.broadcast for said in slack.replies)


async def test_the_same_alert_again_goes_on_in_its_thread_and_opens_the_parent_anew(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="thread")
    for alerts in (FIRING, ENDED):
        await channel.tell(alerts)
    await channel.tell(FIRING, reason="first")
    (parent,) = slack.parents
    assert parent.text.startswith("🔴")
    assert [said.broadcast for said in slack.replies] == [False, True]


@pytest.mark.parametrize(
    ("broadcast", "shown"), [("worse", [True, False]), ("never", [False] * 2), ("always", [True] * 2)]
)
async def test_what_becomes_worse_is_shown_in_the_channel_as_well(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, broadcast: str, shown: list[bool]
) -> None:
    warning = alert("firing", 2, severity="warning")
    channel = Channel(slack, start, ledger, mode="thread", broadcast=broadcast)
    await channel.tell(warning)
    await channel.tell(FIRING, warning)
    await channel.tell(warning, alert("resolved"))
    assert [said.broadcast for said in slack.replies] == shown


@pytest.mark.parametrize(
    "word",
    [
        "message_not_found",
        "cant_update_message",
        "edit_window_closed",
        "is_archived",
        "is_inactive",
        "channel_not_found",
        "brand_new_word",
    ],
)
async def test_a_message_that_can_not_be_edited_any_more_is_followed_by_a_new_one(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, word: str
) -> None:
    channel = Channel(slack, start, ledger, mode="thread")
    await channel.tell(FIRING)
    slack.errors = [word]
    await channel.tell(FIRING, MORE)
    await channel.tell(ENDED)
    first, second = slack.parents
    assert (first.edits, second.edits) == (0, 1)
    assert {said.thread for said in slack.replies} == {second.ts}


@pytest.mark.parametrize("word", ["thread_not_found", "restricted_action_thread_locked", "brand_new_word"])
async def test_a_thread_that_takes_no_answers_is_followed_by_a_new_message(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, word: str
) -> None:
    channel = Channel(slack, start, ledger, mode="thread")
    await channel.tell(FIRING)
    slack.errors = [None, word]
    await channel.tell(FIRING, MORE)
    await channel.tell(ENDED)
    first, second = slack.parents
    assert (first.edits, second.edits) == (1, 1)
    assert {said.thread for said in slack.replies} == {second.ts}
    assert {attempt.trouble for attempt in ledger.attempts} == {""}


async def test_a_channel_that_is_archived_refuses_edits_and_messages(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="thread")
    await channel.tell(FIRING)
    slack.errors = ["is_inactive", "is_archived"]
    told = notification(ENDED, id="2" * 16)
    channel.worker.put(make_row(channel.clock, 2, id=told.id, notification=told, memory=channel.memory))
    await eventually(lambda: len(ledger.attempts) == 2)
    assert ledger.attempts[-1].trouble == "refused"
    assert "is_archived; unarchive the channel, or name another" in ledger.attempts[-1].detail


@pytest.mark.parametrize(("mode", "parents", "broadcast"), [("thread", 1, [True]), ("update", 2, [])])
async def test_a_group_that_begins_anew_is_seen_though_its_end_was_told_elsewhere(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, mode: str, parents: int, broadcast: list[bool]
) -> None:
    """In a message about many groups, which is remembered for none of them."""
    channel = Channel(slack, start, ledger, mode=mode)
    await channel.tell(FIRING)
    await channel.tell(FIRING, reason="first")
    assert len(slack.parents) == parents
    assert [said.broadcast for said in slack.replies] == broadcast


async def test_a_crash_after_the_answer_leads_to_one_second_parent_at_most(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    """What was not remembered is told again; what was remembered is told no second time."""
    channel = Channel(slack, start, ledger, mode="thread")
    row = await channel.tell(FIRING)
    channel.memory = {}
    await channel.tell(FIRING, again=row.id)
    assert len(slack.parents) == 2
    await channel.tell(FIRING, again=row.id)
    assert (len(slack.parents), slack.replies) == (2, [])


async def test_a_reply_that_failed_is_tried_again_and_the_edit_with_it(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="thread")
    await channel.tell(FIRING)
    slack.errors = [None, "internal_error"]
    await channel.tell(ENDED)
    assert slack.calls == ["chat.postMessage", *(["chat.update", "chat.postMessage"] * 2)]
    assert len(slack.replies) == 1


async def test_blocks_that_slack_does_not_like_are_replaced_by_text_in_place(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="update")
    await channel.tell(FIRING)
    slack.errors = ["invalid_blocks"]
    await channel.tell(ENDED)
    (only,) = slack.said
    assert (only.message["blocks"], only.message["attachments"]) == ([], [])
    assert only.text.startswith("✅")


async def test_another_channel_in_the_file_is_another_channel(
    slack: FakeSlack, start: StartWorker, ledger: Ledger
) -> None:
    channel = Channel(slack, start, ledger, mode="update")
    await channel.tell(FIRING)
    channel.worker = start(Slack.model_validate({**channel.keys, "mode": "update", "channel": "C0OPS"}))
    await channel.tell(ENDED)
    assert [said.message["channel"] for said in slack.parents] == ["#nats-ops", "C0OPS"]


@pytest.mark.parametrize(
    ("word", "kind", "advice"),
    [
        ("not_in_channel", "refused", "invite the app"),
        ("invalid_auth", "refused", "check the token"),
        ("missing_scope", "refused", "chat:write"),
        ("ratelimited", "transient", ""),
        ("fatal_error", "transient", ""),
        ("msg_blocks_too_long", "rejected", ""),
        ("brand_new_word", "rejected", "does not know"),
    ],
)
async def test_a_200_that_is_not_ok_is_trouble(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, word: str, kind: str, advice: str
) -> None:
    channel = Channel(slack, start, ledger)
    slack.errors = [word]
    channel.worker.put(make_row(channel.clock))
    await eventually(lambda: ledger.attempts)
    assert (ledger.attempts[0].trouble, ledger.attempts[0].status) == (kind, 200)
    assert advice in ledger.attempts[0].detail


# -- mentions ----------------------------------------------------------------------------------------------------------

MENTIONS = {"critical": ["@here", "S012AB3CD"], "warning": ["U012AB3CD"]}
PING, LESS = "<!here> <!subteam^S012AB3CD>", "<@U012AB3CD>"
WARNING = alert("firing", 3, severity="warning")


def mentioned(message: dict[str, Any]) -> list[str]:
    """What the blocks outside of the attachment mention."""
    return [block["text"]["text"] for block in message["blocks"] if block["type"] == "section"]


@pytest.mark.parametrize("mode", ["message", "thread"])
async def test_whoever_is_to_be_mentioned_is_so_once(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, mode: str
) -> None:
    channel = Channel(slack, start, ledger, mode=mode, mentions=MENTIONS)
    await channel.tell(WARNING)
    await channel.tell(FIRING, WARNING)
    await channel.tell(FIRING, MORE, WARNING)
    await channel.tell(FIRING, MORE, WARNING, reason="reminder", reminder=1)
    await channel.tell(ENDED)
    await channel.tell(FIRING)
    sent = [request.json for request in slack.requests if request.path.endswith("postMessage")]
    assert [mentioned(message) for message in sent] == [[LESS], [PING], [], [], [], [PING]]
    edits = [request.json for request in slack.requests if request.path.endswith("update")]
    assert not any(mentioned(message) for message in edits)


@pytest.mark.parametrize(("broadcast", "shown"), [("worse", True), ("never", False)])
async def test_whoever_is_to_be_mentioned_later_is_so_beside_the_message_that_is_edited(
    slack: FakeSlack, start: StartWorker, ledger: Ledger, broadcast: str, shown: bool
) -> None:
    """An edit calls nobody."""
    channel = Channel(slack, start, ledger, mode="update", mentions=MENTIONS, broadcast=broadcast)
    await channel.tell(WARNING)
    await channel.tell(FIRING, WARNING)
    await channel.tell(FIRING, MORE, WARNING)
    await channel.tell(ENDED, WARNING)
    (parent,) = slack.parents
    (reply,) = slack.replies
    assert (parent.edits, mentioned(reply.message), reply.broadcast) == (3, [PING], shown)
    assert "10.0.0.9" in str(reply.message["attachments"])


async def test_a_webhook_mentions_too() -> None:
    slack = Slack.model_validate({"webhook_url": "https://hooks.slack.com/services/T0/B0/x", "mentions": MENTIONS})
    told = notification(FIRING)
    for plain in (False, True):
        assert PING in str(next(slack.deliver(told, {}, plain)))
    quiet = Slack.model_validate({"webhook_url": "https://hooks.slack.com/services/T0/B0/x"})
    assert "<!here" not in str(next(quiet.deliver(told, {})))


@pytest.mark.parametrize(
    "text", ["everybody", "<http://evil|x>", "@", "<!here> and more", "#general", "SRE", "@USER", "a" * 100, ""]
)
def test_what_mentions_nobody_is_an_error_of_the_file(text: str) -> None:
    with pytest.raises(ValidationError, match="mentions nobody"):
        Slack.model_validate({"webhook_url": "https://x.example", "mentions": {"critical": [text]}})


# -- keys --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({}, "write either webhook_url, or bot_token and channel"),
        ({"webhook_url": "https://x.example", "bot_token": "x"}, "write either"),
        ({"bot_token": "x"}, "has no channel"),
        ({"bot_token": "x", "channel": "#"}, "this is no channel"),
        ({"bot_token": "x", "channel": "a b"}, "this is no channel"),
        ({"webhook_url": "https://x.example", "mode": "thread"}, "mode is not for webhooks"),
        ({"webhook_url": "https://x.example", "channel": "#x"}, "channel is not for webhooks"),
    ],
)
def test_keys_that_do_not_fit_together_are_an_error_of_the_file(keys: dict[str, str], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Slack.model_validate(keys)


def test_destinations_of_one_channel_share_its_rate() -> None:
    keys = {"bot_token": "x", "channel": "#a"}
    one, same = (Slack.model_validate({**keys, "mode": mode}) for mode in ("thread", "update"))
    other = Slack.model_validate({**keys, "channel": "#b"})
    assert one.account() == same.account() != other.account()
    assert isinstance(one.account(), Secret)


def test_what_is_remembered_outlives_the_group_only_for_threads() -> None:
    keys = {"bot_token": "x", "channel": "#a"}
    kept = {mode: Slack.model_validate({**keys, "mode": mode}).memory_for for mode in ("message", "update", "thread")}
    assert kept == {"message": 0, "update": 0, "thread": 6 * HOUR}
