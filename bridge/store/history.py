"""What happened, and how things are, from the database: for people, who may ask while the bridge writes."""

import re
import sqlite3
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from bridge import silence
from bridge.commit import OutboxRow
from bridge.cursor import Change
from bridge.label_matchers import Selects
from bridge.notification import Notification
from bridge.store.readonly import TRIES, reading, when
from bridge.store.rows import read_row
from bridge.store.told import Ended, Entry, Fixed, Held, Message, Quieted, Silenced, Try, Turn

T = TypeVar("T")

_ALERT_ID = re.compile(r"[0-9a-f]{6,16}")

_ROW = f"id, destination, created, due, expires, {TRIES}, state, settled_at, detail, body"
_HOLDING = """(SELECT mention.row FROM mention WHERE mention.alert IN (
    SELECT alert FROM change WHERE {alert} UNION SELECT alert FROM muted WHERE {alert}))"""


def read_history(path: Path, alert: str, meant: Selects | None, since: int, limit: int) -> list[Entry]:
    """The newest entries since an instant (microseconds), oldest first. `alert`: a name, an id or its beginning (six
    digits at least); "" for all. `meant` looks at labels."""
    with reading(path) as db:
        narrow = _Narrow(alert, since, -1 if meant else limit)
        entries: list[Entry] = []
        for part in (_turns, _messages, _tries, _ends, _quieted):
            entries += part(db, narrow)
    if meant:
        entries = _only(entries, meant)
    entries.sort(key=lambda entry: entry.at)
    return entries[-limit:]


def read_outbox(path: Path, states: Iterable[str], destination: str, limit: int) -> list[Message]:
    """Messages in these states, the newest `limit` of them, oldest first."""
    wanted = list(states)
    marks = ", ".join("?" * len(wanted))
    with reading(path) as db:
        rows = db.execute(
            f"""SELECT {_ROW} FROM outbox WHERE state IN ({marks}) AND ? IN ('', destination)
            ORDER BY created DESC LIMIT ?""",
            [*wanted, destination, limit],
        )
        return [_message(row) for row in rows][::-1]


def read_message(path: Path, id: str) -> tuple[Message, list[Try]] | None:
    """A message by its id, or its beginning if no other begins so, with its attempts; None if there is none."""
    with reading(path) as db:
        rows = list(db.execute(f"SELECT {_ROW} FROM outbox WHERE id >= ? AND id < ? LIMIT 2", [id, id + "g"]))
        if len(rows) != 1:
            return None
        message = _message(rows[0])
        tries = db.execute(f"SELECT {_TRY} FROM attempt WHERE row = ? ORDER BY at", [message.id])
        return message, [_try(row) for row in tries]


def read_ended(path: Path, ids: Iterable[str]) -> tuple[list[OutboxRow], list[str]]:
    """Rows that have ended as dead, as they were committed; and the ids of those that are damaged."""
    columns = "id, destination, grp, created, due, expires, attempts, plain, memory, body, checksum"
    sound, damaged = [], []
    with reading(path) as db:
        for id in ids:
            for row in db.execute(f"SELECT {columns} FROM outbox WHERE id = ? AND state = 'dead'", [id]):
                if read := read_row(row):
                    sound.append(read)
                else:
                    damaged.append(id)
    return sound, damaged


def read_silences(path: Path, at: int) -> list[Silenced]:
    """All that are known; `at` is now."""
    with reading(path) as db:
        known = [silence.load(body) for (body,) in db.execute("SELECT body FROM silence ORDER BY id")]
    return sorted((_silenced(each, at) for each in known), key=lambda each: (each.starts_at, each.id))


def read_time(path: Path) -> datetime | None:
    """When the last commit was; None if there was none."""
    with reading(path) as db:
        return next((when(t) for (t,) in db.execute("SELECT t FROM meta")), None)


# -- what happened ----------------------------------------------------------------------------------------------


class _Narrow:
    """Which part of the history is asked for, as SQL."""

    def __init__(self, alert: str, since: int, limit: int) -> None:
        is_id = bool(_ALERT_ID.fullmatch(alert))
        self.alert = "1" if not alert else "(name = :alert OR alert GLOB :alert || '*')" if is_id else "name = :alert"
        self.rows = f"{{}} IN {_HOLDING.format(alert=self.alert)}" if alert else "1"
        self.bound = {"alert": alert, "since": since, "limit": limit}

    def ask(self, db: sqlite3.Connection, sql: str) -> Iterable[tuple[Any, ...]]:
        return db.execute(sql, self.bound)


