"""What fires or is pending, who was told of it, and who will be when, from the database."""

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from bridge.alert import Alert
from bridge.group import Group, load
from bridge.label_matchers import Selects
from bridge.store.readonly import TRIES, reading, when
from bridge.store.told import Firing, Grouped, Telling
from bridge.values import NEVER


def read_alerts(path: Path, meant: Selects) -> list[Firing]:
    """The oldest first. Values are those of the latest checkpoint."""
    with reading(path) as db:
        groups = {group.id: group for group in _groups(db)}
        known = _told_by(groups.values())
        found = [_firing(db, alert, groups, known) for alert in _alerts(db) if meant(alert.labels)]
    return sorted(found, key=lambda each: (each.since, each.name))


def _groups(db: sqlite3.Connection) -> Iterable[Group]:
    for id, due, body in db.execute("SELECT id, due, body FROM alert_group"):
        with suppress(msgspec.MsgspecError):  # Damaged, as below.
            yield load(id, due, body)


def _alerts(db: sqlite3.Connection) -> Iterable[Alert]:
    """A state without an alert ends with a nil, which no other does."""
    for (body,) in db.execute("SELECT body FROM state WHERE key GLOB 'C*' AND substr(body, -1) <> x'C0'"):
        try:
            _, alert = msgspec.msgpack.decode(body, type=tuple[Any, Alert | None])
        except msgspec.MsgspecError:
            continue  # Damaged: a start says so, and begins anew.
        if alert is not None:
            yield alert


def _told_by(groups: Iterable[Group]) -> Mapping[str, list[str]]:
    """By the ids of alerts, the groups that have told of them: of those that fire longer than history is kept, no
    change says so any more."""
    known: dict[str, list[str]] = {}
    for group in groups:
        for alert in {told.alert for cursor in group.cursors.values() for told in cursor.told.values()}:
            known.setdefault(alert, []).append(group.id)
    return known


def _firing(
    db: sqlite3.Connection, alert: Alert, groups: Mapping[str, Group], known: Mapping[str, list[str]]
) -> Firing:
    told = _told(db, alert.id) if alert.id else []
    own = [id for (id,) in db.execute("SELECT DISTINCT grp FROM change WHERE alert = ? ORDER BY n", [alert.id])]
    own = list(dict.fromkeys([*own, *known.get(alert.id, [])]))
    parts = [_grouped(groups[id], alert, told) for id in own if id in groups] if alert.id else []
    return Firing(
        id=alert.id,
        name=alert.labels.get("alertname", ""),
        state=alert.phase,
        labels=alert.labels,
        since=when(alert.fired or alert.tally.first),
        value=alert.tally.value,
        count=alert.tally.count,
        reason=alert.reason,
        muted=next((part.muted for part in parts if part.muted), ""),
        told=told,
        groups=parts,
    )


def _told(db: sqlite3.Connection, alert: str) -> list[Telling]:
    latest: dict[str, Telling] = {}
    rows = db.execute(
        f"""SELECT destination, id, state, coalesce(settled_at, created), detail, {TRIES} FROM mention
        JOIN outbox ON outbox.id = mention.row WHERE mention.alert = ? ORDER BY created""",
        [alert],
    )
    for destination, id, state, at, detail, attempts in rows:
        latest[destination] = Telling(destination, id, state, when(at), detail, attempts)
    return list(latest.values())


def _grouped(group: Group, alert: Alert, told: Iterable[Telling]) -> Grouped:
    sent = {each.message for each in told}
    untold = [
        destination
        for destination, cursor in group.cursors.items()
        if destination not in group.standins
        and cursor.row not in sent
        and not (alert.identity in cursor.told and cursor.told[alert.identity].alert == alert.id)
    ]
    return Grouped(
        id=group.id,
        receiver=group.receiver,
        due=when(group.due) if group.due < NEVER else None,
        muted=group.muted.get(alert.identity, ""),
        untold=untold if group.cursors else [group.receiver],
    )
