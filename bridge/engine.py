"""Decides. A function of state, inputs and time: no clock, no I/O. Any split of a stream into batches and ticks gives
the same changes."""

from collections import deque
from collections.abc import Callable, Iterable, Mapping
from typing import Any

import msgspec

from bridge.agenda import Agenda
from bridge.alert import Alert, Facts, identity
from bridge.author import Living
from bridge.command import AddSilence, ExpireSilence
from bridge.commit import AccountRow, Commit, Pended, Settled, Snapshot, StateRow
from bridge.cursor import Line
from bridge.dispatch import Dispatch
from bridge.evaluation import Evaluation
from bridge.event import Event
from bridge.events.accounts import Learned
from bridge.execution import Execution
from bridge.firing import Firing
from bridge.gaps import Gaps
from bridge.inputs import (
    Asked,
    Blind,
    Happening,
    Input,
    Message,
    Own,
    Postponed,
    Remembered,
    Renewing,
    Sight,
    Tried,
)
from bridge.ledger import Ledger
from bridge.once import Once
from bridge.outbox import Outbox
from bridge.outcomes import Due, Outcomes
from bridge.restart import Memo
from bridge.setup import Setup
from bridge.state import State
from bridge.succession import Succession
from bridge.sweep import Pace, Sweep
from bridge.values import MINUTE
from bridge.watch import Watch

OVERFLOW_PAUSE = MINUTE
"""A rule that is full says so at most this often."""


