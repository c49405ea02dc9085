"""Going on where the last commit ended: checkpoints, then what the journal has on top. Nothing is decided here."""

from collections.abc import Callable
from typing import Any

import msgspec

from bridge.alert import Alert
from bridge.commit import Snapshot
from bridge.evaluation import Evaluation
from bridge.health import Illness
from bridge.ledger import BORN, CLOCK, DIED, Ledger, entries, sample_of
from bridge.state import State

Digests = tuple[str, str, str]


class Memo(msgspec.Struct):
    """The engine's scalars, as a commit keeps them."""

    next_no: int
    next_change: int
    blind_since: int | None
    lost: int
    own: list[tuple[str, int]]
    heard: dict[str, tuple[str, int]]
    rules: dict[str, Digests]
    """Rule id → digests of its shape, its naming and its whole text."""
    asleep: dict[str, int] = {}
    """Rule id → since when it sleeps, in watched time: its file is broken."""
    away: dict[str, Any] | None = None
    """The story of a gap that is not told yet."""
    ill: dict[str, Illness] = {}
    """Destinations that take nothing."""


Known = tuple[Evaluation, State, int]
"""A state with its evaluation, and the number of the journal entry that its checkpoint holds."""


class Orphans(msgspec.Struct):
    """What is left of rules that are gone or mean something else now."""

    alerts: list[tuple[str, Alert]] = []
    """(rule, alert) of those that fire."""
    states: list[tuple[str, int]] = []
    """(rule, number) of those that are on disk."""


def restore(snapshot: Snapshot, owner: Callable[[str], Evaluation | None], ledger: Ledger) -> Orphans:
    """Put all states into their evaluations. `owner`: the evaluation that a rule's state still belongs to."""
    orphans = Orphans()
    known: dict[int, Known] = {}
    for row in snapshot.states:
        evaluation = owner(row.rule)
        if evaluation is None:
            orphans.states.append((row.rule, row.no))
            if alert := _alert(row.key, row.body):
                orphans.alerts.append((row.rule, alert))
            continue
        state = evaluation.make(row.no, row.key, row.body)
        state.stored = True
        known[row.no] = evaluation, state, row.upto
    for n, body in snapshot.journal:
        _repeat(n, body, known, owner, ledger)
    for evaluation, state, _ in known.values():
        evaluation.attach(state)
    return orphans


def _repeat(
    n: int,
    body: bytes,
    known: dict[int, Known],
    owner: Callable[[str], Evaluation | None],
    ledger: Ledger,
) -> None:
    """One journal entry, for the states whose checkpoint is older."""
    blind_since: int | None = None
    lost = 0
    for head, rest in entries(body):
        if head == CLOCK:
            blind_since, lost = msgspec.convert(rest, tuple[int | None, int])
        elif head == BORN:
            no, rule, key = msgspec.convert(rest, tuple[int, str, str])
            if no not in known and (evaluation := owner(rule)):
                state = evaluation.make(no, key, None)
                known[no] = evaluation, state, 0
                ledger.touch(state)
        elif head == DIED:
            no = msgspec.convert(rest[0], int)
            if no in known and known[no][2] < n:
                del known[no]
        elif head in known and known[head][2] < n:
            evaluation, state, _ = known[head]
            at = msgspec.convert(rest[0], int)
            evaluation.repeat(state, sample_of(rest, (at if blind_since is None else blind_since) - lost))
            ledger.touch(state)


def _alert(key: str, body: bytes) -> Alert | None:
    """The firing alert in a state's row, whatever its rule."""
    if key.startswith("S"):
        return None
    _, alert = msgspec.msgpack.decode(body, type=tuple[Any, Alert | None])
    return alert if alert and alert.phase == "firing" else None
