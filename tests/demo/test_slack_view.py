"""What the demo draws is what arrived: nothing is left out, nothing of Slack's markup is left in."""

import json
import re
import time
from collections.abc import Iterator

import pytest
from rich.console import Console

from bridge.demo.channel import Post
from bridge.demo.mrkdwn import to_text
from bridge.demo.slack_view import alert_names, draw
from bridge.notification import Notification
from bridge.receiver import Request
from bridge.receivers.slack import Slack
from tests.receivers.notifications import NOW, alert, every_kind, notification

KINDS = {name: told for name, told in every_kind().items() if not name.startswith("hostile")}
SLACK = Slack.model_validate({"webhook_url": "https://hooks.slack.com/services/T0/B0/x"})


@pytest.fixture(autouse=True)
def _in_berlin(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def post(told: Notification) -> Post:
    request = next(SLACK.deliver(told, {}))
    assert isinstance(request, Request)
    return Post(NOW / 1_000_000, json.loads(request.body))


def drawn(told: Notification) -> str:
    console = Console(width=80, color_system=None)
    with console.capture() as capture:
        console.print(draw(post(told), "#nats-ops"))
    return capture.get()


def test_a_person_sees_title_text_fields_and_link() -> None:
    lines = drawn(notification(alert())).splitlines()
    assert lines[0].split() == ["#nats-ops", "APP", "09:00"]
    assert lines[1] == "  🔴 CRITICAL · AuthErrorBurst · 10.0.0.9 (prod-eu)"
    assert all(line.startswith("  ▌ ") for line in lines[2:])
    body = "\n".join(line[4:].rstrip() for line in lines[2:])
    assert re.search(r"^client_host +cluster\n10\.0\.0\.9 +prod-eu$", body, re.MULTILINE)
    assert "Jan 15, 2027 08:59:59" in body
    assert "Runbook (https://runbooks.example.net/nats/auth?a=1&b=2)" in body
    assert body.endswith("AuthErrorBurst · 89abcdef · since Jan 15, 2027 08:48:00")


@pytest.mark.parametrize("kind", KINDS)
def test_no_markup_is_left(kind: str) -> None:
    assert not re.search(r"<!|&amp;|&lt;|\*[A-Z]", drawn(KINDS[kind]))


def test_alerts_are_known_by_the_last_line() -> None:
    assert alert_names(post(KINDS["different rules"])) == ["AuthErrorBurst", "SlowConsumer"]


@pytest.mark.parametrize(
    ("markup", "seen"),
    [
        ("*Value*\n23", "Value\n23"),
        ("2*3*4", "2*3*4"),
        ("&lt;!channel&gt; &amp;amp;", "<!channel> &amp;"),
        ("<https://x.example/a?b&amp;c|Runbook>", "Runbook (https://x.example/a?b&c)"),
        ("<https://x.example>", "https://x.example"),
        ("<!date^1799999220^{date_num} {time}|then>", "2027-01-15 08:47"),
    ],
)
def test_markup_reads_as_slack_shows_it(markup: str, seen: str) -> None:
    assert to_text(markup).plain == seen
