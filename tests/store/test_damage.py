"""Files that come back other than they were left. What is lost is said; nothing else is lost with it."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.commit import Commit, StateRow
from bridge.errors import StoreError
from bridge.store import Store
from bridge.store.rows import read_row, statements
from tests.store.children import commit_until_killed, hear, start
from tests.store.conftest import Ask, Fill
from tests.store.samples import Model, nth, row


def overwrite(path: Path, place: int, content: bytes) -> None:
    with path.open("r+b") as file:
        file.seek(place)
        file.write(content)


def broken(path: Path) -> list[Path]:
    return sorted(path.parent.glob("state.db.broken-*"))


def columns_of_a_row() -> list[Any]:
    ((columns,),) = [
        rows for sql, rows in statements(Commit(n=1, t=1, meta=b"", rows=[row(5, attempts=1)])) if "outbox" in sql
    ]
    return list(columns)


@given(st.data())
def test_a_row_with_any_other_value_is_not_read(data: st.DataObject) -> None:
    columns = columns_of_a_row()
    place = data.draw(st.integers(0, len(columns) - 1))
    match columns[place]:
        case int(number):
            columns[place] = data.draw(st.integers().filter(lambda other: other != number))
        case str(text):
            columns[place] = bent(text.encode(), data).decode("utf-8", "surrogateescape")
        case raw:
            columns[place] = bent(raw, data)
    assert read_row(columns) is None


def bent(raw: bytes, data: st.DataObject) -> bytes:
    place, bit = data.draw(st.integers(0, len(raw) - 1)), data.draw(st.integers(0, 7))
    return raw[:place] + bytes([raw[place] ^ 1 << bit]) + raw[place + 1 :]


def test_a_row_reads_as_it_was_written() -> None:
    assert read_row(columns_of_a_row()) == row(5, attempts=1)


@pytest.mark.parametrize("instead", [b"disk of n2", b"disk of \xff1"], ids=["other text", "no text"])
async def test_a_byte_that_changed_in_a_message_is_found_and_only_that_message_ends(
    path: Path, ask: Ask, instead: bytes
) -> None:
    store = await Store.open(path)
    await store.commit(Commit(n=1, t=1, meta=b"", rows=[row(1, text="the disk of n1 is full"), row(2), row(3)]))
    await store.close()
    overwrite(path, path.read_bytes().index(b"disk of n1 is full"), instead)

    store = await Store.open(path)
    loaded = await store.load()
    assert loaded
    assert loaded.rows == [row(2), row(3)]
    assert store.damaged == ["a message for 'ops/slack 0' (row '0000000000000001') is damaged on disk"]

    await store.commit(Commit(n=2, t=77, meta=b""))
    await store.load()
    assert store.damaged == []
    assert ask("SELECT state, settled_at, detail FROM outbox WHERE id LIKE '%1'") == [("dead", 77, "damaged on disk")]
    await store.close()


async def test_a_damaged_message_that_the_engine_tells_again_is_pending(path: Path) -> None:
    store = await Store.open(path)
    await store.commit(Commit(n=1, t=1, meta=b"", rows=[row(1)]))
    await store.close()
    overwrite(path, path.read_bytes().index(b"disk of n1"), b"d1sk")

    store = await Store.open(path)
    await store.load()
    await store.commit(Commit(n=2, t=2, meta=b"", rows=[row(1)]))
    loaded = await store.load()
    assert loaded
    assert (loaded.rows, store.damaged) == ([row(1)], [])
    await store.close()


def garble_header(path: Path) -> None:
    overwrite(path, 0, b"\x93\x01\x7f\xee" * 4)


def zero_a_page(path: Path) -> None:
    overwrite(path, 4096 * 4, bytes(4096))


def cut_in_half(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2)


@pytest.mark.parametrize("damage", [garble_header, zero_a_page, cut_in_half])
async def test_a_damaged_database_is_kept_aside_and_a_new_one_begun(path: Path, fill: Fill, damage: Any) -> None:
    await fill(60)
    damage(path)
    damaged = path.read_bytes()

    store = await Store.open(path)
    assert await store.load() is None
    (aside,) = broken(path)
    assert aside.read_bytes() == damaged
    assert store.lost
    assert store.lost.startswith(f"{path} is damaged (")
    assert store.lost.endswith(f"it is now {aside}, and what waited in it was not sent")
    await store.commit(nth(1))
    await store.close()

    store = await Store.open(path)
    assert (await store.load(), store.lost) == (Model([nth(1)]).snapshot(), None)
    await store.close()


async def test_a_damaged_database_is_known_as_ours_without_its_lock_file(path: Path, fill: Fill) -> None:
    await fill(60)
    cut_in_half(path)
    path.with_name("state.db.lock").unlink()
    store = await Store.open(path)
    assert store.lost
    assert len(broken(path)) == 1
    await store.close()


async def test_damage_that_shows_only_when_rows_are_read_is_no_other_case(path: Path) -> None:
    store = await Store.open(path)
    states = [StateRow(no, "r", "k", 1, b"x" * 2000) for no in range(4000)]
    await store.commit(Commit(n=1, t=1, meta=b"", states=states))
    await store.close()

    store = await Store.open(path)
    overwrite(path, 4096 * 20, bytes(4096 * 500))
    assert await store.load() is None
    assert store.lost
    assert len(broken(path)) == 1
    await store.commit(nth(1))
    assert await store.load() == Model([nth(1)]).snapshot()
    await store.close()


async def test_damage_that_only_the_reader_of_a_value_sees_is_no_other_case(path: Path) -> None:
    store = await Store.open(path)
    await store.commit(Commit(n=1, t=1, meta=b"", rows=[row(1)]))
    await store.close()
    overwrite(path, path.read_bytes().index(b"disk of n1"), b"d1sk")

    store = await Store.open(path)
    await store.load()
    await store.begin_anew("a state is no JSON")
    (aside,) = broken(path)
    assert store.lost == (
        f"{path} is damaged (a state is no JSON); a start moves it aside and begins a new one; "
        f"it is now {aside}, and what waited in it was not sent"
    )
    assert store.damaged == []
    await store.commit(Commit(n=1, t=1, meta=b"", rows=[row(1), row(2)]))
    loaded = await store.load()
    assert loaded
    assert loaded.rows == [row(1), row(2)]
    await store.close()


async def test_an_emptied_database_is_noticed(path: Path, fill: Fill) -> None:
    await fill(5)
    path.write_bytes(b"")
    for time in ("first", "second"):  # it is said until there is a commit
        store = await Store.open(path)
        assert await store.load() is None
        assert store.lost == (f"{path} is empty, but commit 5 was written: it was replaced or its -wal file removed")
        if time == "second":
            await store.commit(nth(1))
        await store.close()
    store = await Store.open(path)
    assert store.lost is None
    await store.close()


async def test_a_removed_database_is_noticed(path: Path, fill: Fill) -> None:
    await fill(5)
    path.unlink()
    store = await Store.open(path)
    assert store.lost
    await store.close()


async def test_an_older_copy_in_its_place_is_noticed(path: Path, fill: Fill) -> None:
    await fill(5)
    copy = path.read_bytes()
    store = await Store.open(path)
    await store.commit(nth(6))
    await store.close()
    path.write_bytes(copy)

    store = await Store.open(path)
    assert store.lost == (
        f"{path} ends at commit 5, but commit 6 was written: it was replaced or its -wal file removed"
    )
    assert await store.load() == Model(map(nth, range(1, 6))).snapshot()
    await store.close()


async def test_a_removed_log_is_noticed(path: Path, fill: Fill) -> None:
    await fill(3)
    process, pipe = start(commit_until_killed, path)
    hear(pipe)
    process.kill()
    process.join()
    path.with_name("state.db-wal").unlink()

    store = await Store.open(path)
    assert store.lost
    assert f"{path} ends at commit 3, but commit " in store.lost
    await store.close()


async def test_a_database_without_its_lock_file_is_as_good(path: Path, fill: Fill) -> None:
    await fill(5)
    path.with_name("state.db.lock").unlink()
    store = await Store.open(path)
    assert (await store.load(), store.lost) == (Model(map(nth, range(1, 6))).snapshot(), None)
    await store.close()


async def test_a_log_with_a_torn_end_gives_the_commits_before_it(path: Path) -> None:
    process, pipe = start(commit_until_killed, path)
    for _ in range(5):
        hear(pipe)
    process.kill()
    process.join()
    log = path.with_name("state.db-wal")
    with log.open("r+b") as file:
        file.truncate(log.stat().st_size - 1000)

    store = await Store.open(path)
    loaded = await store.load()
    assert loaded
    assert loaded == Model(map(nth, range(1, loaded.n + 1))).snapshot()
    await store.close()


async def test_a_table_that_somebody_dropped_is_one_line(path: Path, fill: Fill) -> None:
    await fill(1)
    with closing(sqlite3.connect(path)) as db:
        db.execute("DROP TABLE alert_group")
    store = await Store.open(path)
    with pytest.raises(StoreError, match=r"^cannot use .*state\.db: no such table: alert_group"):
        await store.load()
    await store.close()
