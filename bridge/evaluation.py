"""A rule at work: its combinations, their alerts, and the life of these."""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import msgspec

from bridge.alert import Alert, Facts, Tally, digest, identity
from bridge.event import Event, EventType, as_text
from bridge.events import EVENT_TYPES
from bridge.events.reading import Names, read_text, version
from bridge.group import Change
from bridge.ledger import Ledger
from bridge.plan import SEPARATOR, Plan, Test, kind_of, make, paths, tests, texts
from bridge.rendering import annotate
from bridge.rule import Rule, Sample, State, Watched
from bridge.rules.any import Any as AnyRule
from bridge.rules.flatline import Flatline
from bridge.rules.increase import Counter, Increase
from bridge.rules.threshold import Measured, Threshold
from bridge.values import MINUTE
from bridge.watch import Watch
from bridge.window import NEVER

OVERFLOW = "\x1eoverflow"
"""The key under which counting types count what is past the limit."""

HOLD_MAX = 5 * MINUTE
"""How long sight must have lasted, at most, before an alert ends whose window emptied while blind."""

OVERFLOW_KEEP = 60 * MINUTE
"""How long the overflow alert of a rule fires that only `resolve_on` would end: that event names no overflow."""

SERIES_FORGET = 7 * 24 * 60 * MINUTE
"""A counter that was silent for so long is forgotten: its next measurement is a first one."""

STATSZ_FAST = (2, 10, 21)
"""From this version on servers publish STATSZ every 10 s, before every 30 s."""


class Home(Protocol):
    """What an evaluation needs of the engine."""

    watch: Watch
    ledger: Ledger

    def file(self, state: State, due: int, due_w: int) -> None: ...
    def begun(self, evaluation: "Evaluation", state: State) -> None: ...
    def ended(self, evaluation: "Evaluation", alert: Alert, facts: Facts) -> None: ...
    def happened(self, evaluation: "Evaluation", key: str, facts: Facts) -> None: ...
    def overflowed(self, evaluation: "Evaluation", what: str) -> None: ...


class Listener(msgspec.Struct, frozen=True):
    """Other events that concern existing combinations: which ones, and how they name the combination."""

    tests: tuple[Test, ...]
    match: tuple[tuple[int, Callable[[Event], str | None]], ...]
    """(place in `by`, the event's field)"""


class Series(State):
    """What `increase` knows of one series."""

    counter: Counter | None = None
    heard_w: int = 0


