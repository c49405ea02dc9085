"""The rate that a service takes, and who shares it."""

from bridge.delivery.gate import BURST, Gate, Gates
from bridge.receiver import Destination, Request
from bridge.receivers.slack import Slack
from bridge.receivers.webhook import Webhook
from bridge.values import SECOND
from tests.receivers.notifications import alert, notification

NOW = 1_800_000_000 * SECOND


def slack(url: str) -> Slack:
    return Slack.model_validate({"webhook_url": url})


def test_a_short_burst_goes_at_once_and_then_the_rate_holds() -> None:
    gate = Gate(1.0)
    places = [gate.reserve(NOW) - NOW for _ in range(BURST + 3)]
    assert places == [0] * BURST + [SECOND, 2 * SECOND, 3 * SECOND]


def test_quiet_time_earns_one_burst_and_no_more() -> None:
    gate = Gate(1.0)
    for _ in range(BURST):
        gate.reserve(NOW)
    later = NOW + 3600 * SECOND
    places = [gate.reserve(later) - later for _ in range(BURST + 1)]
    assert places == [0] * BURST + [SECOND]


def test_over_a_minute_the_rate_is_kept() -> None:
    gate, now, sent = Gate(1.0), NOW, 0
    while (now := gate.reserve(now)) < NOW + 60 * SECOND:
        sent += 1
    assert 60 <= sent <= 60 + BURST


def test_without_a_rate_nothing_is_held() -> None:
    gate = Gate(None)
    assert [gate.reserve(NOW) for _ in range(1000)] == [NOW] * 1000


def test_a_shorter_pause_does_not_end_a_longer_one() -> None:
    gate = Gate(None)
    gate.pause(NOW + 10)
    gate.pause(NOW + 5)
    assert gate.paused_until == NOW + 10


def test_the_same_webhook_url_is_one_gate_and_another_is_another() -> None:
    gates = Gates()
    first = gates.of(slack("https://hooks.example/a"))
    assert gates.of(slack("https://hooks.example/a")) is first
    assert gates.of(slack("https://hooks.example/b")) is not first
    assert gates.of(Webhook.model_validate({"url": "https://hooks.example/a"})) is not first


def bot(channel: str) -> Slack:
    return Slack.model_validate({"bot_token": "xoxb-1", "channel": channel, "mode": "update"})


def requests(slack: Slack) -> tuple[Request, Request]:
    """The post of a group's first message, and the edit that the next one is."""
    first = slack.deliver(notification(alert()), {})
    changed = notification(alert(), id="2" * 16, reason="new alerts")
    edit = slack.deliver(changed, {"channel": "C1", "ts": "1.0", "to": slack.channel})
    post, update = next(first), next(edit)
    assert isinstance(post, Request)
    assert isinstance(update, Request)
    return post, update


def test_edits_by_a_bot_are_counted_beside_what_it_posts_and_over_all_its_channels() -> None:
    gates = Gates()
    first, second = gates.of(bot("#a")), gates.of(bot("#b"))
    post, update = requests(bot("#a"))
    assert first.of(post) is first
    assert first.of(update) is second.of(requests(bot("#b"))[1])
    assert first.of(update) not in (first, second)
    places = [first.of(update).reserve(NOW) - NOW for _ in range(BURST + 50)]
    assert places[BURST - 1] == 0
    assert places[-1] == 60 * SECOND
    assert first.reserve(NOW) == NOW


def test_a_channel_is_one_with_its_name_with_and_without_the_sign() -> None:
    gates = Gates()
    assert gates.of(bot("#a")) is gates.of(bot("a"))


def test_a_destination_without_an_account_has_a_gate_of_its_own() -> None:
    gates = Gates()
    assert gates.of(Destination()) is not gates.of(Destination())
