"""The worker against a real server in real time: bursts, kinds of trouble, order, limits, stopping."""

import asyncio
import logging
from collections.abc import Mapping
from time import monotonic
from typing import Any, ClassVar

import pytest

from bridge.clock import SystemClock
from bridge.commit import Commit, OutboxRow, Settled
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.delivery.worker import Worker
from bridge.notification import Notification
from bridge.receiver import Conversation, Destination, Remember, Request, WebAddress
from bridge.values import HOUR, SECOND
from tests.clock import SimulatedClock
from tests.delivery.conftest import KEY, Ledger, StartWorker, make_row
from tests.receivers.notifications import alert, notification
from tests.sink import Sink, answer, cut, hang
from tests.waiting import eventually


def kinds(ledger: Ledger) -> list[str]:
    return [attempt.trouble for attempt in ledger.attempts]


async def test_a_row_is_delivered_once(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    row = make_row(clock)
    with Sink() as sink:
        start(sink.url).put(row)
        await eventually(lambda: ledger.delivered == [row.id])
        assert [request.headers["webhook-id"] for request in sink.requests] == [row.id]
    (attempt,) = ledger.attempts
    assert (attempt.row, attempt.destination, attempt.status, attempt.trouble, attempt.detail) == (
        row.id,
        KEY,
        200,
        "",
        "",
    )
    assert 0 < attempt.seconds < 5
    assert ledger.rows == []


async def test_one_burst_outlasts_a_short_outage(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    """503, 503, 429 with Retry-After: 2, 200: one message, with one id, after the pause that was asked for."""
    with Sink(answer(503), answer(503), answer(429, Retry_After="2"), answer(200)) as sink:
        start(sink.url).put(make_row(clock))
        await eventually(lambda: ledger.delivered, within=8)
        times = [request.at for request in sink.requests]
        assert len({request.headers["webhook-id"] for request in sink.requests}) == 1
    assert kinds(ledger) == ["transient", "transient", "transient", ""]
    assert [attempt.status for attempt in ledger.attempts] == [503, 503, 429, 200]
    assert times[3] - times[2] >= 2
    assert ledger.rows == []


async def test_a_lost_answer_leads_to_a_double_with_the_same_id(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(cut(), answer()) as sink:
        start(sink.url).put(make_row(clock))
        await eventually(lambda: ledger.delivered)
        first, second = sink.requests
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body


async def test_a_rejected_message_is_sent_once_more_in_plain(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(answer(400)) as sink:
        start(sink.url).put(make_row(clock))
        await eventually(lambda: ledger.delivered)
        full, plain = (request.json for request in sink.requests)
    assert "alerts" in full
    assert "alerts" not in plain
    assert kinds(ledger) == ["rejected", ""]


async def test_a_message_rejected_in_plain_too_is_dead(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink(then=answer(422)) as sink:
        start(sink.url).put(make_row(clock))
        await eventually(lambda: ledger.dead)
        assert len(sink.requests) == 2
    assert ledger.dead[0].detail == "rejected: HTTP 422"


async def test_a_row_that_is_plain_already_gets_no_second_chance(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(then=answer(400)) as sink:
        start(sink.url).put(make_row(clock, plain=True))
        await eventually(lambda: ledger.dead)
        assert len(sink.requests) == 1


async def test_a_dead_message_does_not_hold_up_the_next(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink(answer(400), answer(400)) as sink:
        worker = start(sink.url)
        worker.put(make_row(clock, 1))
        await eventually(lambda: ledger.dead)
        worker.put(make_row(clock, 2))
        await eventually(lambda: ledger.delivered == [f"{2:016x}"])


async def test_at_most_four_are_told_at_the_same_time(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink(then=answer(after=0.05)) as sink:
        worker = start(sink.url)
        for n in range(20):
            worker.put(make_row(clock, n))
        await eventually(lambda: len(ledger.delivered) == 20)
        assert sink.most_open == 4


async def test_the_oldest_due_goes_first(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    now = clock.now()
    with Sink(then=answer(after=0.02)) as sink:
        worker = start(sink.url)
        for n in (3, 1, 2, 9, 5, 4, 8, 7, 6, 0):
            worker.put(make_row(clock, n, due=now - HOUR + n * SECOND))
        await eventually(lambda: len(ledger.delivered) == 10)
        order = [int(request.headers["webhook-id"], 16) for request in sink.requests]
    for place, n in enumerate(order):
        assert abs(place - n) < 4  # Those that go together may overtake each other on the way.


async def test_a_row_that_is_not_due_waits(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink() as sink:
        worker = start(sink.url)
        began = monotonic()
        worker.put(make_row(clock, 1, due=clock.now() + SECOND // 2))
        worker.put(make_row(clock, 2))
        await eventually(lambda: len(ledger.delivered) == 2)
        first, second = sink.requests
    assert first.headers["webhook-id"] == f"{2:016x}"
    assert second.at - began > 0.49


async def test_a_row_that_is_put_twice_is_sent_once(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink(then=answer(after=0.05)) as sink:
        worker = start(sink.url)
        worker.put(make_row(clock, 1))
        worker.put(make_row(clock, 1))
        await eventually(lambda: sink.requests)
        worker.put(make_row(clock, 1))
        worker.put(make_row(clock, 2))
        await eventually(lambda: len(ledger.delivered) == 2)
        assert len(sink.requests) == 2


async def test_a_dead_destination_does_not_delay_another(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    healthy = Ledger()
    with Sink(then=hang()) as dead, Sink() as good:
        stuck, free = start(dead.url), start(good.url, reports=healthy)
        for n in range(50):
            stuck.put(make_row(clock, n))
            free.put(make_row(clock, n))
        await eventually(lambda: len(healthy.delivered) == 50)
        assert max(attempt.seconds for attempt in healthy.attempts) < 5
    assert ledger.delivered == []


async def test_what_a_conversation_remembers_is_committed_before_the_next_request(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    ledger.committed.clear()
    with Sink() as sink:
        start(Threads.model_validate({"url": sink.url})).put(make_row(clock))
        await eventually(lambda: ledger.memories)
        assert ledger.memories == [(f"{0:016x}", {"thread": "ok"})]
        assert len(sink.requests) == 1
        ledger.committed.set()
        await eventually(lambda: ledger.delivered)
        assert [request.body for request in sink.requests] == [b"open", b"reply in ok"]


async def test_a_later_try_has_what_an_earlier_one_remembered(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(answer(body=b"t1"), answer(503)) as sink:
        start(Threads.model_validate({"url": sink.url})).put(make_row(clock))
        await eventually(lambda: ledger.delivered)
        assert [request.body for request in sink.requests] == [b"open", b"reply in t1", b"reply in t1"]


class Threads(Destination):
    """Opens a thread and replies in it, as a chat with an API of two calls does."""

    key: ClassVar[str] = "threads_configs"
    url: WebAddress

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        thread = memory.get("thread")
        if thread is None:
            reply = yield Request(url=self.url, body=b"open")
            self.judge(reply)
            thread = reply.body.decode()
            yield Remember({"thread": thread})
        self.judge((yield Request(url=self.url, body=f"reply in {thread}".encode())))


async def test_stop_lets_a_request_that_is_out_end(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink(then=answer(after=0.2)) as sink:
        worker = start(sink.url)
        for n in range(10):
            worker.put(make_row(clock, n))
        await eventually(lambda: len(sink.requests) == 4)
        await worker.stop(grace=5)
        assert len(sink.requests) == 4
    assert len(ledger.delivered) == 4
    assert len(worker.pending) == 6


async def test_stop_lets_no_further_try_follow(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink(then=answer(503, after=0.2)) as sink:
        worker = start(sink.url)
        worker.put(make_row(clock))
        await eventually(lambda: sink.requests)
        await worker.stop(grace=5)
        assert len(sink.requests) == 1
    assert [row.attempts for row in ledger.rows] == [1]


async def test_stop_waits_no_longer_than_the_grace_and_loses_nothing(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(then=hang()) as sink:
        worker = start(sink.url)
        for n in range(10):
            worker.put(make_row(clock, n))
        await eventually(lambda: len(sink.requests) == 4)
        async with asyncio.timeout(2):
            await worker.stop(grace=0.1)
    assert ledger.ends == []


async def test_stop_does_not_wait_for_a_row_between_two_tries(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(then=answer(429, Retry_After="9")) as sink:
        worker = start(sink.url)
        worker.put(make_row(clock))
        await eventually(lambda: ledger.attempts)
        async with asyncio.timeout(2):
            await worker.stop(grace=60)
        assert len(sink.requests) == 1
    assert ledger.ends == []


async def test_a_bug_in_a_receiver_ends_the_worker_with_its_error(clock: SystemClock, ledger: Ledger) -> None:
    class Broken(Destination):
        """Fails."""

        def deliver(
            self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
        ) -> Conversation:
            raise KeyError("a bug")

    worker = Worker(KEY, Broken(), Http(clock, Gate(None)), ledger)
    worker.put(make_row(clock))
    with pytest.raises(ExceptionGroup) as caught:
        await worker.run()
    assert caught.group_contains(KeyError)


@pytest.mark.parametrize("status", [200, 302, 400, 401, 503])
async def test_no_secret_is_in_a_log_or_report(
    ledger: Ledger, clock: SystemClock, start: StartWorker, caplog: pytest.LogCaptureFixture, status: int
) -> None:
    caplog.set_level(logging.DEBUG)
    with Sink(then=answer(status, b"CANARY", Location="http://CANARY/", Retry_After="60")) as sink:
        worker = start(f"{sink.url}/CANARY")
        worker.put(make_row(clock))
        await eventually(lambda: ledger.ends or ledger.rows)
    told = caplog.text + repr([ledger.attempts, ledger.ends, ledger.turns, worker.pending])
    assert "CANARY" not in told
    assert "webhook_configs[0]" in caplog.text


async def test_the_rate_of_slack_is_kept(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink() as sink:
        worker = start(sink.url, http=Http(clock, Gate(20.0)))
        for n in range(12):
            worker.put(make_row(clock, n))
        await eventually(lambda: len(ledger.delivered) == 12)
        times = [request.at for request in sink.requests]
    assert times[-1] - times[0] >= 0.35


def dropped(row: OutboxRow) -> Commit:
    """A person has dropped it."""
    return Commit(1, 0, b"", settled=[Settled(row.id, "dead", 0, "dropped", withdrawn=True)])


@pytest.mark.parametrize("status", [503, 403, 400])
async def test_what_is_dropped_while_its_request_is_out_is_not_tried_again(
    ledger: Ledger, clock: SystemClock, start: StartWorker, status: int
) -> None:
    row = make_row(clock)
    with Sink(answer(status, after=0.3)) as sink:
        worker = start(sink.url)
        worker.put(row)
        await eventually(lambda: sink.requests)
        worker.heed(dropped(row))
        await eventually(lambda: ledger.attempts and not worker.pending)
        assert len(sink.requests) == 1
    assert (ledger.rows, ledger.dead) == ([], [])


async def test_what_is_dropped_while_its_request_is_out_waits_for_nothing_to_be_remembered(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    ledger.committed.clear()
    row = make_row(clock)
    with Sink(then=answer(after=0.3)) as sink:
        worker = start(Threads.model_validate({"url": sink.url}))
        worker.put(row)
        await eventually(lambda: sink.requests)
        worker.heed(dropped(row))
        await eventually(lambda: not worker.pending)
        assert len(sink.requests) == 1
    assert ledger.memories == []


class Chat(Destination):
    """Takes one message at a time, and people read it."""

    key: ClassVar[str] = "chat_configs"
    digest: ClassVar[bool] = True
    url: WebAddress

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        self.judge((yield Request(url=self.url, body=notification.id.encode())))


async def test_in_a_long_queue_ends_go_first_and_reminders_last(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    """News comes between them, and so does what goes on with a message that people see."""
    firing, ended = alert(n=1), alert("resolved", n=2)
    early = [make_row(clock, n) for n in range(4)]
    late = [
        make_row(clock, 5, notification=notification(firing, id=f"{5:016x}", reason="reminder")),
        make_row(clock, 6, notification=notification(firing, id=f"{6:016x}")),
        make_row(clock, 7, notification=notification(ended, id=f"{7:016x}")),
        make_row(clock, 8, notification=notification(firing, id=f"{8:016x}"), memory={"ts": "1"}),
    ]
    with Sink() as sink:
        worker = start(Chat.model_validate({"url": sink.url}), http=Http(clock, Gate(5)))
        for row in early:
            worker.put(row)
        await eventually(lambda: sink.requests)
        for row in late:
            worker.put(row)
        await eventually(lambda: len(ledger.delivered) == 8)
        assert [request.body[-1:] for request in sink.requests][4:] == [b"7", b"8", b"6", b"5"]


async def test_one_that_a_chat_refuses_for_its_own_sake_is_not_every_probe(
    ledger: Ledger, time: SimulatedClock, http: Http, start: StartWorker
) -> None:
    odd = make_row(time, 0, notification=notification(alert("resolved", n=0), id=f"{0:016x}"))
    rest = [make_row(time, n, notification=notification(alert(n=n), id=f"{n:016x}")) for n in range(1, 6)]
    with Sink(then=answer(403)) as sink:
        worker = start(Chat.model_validate({"url": sink.url}), http=http)
        worker.put(odd)
        await time.run(1)
        for row in rest:
            worker.put(row)
        await time.run(3600)
        assert {int(request.body, 16) for request in sink.requests} == {0, 1, 2, 3, 4, 5}
