"""A rule at work: its combinations, and what events and time do to them."""

from collections.abc import Callable, Iterable, Mapping
from functools import partial
from typing import Any

import msgspec

from bridge import counters
from bridge.alert import Alert, Facts
from bridge.counters import Counters, Series
from bridge.event import NUMBER_MAX, Event, EventType, as_text
from bridge.events import EVENT_TYPES
from bridge.events.reading import Names, version
from bridge.group import Change
from bridge.home import Home
from bridge.life import OVERFLOW, Life, Words
from bridge.plan import SEPARATOR, Listener, Plan, kind_of, listen, make, paths, texts
from bridge.rendering import Renderer
from bridge.rule import Rule, Sample, State
from bridge.rules.any import Any as AnyRule
from bridge.rules.flatline import INTERVAL_MAX, Flatline
from bridge.rules.increase import Increase
from bridge.rules.threshold import Measured, Threshold
from bridge.values import SECOND
from bridge.window import NEVER

STATSZ_FAST = (2, 10, 21)
"""From this version on servers publish STATSZ more often."""

FAST_INTERVAL = 10.0
"""Seconds between two STATSZ from that version on."""

COMBINATION, SERIES = "C", "S"
"""What the key of a stored state begins with."""


class Site(msgspec.Struct, frozen=True):
    """Where a rule works: its number among the rules, where it is written, and what all rules share."""

    order: int
    place: str
    names: Names
    labels: Mapping[str, str]