class Engine:
    """Rules, alerts, groups and notifications. `process` and `advance` decide; `drain` gives what must be written."""

    def __init__(self, setup: Setup, now: int, pace: Pace = Pace()) -> None:  # noqa: B008 - it is frozen
        self.watch = Watch(now, blind_since=now)
        self.ledger = Ledger(self.watch)
        self._once = Once()
        self._learned = Learned()
        self._gaps = Gaps(self.watch, self.ledger, self.tell)
        self._absence = self._gaps.absence
        self._sweep = Sweep(self._write, pace)
        self._agenda = Agenda(self.watch, self._owner)
        self._told: deque[Happening] = deque()
        self._overflows: dict[str, int] = {}
        self._next = Commit(0, 0, b"")
        """What goes into the next commit as it comes."""
        self.quiet = 0
        """Nothing is due before this instant: a flood need not ask for each event. 0: perhaps there is."""
        self._n = 0
        self._malformed_before = 0
        self.firing = Firing(self._find)
        self._setup = setup
        self.outbox = Outbox(setup.routing, Living(self.firing.facts, self.firing.view))
        self.outbox.muting.configure(setup.routing.mutes, now)
        self._rules = Dispatch(setup, 1, self, self._once, self._learned)
        self._succession = Succession(self._rules, self.ledger, self.outbox)
        self._outcomes = Outcomes(self.outbox, self.watch, self._find, self.tell)

    # -- what it wants to hear ----------------------------------------------------------------------------------

    @property
    def subjects(self) -> frozenset[str]:
        """The subjects that the rules need, and no other."""
        return self._rules.subjects

    @property
    def polls(self) -> frozenset[str]:
        """The event types that the rules need and that must be asked for."""
        return self._rules.polls

    @property
    def watches_disconnects(self) -> bool:
        """Whether people want to know, after a gap, who disconnected meanwhile."""
        return self._rules.watches_disconnects

    @property
    def names_accounts(self) -> bool:
        """Whether the rules call accounts by their names."""
        return self._rules.names_accounts

    @property
    def names_learned(self) -> Mapping[str, str]:
        """What servers call accounts, by id."""
        return self._learned.names

    def take_nameless(self) -> list[str]:
        """Accounts, in operator mode, that were seen for the first time and whose names nobody has told."""
        nameless, self._learned.nameless = self._learned.nameless, []
        return nameless

    def take_unnamed(self) -> list[str]:
        """Servers without a configured name that were heard for the first time."""
        unnamed, self._absence.unnamed = self._absence.unnamed, []
        return unnamed

    @property
    def malformed(self) -> int:
        """Messages that were no events, since the start."""
        return self._malformed_before + self._rules.decoder.malformed

    @property
    def unknown(self) -> Mapping[str, int]:
        """How many messages came on which subjects that the catalogue does not know, since the rules were loaded."""
        return self._rules.decoder.unknown

    @property
    def latest_malformed(self) -> str:
        return self._rules.decoder.latest_malformed

    # -- inputs -------------------------------------------------------------------------------------------------

    def process(self, inputs: Iterable[Input]) -> None:
        """Take inputs in, each at its own instant or at the latest one known, whichever is later."""
        decode, advance, watch = self._rules.decoder.decode, self.advance, self.watch
        take, hear, told = self._rules.take, self._absence.hear, self._told
        for given in inputs:
            at = given.at
            if at > watch.t:
                if at > self.quiet:
                    advance(at)
                else:
                    watch.t = at
            if type(given) is Message:
                event = decode(given.subject, given.data, watch.t, given.account)
                if event is not None:
                    if event.server_id:
                        hear(event)
                    take(event)
            else:
                self._take_other(given)
                self.quiet = 0
            if told:
                self._tell_all()

    def advance(self, now: int) -> None:
        """Let time pass up to `now`: everything due strictly earlier happens, each at its own instant, in order."""
        watch = self.watch
        while (due := self._next_due(now)) is not None:
            watch.t, act = max(watch.t, due[0]), due[1]
            act()
            if self._told:
                self._tell_all()
        watch.t = max(watch.t, now)
        self.quiet = self.next_due

    def step(self, now: int) -> bool:
        """Let time pass towards `now`, but no further than to where it first costs something: a loop that has other
        things to do goes on later. Whether `now` is reached."""
        due = self.next_due
        self.advance(min(now, due + 1))
        return due >= now

    @property
    def next_due(self) -> int:
        """Nothing is due before this instant; it may lie up to a second too early. NEVER if nothing is due at all."""
        return min(self._agenda.next_due, self._absence.due, self._outcomes.next_due)

    def reload(self, setup: Setup, dormant: bool = False) -> None:
        """The rules file was edited. What still means the same goes on; the rest ends, and says why.

        `dormant`: a file of rules is broken still, so rules that sleep since the start sleep on.
        """
        old = self._rules
        self._setup = setup
        added = {placed.rule.alert for placed in setup.rules if placed.rule.enabled and placed.rule.id not in old.by_id}
        self.outbox.configure(setup.routing, self.watch.t)
        for id, evaluation in old.by_id.items():
            new = setup.find(id)
            if new is None:
                # A rule's labels are a part of its id.
                evaluation.end_all("rule changed" if evaluation.rule.alert in added else "rule removed")
            elif (new.shape, new.naming) != (evaluation.rule.shape, evaluation.rule.naming):
                evaluation.end_all("rule changed")
        self._malformed_before += old.decoder.malformed
        self._rules = Dispatch(setup, old.next_order, self, self._once, self._learned)
        self._succession.install(self._rules)
        for id, evaluation in self._rules.by_id.items():
            if id in old.by_id:
                evaluation.adopt(old.by_id[id])
        self._sweep.give_up()
        self._succession.rouse(dormant)
        self._revive()
        for evaluation in self._rules.by_id.values():
            evaluation.start(edited=True)
        self._tell_all()
        self.quiet = 0

    # -- the store ----------------------------------------------------------------------------------------------

    @property
    def urgent(self) -> bool:
        """Something was decided that must be on disk before it is told."""
        return bool(self.outbox.changed or self.ledger.forced or self._next.attempts or self._next.answers)

    @property
    def dirty(self) -> bool:
        """There is something to write."""
        return self.urgent or not self.ledger.empty

    def drain(self, everything: bool = False) -> Commit:
        """All since the last call, as one transaction. `everything`: write all states whole, for a clean stop."""
        self._n += 1
        commit, self._next = self._next, Commit(0, 0, b"")
        commit.n, commit.t, commit.meta, commit.journal = self._n, self.watch.t, self._memo(), self.ledger.take()
        self._sweep.fill(commit, self.ledger, everything)
        commit.states_gone, self.ledger.gone = self.ledger.gone, []
        news, self._learned.news = self._learned.news, {}
        commit.accounts = [AccountRow(kind, key, value) for (kind, key), value in news.items()]
        self.outbox.drain(commit)
        return commit

    def begin(self) -> None:
        """A first start: there is nothing to go on from."""
        for evaluation in self._rules.by_id.values():
            evaluation.start(edited=True)

    def restore(self, snapshot: Snapshot, now: int, dormant: bool = False) -> None:
        """Go on where the last commit ended. The time since then counts as blind.

        `dormant`: a file of rules is broken, so rules that are missing now are not gone; they sleep.
        """
        memo = msgspec.msgpack.decode(snapshot.meta, type=Memo)
        self._gaps.resume()
        self._n = snapshot.n
        self.ledger.next_no, self.outbox.changes.next = memo.next_no, memo.next_change
        self.watch.t, self.watch.blind_since, self.watch.lost = snapshot.t, memo.blind_since, memo.lost
        for server_id, client_id in memo.own:
            self._once.claim((server_id, client_id))
        self._absence.heard, self._absence.untold = memo.heard, memo.away
        self.outbox.health.ill = memo.ill
        self._learned.restore((row.kind, row.key, row.value) for row in snapshot.accounts)
        orphans = self._succession.restore(snapshot, memo, dormant)
        self.outbox.muting.silences.restore(row.body for row in snapshot.silences)
        self.outbox.muting.configure(self._setup.routing.mutes, self.watch.t)
        self.outbox.restore(snapshot.groups, snapshot.changes, snapshot.rows)
        self._revive()
        self._succession.bury(orphans, memo.rules)
        self.outbox.settle_in(self.watch.t)
        if now < self.watch.t:
            self._set_back(self.watch.t - now)
        self._gaps.begin()
        self.ledger.clock()
        for id, evaluation in self._rules.by_id.items():
            evaluation.start(edited=self._succession.edited(id, memo.rules))
        self._tell_all()
        self.quiet = 0

    # -- what evaluations need (see home.Home) ------------------------------------------------------------

    def file(self, state: State, due: int, due_w: int) -> None:
        if self._agenda.file(state, due, due_w):
            self.quiet = 0

    def pended(self, facts: Facts, over: bool) -> None:
        self.quiet = 0
        self._next.pended.append(Pended(self.watch.t, facts, over))

    def begun(self, alert: Alert, facts: Callable[[], Facts]) -> None:
        self.quiet = 0
        self.firing.begun(alert, facts)
        self.outbox.begun(alert, facts(), self.watch.t)

    def ended(self, alert: Alert, facts: Facts) -> None:
        self.quiet = 0
        self.firing.ended(alert)
        self.outbox.ended(alert, facts, self.watch.t)

    def happened(self, key: str, facts: Facts, known: Line | None) -> Line:
        self.quiet = 0
        own = self._rules.by_id[facts.rule].rule.about_bridge
        return self.outbox.happened(identity(facts.labels), key, facts, own, known, self.watch.t)

    def overflowed(self, alert: str, what: str) -> None:
        last = self._overflows.get(alert)
        if last is None or self.watch.t - last >= OVERFLOW_PAUSE:
            self._overflows[alert] = self.watch.t
            self.tell("rule_overflow", rule=alert, reason=what)

    def tell(self, name: str, /, **fields: Any) -> None:
        """Something about the bridge itself, as an event for its rules."""
        self._told.append(Happening(name, fields, self.watch.t))

    # -- inside: events -----------------------------------------------------------------------------------------

    def _take_other(self, given: Input) -> None:
        match given:
            case Happening(name="disconnects_missed"):
                self._gaps.tell_away(given.fields)
            case Happening():
                self._rules.take(Event(f"bridge.{given.name}", self.watch.t, f"bridge.{given.name}", given.fields))
            case Blind():
                self._gaps.begin()
            case Sight():
                self._gaps.end(self.watches_disconnects)
            case Own():
                self._once.claim((given.server_id, given.client_id))
                self._absence.reconnect()
            case Settled():
                self._outcomes.settled(given)
            case Postponed():
                self.outbox.postponed(given.row)
            case Remembered():
                self.outbox.remembered(given.row, given.memory)
            case Renewing():
                self._outcomes.renew(given.row, given.number)
            case Tried():
                self._next.attempts.append(given.attempt)
                self._outcomes.tried(given.attempt)
            case AddSilence():
                self.outbox.muting.silences.add(given.silence, self.watch.t)
            case ExpireSilence():
                self.outbox.muting.silences.expire(given.id, self.watch.t, given.why)
            case Asked():
                Execution(self._next, self.outbox, self._rules.by_id.values()).answer(given, self.watch.t)
            case Message():
                raise AssertionError("messages are decoded by process")

    def _tell_all(self) -> None:
        while self._told:
            self._take_other(self._told.popleft())

    # -- inside: time -------------------------------------------------------------------------------------------

    def _next_due(self, before: int) -> Due | None:
        """The earliest thing due strictly before an instant: alerts by (instant, rule, key), then what comes of it."""
        best = self._agenda.peek(before)
        if self._absence.due < before and (best is None or self._absence.due < best[0]):
            best = self._absence.due, self._gaps.tell_away
        return self._outcomes.sooner(before, best)

    def _find(self, id: str) -> Evaluation | None:
        return self._rules.by_id.get(id)

    def _owner(self, order: int) -> Evaluation | None:
        return self._rules.by_order.get(order)

    # -- inside: rules ------------------------------------------------------------------------------------------

    def _revive(self) -> None:
        """The firing alerts of all states, for the outbox to find."""
        self.outbox.muting.forget_firing()
        self.firing.alerts.clear()
        for evaluation in self._rules.by_id.values():
            for alert, facts in evaluation.firing():
                self.firing.begun(alert, facts)
                self.outbox.revive(alert, self.watch.t)
        for alert, last in self._succession.sleeping:
            self.firing.sleeps(alert, last)
            self.outbox.revive(alert, self.watch.t)

    def _set_back(self, by: int) -> None:
        self.watch.set_back(by)
        for evaluation in self._rules.by_id.values():
            evaluation.shift(-by)
        self.outbox.shift(-by)
        self.outbox.muting.silences.shift(-by)

    def _write(self, state: State, n: int) -> StateRow | None:
        evaluation = self._rules.by_order.get(state.order)
        if evaluation is None or not evaluation.has(state):
            return None
        return StateRow(state.no, evaluation.rule.id, evaluation.key(state), n, evaluation.dump(state))

    def _memo(self) -> bytes:
        return msgspec.msgpack.encode(
            Memo(
                next_no=self.ledger.next_no,
                next_change=self.outbox.changes.next,
                blind_since=self.watch.blind_since,
                lost=self.watch.lost,
                own=list(self._once.mine),
                heard=self._absence.heard,
                away=self._absence.untold,
                ill=self.outbox.health.ill,
                rules=self._succession.digests,
                asleep=self._succession.asleep,
            )
        )
