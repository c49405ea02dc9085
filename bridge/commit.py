"""What the engine hands to the store after each step, and gets back at a start. Rows, and nothing that decides."""

from typing import Any

import msgspec

from bridge.alert import Facts
from bridge.notification import Notification


class StateRow(msgspec.Struct, frozen=True):
    """The checkpoint of one combination (or series) of a rule: all hits of the journal up to `upto` are in `body`."""

    no: int
    rule: str
    key: str
    upto: int
    body: bytes


class GroupRow(msgspec.Struct, frozen=True):
    """A group of a route, its next tick (microseconds since the epoch) and its cursors, as JSON."""

    id: str
    due: int
    body: bytes


class ChangeRow(msgspec.Struct, frozen=True):
    """One change of an alert: it fired, was resolved, or happened (a one-off). `body` is JSON."""

    n: int
    group: str
    alert: str
    """The alert's id."""
    state: str
    at: int
    body: bytes
    name: str = ""
    """The alert's `alertname`: what people look for."""


class Pended(msgspec.Struct, frozen=True):
    """The condition of an alert began, and `for` has to pass; or it ended before that did. No message tells of it."""

    at: int
    facts: Facts
    over: bool = False


class SilenceRow(msgspec.Struct, frozen=True):
    """A silence, as the JSON of `silence.Silence`."""

    id: str
    body: bytes


class AccountRow(msgspec.Struct, frozen=True):
    """What servers have told of an account: the `name` of an id, or the `id` of a name that stands in subjects."""

    kind: str
    key: str
    value: str


class Muted(msgspec.Struct, frozen=True):
    """An alert of a group was not told at a tick, and why; told once for as long as the reason stays the same."""

    at: int
    alert: str
    """The alert's id."""
    labels: dict[str, str]
    group: str
    receiver: str
    reason: str


class OutboxRow(msgspec.Struct, frozen=True, kw_only=True):
    """One notification on its way to one destination. At most one is pending for each (group, destination), besides
    those that had ended and that a person wants tried once more.

    Its content is frozen once the destination may have it; before that, and before another try, it may be renewed.
    """

    id: str
    destination: str
    group: str
    created: int
    due: int
    """The next burst of tries begins then, or as soon after as the destination is free."""
    expires: int
    attempts: int = 0
    plain: bool = False
    """The receiver rejected the full form; the next try sends plain text."""
    memory: dict[str, Any] = {}
    asked: int = 0
    """Number of the latest question whether there is more to tell by now; of this process, so the store has none."""
    notification: Notification


class Settled(msgspec.Struct, frozen=True):
    """How a row ended: `delivered` or `dead`, and why."""

    id: str
    outcome: str
    at: int
    detail: str = ""
    withdrawn: bool = False
    """Dead by the will of those who run the bridge: nobody else is told in its stead."""

    @property
    def is_lost(self) -> bool:
        """The destination will never take it, against the will of those who run the bridge."""
        return self.outcome != "delivered" and not self.withdrawn


class Attempt(msgspec.Struct, frozen=True):
    """One try. `trouble` is "" (taken), "transient", "rejected" or "refused"."""

    row: str
    destination: str
    at: int
    seconds: float
    status: int | None
    trouble: str
    detail: str
    is_untaken: bool = False
    """The other side surely does not have the message. Nothing of this is in the history."""


class Answer(msgspec.Struct, frozen=True):
    """What became of a command; for whoever gave it, once the commit is on disk."""

    number: int
    """The command's (see inputs.Asked)."""
    result: dict[str, Any] = {}
    error: str = ""
    """Why nothing was done, and what to do; empty if it was."""
    unknown: bool = False
    """Because there is no such thing."""


class Commit(msgspec.Struct):
    """One transaction. Whatever is empty is not written."""

    n: int
    """The number of this commit's journal entry; grows by one, also where `journal` is None."""
    t: int
    """The engine's time; nothing later has been decided."""
    meta: bytes
    """The engine's own scalars, opaque to the store."""
    journal: bytes | None = None
    journal_upto: int = 0
    """Journal entries up to this number are in the checkpoints and may be deleted."""
    states: list[StateRow] = []
    states_gone: list[int] = []
    groups: list[GroupRow] = []
    groups_gone: list[str] = []
    changes: list[ChangeRow] = []
    pended: list[Pended] = []
    """For whoever follows the engine's decisions; the store keeps none of it."""
    muted: list[Muted] = []
    silences: list[SilenceRow] = []
    """New ones, or new values of old ones."""
    silences_gone: list[str] = []
    accounts: list[AccountRow] = []
    """New ones, or new values of old ones."""
    changes_told: list[int] = []
    """Changes that every destination was told of, or that none needs any more."""
    rows: list[OutboxRow] = []
    """New outbox rows, or new values of old ones (due, attempts, plain, memory)."""
    hastened: list[str] = []
    """Rows that a person wants tried now; the store keeps none of it."""
    settled: list[Settled] = []
    attempts: list[Attempt] = []
    answers: list[Answer] = []
    """For whoever gave a command; the store keeps none of it."""


class Snapshot(msgspec.Struct):
    """All that a start needs, as the last commit left it. `journal` holds the entries after the oldest checkpoint."""

    n: int
    t: int
    meta: bytes
    states: list[StateRow]
    journal: list[tuple[int, bytes]]
    groups: list[GroupRow]
    changes: list[ChangeRow]
    """Those not told to all yet, oldest first."""
    rows: list[OutboxRow]
    """The pending ones, oldest first."""
    silences: list[SilenceRow] = []
    accounts: list[AccountRow] = []
