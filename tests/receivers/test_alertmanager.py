"""Alertmanager's API: what the real one makes of our alerts, and peers that are away."""

import asyncio
import json
import urllib.request
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from bridge.alertmanager import body, fingerprint
from bridge.clock import SystemClock
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.delivery.standing import Standing
from bridge.delivery.worker import Worker
from bridge.notification import AlertView, State
from bridge.receiver import Request
from bridge.receivers.alertmanager import Alertmanager
from bridge.values import MINUTE, SECOND
from tests import alertmanager
from tests.conftest import StartServer
from tests.delivery.conftest import KEY, Ledger, StartWorker, clock, ledger, make_row, start
from tests.program.conftest import StartBridge, start_bridge
from tests.program.rules import rules_file
from tests.program.trouble import SERVER, fail_login
from tests.receivers.notifications import NOW, alert, notification
from tests.sink import Sink, answer, hang
from tests.waiting import eventually

__all__ = ["clock", "ledger", "start", "start_bridge"]

CONFIG = """\
global: {resolve_timeout: 3s}
route: {receiver: none}
receivers: [{name: none}]
"""


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a real Alertmanager, which forgets after three seconds what is not repeated."""
    folder = tmp_path_factory.mktemp("alertmanager")
    (folder / "config.yml").write_text(CONFIG)
    with alertmanager.running(alertmanager.find(), folder / "config.yml") as url:
        yield url


def ask(url: str, name: str) -> list[dict[str, Any]]:
    """The alerts with this name that it has, the ended ones excluded."""
    with urllib.request.urlopen(f"{url}/api/v2/alerts") as reply:  # noqa: S310 - our own URL
        return [each for each in json.load(reply) if each["labels"]["alertname"] == name]


def fresh(name: str, state: State = "firing", text: str = "10.0.0.9", **labels: str) -> AlertView:
    """An alert of now: the real one knows what time it is."""
    return replace(alert(state, 0, text, alertname=name, **labels), starts_at=SystemClock().now() - MINUTE)


async def test_an_alert_outlives_the_resolve_timeout_and_is_resolved(
    real: str, start_server: StartServer, start_bridge: StartBridge
) -> None:
    """The whole way: a failed login at a real server, the bridge, the real Alertmanager."""
    server = start_server(SERVER)
    rules = """\