class Evaluation:
    """One rule's part of the engine. `order` is its place among the rules."""

    def __init__(self, rule: Rule, site: Site, home: Home) -> None:
        names = site.names
        self.rule = rule
        self.order = site.order
        self.states: dict[str, State] = {}
        self.open_events: dict[str, Change] = {}
        """One-offs that the next message will tell, by key."""
        self._home = home
        templates = rule.templates.values()
        self._tops = sorted({field for template in templates for field in template.top_fields})
        self._latest = sorted({field for template in templates for field in template.event_fields})
        kinds: list[EventType | None] = [EVENT_TYPES[name] for name in rule.events] if rule.events else [None]
        self.renderer = Renderer(rule, rule.value_kind(kind_of(rule, kinds)), names.accounts, site.place)
        self.plans: dict[str, Plan] = {
            kind.name if kind else "": make(rule, kind, self._tops, self._latest, names) for kind in kinds
        }
        self._endings = listen(rule.resolve_on, rule.resolve_on.match if rule.resolve_on else None, rule, names)
        self._announcements = listen(rule.unless if isinstance(rule, Flatline) else None, None, rule, names)
        self._goodbyes = sorted({name for kind in kinds if kind and rule.measuring for name in kind.ends_with})
        self._one_off = isinstance(rule, AnyRule) and rule.one_off
        self._life = Life(rule, self.renderer, Words(self._tops, self._latest, site.labels), home)
        self.counters = Counters(rule.id, site.order, rule.limit, home)

    def wanted(self) -> dict[str, set[str]]:
        """The fields that must be decoded, by event type."""
        wanted: dict[str, set[str]] = {}
        for name in self.rule.events:
            wanted.setdefault(name, set()).update(paths(self.rule, EVENT_TYPES[name], self._tops, self._latest))
        for watched in (self.rule.resolve_on, self.rule.unless if isinstance(self.rule, Flatline) else None):
            for name in watched.events if watched else ():
                fields = {matcher.field for matcher in watched.where} | set(self.rule.by) if watched else set()
                wanted.setdefault(name, set()).update(fields & EVENT_TYPES[name].fields.keys())
        for name in self._goodbyes:
            wanted.setdefault(name, set()).add("server.name")
        return wanted

    def reactions(self) -> list[tuple[str, Callable[[Event], None]]]:
        """What else it listens to, by event type: ends, announcements, goodbyes."""
        heard: list[tuple[str, Callable[[Event], None]]] = [(name, self._end_by) for name in self._endings]
        heard += [(name, self._plan_by) for name in self._announcements]
        heard += [(name, self._say_goodbye) for name in self._goodbyes]
        return heard

    # -- events -------------------------------------------------------------------------------------------------

    def take(self, event: Event, plan: Plan) -> None:
        """An event that this rule watches and that its matchers let through."""
        rule, watch = self.rule, self._home.watch
        key = plan.key(event)
        number: float | None = None
        series = ""
        if plan.numbers:
            number = rule.measure([read(event) for read in plan.numbers])
            if number is None or not -NUMBER_MAX <= number <= NUMBER_MAX:
                return
            series = plan.series_of(event)
            if isinstance(rule, Increase):
                number = self._step(series, number, event, plan)
                if not number:
                    return
        elif isinstance(rule, Flatline) and rule.intervals:
            number = usual_interval(event)
        sample = Sample(watch.t, watch.w, number, texts(plan.tops, event), texts(plan.latest, event), series)
        if self._one_off:
            self._happen(key, sample)
        elif (state := self.states.get(key) or self._enter(key)) and not self._crowded(state, series):
            self._home.ledger.hit(state, sample)
            self._absorb(state, sample)

    def _absorb(self, state: State, sample: Sample) -> None:
        rule = self.rule
        if state.alert is not None:
            self._life.weigh_last(state)
        rule.slide(state, sample.t, sample.w)
        rule.add(state, sample)
        if state.alert is None and not rule.instant and not rule.holds(state, sample.t, sample.w):
            # The usual case. While there is no alert, an event moves the instants of a counting type only later;
            # those of others it may bring nearer: a planned silence is over, a server's interval is shorter now.
            if not rule.counting or (state.filed == NEVER and state.filed_w == NEVER):
                self._home.file(state, self.due(state), self.due_w(state))
            return
        self._life.note(state, sample)
        self._judge(state, sample)

    def _end_by(self, event: Event) -> None:
        """An event of `resolve_on`: the alerts that it matches end, and their states are emptied."""
        for state in self._concerned(self._endings[event.type], event):
            if state.alert:
                self._life.weigh_last(state)
                self._life.end(state)
            self.rule.reset(state)
            self._die(state)

    def _plan_by(self, event: Event) -> None:
        """An event of `unless`: the silence of those that it matches is planned."""
        for state in self._concerned(self._announcements[event.type], event):
            if isinstance(self.rule, Flatline):
                self.rule.plan(state, self._home.watch.w)
                self._home.ledger.force(state)
                self._judge(state)

    def _say_goodbye(self, event: Event) -> None:
        """A server stops as planned: its series have no measurement any more."""
        name = as_text(event.body.server.name)
        for state in list(self.states.values()):
            if self.rule.end(state, f"server.name={name}"):
                self._home.ledger.force(state)
                self._judge(state, reason="no data")

    # -- time ---------------------------------------------------------------------------------------------------

    def due(self, state: State) -> int:
        """The state's next instant in receive time."""
        return NEVER if isinstance(state, Series) else self.rule.due(state)

    def due_w(self, state: State) -> int:
        """The state's next instant in watched time."""
        return state.forgotten_w if isinstance(state, Series) else min(self.rule.due_w(state), self._life.due_w(state))

    def pass_time(self, state: State) -> None:
        """One of the state's instants has come."""
        if isinstance(state, Series):
            self.counters.pass_time(state)
            return
        watch = self._home.watch
        if isinstance(self.rule, Flatline) and self.rule.idle(state, watch.t, watch.w):
            self._forget(state)
            return
        self._life.weigh_last(state)
        reason = self.rule.slide(state, watch.t, watch.w)
        if reason:
            self._home.ledger.force(state)
        self._judge(state, by_time=True, reason=reason)

    # -- what is kept -------------------------------------------------------------------------------------------

    def key(self, state: State) -> str:
        """Under which key the store has it."""
        return (SERIES if isinstance(state, Series) else COMBINATION) + state.key

    def dump(self, state: State) -> bytes:
        """A state for the store."""
        if isinstance(state, Series):
            return counters.dump(state)
        return msgspec.msgpack.encode([self.rule.dump(state), state.alert])

    def make(self, no: int, key: str, body: bytes | None) -> State:
        """A state from the store, or from its birth in the journal; `attach` puts it in its place."""
        if key.startswith(SERIES):
            series = Series(no, key[1:], self.order)
            if body is not None:
                counters.load(series, body)
            return series
        state = self.rule.new(no, key[1:])
        state.order = self.order
        if body is not None:
            dumped, alert = msgspec.msgpack.decode(body, type=tuple[Any, Alert | None])
            self.rule.load(state, dumped)
            state.alert = alert
        return state

    def attach(self, state: State) -> None:
        """It lives."""
        if isinstance(state, Series):
            self.counters.known[state.key] = state
        else:
            self.states[state.key] = state

    def has(self, state: State) -> bool:
        """Whether it is one of this rule's, and still matters."""
        known: Mapping[str, State] = self.counters.known if isinstance(state, Series) else self.states
        return known.get(state.key) is state

    def repeat(self, state: State, sample: Sample) -> None:
        """A hit of the journal: taken in as it was then, and nothing decided."""
        if isinstance(state, Series):
            self.counters.repeat(state, sample)
            return
        self.rule.slide(state, sample.t, sample.w)
        self.rule.add(state, sample)
        self._life.repeat(state, sample)

    def firing(self) -> Iterable[tuple[Alert, Callable[[], Facts]]]:
        """Its alerts that fire, and what they are like at any time."""
        for state in self.states.values():
            if state.alert and state.alert.phase == "firing":
                yield state.alert, partial(self._life.facts, state)

    def adopt(self, other: "Evaluation") -> None:
        """The rule was edited so that its state is still good: go on with it."""
        for old in (*other.states.values(), *other.counters.known.values()):
            state = self.make(old.no, other.key(old), other.dump(old))
            state.stored = old.stored
            self.attach(state)
            ledger = self._home.ledger
            ledger.touched[state.no] = state
            if state.no in ledger.forced:
                ledger.forced[state.no] = state
        self.open_events = other.open_events

    def start(self, edited: bool) -> None:
        """After a load: look at what is due. After an edit: judge anew what is known."""
        watch = self._home.watch
        for state in list(self.states.values()):
            if not edited:
                self._home.file(state, self.due(state), self.due_w(state))
                continue
            if isinstance(self.rule, Threshold):
                self.rule.judge_all(state)
            self._life.retime(state, self._one_off)
            self.rule.slide(state, watch.t, watch.w)
            self._judge(state)
        self.counters.start()
        if isinstance(self.rule, Flatline):
            self._expect(self.rule)

    def shift(self, by: int) -> None:
        """The wall clock was set back: all receive times move."""
        for state in self.states.values():
            self.rule.shift(state, by)
            if state.alert:
                state.alert.shift(by)
            self._home.ledger.force(state)

    def wake(self, by: int) -> None:
        """The rule has slept for so much watched time: no clock of its states went on, and nothing was forgotten."""
        for state in self.states.values():
            self.rule.sleep(state, by)
            if state.alert:
                state.alert.sleep(by)
            self._home.ledger.force(state)
        for series in self.counters.known.values():
            series.heard_w += by
            self._home.ledger.force(series)

    def end_all(self, reason: str) -> None:
        """The rule is gone, or means something else now."""
        for state in self.states.values():
            if state.alert:
                self._life.weigh_last(state)
                self._life.end(state, reason, render=True)
            self._home.ledger.died(state)
        self.states.clear()
        self.counters.clear()

    # -- combinations -------------------------------------------------------------------------------------------

    def _judge(self, state: State, sample: Sample | None = None, by_time: bool = False, reason: str = "") -> None:
        """Look at a state after something happened to it; it dies if nothing that it knows matters any more."""
        self._life.judge(state, sample, by_time, reason)
        watch = self._home.watch
        if state.alert is None and self.rule.idle(state, watch.t, watch.w):
            self._die(state)
        else:
            self._home.file(state, self.due(state), self.due_w(state))

    def _enter(self, key: str) -> State | None:
        """A combination that is new; None if there is no room and the type does not count the rest."""
        if len(self.states) - (OVERFLOW in self.states) >= self.rule.limit:
            self._home.overflowed(self.rule.alert, f"it watches {self.rule.limit} combinations, its limit")
            if not self.rule.counting:
                return None
            if known := self.states.get(OVERFLOW):
                return known
            key = OVERFLOW
        state = self.rule.new(self._home.ledger.number(), key)
        state.order = self.order
        self.states[key] = state
        self._home.ledger.born(state, self.rule.id, COMBINATION + key)
        return state

    def _die(self, state: State) -> None:
        del self.states[state.key]
        self._home.ledger.died(state)

    def _forget(self, state: State) -> None:
        """It will not come back: whatever it was, it is over."""
        self._life.weigh_last(state)
        if state.alert:
            self._life.end(state, "forgotten")
        self._die(state)

    def _crowded(self, state: State, series: str) -> bool:
        """A series too many."""
        if not isinstance(state, Measured) or series in state.series:
            return False
        if sum(len(other.series) for other in self.states.values() if isinstance(other, Measured)) < self.rule.limit:
            return False
        self._home.overflowed(self.rule.alert, f"it watches {self.rule.limit} series, its limit")
        return True

    def _step(self, series: str, number: float, event: Event, plan: Plan) -> float | None:
        """By how much a counter has grown."""
        if series not in self.counters.known and self.counters.full:
            self._home.overflowed(self.rule.alert, f"it watches {self.rule.limit} series, its limit")
        return self.counters.step(series, number, event.server_seq, plan.process_of(event))

    def _happen(self, key: str, sample: Sample) -> None:
        """A one-off. Past the limit the rest is one line."""
        if key not in self.open_events and len(self.open_events) >= self.rule.limit:
            what = f"{self.rule.limit} combinations wait to be told; the rest is counted together"
            self._home.overflowed(self.rule.alert, what)
            key = OVERFLOW
        facts = self._life.once(key, sample)
        self.open_events[key] = self._home.happened(key, facts, self.open_events.get(key))

    def _expect(self, rule: Flatline) -> None:
        """The combinations of `expect` count as seen when the rule is loaded."""
        watch = self._home.watch
        for expected in rule.expect:
            key = SEPARATOR.join(expected.get(field, "") for field in rule.by)
            if key not in self.states and (state := self._enter(key)):
                sample = Sample(watch.t, watch.w, INTERVAL_MAX / SECOND if rule.intervals else None)
                self._home.ledger.hit(state, sample)
                self._absorb(state, sample)

    def _concerned(self, listener: Listener, event: Event) -> Iterable[State]:
        if not all(test(event) for test in listener.tests):
            return []
        wanted = [(place, read(event) or "") for place, read in listener.match]
        if len(wanted) == len(self.rule.by):
            state = self.states.get(SEPARATOR.join(text for _, text in sorted(wanted)))
            return [state] if state else []
        return [
            state
            for key, state in self.states.items()
            if key != OVERFLOW and all(key.split(SEPARATOR)[place] == text for place, text in wanted)
        ]


def usual_interval(event: Event) -> float:
    """Seconds between two STATSZ of a server, by its version."""
    server = getattr(event.body, "server", None)
    return FAST_INTERVAL if server and version(server.ver) >= STATSZ_FAST else INTERVAL_MAX / SECOND
