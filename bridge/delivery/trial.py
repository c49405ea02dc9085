"""A test message to one destination by the way that real ones take, but for the queue."""

import time
from typing import NamedTuple

from bridge.clock import SystemClock
from bridge.delivery.conversation import hold
from bridge.delivery.gate import Gate
from bridge.delivery.http import Http
from bridge.errors import Rejected, Trouble
from bridge.notification import Notification
from bridge.receiver import Destination, Reply, Request


class Verdict(NamedTuple):
    """What came of it. `trouble` is that of the full form, also where the plain one was taken after it."""

    seconds: float
    """Of the last request."""
    status: int | None
    trouble: Trouble | None = None
    plain_taken: bool = False


async def try_out(destination: Destination, notification: Notification) -> Verdict:
    """Once, and once more in plain if the full form is rejected. Nothing is remembered."""
    async with Http(SystemClock(), Gate(destination.rate), destination.way) as http:
        verdict = await _tell(destination, notification, http, plain=False)
        if not isinstance(verdict.trouble, Rejected):
            return verdict
        plain = await _tell(destination, notification, http, plain=True)
        return verdict._replace(plain_taken=plain.trouble is None)


async def _tell(destination: Destination, notification: Notification, http: Http, plain: bool) -> Verdict:
    began = time.monotonic()

    async def send(request: Request) -> Reply:
        nonlocal began
        await http.turn(request)
        began = time.monotonic()
        return await http.send(request)

    try:
        reply = await hold(destination.deliver(notification, {}, plain, http.clock.now()), send)
    except Trouble as trouble:
        return Verdict(time.monotonic() - began, trouble.status, trouble)
    return Verdict(time.monotonic() - began, reply.status if reply else None)