class Evaluation:
    """One rule's part of the engine. `order` is its place among the rules."""

    def __init__(self, rule: Rule, order: int, home: Home, names: Names, labels: Mapping[str, str], place: str = "") -> None:
        self.rule = rule
        self.order = order
        self.place = place
        """file:line of the rule, for messages."""
        self.states: dict[str, State] = {}
        self.series: dict[str, Series] = {}
        self.open_events: dict[str, Change] = {}
        """One-offs that the next message will tell, by key."""
        self._home = home
        self._labels = labels
        self._names = names
        templates = rule.templates.values()
        self.top_fields = sorted({field for template in templates for field in template.top_fields})
        self.latest_fields = sorted({field for template in templates for field in template.event_fields})
        kinds: list[EventType | None] = [EVENT_TYPES[name] for name in rule.events] if rule.events else [None]
        self.kind = rule.value_kind(kind_of(rule, kinds))
        self.plans: dict[str, Plan] = {
            kind.name if kind else "": make(rule, kind, self.top_fields, self.latest_fields, names) for kind in kinds
        }
        self.endings = _listen(rule.resolve_on, rule.resolve_on.match if rule.resolve_on else None, rule, names)
        self.unless = _listen(rule.unless if isinstance(rule, Flatline) else None, None, rule, names)
        self.goodbyes = {name for kind in kinds if kind and rule.measuring for name in kind.ends_with}
        self._one_off = isinstance(rule, AnyRule) and rule.one_off
        self._hold = min(getattr(rule, "within", 0), HOLD_MAX) if rule.counting else 0

    def wanted(self) -> dict[str, set[str]]:
        """The fields that must be decoded, by event type; "" stands for a raw subject."""
        wanted: dict[str, set[str]] = {}
        for name in self.rule.events:
            wanted.setdefault(name, set()).update(paths(self.rule, EVENT_TYPES[name], self.top_fields, self.latest_fields))
        for watched in (self.rule.resolve_on, self.rule.unless if isinstance(self.rule, Flatline) else None):
            for name in watched.events if watched else ():
                fields = {matcher.field for matcher in watched.where} | set(self.rule.by) if watched else set()
                wanted.setdefault(name, set()).update(fields & EVENT_TYPES[name].fields.keys())
        for name in self.goodbyes:
            wanted.setdefault(name, set()).add("server.name")
        return wanted

    # -- events -------------------------------------------------------------------------------------------------

    def take(self, event: Event, plan: Plan) -> None:
        """An event that this rule watches and that its matchers let through."""
        rule, watch = self.rule, self._home.watch
        key = plan.key(event)
        number: float | None = None
        series = ""
        if plan.numbers:
            number = rule.measure([read(event) for read in plan.numbers])
            if number is None:
                return
            series = plan.series_of(event)
            if isinstance(rule, Increase):
                number = self._step(series, number, event, plan.process_of(event))
                if not number:
                    return
        elif isinstance(rule, Flatline) and rule.intervals:
            number = usual_interval(event)
        sample = Sample(watch.t, watch.w, number, texts(plan.tops, event), texts(plan.latest, event), series)
        if self._one_off:
            self._happen(key, sample)
            return
        state = self.states.get(key) or self._enter(key, series)
        if state is None:
            return
        if isinstance(rule, Threshold) and self._crowded(state, series):
            return
        self._home.ledger.hit(state, sample)
        self._take(state, sample)

    def end_by(self, event: Event) -> None:
        """An event of `resolve_on`: the alerts that it matches end, and their states are emptied."""
        for listener in self.endings.get(event.type, ()):
            for state in self._concerned(listener, event):
                if state.alert:
                    self._end(state, self._home.watch.t, "")
                self.rule.reset(state)
                self._die(state)

    def plan_by(self, event: Event) -> None:
        """An event of `unless`: the silence of those that it matches is planned."""
        if not isinstance(self.rule, Flatline):
            return
        for listener in self.unless.get(event.type, ()):
            for state in self._concerned(listener, event):
                self.rule.plan(state, self._home.watch.w)
                self._home.ledger.force(state)
                self._judge(state)

    def say_goodbye(self, event: Event) -> None:
        """A server stops as planned: its series have no measurement any more."""
        name = as_text(event.body.server.name)
        for state in list(self.states.values()):
            if self.rule.end(state, f"server.name={name}"):
                self._home.ledger.force(state)
                self._judge(state, reason="no data")

    def reactions(self) -> list[tuple[str, Callable[[Event], None]]]:
        """What else it listens to, by event type: ends, announcements, goodbyes."""
        heard: list[tuple[str, Callable[[Event], None]]] = [(name, self.end_by) for name in self.endings]
        heard += [(name, self.plan_by) for name in self.unless]
        heard += [(name, self.say_goodbye) for name in sorted(self.goodbyes)]
        return heard

    # -- time ---------------------------------------------------------------------------------------------------

    def due(self, state: State) -> int:
        """The state's next instant in receive time."""
        return NEVER if isinstance(state, Series) else self.rule.due(state)

    def due_w(self, state: State) -> int:
        """The state's next instant in watched time."""
        if isinstance(state, Series):
            return state.heard_w + SERIES_FORGET
        due, alert = self.rule.due_w(state), state.alert
        if alert is None:
            return due
        if alert.gone_w is not None:
            return min(due, alert.ends_w)
        if alert.phase == "pending" and not self.rule.measuring:
            return min(due, alert.began_w + self.rule.for_)
        return due

    def pass_time(self, state: State) -> None:
        """One of the state's instants has come."""
        watch = self._home.watch
        if isinstance(state, Series):
            if watch.w >= state.heard_w + SERIES_FORGET:
                del self.series[state.key]
                self._home.ledger.died(state)
            return
        reason = self.rule.slide(state, watch.t, watch.w)
        if reason:
            self._home.ledger.force(state)
        self._judge(state, by_time=True, reason=reason)

    # -- what is kept -------------------------------------------------------------------------------------------

    def dump(self, state: State) -> bytes:
        """A state for the store."""
        if isinstance(state, Series):
            return msgspec.msgpack.encode([state.counter, state.heard_w])
        return msgspec.msgpack.encode([self.rule.dump(state), state.alert])

    def restore(self, no: int, key: str, body: bytes | None) -> State:
        """A state from the store, or from its birth in the journal."""
        if key.startswith("S"):
            series = Series(no, key[1:], self.order)
            if body is not None:
                series.counter, series.heard_w = msgspec.msgpack.decode(body, type=tuple[Counter | None, int])
            self.series[series.key] = series
            return series
        state = self.rule.new(no, key[1:])
        state.order = self.order
        if body is not None:
            dumped, alert = msgspec.msgpack.decode(body, type=tuple[Any, Alert | None])
            self.rule.load(state, dumped)
            state.alert = alert
        self.states[state.key] = state
        return state

    def repeat(self, state: State, sample: Sample) -> None:
        """A hit of the journal: taken in as it was then, and nothing decided."""
        if isinstance(state, Series):
            process, _, seq = sample.series.rpartition(SEPARATOR)
            self._count(state, sample.number or 0.0, int(seq or 0), process, sample.w)
            return
        self.rule.slide(state, sample.t, sample.w)
        self.rule.add(state, sample)
        if state.alert:
            self._tally(state.alert.tally, sample)
            if self.rule.instant:
                self._let_go(state, state.alert, sample.w)

    def has(self, state: State) -> bool:
        """Whether it is one of this rule's, and still matters."""
        return (self.series if isinstance(state, Series) else self.states).get(state.key) is state

    def drop(self, key: str) -> None:
        """A death in the journal."""
        if key.startswith("S"):
            self.series.pop(key[1:], None)
        else:
            self.states.pop(key[1:], None)

    def adopt(self, other: "Evaluation") -> None:
        """The rule was edited so that its state is still good: go on with it, and judge it anew."""
        for key, old in other.states.items():
            self.restore(old.no, "C" + key, other.dump(old)).stored = old.stored
        for key, series in other.series.items():
            self.restore(series.no, "S" + key, other.dump(series)).stored = series.stored
        self.open_events = other.open_events

    def start(self, edited: bool) -> None:
        """After a load: look at what is due. After an edit also expect what must be there, and judge what is known."""
        watch = self._home.watch
        for state in list(self.states.values()):
            if not edited:
                self._home.file(state, self.due(state), self.due_w(state))
                continue
            if isinstance(self.rule, Threshold):
                self.rule.judge_all(state)
            self.rule.slide(state, watch.t, watch.w)
            self._home.ledger.touched[state.no] = state
            self._judge(state, by_time=True)
        for series in self.series.values():
            self._home.file(series, NEVER, self.due_w(series))
        if isinstance(self.rule, Flatline):
            self._expect(self.rule)

    def _expect(self, rule: Flatline) -> None:
        """The combinations of `expect` count as seen when the rule is loaded."""
        watch = self._home.watch
        for expected in rule.expect:
            key = SEPARATOR.join(expected.get(field, "") for field in rule.by)
            if key not in self.states and (state := self._enter(key, "")):
                sample = Sample(watch.t, watch.w, 30.0 if rule.intervals else None)
                self._home.ledger.hit(state, sample)
                self._take(state, sample)

    def shift(self, by: int) -> None:
        """The wall clock was set back: all receive times move."""
        for state in self.states.values():
            self.rule.shift(state, by)
            if alert := state.alert:
                alert.fired += by
                alert.tally.first += by
                alert.tally.last += by
            self._home.ledger.force(state)

    def end_all(self, reason: str) -> None:
        """The rule is gone, or means something else now."""
        for state in list(self.states.values()):
            if state.alert:
                self._end(state, self._home.watch.t, reason, rendered=True)
            self._home.ledger.died(state)
        for series in self.series.values():
            self._home.ledger.died(series)
        self.states.clear()
        self.series.clear()

    # -- what is told -------------------------------------------------------------------------------------------

    def facts(self, state: State) -> Facts:
        """What a message tells about a firing alert now."""
        alert, watch = state.alert, self._home.watch
        assert alert is not None
        tally = msgspec.structs.replace(alert.tally, approximate=not self.rule.exact(state))
        if alert.gone_w is None or self.rule.instant:
            tally.value = self.rule.value(state, watch.t, watch.w)
            tally.peak = tally.value if tally.peak is None else self.rule.worse(tally.peak, tally.value)
        return Facts(self.rule.id, alert.labels, alert.fired, tally, reason=alert.reason)

    def labels_of(self, key: str) -> dict[str, str]:
        """The identity of a combination's alert."""
        rule = self.rule
        if key == OVERFLOW:
            own = {"overflow": "true"}
        else:
            values = key.split(SEPARATOR) if rule.by else []
            own = {field.replace(".", "_"): text for field, text in zip(rule.by, values, strict=True)}
        context = {"labels": own}
        static = {name: template.render(context) for name, template in rule.label_templates.items()}
        labels = {"alertname": rule.alert, **own, **static, **self._labels}
        return {name: text for name, text in labels.items() if text}

    # -- the life of an alert -----------------------------------------------------------------------------------

    def _take(self, state: State, sample: Sample) -> None:
        self.rule.slide(state, sample.t, sample.w)
        self.rule.add(state, sample)
        if state.alert:
            self._tally(state.alert.tally, sample)
        if self.rule.instant:
            alert = state.alert or self._begin(state, sample)
            self._let_go(state, alert, sample.w)
            if alert.phase == "pending":
                self._fire(state)
        self._judge(state, sample)

    def _judge(self, state: State, sample: Sample | None = None, by_time: bool = False, reason: str = "") -> None:
        """Compare the condition with the alert's phase, and file the state for its next instant."""
        rule, watch = self.rule, self._home.watch
        alert = state.alert
        if not rule.instant and rule.holds(state, watch.t, watch.w):
            if alert is None:
                alert = self._begin(state, sample)
            elif alert.gone_w is not None:
                alert.gone_w, alert.reason = None, ""
                self._home.ledger.force(state)
            tally = alert.tally
            tally.value = rule.value(state, watch.t, watch.w)
            tally.peak = tally.value if tally.peak is None else rule.worse(tally.peak, tally.value)
            if (
                alert.phase == "pending"
                and watch.w - alert.began_w >= rule.for_
                and (sample is not None or not rule.measuring)
            ):
                self._fire(state)
        elif alert is not None:
            self._lose(state, alert, by_time, reason)
        if state.alert is None and rule.idle(state, watch.t, watch.w):
            self._die(state)
        else:
            self._home.file(state, self.due(state), self.due_w(state))

    def _begin(self, state: State, sample: Sample | None) -> Alert:
        watch = self._home.watch
        labels = self.labels_of(state.key)
        alert = Alert(labels, identity(labels), "pending", watch.w, self.rule.about_bridge)
        count, first, last, ranked = self.rule.window(state)
        if count:
            alert.tally.count, alert.tally.first, alert.tally.last = count, first, last
            for row in ranked:
                alert.tally.rank(self.top_fields, row)
            if sample:
                alert.tally.latest = dict(zip(self.latest_fields, sample.latest, strict=False))
        elif sample:
            self._tally(alert.tally, sample)
        else:
            alert.tally.first = alert.tally.last = watch.t
        state.alert = alert
        self._home.ledger.force(state)
        return alert

    def _fire(self, state: State) -> None:
        alert = state.alert
        assert alert is not None
        alert.phase, alert.fired = "firing", self._home.watch.t
        alert.id = digest(alert.identity, alert.fired)
        alert.reason = self.rule.remark(state)
        self._home.ledger.force(state)
        self._home.begun(self, state)

    def _lose(self, state: State, alert: Alert, by_time: bool, reason: str) -> None:
        """The condition does not hold. Ends a pending alert, and a firing one after `keep_firing_for`."""
        rule, watch = self.rule, self._home.watch
        if alert.gone_w is None:
            unseen = self._hold if by_time and watch.blind else 0
            keep = rule.keep_firing_for if alert.phase == "firing" else 0
            alert.gone_w, alert.ends_w = watch.w, watch.w + max(keep, unseen)
            alert.reason = reason or alert.reason
            self._home.ledger.force(state)
        if watch.w >= alert.ends_w and not (by_time and watch.blind):
            self._end(state, watch.t, alert.reason)

    def _let_go(self, state: State, alert: Alert, w: int) -> None:
        """An instant type holds only at the moment of its event; what keeps it is `keep_firing_for` or `resolve_on`."""
        keep = self.rule.keep_firing_for or (OVERFLOW_KEEP if state.key == OVERFLOW else NEVER - w)
        alert.gone_w, alert.ends_w = w, w + keep

    def _end(self, state: State, at: int, reason: str, rendered: bool = False) -> None:
        alert = state.alert
        assert alert is not None
        state.alert = None
        self._home.ledger.force(state)
        if alert.phase == "firing":
            tally = msgspec.structs.replace(alert.tally, approximate=not self.rule.exact(state))
            if self.rule.instant:
                tally.value = tally.peak = float(tally.count)
            facts = Facts(self.rule.id, alert.labels, alert.fired, tally, at, reason)
            if rendered:
                facts.annotations = annotate(self.rule, facts, "resolved", self.kind, self._names.accounts, at)
            self._home.ended(self, alert, facts)

    def _happen(self, key: str, sample: Sample) -> None:
        """A one-off. Past the limit the rest is one line."""
        if key not in self.open_events and len(self.open_events) >= self.rule.limit:
            self._home.overflowed(self, f"{self.rule.limit} combinations wait to be told; the rest is counted together")
            key = OVERFLOW
        tally = Tally()
        self._tally(tally, sample)
        tally.value = tally.peak = 1.0
        self._home.happened(self, key, Facts(self.rule.id, self.labels_of(key), sample.t, tally, sample.t))

    def _tally(self, tally: Tally, sample: Sample) -> None:
        tally.add(sample.t)
        tally.rank(self.top_fields, sample.tops)
        if sample.latest:
            tally.latest = dict(zip(self.latest_fields, sample.latest, strict=True))

    # -- combinations -------------------------------------------------------------------------------------------

    def _enter(self, key: str, series: str) -> State | None:
        """A combination that is new; None if there is no room and the type does not count the rest."""
        if len(self.states) - (OVERFLOW in self.states) >= self.rule.limit:
            self._home.overflowed(self, f"it watches {self.rule.limit} combinations, its limit")
            if not self.rule.counting:
                return None
            if known := self.states.get(OVERFLOW):
                return known
            key = OVERFLOW
        state = self.rule.new(self._home.ledger.number(), key)
        state.order = self.order
        self.states[key] = state
        self._home.ledger.born(state, self.rule.id, "C" + key)
        return state

    def _crowded(self, state: State, series: str) -> bool:
        """A series too many."""
        if not isinstance(state, Measured) or series in state.series:
            return False
        if sum(len(other.series) for other in self.states.values() if isinstance(other, Measured)) < self.rule.limit:
            return False
        self._home.overflowed(self, f"it watches {self.rule.limit} series, its limit")
        return True

    def _step(self, key: str, number: float, event: Event, process: str) -> float | None:
        """By how much the series has grown; None if it has no earlier measurement, or the message is late."""
        watch, ledger = self._home.watch, self._home.ledger
        series = self.series.get(key)
        if series is None:
            if len(self.series) >= self.rule.limit:
                self._home.overflowed(self, f"it watches {self.rule.limit} series, its limit")
                return None
            series = self.series[key] = Series(ledger.number(), key, self.order)
            ledger.born(series, self.rule.id, "S" + key)
        step = self._count(series, number, event.server_seq, process, watch.w)
        ledger.hit(series, Sample(watch.t, watch.w, number, series=f"{process}{SEPARATOR}{event.server_seq}"))
        self._home.file(series, NEVER, self.due_w(series))
        return step

    def _count(self, series: Series, number: float, seq: int, process: str, w: int) -> float | None:
        series.heard_w = w
        if series.counter is None:
            series.counter = Counter(number, seq, process)
            return None
        return series.counter.step(number, seq, process)

    def _die(self, state: State) -> None:
        del self.states[state.key]
        self._home.ledger.died(state)

    def _concerned(self, listener: Listener, event: Event) -> Iterable[State]:
        if not all(test(event) for test in listener.tests):
            return []
        wanted = [(place, read(event) or "") for place, read in listener.match]
        if len(wanted) == len(self.rule.by):
            key = SEPARATOR.join(text for _, text in sorted(wanted))
            return [self.states[key]] if key in self.states else []
        return [
            state
            for key, state in self.states.items()
            if key != OVERFLOW and all(key.split(SEPARATOR)[place] == text for place, text in wanted)
        ]


def usual_interval(event: Event) -> float:
    """Seconds between two STATSZ of a server, by its version."""
    return 10.0 if version(event.body.server.ver) >= STATSZ_FAST else 30.0


def _listen(watched: Watched | None, match: list[str] | None, rule: Rule, names: Names) -> dict[str, list[Listener]]:
    if watched is None:
        return {}
    fields = rule.by if match is None else match
    return {
        name: [
            Listener(
                tests(watched.where, EVENT_TYPES[name], names),
                tuple((rule.by.index(field), read_text(EVENT_TYPES[name], field, names)) for field in fields),
            )
        ]
        for name in watched.events
    }
