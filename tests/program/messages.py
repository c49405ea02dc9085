"""What came to a sink, in the words of alerts."""

from collections.abc import Iterable
from typing import Any

import msgspec

from tests.sink import Received


class Line(msgspec.Struct, frozen=True):
    """One alert in one message."""

    message: str
    """Its webhook-id."""
    alert: str
    """The alert's id."""
    name: str
    state: str
    labels: dict[str, str]
    summary: str
    value: float | None
    peak: str
    count: int
    reason: str


def lines(requests: Iterable[Received], name: str = "") -> list[Line]:
    """All alerts in these requests, in the order in which they came; with `name`, those of one rule."""
    told = [_line(id_of(request), alert) for request in requests for alert in request.json["alerts"]]
    return [line for line in told if name in ("", line.name)]


def states(requests: Iterable[Received], name: str = "") -> list[str]:
    return [line.state for line in lines(requests, name)]


def id_of(request: Received) -> str:
    """The message's id."""
    id = request.json["id"]
    assert id == request.headers["webhook-id"] == request.headers["idempotency-key"]
    return str(id)


def _line(message: str, alert: dict[str, Any]) -> Line:
    return Line(
        message,
        alert["id"],
        alert["labels"]["alertname"],
        alert["state"],
        alert["labels"],
        alert["annotations"].get("summary", ""),
        alert["value"],
        alert["peak_text"],
        alert["count"],
        alert["reason"],
    )