def _turns(db: sqlite3.Connection, narrow: _Narrow) -> list[Entry]:
    rows = narrow.ask(
        db,
        f"SELECT n, name, alert, at, state, body FROM change WHERE {narrow.alert} AND at >= :since "
        "ORDER BY at DESC, n DESC LIMIT :limit",
    )
    turns: list[Entry] = []
    for _, name, alert, at, state, body in sorted(rows):
        change = _decoded(body, Change)
        if change is not None and change.copy:
            continue  # The same in the group of another route.
        tally = change.facts.tally if change else None
        turns.append(
            Turn(
                at=when(at),
                alert=alert,
                name=name,
                state=state,
                labels=change.facts.labels if change else {},
                value=tally.value if tally else None,
                count=tally.count if tally else 0,
                reason=change.facts.reason if change else "damaged on disk",
            )
        )
    return turns


def _messages(db: sqlite3.Connection, narrow: _Narrow) -> list[Entry]:
    held = narrow.rows.format("id")
    sql = f"SELECT {_ROW} FROM outbox WHERE {held} AND created >= :since ORDER BY created DESC LIMIT :limit"
    messages = [_message(row) for row in narrow.ask(db, sql)]
    return [Fixed(at=message.created, message=message) for message in messages]


_TRY = "at, row, destination, status, seconds, trouble, detail"


def _tries(db: sqlite3.Connection, narrow: _Narrow) -> list[Entry]:
    sql = f"SELECT {_TRY} FROM attempt WHERE {narrow.rows.format('row')} AND at >= :since ORDER BY at DESC LIMIT :limit"
    return [_try(row) for row in narrow.ask(db, sql)]


def _ends(db: sqlite3.Connection, narrow: _Narrow) -> list[Entry]:
    """That one was delivered is said by its last attempt."""
    # Both comparisons of `state`: the first is what the index is made for.
    rows = narrow.ask(
        db,
        f"""SELECT settled_at, id, destination, detail FROM outbox WHERE {narrow.rows.format("id")}
        AND state <> 'pending' AND state = 'dead' AND settled_at >= :since ORDER BY settled_at DESC LIMIT :limit""",
    )
    return [
        Ended(at=when(at), message=id, destination=destination, detail=detail) for at, id, destination, detail in rows
    ]


def _quieted(db: sqlite3.Connection, narrow: _Narrow) -> list[Entry]:
    rows = narrow.ask(
        db,
        f"""SELECT at, alert, name, labels, receiver, reason FROM muted WHERE {narrow.alert} AND at >= :since
        ORDER BY at DESC LIMIT :limit""",
    )
    return [
        Quieted(
            at=when(at),
            alert=alert,
            name=name,
            labels=_decoded(labels, dict[str, str]) or {},
            receiver=receiver,
            reason=reason,
        )
        for at, alert, name, labels, receiver, reason in rows
    ]


def _only(entries: list[Entry], meant: Selects) -> list[Entry]:
    """What concerns alerts with the labels that are asked for."""
    about = {
        entry.message.id
        for entry in entries
        if isinstance(entry, Fixed) and any(meant(alert.labels) for alert in entry.message.alerts)
    }

    def concerns(entry: Entry) -> bool:
        match entry:
            case Turn() | Quieted():
                return meant(entry.labels)
            case Fixed():
                return entry.message.id in about
            case _:
                return entry.message in about

    return [entry for entry in entries if concerns(entry)]


# -- rows -------------------------------------------------------------------------------------------------------


def _message(row: tuple[Any, ...]) -> Message:
    id, destination, created, due, expires, attempts, state, settled, detail, body = row
    told = _decoded(body, Notification)
    return Message(
        id=id,
        destination=destination,
        receiver=told.receiver if told else "",
        status=told.status if told else "",
        reason=told.reason if told else "",
        reminder=told.reminder if told else 0,
        group_labels=told.group_labels if told else {},
        state=state,
        created=when(created),
        renewed=when(told.created_at) if told and told.id != id else None,
        due=when(due),
        expires=when(expires),
        settled=None if settled is None else when(settled),
        attempts=attempts,
        detail=detail if told else "damaged on disk",
        alerts=[
            Held(alert.id, alert.state, alert.labels, alert.annotations.get("summary", ""))
            for alert in (told.alerts if told else ())
        ],
    )


def _try(row: tuple[Any, ...]) -> Try:
    at, message, destination, status, seconds, trouble, detail = row
    return Try(
        at=when(at),
        message=message,
        destination=destination,
        status=status,
        seconds=round(seconds, 3),
        trouble=trouble,
        detail=detail,
    )


def _silenced(each: silence.Silence, at: int) -> Silenced:
    return Silenced(
        id=each.id,
        state=each.state(at),
        matchers=list(each.matchers),
        starts_at=when(each.starts_at),
        ends_at=None if each.ends_at is None else when(each.ends_at),
        time_intervals=list(each.time_intervals),
        comment=each.comment,
        created_by=each.created_by,
        created_at=when(each.created_at),
        expire_on_resolve=each.expire_on_resolve,
        declared=each.declared,
        expired=each.expired,
    )


def _decoded(body: bytes, kind: type[T]) -> T | None:
    """None: it is damaged, or of another version."""
    try:
        return msgspec.json.decode(body, type=kind)
    except msgspec.MsgspecError:
        return None