- {alert: AuthErrors, events: client.auth_error, by: [client.host], keep_firing_for: 6s, annotations: {summary: 'x'}}
"""
    keys = f"alertmanager_configs: [{{urls: ['{real}'], resend_delay: 1s}}]"
    file = rules_file(server.url, "http://127.0.0.1:1", rules).replace(
        "webhook_configs: [{url: 'http://127.0.0.1:1'}]", keys
    )
    program = start_bridge(file)
    await program.hears()
    fail_login(server)
    (shown,) = await eventually(lambda: ask(real, "AuthErrors"))
    assert shown["fingerprint"] == fingerprint(shown["labels"])
    assert shown["annotations"] == {"summary": "x"}
    timeout = datetime.fromisoformat(shown["endsAt"])
    await eventually(lambda: datetime.now(UTC) > timeout + timedelta(seconds=1))
    assert ask(real, "AuthErrors"), "it has outlived the resolve_timeout"
    await eventually(lambda: not ask(real, "AuthErrors"))
    assert program.stop() == 0


async def test_without_repetition_the_real_one_would_have_forgotten_it(
    real: str, start: StartWorker, ledger: Ledger, clock: SystemClock
) -> None:
    """The proof that the test before can fail."""
    start(Alertmanager.model_validate({"urls": [real]})).put(
        make_row(clock, notification=notification(fresh("Once"), id="0"))
    )
    await eventually(lambda: ask(real, "Once"))
    await eventually(lambda: not ask(real, "Once"))


async def test_the_real_one_takes_whatever_strangers_write(
    real: str, start: StartWorker, ledger: Ledger, clock: SystemClock
) -> None:
    odd = replace(
        fresh("Odd", text="<!here> ü \x00 \ud800 " + "x" * 4000), annotations={"own-name": "a", "1st": "b", "": "c"}
    )
    hundred = [fresh("Odd", number=str(n), empty="") for n in range(99)]
    start(Alertmanager.model_validate({"urls": [real]})).put(
        make_row(clock, notification=notification(odd, *hundred, external_url="http://bridge.example"))
    )
    await eventually(lambda: ledger.delivered)
    assert len(ask(real, "Odd")) == 100
    (shown,) = [each for each in ask(real, "Odd") if "number" not in each["labels"]]
    assert shown["annotations"] == {"own_name": "a", "_1st": "b", "_": "c"}
    assert shown["generatorURL"] == "http://bridge.example"


async def test_a_one_off_fires_for_a_while(real: str, start: StartWorker, ledger: Ledger, clock: SystemClock) -> None:
    told = notification(fresh("Event", "event"), created_at=clock.now() - 60 * MINUTE)
    start(Alertmanager.model_validate({"urls": [real]})).put(make_row(clock, notification=told))
    (shown,) = await eventually(lambda: ask(real, "Event"))
    assert shown["status"]["state"] == "active"
    body = json.loads(first(Alertmanager.model_validate({"urls": ["http://x"]}), told, NOW).body)
    assert body[0]["endsAt"] == "2027-01-15T08:05:00.000000Z"


def first(destination: Alertmanager, told: Any, at: int) -> Request:
    request = next(destination.deliver(told, {}, at=at))
    assert isinstance(request, Request)
    return request


# -- peers -------------------------------------------------------------------------------------------------------------


PAGE = answer(200, b"<!doctype html><title>Log in</title>")


def peers(*sinks: Sink, **keys: object) -> Alertmanager:
    urls = [sink.url.removesuffix("/hook") for sink in sinks]
    return Alertmanager.model_validate({"urls": urls, "resend_delay": "1m", **keys})


def paths(sink: Sink) -> list[str]:
    return [request.path for request in sink.requests]


async def test_all_peers_are_told(start: StartWorker, ledger: Ledger, clock: SystemClock) -> None:
    with Sink() as one, Sink() as two, Sink() as three:
        start(peers(one, two, three)).put(make_row(clock))
        await eventually(lambda: ledger.delivered)
        assert paths(one) == paths(two) == paths(three) == ["/api/v2/alerts"]
        assert one.requests[0].body == three.requests[0].body


@pytest.mark.parametrize("trouble", [answer(500), answer(400), answer(403), PAGE, hang()])
async def test_a_peer_in_trouble_delays_nothing_and_is_left_alone(
    start: StartWorker, ledger: Ledger, clock: SystemClock, trouble: Any
) -> None:
    with Sink(then=trouble) as bad, Sink() as good:
        worker = start(peers(bad, good), http=Http(clock, Gate(None), deadline=2))
        for n in range(10):
            worker.put(make_row(clock, n))
        await eventually(lambda: len(ledger.delivered) == 10, within=20)
        assert len(good.requests) == 10
        assert len(bad.requests) <= 4, "as many as were on their way before its first trouble was known"
    assert {attempt.trouble for attempt in ledger.attempts} == {""}


async def test_a_login_in_between_is_no_alertmanager(start: StartWorker, ledger: Ledger, clock: SystemClock) -> None:
    with Sink(PAGE, PAGE) as one, Sink(PAGE, PAGE) as two:
        start(peers(one, two)).put(make_row(clock))
        await eventually(lambda: ledger.delivered)
    assert [attempt.trouble for attempt in ledger.attempts] == ["transient", "transient", ""]
    assert "not Alertmanager's; check urls" in ledger.attempts[0].detail


async def test_if_no_peer_takes_it_all_are_asked_again(start: StartWorker, ledger: Ledger, clock: SystemClock) -> None:
    with Sink(answer(500), answer(500)) as one, Sink(answer(503)) as two:
        start(peers(one, two)).put(make_row(clock))
        await eventually(lambda: ledger.delivered)
        assert (len(one.requests), len(two.requests)) == (2, 2)
    assert [attempt.trouble for attempt in ledger.attempts] == ["transient", ""]


def resending(sink: Sink, clock: SystemClock, ledger: Ledger, standing: Any) -> Worker:
    return Worker(KEY, peers(sink, resend_delay="1s"), Http(clock, Gate(None)), ledger, Standing(standing))


async def test_what_fires_is_told_again_and_what_has_ended_for_a_while(ledger: Ledger, clock: SystemClock) -> None:
    firing = [alert("firing", n) for n in range(250)]
    with Sink() as sink:
        worker = resending(sink, clock, ledger, lambda: iter([firing[:130], [], firing[130:]]))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            await eventually(lambda: len(sink.requests) >= 3)
            assert [len(request.json) for request in sink.requests[:3]] == [100, 100, 50]
            firing.clear()
            worker.put(make_row(clock, notification=notification(alert("resolved", 7))))
            await eventually(lambda: ledger.delivered)
            before = len(sink.requests)
            again = await eventually(lambda: sink.requests[before:])
            assert [(each["labels"]["client_host"], each["endsAt"]) for each in again[0].json] == [
                ("10.0.0.9-7", "2027-01-15T08:00:00.000000Z")
            ]
            await worker.stop(1)
    assert ledger.attempts[0].trouble == ""
    assert len(ledger.attempts) == 1, "repetitions are no attempts"


async def test_an_alert_that_fires_anew_is_not_ended_by_the_end_of_its_last_episode(
    real: str, ledger: Ledger, clock: SystemClock
) -> None:
    """The real one takes the later post for the truth, where episodes do not overlap."""
    again = fresh("Flapping")
    before = replace(again, id="1" * 16, state="resolved", starts_at=again.starts_at - MINUTE, ends_at=again.starts_at)
    firing: list[AlertView] = []
    keys = {"urls": [real], "resend_delay": "1s"}
    worker = Worker(
        KEY,
        Alertmanager.model_validate(keys),
        Http(clock, Gate(None)),
        ledger,
        Standing(lambda: iter([firing])),
    )
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(worker.run())
        worker.put(make_row(clock, 1, notification=notification(before, id="1" * 16)))
        await eventually(lambda: len(ledger.delivered) == 1)
        firing.append(again)
        worker.put(make_row(clock, 2, notification=notification(again, id="2" * 16)))
        await eventually(lambda: len(ledger.delivered) == 2)
        seen = set()
        for _ in range(20):
            seen.add(len(ask(real, "Flapping")))
            await clock.sleep(0.1)
        await worker.stop(1)
    assert seen == {1}


async def test_a_repetition_that_fails_is_said_once_and_goes_on(
    ledger: Ledger, clock: SystemClock, caplog: pytest.LogCaptureFixture
) -> None:
    with Sink(answer(500), answer(500)) as sink:
        worker = resending(sink, clock, ledger, lambda: iter([[alert()]]))
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(worker.run())
            await eventually(lambda: len(sink.requests) >= 3, within=8)
            await worker.stop(1)
    assert len([line for line in caplog.messages if "cannot be told again" in line]) == 1


@pytest.mark.parametrize(
    ("keys", "what"),
    [
        ({"urls": []}, "at least 1"),
        ({"urls": ["http://a", "http://a"]}, "stands twice"),
        ({"urls": ["http://a", "http://a/"]}, "stands twice"),
        ({"urls": ["http://a/api/v2/alerts", "http://a"]}, "stands twice"),
        ({"urls": ["http://a"], "resend_delay": "10ms"}, "at least 1s"),
    ],
)
def test_keys_that_make_no_sense_are_an_error_of_the_file(keys: dict[str, Any], what: str) -> None:
    with pytest.raises(ValidationError, match=what):
        Alertmanager.model_validate(keys)


@pytest.mark.parametrize("url", ["http://am:9093", "http://am:9093/", "http://am:9093/api/v2/alerts"])
def test_the_path_of_the_api_is_put_behind_the_base(url: str) -> None:
    request = first(Alertmanager.model_validate({"urls": [url]}), notification(alert()), NOW)
    assert request.url.reveal() == "http://am:9093/api/v2/alerts"
    assert Alertmanager.model_validate({"urls": [url]}).resends == 60 * SECOND


TELLING = """\
route: {{receiver: ops, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers: [{{name: ops, webhook_configs: [{{url: '{url}'}}]}}]
"""


async def test_the_body_of_our_webhooks_is_the_real_ones(
    tmp_path: Path, start: StartWorker, ledger: Ledger, clock: SystemClock
) -> None:
    """The same two alerts, one told by the real Alertmanager and one by us."""
    alerts = [fresh("Same", number=str(n)) for n in range(2)]
    with Sink() as sink:
        (tmp_path / "config.yml").write_text(TELLING.format(url=sink.url))
        with alertmanager.running(alertmanager.find(), tmp_path / "config.yml") as url:
            told = notification(*alerts, receiver="ops", group_labels={"alertname": "Same"}, external_url=url)
            start(Alertmanager.model_validate({"urls": [url]})).put(make_row(clock, notification=told))
            await eventually(lambda: any(len(each.json["alerts"]) == 2 for each in sink.requests), within=20)
        theirs = next(each.json for each in sink.requests if len(each.json["alerts"]) == 2)
    ours = body(told)
    assert ours.keys() <= theirs.keys()
    assert theirs.keys() - ours.keys() <= {"notification_reason"}, "which came after version 0.32"
    assert ours["alerts"][0].keys() == theirs["alerts"][0].keys()
    for key in ("receiver", "status", "groupLabels", "commonLabels", "commonAnnotations", "version", "truncatedAlerts"):
        assert ours[key] == theirs[key], key
    for key in ("status", "labels", "annotations", "endsAt", "fingerprint"):
        told_by = [sorted(json.dumps(each[key], sort_keys=True) for each in by["alerts"]) for by in (ours, theirs)]
        assert told_by[0] == told_by[1], key
