"""Steps from version to version. The last version of these tests is one that does not exist yet."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from bridge.engine import Engine
from bridge.errors import StoreError
from bridge.inputs import Sight
from bridge.store import Store
from bridge.store.schema import APPLICATION_ID, MIGRATIONS
from tests.core.stage import Stage, at, login_failed, rule, statsz
from tests.store.children import migrate_until_killed, start
from tests.store.conftest import Ask, Fill
from tests.store.samples import Model, nth
from tests.waiting import eventually

FIRST_RULES = (
    rule(
        alert="Burst",
        events="client.auth_error",
        type="frequency",
        count=20,
        within="1m",
        by=["client.host"],
        annotations={"description": '{{ top("client.user", 3) }}'},
    ),
    rule(alert="Grown", events="server.statsz", type="increase", field="statsz.slow_consumers", above=3, within="5m"),
    rule(alert="Many", events="server.statsz", type="threshold", field="statsz.connections", above=10),
    rule(alert="Silent", events="server.statsz", type="flatline", within="40s", by=["server.name"]),
)
"""What those that wrote `version-1.sql` were."""

NEXT = (*MIGRATIONS, ("ALTER TABLE state ADD COLUMN note TEXT", "UPDATE state SET note = rule || ' 2'"))
WRONG = (*MIGRATIONS, ("ALTER TABLE state ADD COLUMN note TEXT", "UPDATE missing SET note = 1"))


def backup(path: Path) -> Path:
    return path.with_name(f"state.db.before-v{len(NEXT)}")


async def test_a_new_database_is_ours_and_of_this_version(path: Path, ask: Ask) -> None:
    store = await Store.open(path)
    assert ask("PRAGMA application_id") == [(APPLICATION_ID,)]
    assert ask("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert ask("PRAGMA auto_vacuum") == [(2,)]
    await store.close()
    assert not backup(path).exists()


async def test_an_older_database_is_brought_up_and_a_copy_kept(path: Path, fill: Fill, ask: Ask) -> None:
    await fill(10)
    store = await Store.open(path, steps=NEXT)
    assert await store.load() == Model(map(nth, range(1, 11))).snapshot()
    await store.close()
    assert ask("PRAGMA user_version") == [(len(NEXT),)]
    assert ask("SELECT DISTINCT note FROM state") == [("AuthErrorBurst 2",)]

    assert backup(path).stat().st_mode & 0o777 == 0o600
    with closing(sqlite3.connect(backup(path))) as copy:
        assert copy.execute("PRAGMA user_version").fetchall() == [(len(MIGRATIONS),)]
        assert copy.execute("PRAGMA application_id").fetchall() == [(APPLICATION_ID,)]
        assert copy.execute("SELECT n FROM meta").fetchall() == [(10,)]


async def test_the_copy_is_a_database_that_can_take_its_place(path: Path, fill: Fill) -> None:
    await fill(10)
    store = await Store.open(path, steps=NEXT)
    await store.close()
    backup(path).rename(path)
    store = await Store.open(path)
    assert (await store.load(), store.lost) == (Model(map(nth, range(1, 11))).snapshot(), None)
    await store.close()


async def test_what_the_first_version_knew_goes_on(path: Path, ask: Ask) -> None:
    """19 failed logins of 20, a counter that has grown by 2, an alert that fires: half of it in its old journal."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(Path(__file__).with_name("version-1.sql").read_text())
        db.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL"
        )
    store = await Store.open(path)
    snapshot = await store.load()
    await store.close()
    assert ask("PRAGMA user_version") == [(len(MIGRATIONS),)]
    assert snapshot is not None
    stage = Stage(*FIRST_RULES)
    stage.engine = Engine(stage.setup, at(19.5))
    stage.engine.restore(snapshot, at(19.5))
    stage.play(Sight(at(19.6)), login_failed(20, number=20), statsz(21, slow_consumers=9, connections=9))

    assert [(change.facts.rule, change.state, change.facts.tally.value) for change in stage.changes.values()] == [
        ("Burst", "firing", 20),
        ("Grown", "firing", 4),
        ("Many", "resolved", 12),
    ]


async def test_a_step_back_is_refused(path: Path, fill: Fill) -> None:
    await fill(1)
    store = await Store.open(path, steps=NEXT)
    await store.close()
    with pytest.raises(StoreError, match=r"a newer nats-alert-bridge wrote it \(version 6, this one knows 5\)"):
        await Store.open(path)


async def test_a_step_that_fails_changes_nothing(path: Path, fill: Fill, ask: Ask) -> None:
    await fill(10)
    with pytest.raises(StoreError, match="no such table: missing"):
        await Store.open(path, steps=WRONG)
    assert ask("PRAGMA user_version") == [(len(MIGRATIONS),)]
    store = await Store.open(path)
    assert await store.load() == Model(map(nth, range(1, 11))).snapshot()
    await store.close()


async def test_a_step_that_is_killed_is_made_at_the_next_start(path: Path, fill: Fill, ask: Ask) -> None:
    await fill(10)
    process, _ = start(migrate_until_killed, path)
    await eventually(lambda: backup(path).exists() and backup(path).stat().st_size > 0, within=20)
    process.kill()
    process.join()

    store = await Store.open(path, steps=NEXT)
    assert (await store.load(), store.lost) == (Model(map(nth, range(1, 11))).snapshot(), None)
    assert ask("PRAGMA user_version") == [(len(NEXT),)]
    await store.close()


async def test_the_history_of_an_older_version_can_be_asked(path: Path, ask: Ask) -> None:
    """Version 1 did not know which alert a change was of, nor which alerts a message held; damage stays nameless."""
    with closing(sqlite3.connect(path)) as db:
        db.executescript(Path(__file__).with_name("version-1.sql").read_text())
        db.execute("INSERT INTO change SELECT 99, grp, 'lost', state, at, 1, x'7B22FF' FROM change")
        db.commit()
        db.executescript(
            f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = 1; PRAGMA journal_mode = WAL"
        )
    store = await Store.open(path)
    await store.close()
    assert ask("SELECT alert, name FROM change ORDER BY n") == [("872f75fa83474756", "Many"), ("lost", "")]
    assert ask("SELECT row, alert FROM mention") == [("df5455eb98231b33", "872f75fa83474756")]
