"""A rule at work: its combinations, and what events and time do to them."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from bridge import memories
from bridge.alert import Alert, Facts
from bridge.answers import Answers, connection
from bridge.cursor import Line
from bridge.event import Event, EventType
from bridge.events import EVENT_TYPES
from bridge.flood import is_bare, short_way
from bridge.home import Home, Site
from bridge.latest import Latest
from bridge.life import OVERFLOW, Life, Words
from bridge.memories import MEMORY, Memories
from bridge.plan import Plan, kind_of, make, paths
from bridge.rendering import Renderer
from bridge.rule import NEW, OLD, Rule
from bridge.rules.flatline import INTERVAL_MAX, Flatline
from bridge.rules.not_followed_by import ANSWER, NotFollowedBy
from bridge.sampling import sample_of
from bridge.state import SEPARATOR, Memory, Sample, State
from bridge.values import NEVER, SECOND

_decode_body = msgspec.msgpack.Decoder(tuple[Any, Alert | None]).decode

COMBINATION = "C"
"""What the key of a stored combination begins with."""


class Evaluation:
    """One rule's part of the engine. `order` is its place among the rules."""

    def __init__(self, rule: Rule, site: Site, home: Home) -> None:
        names = site.names
        self.rule = rule
        self.order = site.order
        self.states: dict[str, State] = {}
        self.open_events: dict[str, Line] = {}
        """One-offs that the next message will tell, by key."""
        self.home = home
        templates = rule.templates.values()
        self._tops = sorted({field for template in templates for field in template.top_fields})
        self._latest = sorted({field for template in templates for field in template.event_fields})
        kinds: list[EventType | None] = [EVENT_TYPES[name] for name in rule.events] if rule.events else [None]
        self.renderer = Renderer(rule, rule.value_kind(kind_of(rule, kinds)), names.accounts, site.place)
        self.plans: dict[str, Plan] = {
            kind.name if kind else "": make(rule, kind, self._tops, self._latest, names) for kind in kinds
        }
        for kind in kinds:
            if kind and kind.poll:
                interval = site.poll_interval / SECOND
                self.plans[kind.name] = msgspec.structs.replace(self.plans[kind.name], interval=interval)
        self.answers = Answers(rule, names) if isinstance(rule, NotFollowedBy) else None
        latest = [*self._latest, OLD, NEW] if rule.paired else self._latest
        self.life = Life(rule, self.renderer, Words(self._tops, latest, site.labels), home)
        self.memories = Memories(rule, site.order, home)
        self._dormant: set[str] = set()
        """Combinations that may know nothing any more."""
        if isinstance(rule, Latest) and any(kind and kind.poll for kind in kinds):
            rule.expect_interval(site.poll_interval)
        self._woken = False
        """It has slept until now: nobody has looked at what left its windows meanwhile."""

    def wanted(self) -> dict[str, set[str]]:
        """The fields that must be decoded of the events that it takes, by their type."""
        wanted: dict[str, set[str]] = {}
        for name in self.rule.events:
            wanted.setdefault(name, set()).update(paths(self.rule, EVENT_TYPES[name], self._tops, self._latest))
        if isinstance(self.rule, NotFollowedBy):
            for name in self.rule.events:
                wanted[name].update(self.rule.match.keys() & EVENT_TYPES[name].fields.keys())
        return wanted

    # -- events -------------------------------------------------------------------------------------------------

    def taker(self, plan: Plan) -> Callable[[Event], None]:
        """What takes the events that this rule watches and that the plan's matchers let through."""
        enough = self.rule.enough
        return short_way(self, plan, enough) if enough and is_bare(plan) else partial(self.take, plan)

    def take(self, plan: Plan, event: Event) -> None:
        """An event that this rule watches and that its matchers let through."""
        rule = self.rule
        sample = sample_of(self.rule, plan, event, self.home.watch)
        if sample is None:
            return
        key = plan.key(event)
        if self.answers is not None:
            sample.series, sample.text = self.answers.asked(event), connection(event)
            if self._needs_no_answer(self.answers, sample, event):
                return
        if rule.remembering:
            compared = self.memories.take(rule.memory_of(key, sample.series, sample), sample)
            if compared is None:
                return
            sample = compared
            if rule.gauge:
                sample.number = float(self.memories.count)
        if rule.one_off:
            self._happen(key, sample)
        elif (state := self.states.get(key) or self._enter(key)) and not self._crowded(state, sample.series):
            self.home.ledger.hit(state, sample)
            self._absorb(state, sample)
            if self.answers is not None:
                self.answers.wait(state, [sample.series])

    def rise(self, state: State) -> None:
        """An event was taken in, and with it the condition begins to hold."""
        sample = Sample(self.home.watch.t, self.home.watch.w)
        self.home.ledger.hit(state, sample)
        self.life.note(state, sample)
        self.judge(state, sample)

    def _absorb(self, state: State, sample: Sample) -> None:
        rule = self.rule
        if state.alert is not None:
            self.life.weigh_last(state)
        rule.slide(state, sample.t, sample.w - rule.serial)  # An event comes before the staleness of its instant.
        rule.add(state, sample)
        if state.alert is None and not rule.instant and not rule.holds(state, sample.t, sample.w):
            # The usual case. While there is no alert, an event moves the instants of a steady type only later;
            # those of others it may bring nearer: a planned silence is over, a server's interval is shorter now.
            if not rule.steady or state.filed == NEVER:
                self.home.file(state, self.due(state), self.due_w(state))
            return
        self.life.note(state, sample)
        self.judge(state, sample)

    def _needs_no_answer(self, answers: Answers, sample: Sample, event: Event) -> bool:
        """What it asks for came not long before; or there is no room for one more unanswered event."""
        what = sample.series
        if answers.is_answered(event, what, sample.text, sample.w, self.memories.known.get(what)):
            return True
        if answers.full:
            self.home.overflowed(self.rule.alert, f"it waits for {answers.limit} answers, its limit")
        return answers.full

    # -- time ---------------------------------------------------------------------------------------------------

    def due(self, state: State) -> int:
        """The state's next instant in receive time."""
        return NEVER if isinstance(state, Memory) else self.rule.due(state)

    def due_w(self, state: State) -> int:
        """The state's next instant in watched time."""
        if isinstance(state, Memory):
            return self.memories.forgotten_w(state)
        return min(self.rule.due_w(state), self.life.due_w(state))

    def pass_time(self, state: State) -> None:
        """One of the state's instants has come."""
        if isinstance(state, Memory):
            self.memories.pass_time(state)
            return
        watch = self.home.watch
        if self.rule.forgets and self.rule.idle(state, watch.t, watch.w):
            self.forget(state)
            return
        self.life.weigh_last(state)
        reason = self.rule.slide(state, watch.t, watch.w)
        if reason:
            self.home.ledger.force(state)
        self.judge(state, by_time=True, reason=reason)

    # -- what is kept -------------------------------------------------------------------------------------------

    def key(self, state: State) -> str:
        """Under which key the store has it."""
        return (MEMORY if isinstance(state, Memory) else COMBINATION) + state.key

    def dump(self, state: State) -> bytes:
        """A state for the store."""
        if isinstance(state, Memory):
            return memories.dump(state)
        return msgspec.msgpack.encode([self.rule.dump(state), state.alert])

    def make(self, no: int, key: str, body: bytes | None) -> State:
        """A state from the store, or from its birth in the journal; `attach` puts it in its place."""
        if key.startswith(MEMORY):
            memory = Memory(no, key[1:], self.order)
            if body is not None:
                memories.load(memory, body)
            return memory
        state = self.rule.new(no, key[1:])
        state.order = self.order
        if body is not None:
            dumped, alert = _decode_body(body)
            self.rule.load(state, dumped)
            state.alert = alert
        return state

    def attach(self, state: State) -> None:
        """It lives."""
        if isinstance(state, Memory):
            self.memories.known[state.key] = state
        else:
            self.states[state.key] = state
            if self.rule.dormant_w(state) is not None:
                self._dormant.add(state.key)

    def has(self, state: State) -> bool:
        """Whether it is one of this rule's, and still matters."""
        known: Mapping[str, State] = self.memories.known if isinstance(state, Memory) else self.states
        return known.get(state.key) is state

    def repeat(self, state: State, sample: Sample) -> None:
        """A hit of the journal: taken in as it was then, and nothing decided."""
        if isinstance(state, Memory):
            self.memories.repeat(state, sample)
            return
        self.life.weigh_last(state, sample)
        self.rule.slide(state, sample.t, sample.w - self.rule.serial)
        self.rule.add(state, sample)
        if self.answers is None or not sample.text.startswith(ANSWER):  # An answer is none of the alert's events.
            self.life.repeat(state, sample)

    def firing(self) -> Iterable[tuple[Alert, Callable[[], Facts]]]:
        """Its alerts that fire, and what they are like at any time."""
        for state in self.states.values():
            if state.alert and state.alert.phase == "firing":
                yield state.alert, partial(self.life.facts, state)

    def adopt(self, other: "Evaluation") -> None:
        """The rule was edited so that its state is still good: go on with it."""
        ledger = self.home.ledger
        for old in (*other.states.values(), *other.memories.known.values()):
            other.life.weigh_last(old)
            state = self.make(old.no, other.key(old), other.dump(old))
            state.stored = old.stored
            self.attach(state)
            ledger.touch(state)
            if state.no in ledger.forced:
                ledger.force(state)
        self.open_events = other.open_events

    def start(self, edited: bool) -> None:
        """After a load: look at what is due. After an edit: judge anew what is known."""
        watch = self.home.watch
        self.memories.start()
        for state in list(self.states.values()):
            self.rule.begin(state, self.memories.begun_w, watch.w)
            if not edited:
                if not self._woken:
                    # What left before now has been judged then; what leaves at this very instant has not.
                    self.rule.slide(state, watch.t - 1, watch.w - 1)
                self.home.file(state, self.due(state), self.due_w(state))
                continue
            self.rule.rejudge(state)
            self.life.retime(state, self.rule.one_off)
            self.rule.slide(state, watch.t, watch.w)
            self.judge(state)
        self.stand()
        if self.answers is not None:
            for state in self.states.values():
                self.answers.wait(state, self.answers.rule.asks(state))

    def shift(self, by: int) -> None:
        """The wall clock was set back: all receive times move."""
        for state in self.states.values():
            self.rule.shift(state, by)
            if state.alert:
                state.alert.shift(by)
            self.home.ledger.force(state)

    def wake(self, by: int) -> None:
        """The rule has slept for so much watched time: no clock of its states went on, and nothing was forgotten."""
        self._woken = True
        for state in self.states.values():
            self.rule.sleep(state, by)
            if state.alert:
                state.alert.sleep(by)
            self.home.ledger.force(state)
        for memory in self.memories.known.values():
            memory.heard_w += by
            self.rule.sleep_memory(memory, by)
            self.home.ledger.force(memory)

    def end_all(self, reason: str) -> None:
        """The rule is gone, or means something else now."""
        for state in self.states.values():
            if state.alert:
                self.life.weigh_last(state)
                self.life.end(state, reason, render=True)
            self.home.ledger.died(state)
        self.states.clear()
        self.memories.clear()

    # -- combinations -------------------------------------------------------------------------------------------

    def judge(self, state: State, sample: Sample | None = None, by_time: bool = False, reason: str = "") -> None:
        """Look at a state after something happened to it; it dies if nothing that it knows matters any more."""
        self.life.judge(state, sample, by_time, reason)
        watch = self.home.watch
        if state.alert is None and self.rule.idle(state, watch.t, watch.w):
            self.die(state)
        else:
            if state.alert is None and self.rule.dormant_w(state) is not None:
                self._dormant.add(state.key)
            self.home.file(state, self.due(state), self.due_w(state))

    def _enter(self, key: str) -> State | None:
        """A combination that is new; None if there is no room and the type does not count the rest."""
        if len(self.states) - (OVERFLOW in self.states) >= self.rule.limit and not self._make_room():
            self.tell_overflow()
            if not self.rule.counting:
                return None
            if known := self.states.get(OVERFLOW):
                return known
            key = OVERFLOW
        state = self.rule.new(self.home.ledger.number(), key)
        state.order = self.order
        self.rule.begin(state, self.memories.begun_w, self.home.watch.w)
        self.states[key] = state
        self.home.ledger.born(state, self.rule.id, COMBINATION + key)
        return state

    def _make_room(self) -> bool:
        """What knows nothing any more gives way, the longest silent first."""
        dormant = {
            key: w
            for key in self._dormant
            if (state := self.states.get(key)) and state.alert is None and (w := self.rule.dormant_w(state)) is not None
        }
        self._dormant = set(dormant)
        if not dormant:
            return False
        self.die(self.states[min(dormant, key=lambda key: (dormant[key], key))])
        return True

    def tell_overflow(self) -> None:
        """There is no room for another combination."""
        self.home.overflowed(self.rule.alert, f"it watches {self.rule.limit} combinations, its limit")

    def die(self, state: State) -> None:
        if self.answers is not None:
            self.answers.forget(state)
        del self.states[state.key]
        self.home.ledger.died(state)

    def forget(self, state: State) -> None:
        """It will not come back: whatever it was, it is over."""
        self.life.weigh_last(state)
        if state.alert:
            self.life.end(state, "forgotten")
        self.die(state)

    def _crowded(self, state: State, series: str) -> bool:
        """A series too many."""
        rule = self.rule
        if rule.remembering or not rule.serial or series in rule.series(state):
            return False
        if sum(len(rule.series(other)) for other in self.states.values()) < rule.limit:
            return False
        self.home.overflowed(rule.alert, f"it watches {rule.limit} series, its limit")
        if state.alert is None and rule.idle(state, self.home.watch.t, self.home.watch.w):
            self.die(state)  # It was made for this series.
        return True

    def _happen(self, key: str, sample: Sample) -> None:
        """A one-off. Past the limit the rest is one line."""
        if key not in self.open_events and len(self.open_events) >= self.rule.limit:
            what = f"{self.rule.limit} combinations wait to be told; the rest is counted together"
            self.home.overflowed(self.rule.alert, what)
            key = OVERFLOW
        facts = self.life.once(key, sample)
        self.open_events[key] = self.home.happened(key, facts, self.open_events.get(key))

    def stand(self) -> None:
        """The combinations that are there without an event."""
        watch = self.home.watch
        for key in self.rule.standing:
            if key not in self.states and (state := self._enter(key)):
                self.rule.slide(state, watch.t, watch.w)
                self.home.ledger.force(state)
                self.judge(state)
        if isinstance(self.rule, Flatline):
            self._expect(self.rule)

    def _expect(self, rule: Flatline) -> None:
        """The combinations of `expect` count as seen when the rule is loaded, and when their state was emptied."""
        watch = self.home.watch
        for expected in rule.expect:
            key = SEPARATOR.join(expected.get(field, "") for field in rule.by)
            if key not in self.states and (state := self._enter(key)):
                longest = max(INTERVAL_MAX / SECOND, *(plan.interval for plan in self.plans.values()))
                sample = Sample(watch.t, watch.w, longest if rule.intervals else None)
                self.home.ledger.hit(state, sample)
                self._absorb(state, sample)
