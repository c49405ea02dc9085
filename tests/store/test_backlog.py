"""What waits for a disk says as one commit what its parts would have said, and does not grow with time."""

from pathlib import Path

import msgspec
import pytest

from bridge.commit import ChangeRow, Commit, Settled
from bridge.store import Store
from bridge.store.backlog import HISTORY_MAX, Backlog
from tests.store.conftest import Ask
from tests.store.samples import Model, attempt, nth, row


def merged(commits: list[Commit]) -> Commit:
    backlog = Backlog()
    for commit in commits:
        backlog.add(commit)
    return backlog.commit()


@pytest.mark.parametrize("before", [0, 1, 30])
async def test_one_commit_says_what_many_would_have_said_but_for_the_journal(path: Path, before: int) -> None:
    store = await Store.open(path)
    for n in range(1, before + 1):
        await store.commit(nth(n))
    await store.commit(merged([nth(n) for n in range(before + 1, 100)]))
    expected = Model(map(nth, range(1, 100))).snapshot()
    assert await store.load() == msgspec.structs.replace(expected, journal=[])
    await store.close()


async def test_what_ended_meanwhile_is_history_as_ever(path: Path, ask: Ask) -> None:
    store = await Store.open(path)
    await store.commit(merged([nth(n) for n in range(1, 100)]))
    assert ask("SELECT count(*) FROM outbox WHERE state <> 'pending'") == [(97,)]
    assert ask("SELECT count(*) FROM change WHERE told = 1") == [(96,)]
    assert ask("SELECT count(*) FROM attempt") == [(99,)]
    await store.close()


def test_a_row_that_ended_and_is_wanted_again_waits() -> None:
    end = Settled(row(7).id, "dead", 1, "HTTP 400")
    commit = merged([Commit(1, 1, b"", rows=[row(7)], settled=[end]), Commit(2, 2, b"", rows=[row(7, attempts=1)])])
    assert (commit.rows, commit.settled) == ([row(7, attempts=1)], [])


def test_history_that_waits_is_bounded_and_the_oldest_goes() -> None:
    backlog, total = Backlog(), HISTORY_MAX + 5
    for n in range(1, total + 1):
        backlog.add(
            Commit(
                n,
                n,
                b"",
                journal=b"x" * 1000,
                changes=[ChangeRow(n, "g", "a", "firing", n, b"")],
                changes_told=[n],
                rows=[row(n)],
                settled=[Settled(row(n).id, "delivered", n)],
                attempts=[attempt(n)],
            )
        )
    commit = backlog.commit()
    assert commit.journal is None
    assert [len(kept) for kept in (commit.changes, commit.rows, commit.attempts)] == [HISTORY_MAX] * 3
    assert (commit.changes[0].n, commit.rows[0], commit.attempts[0]) == (6, row(6), attempt(6))
    # The ends themselves stay: the row may be on disk, and would be sent again.
    assert len(commit.settled) == len(commit.changes_told) == total
