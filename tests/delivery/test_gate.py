"""The rate that a service takes, and who shares it."""

from bridge.delivery.gate import BURST, Gate, Gates
from bridge.receiver import Destination
from bridge.receivers.slack import Slack
from bridge.receivers.webhook import Webhook
from bridge.values import SECOND

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


def test_a_destination_without_an_account_has_a_gate_of_its_own() -> None:
    gates = Gates()
    assert gates.of(Destination()) is not gates.of(Destination())
