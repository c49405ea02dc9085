"""Computed fields by how they are computed: what must stand at their sources so that they come out as a test says."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from bridge.event import Field, walk
from bridge.events.amounts import per_core, seconds, seconds_between, share
from bridge.ruletest.derived import INVERSES, Body, Inverse

_LIMIT = 2**40
"""What may be used of something, if the test does not say."""
_BEGIN = "2026-01-01T00:00:00Z"
"""A time of a server, if the test does not say when it was."""


def inverse_of(path: str, field: Field) -> Inverse | None:
    """Puts what a field's value comes from into a body; None if nobody knows how."""
    known = INVERSES.get(path)
    if known is not None:
        return known
    by_rule = _BY_RULE.get(field.derive) if field.derive else None
    if by_rule is not None:
        return by_rule(*field.sources)
    by_name = _BY_NAME.get(path.rpartition(".")[2])
    return by_name(*field.sources) if by_name is not None else None


def _of_limit(used: str, limit: str) -> Inverse:
    def put(body: Body, percent: float) -> None:
        most = walk(body, limit)
        if not isinstance(most, int | float) or most <= 0:
            most = _LIMIT
            _put(body, limit, most)
        _put(body, used, round(percent / 100 * most))

    return put


def _of_cores(cpu: str, cores: str) -> Inverse:
    def put(body: Body, percent: float) -> None:
        count = walk(body, cores)
        if not isinstance(count, int | float) or count <= 0:
            count = 1
            _put(body, cores, count)
        _put(body, cpu, percent * count)

    return put


def _between(begin: str, end: str) -> Inverse:
    def put(body: Body, span: float) -> None:
        ended = walk(body, end)
        if isinstance(ended, str):
            _put(body, begin, (datetime.fromisoformat(ended) - timedelta(seconds=span)).isoformat())
        else:
            _put(body, begin, _BEGIN)
            _put(body, end, (datetime.fromisoformat(_BEGIN) + timedelta(seconds=span)).isoformat())

    return put


def _written(text: str) -> Inverse:
    """A duration as servers write it."""
    return lambda body, span: _put(body, text, f"{span:.9f}".rstrip("0").rstrip(".") + "s")


def _some(members: str, **marks: Any) -> Inverse:
    """So many of a list are marked."""

    def put(body: Body, count: float) -> None:
        for member in _members(body, members, round(count))[: round(count)]:
            member.update(marks)

    return put


def _one(members: str, key: str, scale: float = 1) -> Inverse:
    """The largest number of a list is that of its first member."""

    def put(body: Body, number: float) -> None:
        _members(body, members, 1)[0][key] = round(number * scale)

    return put


def _of(place: str, key: str) -> Inverse:
    return lambda body, value: _put(body, f"{place}.{key}", int(value) if isinstance(value, float) else value)


_BY_RULE: Mapping[Callable[..., Any], Callable[..., Inverse]] = {
    share: _of_limit,
    per_core: _of_cores,
    seconds_between: _between,
    seconds: _written,
}
_BY_NAME: Mapping[str, Callable[[str], Inverse]] = {
    "offline": lambda members: _some(members, offline=True, current=False),
    "not_current": lambda members: _some(members, current=False),
    "count": _some,
    "lag_max": lambda members: _one(members, "lag"),
    "seen_max": lambda members: _one(members, "active", 1e9),
    "mirror_of": lambda mirror: _of(mirror, "name"),
    "mirror_lag": lambda mirror: _of(mirror, "lag"),
}
"""By the last part of the field's path."""


def _members(body: Body, path: str, count: int) -> list[Body]:
    """The objects of a list, at least so many."""
    found = walk(body, path)
    members: list[Body] = found if isinstance(found, list) else []
    members.extend({"name": f"peer-{n}", "current": True, "active": 0} for n in range(len(members), count))
    _put(body, path, members)
    return members


def _put(body: Body, path: str, value: object) -> None:
    *parents, leaf = path.split(".")
    for name in parents:
        body = body.setdefault(name, {})
    body[leaf] = value
