"""After trouble a worker asks what a row should say by now; and it says of each try whether it may have been taken."""

import ssl
from collections.abc import Mapping
from typing import Any, ClassVar

import msgspec
import pytest
import trustme

from bridge.clock import SystemClock
from bridge.commit import Commit, OutboxRow, Settled
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.notification import Notification
from bridge.receiver import Conversation, Destination, Request, WebAddress
from tests.clock import SimulatedClock
from tests.delivery.conftest import Ledger, StartWorker, make_row
from tests.sink import Answer, Sink, answer, cut, hang
from tests.waiting import eventually


def renewed(row: OutboxRow) -> OutboxRow:
    told = msgspec.structs.replace(row.notification, id=f"{row.id}-2")
    return msgspec.structs.replace(row, notification=told, asked=1)


def ids(sink: Sink) -> list[str]:
    return [request.headers["webhook-id"] for request in sink.requests]


async def test_a_row_that_was_not_taken_tells_what_it_says_by_then(
    ledger: Ledger, time: SimulatedClock, http: Http, start: StartWorker
) -> None:
    row = make_row(time)
    with Sink(then=answer(503)) as sink:
        start(sink.url, http=http).put(row)
        await time.run(8)
        assert set(ids(sink)) == {row.id}
        ledger.renewed[row.id] = renewed(row)
        sink.then = answer()
        await time.run(60)
        assert ids(sink)[-1] == f"{row.id}-2"
    assert ledger.delivered == [row.id]


@pytest.mark.parametrize("status", [503, 404])
async def test_those_that_waited_while_nothing_was_taken_ask_as_well(
    ledger: Ledger, time: SimulatedClock, http: Http, start: StartWorker, status: int
) -> None:
    """Of a destination that refuses only one is tried in five minutes; no other was tried before it is well again."""
    rows = [make_row(time, n) for n in range(20)]
    with Sink(then=answer(status)) as sink:
        worker = start(sink.url, http=http)
        for row in rows:
            worker.put(row)
            ledger.renewed[row.id] = renewed(row)
        await time.run(600)
        sink.then, seen = answer(), len(sink.requests)
        await time.run(1200)
        assert len(ledger.delivered) == 20
        assert all(id.endswith("-2") for id in ids(sink)[seen:])


async def test_where_all_is_well_nothing_is_asked(ledger: Ledger, clock: SystemClock, start: StartWorker) -> None:
    with Sink() as sink:
        worker = start(sink.url)
        for n in range(20):
            worker.put(make_row(clock, n))
        await eventually(lambda: len(ledger.delivered) == 20)
    assert ledger.asked == []


async def test_a_row_that_others_tried_before_asks_first(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    row = make_row(clock, attempts=3)
    ledger.renewed[row.id] = renewed(row)
    with Sink() as sink:
        start(sink.url).put(row)
        await eventually(lambda: ledger.delivered)
        assert ids(sink) == [f"{row.id}-2"]


async def test_one_that_ends_elsewhere_while_it_asks_is_not_told(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    row = make_row(clock, attempts=1)
    ledger.committed.clear()
    with Sink() as sink:
        worker = start(sink.url)
        worker.put(row)
        await eventually(lambda: ledger.asked)
        worker.heed(Commit(1, 0, b"", settled=[Settled(row.id, "dead", 0)]))
        ledger.committed.set()
        await eventually(lambda: not worker.pending)
        assert sink.requests == []


@pytest.mark.parametrize(
    ("script", "is_untaken"),
    [
        (answer(503), True),
        (answer(500), True),
        (answer(404), True),
        (answer(302), True),
        (answer(422), True),
        (answer(303), False),
        (answer(502), False),
        (answer(504), False),
        (answer(524), False),
        (cut(), False),
        (cut(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf"), False),
        (hang(), False),
    ],
)
async def test_who_answers_that_it_did_not_take_it_has_not_unless_it_speaks_for_others(
    ledger: Ledger, clock: SystemClock, start: StartWorker, script: Answer, is_untaken: bool
) -> None:
    with Sink(script) as sink:
        start(sink.url, http=Http(clock, Gate(None), deadline=0.3)).put(make_row(clock))
        await eventually(lambda: ledger.attempts)
    assert ledger.attempts[0].is_untaken is is_untaken


@pytest.mark.parametrize("url", ["http://127.0.0.1:1/", "http://nobody.invalid/", "https://127.0.0.1:{port}/"])
async def test_nor_has_who_was_not_reached(ledger: Ledger, clock: SystemClock, start: StartWorker, url: str) -> None:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("elsewhere").configure_cert(context)
    with Sink(tls=context) as sink:
        start(url.format(port=sink.port)).put(make_row(clock))
        await eventually(lambda: ledger.attempts)
    assert ledger.attempts[0].is_untaken


class Twice(Destination):
    """Tells a row by two requests."""

    key: ClassVar[str] = "twice_configs"
    url: WebAddress

    def deliver(
        self, notification: Notification, memory: Mapping[str, Any], plain: bool = False, at: int = 0
    ) -> Conversation:
        for part in (b"one", b"two"):
            self.judge((yield Request(url=self.url, body=part)))


async def test_what_was_told_in_part_may_have_been_taken(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(answer(), answer(503), answer(503)) as sink:
        start(Twice.model_validate({"url": sink.url})).put(make_row(clock))
        await eventually(lambda: len(ledger.attempts) == 2)
    assert [attempt.is_untaken for attempt in ledger.attempts] == [False, True]


async def test_a_request_that_is_cut_off_at_the_stop_may_have_been_taken(
    ledger: Ledger, clock: SystemClock, start: StartWorker
) -> None:
    with Sink(hang()) as sink:
        worker = start(sink.url)
        worker.put(make_row(clock))
        await eventually(lambda: sink.requests)
        await worker.stop(0)
    (attempt,) = ledger.attempts
    assert (attempt.trouble, attempt.status, attempt.is_untaken) == ("transient", None, False)
    assert attempt.detail == "the bridge stopped before the answer"
