"""Makes the README's pictures of Slack from the messages that the bridge posts: `make pictures`. Wants chromium."""

import json
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from msgspec.structs import replace

from bridge.notification import AlertView, Notification
from bridge.receiver import Reply, Request
from bridge.receivers.slack import Slack
from bridge.values import MINUTE, SECOND
from tests.slack_page import message, page

FOLDER = Path(__file__).parents[1] / "docs"

NOW = 1_795_749_060 * SECOND
"""03:11 of a night."""

SLACK = Slack.model_validate(
    {"bot_token": "xoxb", "channel": "#nats-ops", "mode": "thread", "mentions": {"critical": ["S012AB3CD"]}}
)
TAKEN = Reply(status=200, body=b'{"ok":true,"channel":"C0","ts":"1"}')
GROUPS = {"S012AB3CD": "nats-oncall"}

SILENT = AlertView(
    id="ad61e5d5ba94fb12",
    state="firing",
    labels={
        "alertname": "ServerSilent",
        "server_name": "nats-2",
        "severity": "critical",
        "cluster": "prod-eu",
        "team": "platform",
    },
    annotations={
        "summary": "nats-2 has sent no statistics for 30s",
        "description": "No goodbye was heard. Its clients reconnect elsewhere; its streams of one replica are away.",
        "runbook_url": "https://runbooks.example.net/nats/silent",
        "dashboard_url": "https://grafana.example.net/d/nats",
    },
    starts_at=NOW,
    value=30.0,
    value_text="30s",
    peak_text="30s",
    first_seen=NOW - 30 * SECOND,
    last_seen=NOW - 30 * SECOND,
    rule_place="/etc/nats-alert-bridge/rules.yaml:86",
)


def other(server: str, after: int) -> AlertView:
    texts = {"summary": f"{server} has sent no statistics for 30s"}
    return replace(
        SILENT,
        id=f"{after:016x}",
        labels={**SILENT.labels, "server_name": server},
        annotations={**SILENT.annotations, **texts},
        starts_at=NOW + after,
    )


def ended(alert: AlertView, after: int) -> AlertView:
    name = alert.labels["server_name"]
    return replace(alert, state="resolved", ends_at=NOW + after, annotations={"summary": f"{name} is back"})


def told(*alerts: AlertView, id: str, **changes: Any) -> Notification:
    fields: dict[str, Any] = {"status": "firing", "reason": "new alerts", **changes}
    return Notification(
        id=id,
        receiver="nats-ops",
        destination="nats-ops/slack/0",
        group_key='{}:{alertname="ServerSilent", cluster="prod-eu"}',
        group_labels={"alertname": "ServerSilent", "cluster": "prod-eu"},
        alerts=list(alerts),
        created_at=NOW,
        external_url="https://alertmanager.example.net",
        **fields,
    )


def bodies(*notifications: Notification) -> list[list[dict[str, Any]]]:
    """What is posted for each message of a group: the parent as it then stands, and what goes into its thread."""
    memory: dict[str, Any] = {}
    posted = []
    for notification in notifications:
        talk, requests = SLACK.deliver(notification, memory), []
        step = next(talk)
        while isinstance(step, Request):
            requests.append(json.loads(step.body))
            step = talk.send(TAKEN)
        memory |= step.memory
        posted.append(requests)
    return posted


def pictures() -> dict[str, str]:
    """Name → page."""
    third = other("nats-3", 5 * MINUTE)
    first, second, last = bodies(
        told(SILENT, id="00000000be94fb12", reason="first"),
        told(SILENT, third, id="000000004c1d2e03"),
        told(
            ended(SILENT, 12 * MINUTE),
            ended(third, 12 * MINUTE),
            id="000000009f00ab51",
            status="resolved",
            reason="resolved",
        ),
    )
    line = "<div class=replies>{}</div>"
    return {
        "slack-firing": message(first[0], "03:11", groups=GROUPS),
        "slack-updated": message(
            second[0], "03:11", line.format("In its thread") + message(second[1], "03:16"), GROUPS
        ),
        "slack-resolved": message(last[0], "03:11", line.format("In its thread: 2 replies"), GROUPS),
    }


def shoot(name: str, body: str, folder: Path) -> Path:
    """A PNG as high as its page."""
    source, picture = folder / f"{name}.html", FOLDER / f"{name}.png"
    script = "<script>document.title = document.body.scrollHeight</script>"
    source.write_text(page(body + script))
    browser = ["chromium", "--headless", "--no-sandbox", "--hide-scrollbars", "--force-device-scale-factor=1.5"]
    dumped = subprocess.run([*browser, "--dump-dom", str(source)], capture_output=True, text=True, check=True)
    height = dumped.stdout.partition("<title>")[2].partition("<")[0]
    shot = [*browser, f"--window-size=720,{height}", f"--screenshot={picture}", str(source)]
    subprocess.run(shot, capture_output=True, check=True)
    return picture


def make() -> None:
    FOLDER.mkdir(exist_ok=True)
    with TemporaryDirectory() as folder:
        for name, body in pictures().items():
            picture = shoot(name, body, Path(folder))
            sys.stdout.write(f"{picture} {picture.stat().st_size} bytes\n")


if __name__ == "__main__":
    make()
