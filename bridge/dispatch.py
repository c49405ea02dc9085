"""Who is asked for which event: the rules at work, and one decoder that decodes what they read."""

from collections.abc import Callable

from bridge.evaluation import Evaluation
from bridge.event import Event
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Learned
from bridge.events.decoder import Decoder
from bridge.events.families import subscriptions
from bridge.home import Home, Site
from bridge.index import Take, build
from bridge.once import Once
from bridge.plan import Plan
from bridge.reactions import Reactions
from bridge.setup import Setup
from bridge.subject import matches


class Dispatch:
    """The rules of one configuration. Made anew at a reload."""

    def __init__(self, setup: Setup, first_order: int, home: Home, once: Once, learned: Learned) -> None:
        """`first_order`: no rule before had this number or a higher one."""
        names = learned.beside(setup.names)
        self._imports = names.imports
        self.by_order: dict[int, Evaluation] = {}
        self.by_id: dict[str, Evaluation] = {}
        for order, placed in enumerate(setup.rules, first_order):
            if placed.rule.enabled:
                site = Site(order, placed.place, names, setup.labels, setup.poll_interval)
                evaluation = Evaluation(placed.rule, site, home)
                self.by_order[order] = self.by_id[placed.rule.id] = evaluation
        self.next_order = first_order + len(setup.rules)
        wanted: dict[str, set[str]] = {}
        watchers: dict[str, list[tuple[Plan, Take]]] = {}
        self._reactions: dict[str, list[Callable[[Event], None]]] = {}
        self._by_subject: list[tuple[str, Plan, Take]] = []
        for evaluation in self.by_order.values():
            reactions = Reactions(evaluation, names)
            for part in (evaluation.wanted(), reactions.wanted()):
                for name, paths in part.items():
                    wanted.setdefault(name, set()).update(paths)
            for name, react in reactions.heard():
                self._reactions.setdefault(name, []).append(react)
            for name, plan in evaluation.plans.items():
                if evaluation.rule.subject:
                    self._by_subject.append((evaluation.rule.subject, plan, evaluation.taker(plan)))
                else:
                    watchers.setdefault(name, []).append((plan, evaluation.taker(plan)))
        indexes = {name: build(name, asked, names) for name, asked in watchers.items()}
        self._index = {name: (index.read, index.table, index.rest) for name, index in indexes.items()}
        self._wanted = frozenset(wanted)
        self._names_accounts = any("account.name" in paths for paths in wanted.values())
        # The answers to the PING come in any case: their numbers tell what was missed.
        heard = {"server.statsz": (), **wanted}
        self.decoder = Decoder(heard, once, names, {pattern for pattern, _, _ in self._by_subject}, learned)

    @property
    def subjects(self) -> frozenset[str]:
        """The subjects that the rules need, and no other."""
        subjects = {evaluation.rule.subject for evaluation in self.by_order.values() if evaluation.rule.subject}
        return subscriptions(self._wanted, self._imports) | subjects

    @property
    def polls(self) -> frozenset[str]:
        """The event types that the rules need and that must be asked for."""
        return frozenset(name for name in self._wanted if EVENT_TYPES[name].poll)

    @property
    def names_accounts(self) -> bool:
        return self._names_accounts

    @property
    def watches_disconnects(self) -> bool:
        return not self._wanted.isdisjoint(("client.disconnect", "leafnode.disconnect"))

    def take(self, event: Event) -> None:
        """First what an event ends, then what it begins."""
        if reactions := self._reactions.get(event.type):
            for react in reactions:
                react(event)
        if (index := self._index.get(event.type)) is not None:
            read, table, asked = index
            if read is not None:
                asked = table.get(read(event) or "", asked)
            for tests, take in asked:
                for test in tests:
                    if not test(event):
                        break
                else:
                    take(event)
        for pattern, plan, take in self._by_subject:
            if matches(pattern, event.subject) and plan.matches(event):
                take(event)
