"""Numbers that are worked out of fields: shares, spans, and the durations that servers write as text."""

import re

from bridge.event import as_number, parse_time
from bridge.values import SECOND

_UNITS = {
    "y": 365 * 86400.0,
    "d": 86400.0,
    "h": 3600.0,
    "m": 60.0,
    "s": 1.0,
    "ms": 1e-3,
    "µs": 1e-6,
    "us": 1e-6,
    "ns": 1e-9,
}
_PART = re.compile(r"([0-9]+(?:\.[0-9]+)?)(ms|µs|us|ns|[ydhms])")
_SPAN = re.compile(rf"(?:{_PART.pattern})+")
_TEXT_MAX = 64
"""Characters; no server writes a longer duration."""


def per_core(cpu: object, cores: object) -> float | None:
    """Percent of one core as percent of all."""
    used, count = as_number(cpu), as_number(cores)
    return used / count if used is not None and count else None


def share(used: object, limit: object) -> float | None:
    """In percent. No limit, written 0 or less: none."""
    part, most = as_number(used), as_number(limit)
    return 100 * part / most if part is not None and most and most > 0 else None


def seconds(text: object) -> float | None:
    """Of a duration as Go and nats-server write it: `1.25ms`, `966µs`, `3d4h5m6s`."""
    if not isinstance(text, str) or len(text) > _TEXT_MAX or not _SPAN.fullmatch(text):
        return None
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))


def seconds_between(begin: object, end: object) -> float | None:
    """Two times of a server. The zero of Go's times is none."""
    begun, ended = parse_time(begin), parse_time(end)
    return (ended - begun) / SECOND if begun is not None and ended is not None and begun > 0 else None
