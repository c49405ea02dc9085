"""The worker over hours and days, on a simulated clock: the ladder, the pauses, probes, recovery, giving up."""

from collections.abc import Iterator
from itertools import pairwise

import pytest

from bridge.commit import Attempt, OutboxRow
from bridge.delivery.backoff import LADDER, PROBE, TRIES
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.notification import OWN_GROUP
from bridge.values import DAY, HOUR, MINUTE, SECOND
from tests.clock import SimulatedClock
from tests.delivery.conftest import Ledger, StartWorker, make_row
from tests.receivers.notifications import alert, notification
from tests.sink import Sink, answer

DOWN = answer(503)


@pytest.fixture
def sink() -> Iterator[Sink]:
    with Sink(then=DOWN) as running:
        yield running


def bursts(attempts: list[Attempt]) -> list[int]:
    """The moments at which bursts began: tries within seven seconds are one burst."""
    moments = [attempt.at for attempt in attempts]
    return [at for before, at in zip([0, *moments], moments, strict=False) if at - before > 7 * SECOND]


async def test_a_day_of_outage_follows_the_ladder_and_ends_in_one_delivery(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    start(sink.url, http=http).put(make_row(time))
    await time.run(24 * 3600)
    began = bursts(ledger.attempts)
    gaps = [after - before for before, after in pairwise(began)]
    for step, gap in enumerate(gaps):
        expected = LADDER[min(step, len(LADDER) - 1)]
        assert 0.8 * expected <= gap <= 1.2 * expected + 5 * SECOND
    assert 80 < len(gaps) < 130
    assert ledger.ends == []
    sink.then = answer()
    await time.run(1200)
    assert len(ledger.delivered) == 1
    assert len({request.headers["webhook-id"] for request in sink.requests}) == 1


async def test_the_postponed_row_is_reported_with_all_that_a_restart_needs(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    row = make_row(time)
    start(sink.url, http=http).put(row)
    await time.run(8)
    (postponed,) = ledger.rows
    assert (postponed.id, postponed.attempts, postponed.plain) == (row.id, 4, False)
    assert time.now() < postponed.due <= time.now() + 12 * SECOND
    assert postponed.notification == row.notification


async def test_on_return_all_that_wait_are_told_at_once_oldest_first(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    worker = start(sink.url, http=http)
    for n in range(30):
        worker.put(make_row(time, n, created=time.now() + n * SECOND, due=time.now() + n * SECOND))
    await time.run(3 * 3600)
    assert ledger.ends == []
    seen = len(sink.requests)
    sink.then = answer()
    await time.run(18 * 60)
    assert sorted(ledger.delivered) == sorted(f"{n:016x}" for n in range(30))
    told = [int(request.headers["webhook-id"], 16) for request in sink.requests[seen:]]
    assert len(told) == 30
    # The first is the one that found the way open, and up to three went with it.
    assert all(abs(place - n) <= 8 for place, n in enumerate(sorted(told[:4]) + told[4:]) if place >= 4)
    assert max(end.at for end in ledger.ends) - min(end.at for end in ledger.ends) < 30 * SECOND


async def test_a_new_row_is_tried_at_once_though_the_destination_is_down(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    worker = start(sink.url, http=http)
    worker.put(make_row(time, 1))
    await time.run(2 * 3600)
    sink.then = answer()
    worker.put(make_row(time, 2))
    await time.run(1)
    assert sorted(ledger.delivered) == [f"{1:016x}", f"{2:016x}"]


async def test_a_destination_that_is_down_is_not_hammered(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    worker = start(sink.url, http=http)
    for n in range(20):
        worker.put(make_row(time, n))
    await time.run(3600)
    seen = len(sink.requests)
    await time.run(3600)
    assert len(sink.requests) - seen <= 20 * 6  # One try for each row in a quarter of an hour, with jitter.


async def test_one_message_that_always_fails_keeps_to_its_ladder_while_others_are_told(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    """Each success of another brings it forward only once."""
    worker = start(sink.url, http=http)
    worker.put(make_row(time, 0))
    await time.run(60)
    for n in range(1, 60):
        sink.script(answer())
        worker.put(make_row(time, n, due=time.now()))
        await time.run(60)
    poisoned = [attempt for attempt in ledger.attempts if attempt.row == f"{0:016x}"]
    assert len(poisoned) < 60
    assert len(ledger.delivered) >= 40


async def test_a_long_retry_after_postpones_the_row_and_pauses_the_destination(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.script(answer(429, Retry_After="300"))
    sink.then = answer()
    worker = start(sink.url, http=http)
    began = time.now()
    worker.put(make_row(time, 1))
    await time.run(1)
    worker.put(make_row(time, 2))
    await time.run(298)
    assert len(sink.requests) == 1
    await time.run(60)
    assert sorted(ledger.delivered) == [f"{1:016x}", f"{2:016x}"]
    assert min(attempt.at for attempt in ledger.attempts[1:]) >= began + 300 * SECOND
    assert ledger.rows[0].due >= began + 300 * SECOND


async def test_a_pause_holds_for_every_destination_with_the_same_account(
    ledger: Ledger, time: SimulatedClock, sink: Sink, start: StartWorker
) -> None:
    gate = Gate(None)
    first, second = Http(time, gate), Http(time, gate)
    time.busy = lambda: first.in_flight + second.in_flight > 0
    sink.script(answer(429, Retry_After="60"))
    sink.then = answer()
    start(sink.url, http=first).put(make_row(time, 1))
    await time.run(1)
    start(sink.url, http=second).put(make_row(time, 2))
    await time.run(58)
    assert len(sink.requests) == 1
    await time.run(60)
    assert len(ledger.delivered) == 2


async def test_a_destination_that_refuses_is_probed_by_one_row_in_five_minutes(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.then = answer(404)
    worker = start(sink.url, http=http)
    worker.put(make_row(time, 0))
    await time.run(1)
    for n in range(1, 10):
        worker.put(make_row(time, n))
    await time.run(3600)
    gaps = [after.at - before.at for before, after in pairwise(ledger.attempts)]
    assert len(gaps) == 12
    assert all(PROBE <= gap < PROBE + SECOND for gap in gaps)
    assert ledger.turns == ["refused HTTP 404"]
    assert ledger.ends == []


async def test_after_a_probe_that_is_taken_all_go_on_at_once(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.then = answer(403)
    worker = start(sink.url, http=http)
    for n in range(10):
        worker.put(make_row(time, n))
    await time.run(3600)
    sink.then = answer()
    await time.run(301)
    assert len(ledger.delivered) == 10
    assert ledger.turns == ["refused HTTP 403", "recovered"]
    assert max(end.at for end in ledger.ends) - min(end.at for end in ledger.ends) < SECOND


async def test_a_refusal_of_messages_about_the_bridge_begets_no_more_of_them(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.then = answer(403)
    worker = start(sink.url, http=http)
    about_bridge = notification(alert(), group_key=OWN_GROUP + "{}:{}")
    worker.put(make_row(time, 1, notification=about_bridge))
    await time.run(1000)
    assert ledger.turns == []
    worker.put(make_row(time, 2, created=time.now(), due=time.now()))
    await time.run(1000)
    assert ledger.turns == ["refused HTTP 403"]


async def test_refusing_again_is_told_again(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.script(answer(403), answer(200), answer(410))
    sink.then = answer()
    worker = start(sink.url, http=http)
    worker.put(make_row(time, 1))
    await time.run(400)
    worker.put(make_row(time, 2, created=time.now(), due=time.now()))
    await time.run(400)
    assert ledger.turns == ["refused HTTP 403", "recovered", "refused HTTP 410", "recovered"]


@pytest.mark.parametrize("status", [503, 404])
async def test_a_row_is_given_up_when_its_time_is_over(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker, status: int
) -> None:
    sink.then = answer(status)
    worker = start(sink.url, http=http)
    row = make_row(time, 0, lifetime=2 * HOUR)
    worker.put(row)
    worker.put(make_row(time, 1, lifetime=3 * DAY))
    await time.run(2 * 3600 + 1)
    (dead,) = ledger.dead
    assert dead.id == row.id
    assert row.expires <= dead.at <= row.expires + SECOND
    assert dead.detail.startswith("given up after 2h, ")
    assert len(worker.pending) == 1


async def test_a_row_that_comes_too_late_is_told_all_the_same(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.then = answer()
    start(sink.url, http=http).put(too_late(time))
    await time.run(1)
    assert ledger.delivered == [f"{0:016x}"]


@pytest.mark.parametrize(("status", "tries"), [(503, TRIES), (404, 1)])
async def test_a_row_that_comes_too_late_is_given_up_once_it_was_tried(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker, status: int, tries: int
) -> None:
    sink.then = answer(status)
    start(sink.url, http=http).put(too_late(time, attempts=90))
    await time.run(10)
    assert [end.detail for end in ledger.dead] == [f"given up after 4d, {90 + tries} attempts"]
    assert len(sink.requests) == tries


async def test_rows_that_come_too_late_wait_for_their_try_where_nothing_is_taken(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.then = answer(404)
    worker = start(sink.url, http=http)
    worker.put(too_late(time, 0))
    await time.run(1)
    for n in range(1, 4):
        worker.put(too_late(time, n))
    await time.run(PROBE // SECOND)
    assert len(ledger.dead) == len(sink.requests) == 2
    sink.then = answer()
    await time.run(PROBE // SECOND + 1)
    assert len(ledger.delivered) == 2


def too_late(time: SimulatedClock, n: int = 0, attempts: int = 0) -> OutboxRow:
    """A row whose time was over before the process began."""
    then = time.now() - 4 * DAY
    return make_row(time, n, created=then + n, due=then + n, expires=time.now() - DAY, attempts=attempts)


async def test_a_plain_row_stays_plain_on_later_tries(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.script(answer(400))
    start(sink.url, http=http).put(make_row(time))
    await time.run(20)
    assert ledger.rows[0].plain
    sink.then = answer()
    await time.run(60)
    assert ledger.delivered
    assert all("alerts" not in request.json for request in sink.requests[1:])


async def test_a_due_time_from_a_clock_that_was_ahead_holds_a_row_back_for_an_hour_at_most(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.then = answer()
    start(sink.url, http=http).put(make_row(time, due=time.now() + 30 * DAY, expires=time.now() + 33 * DAY))
    await time.run(3601)
    assert ledger.delivered


async def test_a_probe_that_meets_an_outage_is_still_a_probe(
    ledger: Ledger, time: SimulatedClock, http: Http, sink: Sink, start: StartWorker
) -> None:
    sink.script(answer(401))
    worker = start(sink.url, http=http)
    for n in range(5):
        worker.put(make_row(time, n))
    await time.run(3600)
    assert ledger.turns == ["refused HTTP 401"]
    probes = [attempt.at for attempt in ledger.attempts if attempt.at > ledger.attempts[0].at + MINUTE]
    assert len(probes) <= 12
