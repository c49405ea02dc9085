"""Random stories of alerts, silences and inhibition, told to this engine at once and to the real Alertmanager live."""

import json
import random
import time
import urllib.request
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from bridge.command import AddSilence
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.inhibit import InhibitRule
from bridge.muting import Mutes
from bridge.notification import Notification
from bridge.route import Route
from bridge.routing import Routing
from bridge.ruletest.message import Numbering, tell
from bridge.setup import PlacedRule, Setup
from bridge.silence import Silence, new_id
from bridge.standins import Target
from bridge.values import HOUR, SECOND
from tests.core.audience import Audience
from tests.core.stage import START, at, rule
from tests.sink import Received

WAIT, INTERVAL = 1.0, 2.0
ROUTE = {
    "receiver": "ops",
    "group_by": ["client_host", "client_user"],
    "group_wait": "1s",
    "group_interval": "2s",
    "repeat_interval": "5s",
}
INHIBIT = {
    "source_matchers": ["client_lang = source"],
    "target_matchers": ["client_lang = target"],
    "equal": ["client_host", "client_ver"],
}
MARGIN = 0.35
"""Seconds between a tick of a group and whatever changes what it tells: what is closer, both may see either way."""

TARGET = Target("ops/webhook/0")


class Firing(NamedTuple):
    """An alert from one instant to another, in seconds. Stories are told apart by their labels."""

    story: str
    group: str
    name: str
    kind: str
    cluster: str
    begin: float
    end: float

    @property
    def labels(self) -> dict[str, str]:
        return {
            "alertname": "Lost",
            "client_host": self.story,
            "client_user": self.group,
            "client_name": self.name,
            "client_lang": self.kind,
            "client_ver": self.cluster,
        }


class Quiet(NamedTuple):
    """A silence of one alert name, or of a whole group."""

    label: str
    value: str
    begin: float
    end: float

    def means(self, alert: Firing) -> bool:
        return alert.labels[self.label] == self.value


class Story(NamedTuple):
    name: str
    alerts: list[Firing]
    silences: list[Quiet]


class Told(NamedTuple):
    """One message. The time is in seconds."""

    at: float
    status: str
    firing: frozenset[str]
    resolved: frozenset[str]


Messages = dict[tuple[str, str], list[Told]]
"""By story and group, in their order."""


# -- stories ----------------------------------------------------------------------------------------------------


def write(name: str, dice: random.Random, length: float) -> Story:
    """Alerts in two groups, some of which silence or inhibit each other, none of it in the ways that are ours alone."""
    story = Story(name, [], [])
    for _ in range(400):
        if len(story.silences) < 4 and dice.random() < 0.25:
            begin = dice.uniform(0, length * 0.8)
            label = dice.choice(("client_name", "client_user"))
            value = dice.choice([each.labels[label] for each in story.alerts] or ["a1"])
            candidate = story._replace(
                silences=[*story.silences, Quiet(label, value, begin, begin + dice.uniform(2, length / 3))]
            )
        else:
            begin = dice.uniform(0, length - 8)
            firing = Firing(
                name,
                dice.choice("gh"),
                f"a{dice.randint(1, 6)}",
                dice.choice(("source", "target", "target", "plain")),
                dice.choice("xy"),
                begin,
                begin + dice.uniform(2.6, length / 2),
            )
            candidate = story._replace(alerts=[*story.alerts, firing])
        if is_fair(candidate, length):
            story = candidate
        if len(story.alerts) >= length / 2 and len(story.silences) == 4:
            break
    return story


def is_fair(story: Story, length: float) -> bool:
    """Both must tell the same: nothing happens close to a tick, and no end falls under a mute that began earlier."""
    for alert in story.alerts:
        again = [each for each in story.alerts if each is not alert and _same(each, alert)]
        if any(each.begin < alert.end + 3 * INTERVAL and alert.begin < each.end + 3 * INTERVAL for each in again):
            return False
        if alert.end > length - 4:
            return False
        if not _is_clear(alert, [*_mutes(story, alert)], _ticks(story, alert.group, length)):
            return False
    if any(silence.end > length - 4 for silence in story.silences):
        return False
    return all(
        abs(instant - tick) >= MARGIN
        for group in "gh"
        for tick in _ticks(story, group, length)
        for instant in _instants(story)
    )


def _same(one: Firing, other: Firing) -> bool:
    return (one.group, one.name) == (other.group, other.name)


def _is_clear(alert: Firing, mutes: Sequence[tuple[float, float]], ticks: Sequence[float]) -> bool:
    """Whoever is told of it is told of its end in time, and nobody else is."""
    last = next(tick for tick in ticks if tick >= alert.end)
    told = any(not _within(mutes, tick) for tick in ticks if alert.begin <= tick < alert.end)
    return told is not _within(mutes, last)


def _within(spans: Sequence[tuple[float, float]], instant: float) -> bool:
    return any(begin <= instant < end for begin, end in spans)


def _mutes(story: Story, alert: Firing) -> Iterator[tuple[float, float]]:
    for silence in story.silences:
        if silence.means(alert):
            yield silence.begin, silence.end
    for source in story.alerts:
        if (alert.kind, source.kind) == ("target", "source") and source.cluster == alert.cluster:
            yield source.begin, source.end


def _instants(story: Story) -> Iterator[float]:
    for alert in story.alerts:
        yield from (alert.begin, alert.end)
    for silence in story.silences:
        yield from (silence.begin, silence.end)


