"""What people read of the database: all of it, once, also where a byte of it is another one."""

import os
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path

import msgspec
import pytest

from bridge.alert import Facts, Tally
from bridge.changes import dump as dump_change
from bridge.commit import ChangeRow, Commit, Muted, Settled
from bridge.cursor import Change
from bridge.errors import StoreError
from bridge.store import Store
from bridge.store.firing import read_alerts
from bridge.store.history import read_history, read_message, read_outbox
from bridge.store.told import Entry, Fixed, Turn
from bridge.values import SECOND
from tests.store.conftest import Fill
from tests.store.samples import attempt, notification, row

FIRST = "0123456789abcdef"


def change(n: int, alert: str = FIRST, copy: bool = False, host: str = "n1") -> ChangeRow:
    facts = Facts("rule", {"alertname": "SlowDisk", "host": host}, n * SECOND, Tally(value=7.0, count=3))
    return dump_change("g", Change(n, "i", alert, "firing", n * SECOND, facts, copy=copy))


def kinds(entries: list[Entry]) -> list[str]:
    return [type(entry).__name__ for entry in entries]


async def fill_with_one_of_each(path: Path) -> None:
    """An alert in the groups of two routes, its message, an attempt, its end as dead; and one that was muted."""
    view = msgspec.structs.replace(notification(1).alerts[0], id=FIRST, labels={"alertname": "SlowDisk", "host": "n1"})
    message = msgspec.structs.replace(row(2), notification=msgspec.structs.replace(notification(2), alerts=[view]))
    store = await Store.open(path)
    await store.commit(
        Commit(
            n=1,
            t=9 * SECOND,
            meta=b"",
            changes=[change(1), change(2, copy=True), change(6, "fedcba9876543210", host="n2")],
            rows=[message],
            attempts=[msgspec.structs.replace(attempt(2), at=3 * SECOND)],
            settled=[Settled(message.id, "dead", 4 * SECOND, "HTTP 400")],
            muted=[
                Muted(7 * SECOND, "fedcba9876543210", {"alertname": "SlowDisk", "host": "n2"}, "g", "ops", "silence 1")
            ],
        )
    )
    await store.close()


async def test_an_alert_its_message_and_what_became_of_it_are_told_in_the_order_of_time(path: Path) -> None:
    await fill_with_one_of_each(path)
    every = read_history(path, "", None, 0, 100)
    assert kinds(every) == ["Turn", "Fixed", "Try", "Ended", "Turn", "Quieted"]
    assert [entry.at.timestamp() for entry in every] == [1, 2, 3, 4, 6, 7]
    assert [entry.message.attempts for entry in every if isinstance(entry, Fixed)] == [1]
    assert read_history(path, "SlowDisk", None, 0, 100) == every
    assert read_history(path, FIRST[:6], None, 0, 100) == every[:4]
    assert read_history(path, "Slow", None, 0, 100) == []
    assert read_history(path, "", None, 3 * SECOND, 100) == every[2:]
    assert read_history(path, "", None, 0, 2) == every[-2:]


async def test_labels_choose_alerts_with_their_messages(path: Path) -> None:
    await fill_with_one_of_each(path)

    def on_n1(labels: Mapping[str, str]) -> bool:
        return labels.get("host") == "n1"

    assert kinds(read_history(path, "", on_n1, 0, 100)) == ["Turn", "Fixed", "Try", "Ended"]
    assert kinds(read_history(path, "", lambda labels: not on_n1(labels), 0, 100)) == ["Turn", "Quieted"]


async def test_what_is_damaged_is_said_to_be_and_hides_nothing_else(path: Path) -> None:
    await fill_with_one_of_each(path)
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("UPDATE change SET body = x'7B22FF' WHERE n = 1")
        db.execute("UPDATE outbox SET body = x'00'")
    entries = read_history(path, "", None, 0, 100)
    assert kinds(entries) == ["Turn", "Fixed", "Try", "Ended", "Turn", "Quieted"]
    assert isinstance(entries[0], Turn)
    assert (entries[0].name, entries[0].reason) == ("SlowDisk", "damaged on disk")
    assert isinstance(entries[1], Fixed)
    assert entries[1].message.detail == "damaged on disk"


async def test_a_message_is_found_by_the_beginning_of_its_id_if_no_other_begins_so(path: Path) -> None:
    await fill_with_one_of_each(path)
    found = read_message(path, row(2).id[:-1])
    assert found
    assert (found[0].id, found[0].state, found[0].detail, len(found[1])) == (row(2).id, "dead", "HTTP 400", 1)
    assert read_message(path, "f") is None
    assert [message.id for message in read_outbox(path, ["dead"], "", 10)] == [row(2).id]
    assert read_outbox(path, ["dead"], "ops/other/0", 10) == read_outbox(path, ["pending"], "", 10) == []


async def test_a_message_that_got_more_to_tell_says_when_and_belongs_to_all_that_it_tells_of(path: Path) -> None:
    store = await Store.open(path)
    first, new = row(1), change(2, "fedcba9876543210")
    more = msgspec.structs.replace(row(2).notification.alerts[0], id="fedcba9876543210")
    await store.commit(Commit(1, 1, b"", rows=[first], changes=[change(1), new]))
    told = msgspec.structs.replace(
        first.notification, id=f"{first.id}-2", created_at=9 * SECOND, alerts=[*first.notification.alerts, more]
    )
    await store.commit(Commit(2, 2, b"", rows=[msgspec.structs.replace(first, notification=told, attempts=3, asked=7)]))
    await store.close()
    (message,) = read_outbox(path, ["pending"], "", 10)
    assert (message.id, message.created.timestamp(), message.attempts) == (first.id, 1, 3)
    assert message.renewed
    assert message.renewed.timestamp() == 9
    assert kinds(read_history(path, "fedcba9876543210", None, 0, 10)) == ["Fixed", "Turn"]


async def test_many_may_read_while_it_is_written_and_see_what_is_committed(path: Path) -> None:
    store = await Store.open(path)
    await store.commit(Commit(1, 1, b"", changes=[change(1)]))
    assert kinds(read_history(path, "", None, 0, 10)) == ["Turn"]
    await store.commit(Commit(2, 2, b"", changes=[change(2)]))
    assert kinds(read_history(path, "", None, 0, 10)) == ["Turn", "Turn"]
    await store.close()


def test_where_nobody_may_look_is_said_in_a_line(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0)
    nowhere = closed / "state.db" if os.geteuid() else tmp_path / ("x" * 300)  # Root may look everywhere.
    with pytest.raises(
        StoreError, match=r"cannot read .*: .*; run this as root or as the user that the bridge runs as"
    ):
        read_history(nowhere, "", None, 0, 1)
    with pytest.raises(StoreError, match="there is no database"):
        read_history(tmp_path / "state.db", "", None, 0, 1)


async def test_what_is_no_database_of_ours_or_of_another_version_is_said_in_a_line(path: Path, fill: Fill) -> None:
    with pytest.raises(StoreError, match=r"there is no database .* yet; start the bridge"):
        read_alerts(path, lambda labels: True)
    await fill(1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA user_version = 1")
    with pytest.raises(StoreError, match=r"has version 1, this program reads .*; start the bridge once"):
        read_alerts(path, lambda labels: True)
    with closing(sqlite3.connect(path)) as db:
        db.execute("PRAGMA application_id = 7")
    with pytest.raises(StoreError, match="is no database of nats-alert-bridge"):
        read_alerts(path, lambda labels: True)
