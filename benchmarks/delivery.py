"""Many alerts at once, each a message of its own that is on disk before it is sent: how long until all were taken.

Beside it, in the same run and to the same kind of sink: a bare httpx loop, and the real Alertmanager, which keeps
nothing on disk.
"""

import json
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median

import yaml

from benchmarks.cpu import RULES
from benchmarks.figure import Figure, Profile, Scale
from benchmarks.lane import Lane, sink, whole
from benchmarks.payloads import marker
from benchmarks.process import Failed, Process
from benchmarks.profile import table
from benchmarks.publisher import Publisher
from benchmarks.rules import MARKER_RULE, Wanted, rules
from tests import alertmanager

ROUNDS = 3
BODY = b'{"alerts": [{"labels": {"name": "@name"}}], "text": "%b"}' % (b"." * 1000)
"""About as long as what the bridge posts."""


def many_alerts(binary: Path, scale: Scale) -> list[Figure]:
    """Rounds of the bare loop and of the bridge by turns, so that a busy machine is busy for both."""
    bare, whole_ = [], []
    for number in range(min(ROUNDS, scale.rounds)):
        bare.append(_bare(scale.alerts))
        with sink() as (receiver, hook), _bridge(binary, scale, hook) as lane:
            whole_.append(_told(lane, receiver, scale.alerts))
            if (told := len(_distinct(receiver))) != scale.alerts:
                raise Failed(f"round {number} told {told} of {scale.alerts} alerts")
    others = _alertmanager(scale.alerts)
    ratio = median(ours / loop for ours, loop in zip(whole_, bare, strict=True))
    return [
        Figure(
            what=f"{scale.alerts} alerts, each its own durable message: the bridge ÷ a bare httpx loop",
            measured=ratio,
            target=1.6,
            detail=f"{median(whole_):.1f} ÷ {median(bare):.1f} s, median of {len(bare)} rounds; both with 4 "
            f"connections to a sink in a process of its own; the real Alertmanager, with nothing on disk, {others}",
        )
    ]


def profile_many(binary: Path, scale: Scale) -> Profile:
    """The program's main thread while it tells them."""
    with tempfile.TemporaryDirectory() as home:
        written = Path(home) / "profile"
        with sink() as (receiver, hook), _bridge(binary, scale, hook, written) as lane:
            _told(lane, receiver, scale.alerts)
            lane.process.stop()
        return table("the program that tells many alerts, its start included", str(written), scale.alerts)


@contextmanager
def _bridge(binary: Path, scale: Scale, hook: str, profile: Path | None = None) -> Iterator[Lane]:
    every = [{**rule, "limit": 2 * scale.alerts} if rule is MARKER_RULE else rule for rule in rules(RULES)]
    with whole(binary, Wanted(every, hook), profile) as lane:
        yield lane


def _told(lane: Lane, receiver: Process, alerts: int) -> float:
    """Seconds from the publication of the first event to the POST of the last alert."""
    events = [marker(number, f"many-{number}.") for number in range(alerts)]
    with Publisher(lane.server.port, "bridge", "bench") as publisher:
        began = time.monotonic_ns()
        publisher.publish(events)
        return _all_taken(receiver, alerts, began)


def _all_taken(receiver: Process, count: int, began: int) -> float:
    """Seconds from `began` to the arrival of so many POSTs."""
    last = receiver.wait_until(lambda: receiver.lines[count] if len(receiver.lines) > count else "", f"{count} POSTs")
    return float(json.loads(last)["at"] - began) / 1e9


def _distinct(receiver: Process) -> set[str]:
    told = (json.loads(line) for line in receiver.lines[1:])
    return {alert["labels"]["client_name"] for each in told for alert in each["alerts"]}


def _bare(count: int) -> float:
    with tempfile.TemporaryDirectory() as home, sink() as (_, hook):
        body = Path(home) / "body"
        body.write_bytes(BODY)
        with Process(Path(home) / "log", "benchmarks.loop", hook, str(count), str(body)) as process:
            return float(process.wait_for("all posted in").rpartition(" ")[2])


def _alertmanager(count: int) -> str:
    """Seconds from its answer to the alerts until the last POST, as words."""
    try:
        programs = alertmanager.find()
    except Exception as error:  # noqa: BLE001 - it is only shown beside
        return f"cannot be had here: {error}"
    with tempfile.TemporaryDirectory() as home, sink() as (receiver, hook):
        config = Path(home) / "alertmanager.yml"
        route = {"receiver": "sink", "group_by": ["..."], "group_wait": "0s", "group_interval": "1m"}
        config.write_text(yaml.safe_dump({"route": route, "receivers": [_webhook(hook)]}))
        with alertmanager.running(programs, config) as url:
            began = time.monotonic_ns()
            _post(f"{url}/api/v2/alerts", [_alert(number) for number in range(count)])
            return f"takes {_all_taken(receiver, count, began):.1f} s"


def _webhook(hook: str) -> dict[str, object]:
    return {"name": "sink", "webhook_configs": [{"url": hook, "send_resolved": False}]}


def _alert(number: int) -> dict[str, object]:
    ends = datetime.now(UTC) + timedelta(hours=1)
    return {"labels": {"alertname": "Many", "client_name": f"many-{number}."}, "endsAt": ends.isoformat()}


def _post(url: str, alerts: list[dict[str, object]]) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own URL
        url, json.dumps(alerts).encode(), {"content-type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=60).close()  # noqa: S310
