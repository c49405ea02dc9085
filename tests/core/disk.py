"""A disk that is only memory, with the store's own meaning of a commit: for thousands of restarts in a second."""

import copy
from collections.abc import Iterable
from typing import TypeVar

from bridge.commit import ChangeRow, Commit, GroupRow, OutboxRow, SilenceRow, Snapshot, StateRow
from bridge.engine import Engine
from bridge.setup import Setup
from tests.core.stage import Stage, at

AnyStage = TypeVar("AnyStage", bound=Stage)


class Disk:
    """What the store would have after some commits; `tests/core/test_restart.py` holds it against the real one."""

    def __init__(self, commits: Iterable[Commit] = ()) -> None:
        self._last: Commit | None = None
        self._upto = 0
        self._states: dict[int, StateRow] = {}
        self._journal: dict[int, bytes] = {}
        self._groups: dict[str, GroupRow] = {}
        self._silences: dict[str, SilenceRow] = {}
        self._changes: dict[int, ChangeRow] = {}
        self._rows: dict[str, OutboxRow] = {}
        for commit in commits:
            self.commit(commit)

    def commit(self, commit: Commit) -> None:
        self._last = commit
        self._upto = max(self._upto, commit.journal_upto)
        if commit.journal is not None:
            self._journal[commit.n] = commit.journal
        for no in commit.states_gone:
            self._states.pop(no, None)
        self._states |= {row.no: row for row in commit.states}
        for name in commit.groups_gone:
            self._groups.pop(name, None)
        self._groups |= {row.id: row for row in commit.groups}
        for name in commit.silences_gone:
            self._silences.pop(name, None)
        self._silences |= {row.id: row for row in commit.silences}
        self._changes |= {row.n: row for row in commit.changes}
        for n in commit.changes_told:
            self._changes.pop(n, None)
        self._rows |= {row.id: row for row in commit.rows}
        for settled in commit.settled:
            self._rows.pop(settled.id, None)

    def load(self) -> Snapshot:
        assert self._last is not None
        snapshot = Snapshot(
            self._last.n,
            self._last.t,
            self._last.meta,
            [row for _, row in sorted(self._states.items())],
            [(n, body) for n, body in sorted(self._journal.items()) if n > self._upto],
            [row for _, row in sorted(self._groups.items())],
            [row for _, row in sorted(self._changes.items())],
            sorted(self._rows.values(), key=lambda row: row.created),
            [row for _, row in sorted(self._silences.items())],
        )
        return copy.deepcopy(snapshot)


def restarted(
    stage: AnyStage, other: Setup | None = None, seconds: float | None = None, dormant: bool = False
) -> AnyStage:
    """Another process on the same disk, `seconds` after the start of the test; it knows only of what it does itself."""
    resumed = copy.copy(stage)
    resumed.changes, resumed.rows, resumed.commits = {}, {}, list(stage.commits)
    now = at(seconds) if seconds is not None else stage.engine.watch.t
    resumed.setup = other or stage.setup
    resumed.engine = Engine(resumed.setup, now)
    resumed.engine.restore(Disk(stage.commits).load(), now, dormant)
    resumed.engine.advance(now)
    resumed.collect()
    return resumed
