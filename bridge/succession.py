"""Which rules of now go on with what earlier ones knew, what ends because none does, and what sleeps meanwhile."""

from collections.abc import Callable, Iterable, Mapping

import msgspec

from bridge.alert import Alert, Facts, digest
from bridge.commit import Snapshot
from bridge.dispatch import Dispatch
from bridge.evaluation import Evaluation
from bridge.ledger import Ledger
from bridge.outbox import Outbox
from bridge.restart import Digests, Memo, Orphans, restore


class Dormant(msgspec.Struct):
    """Rules whose file was broken at the start, and what is needed to go on with them once it is mended."""

    snapshot: Snapshot
    rules: dict[str, Digests]
    since: dict[str, int]
    """Since when each sleeps, in watched time."""
    orphans: Orphans


class Succession:
    """The rules of now, and those that sleep because their file is broken."""

    def __init__(self, rules: Dispatch, ledger: Ledger, outbox: Outbox) -> None:
        self._ledger = ledger
        self._outbox = outbox
        self._dormant: Dormant | None = None
        self.install(rules)

    def install(self, rules: Dispatch) -> None:
        """These are the rules of now."""
        self._rules = rules
        self._digests = {
            id: (evaluation.rule.shape, evaluation.rule.naming, digest(repr(evaluation.rule)))
            for id, evaluation in rules.by_id.items()
        }

    @property
    def digests(self) -> dict[str, Digests]:
        """Of all rules, those that sleep too: their shape, their naming, and their whole text."""
        return {**(self._dormant.rules if self._dormant else {}), **self._digests}

    @property
    def asleep(self) -> dict[str, int]:
        """Since when which rules sleep, in watched time."""
        return {id: self._dormant.since[id] for id in self._dormant.rules} if self._dormant else {}

    @property
    def sleeping(self) -> Iterable[tuple[Alert, Facts]]:
        """The alerts of sleeping rules that fire, as they were last."""
        for rule, alert in self._dormant.orphans.alerts if self._dormant else ():
            if self._sleeps(rule):
                yield alert, _last_facts(rule, alert)

    def restore(self, snapshot: Snapshot, memo: Memo, dormant: bool) -> Orphans:
        """Put the stored states into the rules of now. Returns what belongs to none of them; see `bury`."""
        orphans = restore(snapshot, self._heirs(memo.rules), self._ledger)
        for id in memo.asleep.keys() & self._rules.by_id.keys():
            self._rules.by_id[id].wake(self._ledger.watch.w - memo.asleep[id])
        if dormant:
            asleep = {id: known for id, known in memo.rules.items() if id not in self._rules.by_id}
            since = {id: memo.asleep.get(id, self._ledger.watch.w) for id in asleep}
            self._dormant = Dormant(snapshot, asleep, since, orphans)
        return orphans

    def edited(self, id: str, known: Mapping[str, Digests]) -> bool:
        """Whether a rule is another one than it was, be it in its limits only."""
        return known.get(id) != self._digests[id]

    def bury(self, orphans: Orphans, known: Mapping[str, Digests]) -> None:
        """End the alerts of rules that are gone or mean something else. `known`: the rules of before."""
        at = self._ledger.watch.t
        added = {evaluation.rule.alert for id, evaluation in self._rules.by_id.items() if id not in known}
        for rule, alert in orphans.alerts:
            if not self._sleeps(rule):
                changed = rule in self._rules.by_id or alert.labels["alertname"] in added
                facts = _last_facts(rule, alert)
                facts.ends, facts.reason = at, "rule changed" if changed else "rule removed"
                self._outbox.ended(alert, facts, at)
        self._ledger.gone += [no for rule, no in orphans.states if not self._sleeps(rule)]

    def rouse(self, dormant: bool) -> None:
        """The rules that slept since the start: those that are there again go on, as if no time had passed."""
        sleeping = self._dormant
        if sleeping is None:
            return
        still = {id: known for id, known in sleeping.rules.items() if dormant and id not in self._rules.by_id}
        awake = {id: known for id, known in sleeping.rules.items() if id not in still}
        self._dormant = Dormant(sleeping.snapshot, still, sleeping.since, sleeping.orphans) if still else None
        heirs = self._heirs(awake)
        restore(sleeping.snapshot, heirs, self._ledger)
        lost = Orphans()
        for id in awake:
            if evaluation := heirs(id):
                evaluation.wake(self._ledger.watch.w - sleeping.since[id])
            else:
                lost.alerts += [(rule, alert) for rule, alert in sleeping.orphans.alerts if rule == id]
                lost.states += [(rule, no) for rule, no in sleeping.orphans.states if rule == id]
        self.bury(lost, sleeping.rules)

    def _sleeps(self, rule: str) -> bool:
        return self._dormant is not None and rule in self._dormant.rules

    def _heirs(self, known: Mapping[str, Digests]) -> Callable[[str], Evaluation | None]:
        """Who goes on with the state of a rule: the rule of now, if it still means the same."""
        now = self._digests
        same = {id for id, digests in known.items() if id in now and now[id][:2] == digests[:2]}
        return lambda rule: self._rules.by_id[rule] if rule in same else None


def _last_facts(rule: str, alert: Alert) -> Facts:
    """What is known of an alert whose rule is not there."""
    return Facts(rule, alert.labels, alert.fired, alert.tally, annotations={})
