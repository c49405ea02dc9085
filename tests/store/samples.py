"""Commits that touch every table, and the simplest thing that could hold what they say: a second store, in dicts."""

from collections.abc import Iterable
from typing import TypeVar

from bridge.commit import (
    AccountRow,
    Attempt,
    ChangeRow,
    Commit,
    GroupRow,
    OutboxRow,
    Settled,
    SilenceRow,
    Snapshot,
    StateRow,
)
from bridge.notification import AlertView, Notification
from bridge.values import SECOND

K = TypeVar("K")
V = TypeVar("V")


def notification(n: int, text: str = "the disk of n1 is slow") -> Notification:
    return Notification(
        id=f"{n:016x}",
        status="firing",
        reason="first",
        receiver="ops",
        destination="ops/slack 0",
        group_key=f"g{n % 3}",
        group_labels={"alertname": "SlowDisk"},
        alerts=[
            AlertView(id=f"{n:x}", state="firing", labels={"server": "n1"}, annotations={"summary": text}, starts_at=n)
        ],
        created_at=n,
    )


def row(n: int, attempts: int = 0, text: str = "the disk of n1 is slow") -> OutboxRow:
    return OutboxRow(
        id=f"{n:016x}",
        destination="ops/slack 0",
        group=f"g{n % 3}",
        created=n * SECOND,
        due=(n + attempts) * SECOND,
        expires=(n + 100) * SECOND,
        attempts=attempts,
        plain=attempts > 0,
        memory={"ts": f"{n}.001", "parts": [1, 2]} if attempts else {},
        notification=notification(n, text),
    )


def attempt(n: int) -> Attempt:
    return Attempt(f"{n:016x}", "ops/slack 0", n * SECOND, 0.25, None if n % 2 else 503, "transient", "HTTP 503")


def change(n: int) -> ChangeRow:
    return ChangeRow(n, f"g{n % 3}", f"{n:x}", "firing", n * SECOND, b'{"value": 20}')


def nth(n: int) -> Commit:
    """The n-th commit of an endless run, from 1; every one is different, and says the same each time."""
    return Commit(
        n=n,
        t=n * SECOND,
        meta=f"meta {n}".encode(),
        journal=None if n % 5 == 0 else f"entry {n}".encode() * 10,
        journal_upto=max(0, n - 20),
        states=[StateRow(n % 50, "AuthErrorBurst", f"host={n % 50}", n, f"state {n}".encode())],
        states_gone=[(n + 25) % 50] if n % 7 == 0 else [],
        groups=[GroupRow(f"g{n % 3}", n * SECOND, f"cursor {n}".encode())],
        groups_gone=[f"g{(n + 1) % 3}"] if n % 11 == 0 else [],
        silences=[SilenceRow(f"s{n % 4}", f"silence {n}".encode())],
        silences_gone=[f"s{(n + 1) % 4}"] if n % 13 == 0 else [],
        accounts=[AccountRow("name" if n % 2 else "id", f"A{n % 6}", f"account {n}")],
        changes=[change(n)],
        changes_told=[n - 3],
        rows=[row(n), row(n - 1, attempts=1)] if n > 1 else [row(n)],
        settled=[Settled(f"{n - 2:016x}", "dead" if n % 2 else "delivered", n * SECOND, "HTTP 400" if n % 2 else "")],
        attempts=[attempt(n - 2)],
    )


class Model:
    """What a store holds after some commits."""

    def __init__(self, commits: Iterable[Commit] = ()) -> None:
        self.journal: dict[int, bytes] = {}
        self.states: dict[int, StateRow] = {}
        self.groups: dict[str, GroupRow] = {}
        self.silences: dict[str, SilenceRow] = {}
        self.accounts: dict[tuple[str, str], AccountRow] = {}
        self.changes: dict[int, ChangeRow] = {}
        self.rows: dict[str, OutboxRow] = {}
        self.last = (0, 0, b"")
        for commit in commits:
            self.take(commit)

    def take(self, commit: Commit) -> None:
        self.last = commit.n, commit.t, commit.meta
        if commit.journal is not None:
            self.journal[commit.n] = commit.journal
        self.journal = {n: body for n, body in self.journal.items() if n > commit.journal_upto}
        _change(self.states, {state.no: state for state in commit.states}, commit.states_gone)
        _change(self.groups, {group.id: group for group in commit.groups}, commit.groups_gone)
        _change(self.silences, {silence.id: silence for silence in commit.silences}, commit.silences_gone)
        self.accounts |= {(each.kind, each.key): each for each in commit.accounts}
        self.changes |= {each.n: each for each in commit.changes}
        self.rows |= {each.id: each for each in commit.rows}
        for n in commit.changes_told:
            self.changes.pop(n, None)
        for settled in commit.settled:
            self.rows.pop(settled.id, None)

    def snapshot(self) -> Snapshot:
        n, t, meta = self.last
        return Snapshot(
            n=n,
            t=t,
            meta=meta,
            states=[self.states[no] for no in sorted(self.states)],
            journal=sorted(self.journal.items()),
            groups=[self.groups[name] for name in sorted(self.groups)],
            changes=[self.changes[number] for number in sorted(self.changes)],
            rows=sorted(self.rows.values(), key=lambda each: each.created),
            silences=[self.silences[name] for name in sorted(self.silences)],
            accounts=[self.accounts[key] for key in sorted(self.accounts)],
        )


def _change(all_of_them: dict[K, V], new: dict[K, V], gone: list[K]) -> None:
    for key in gone:
        all_of_them.pop(key, None)
    all_of_them |= new
