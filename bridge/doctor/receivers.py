"""The receivers: whether each destination can be reached. No message is sent."""

import asyncio
from collections.abc import AsyncIterator, Mapping

from bridge.delivery.reach import first_url, reach
from bridge.doctor.finding import Finding, failed, ok
from bridge.errors import Trouble
from bridge.notification import AlertView, Notification
from bridge.receiver import Destination

SAMPLE = Notification(
    id="0" * 16,
    status="firing",
    reason="first",
    receiver="doctor",
    destination="doctor",
    group_key="{}:{}",
    alerts=[AlertView(id="0" * 16, state="firing", labels={"alertname": "Doctor"}, starts_at=0)],
    created_at=0,
)
"""Never sent: only to learn where it would go."""


async def examine_receivers(destinations: Mapping[str, Destination]) -> AsyncIterator[Finding]:
    servers = [(name, server) for name, each in destinations.items() for server in each.singly()]
    for finding in await asyncio.gather(*(_examine(name, server) for name, server in servers)):
        yield finding
    if destinations:
        yield ok("receivers: no message was sent; `nats-alert-bridge send-test RECEIVER` sends one")


async def _examine(name: str, destination: Destination) -> Finding:
    try:
        return ok(f"receiver {name}: {await reach(first_url(destination, SAMPLE), destination.way)}, answers")
    except Trouble as error:
        return failed(f"receiver {name}: {error}; check its URL, name service, proxies and firewalls")