def _ticks(story: Story, group: str, length: float) -> list[float]:
    """When the group is looked at: it lives from its first alert until the tick after the end of its last."""
    spans = sorted((each.begin, each.end) for each in story.alerts if each.group == group)
    ticks: list[float] = []
    over = -1.0
    while waiting := [span for span in spans if span[0] > over]:
        tick = waiting[0][0] + WAIT
        while True:
            ticks.append(tick)
            if not any(begin <= tick and end > tick - INTERVAL for begin, end in spans if begin > over):
                break
            if not any(begin <= tick < end for begin, end in spans):
                break
            tick += INTERVAL
        over = tick
    return ticks


# -- this engine ------------------------------------------------------------------------------------------------


def ours(stories: Sequence[Story], length: float) -> Messages:
    """What this engine tells."""
    lost = rule(
        alert="Lost",
        events="client.disconnect",
        by=["client.host", "client.user", "client.name", "client.lang", "client.ver"],
        resolve_on={"events": "client.connect"},
    )
    mutes = Mutes(inhibit_rules=(InhibitRule.model_validate(INHIBIT),))
    routing = Routing(Route.model_validate(ROUTE), {"ops": (TARGET,)}, 72 * HOUR, mutes=mutes)
    stage = Audience()
    stage.reload(setup_=Setup((PlacedRule(lost),), routing, names=Names()))
    for story in stories:
        for quiet in story.silences:
            silence = Silence(
                id="",
                matchers=tuple(f'{name} = "{value}"' for name, value in _matched(story, quiet)),
                starts_at=at(quiet.begin),
                ends_at=at(quiet.end),
            )
            stage.play(AddSilence(Silence(**{**_fields(silence), "id": new_id(silence)}), START))
    numbering = Numbering()
    for instant, alert, begins in sorted(_changes(stories)):
        fields = {
            "client.host": alert.story,
            "client.user": alert.group,
            "client.name": alert.name,
            "client.lang": alert.kind,
            "client.ver": alert.cluster,
        }
        kind = EVENT_TYPES["client.disconnect" if begins else "client.connect"]
        stage.upto(instant)
        stage.play(tell(kind, fields, at(instant), numbering, Names()))
    stage.upto(length)
    found: Messages = {}
    for message in stage.messages(TARGET):
        labels = message.group_labels
        found.setdefault((labels["client_host"], labels["client_user"]), []).append(_ours(message))
    return found


def _fields(silence: Silence) -> dict[str, Any]:
    return {name: getattr(silence, name) for name in silence.__struct_fields__}


def _matched(story: Story, quiet: Quiet) -> list[tuple[str, str]]:
    return [("client_host", story.name), (quiet.label, quiet.value)]


def _changes(stories: Iterable[Story]) -> Iterator[tuple[float, Firing, bool]]:
    for story in stories:
        for alert in story.alerts:
            yield alert.begin, alert, True
            yield alert.end, alert, False


def _ours(message: Notification) -> Told:
    names = {
        state: frozenset(each.labels["client_name"] for each in message.alerts if each.state == state)
        for state in ("firing", "resolved")
    }
    return Told((message.created_at - START) / SECOND, message.status, names["firing"], names["resolved"])


# -- the real one -----------------------------------------------------------------------------------------------


def configure(path: Path, hook: str) -> Path:
    """Its configuration; JSON is YAML."""
    receivers = [{"name": "ops", "webhook_configs": [{"url": hook, "send_resolved": True}]}]
    path.write_text(json.dumps({"route": ROUTE, "receivers": receivers, "inhibit_rules": [INHIBIT]}))
    return path


def perform(url: str, stories: Sequence[Story], length: float) -> tuple[float, set[str]]:
    """Play the stories live. Gives the instant of their beginning (monotonic), and the stories that were told late."""
    began, wall = time.monotonic() + 1.0, time.time() + 1.0
    for story in stories:
        for quiet in story.silences:
            matchers = [
                {"name": name, "value": value, "isRegex": False, "isEqual": True}
                for name, value in _matched(story, quiet)
            ]
            times = {"startsAt": _rfc3339(wall + quiet.begin), "endsAt": _rfc3339(wall + quiet.end)}
            _post(f"{url}/api/v2/silences", {"matchers": matchers, **times, "createdBy": "test", "comment": "test"})
    late: set[str] = set()
    for instant, alert, begins in sorted(_changes(stories)):
        time.sleep(max(0.0, began + instant - time.monotonic()))
        body: dict[str, Any] = {"labels": alert.labels, "startsAt": _rfc3339(wall + alert.begin)}
        if not begins:
            body["endsAt"] = _rfc3339(wall + alert.end)
        # As Prometheus does now and then: with several sources of inhibition it knows only the latest one, until then.
        again = [
            {"labels": each.labels, "startsAt": _rfc3339(wall + each.begin)}
            for story in stories
            for each in story.alerts
            if story.name == alert.story and each != alert and each.begin < instant < each.end
        ]
        _post(f"{url}/api/v2/alerts", [body, *again])
        if time.monotonic() - began - instant > MARGIN / 2:
            late.add(alert.story)
    time.sleep(max(0.0, began + length - time.monotonic()))
    return began, late


def theirs(received: Iterable[Received], began: float, length: float) -> Messages:
    """What the real one has told."""
    found: Messages = {}
    for request in received:
        body = request.json
        names = {
            state: frozenset(each["labels"]["client_name"] for each in body["alerts"] if each["status"] == state)
            for state in ("firing", "resolved")
        }
        labels = body["groupLabels"]
        told = Told(request.at - began, body["status"], names["firing"], names["resolved"])
        if told.at < length:
            found.setdefault((labels["client_host"], labels["client_user"]), []).append(told)
    return found


def _post(url: str, body: object) -> None:
    request = urllib.request.Request(  # noqa: S310 - our own URL
        url, json.dumps(body).encode(), {"Content-Type": "application/json"}
    )
    with urllib.request.urlopen(request, timeout=10):  # noqa: S310
        pass


def _rfc3339(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat()
