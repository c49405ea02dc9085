"""What came to a sink, in the words of alerts."""

from typing import Any

import msgspec

from tests.sink import Sink


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


def lines(sink: Sink, name: str = "") -> list[Line]:
    """All alerts in all requests, in the order in which they came; with `name`, those of one rule."""
    told = [
        _line(str(body["id"]), alert) for body in (request.json for request in sink.requests) for alert in body["alerts"]
    ]
    return [line for line in told if name in ("", line.name)]


def states(sink: Sink, name: str = "") -> list[str]:
    return [line.state for line in lines(sink, name)]


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
