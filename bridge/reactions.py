"""The other events that a rule listens to: those that end its alerts, announce a silence, say goodbye or answer."""

from collections.abc import Callable, Iterable

import msgspec

from bridge.answers import connection
from bridge.evaluation import Evaluation
from bridge.event import Event, EventType, as_text
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.life import OVERFLOW
from bridge.plan import Listener, listen
from bridge.rules.flatline import Flatline
from bridge.rules.not_followed_by import ANSWER, NotFollowedBy
from bridge.state import SEPARATOR, Sample, State


class Reactions:
    """What they do to the combinations of one evaluation."""

    def __init__(self, evaluation: Evaluation, names: Names) -> None:
        self._evaluation = evaluation
        rule = evaluation.rule
        kinds: list[EventType] = [EVENT_TYPES[name] for name in rule.events]
        self._endings = listen(rule.resolve_on, rule.resolve_on.match if rule.resolve_on else None, rule, names)
        self._announcements = listen(rule.unless if isinstance(rule, Flatline) else None, None, rule, names)
        self._goodbyes = sorted(
            {name for kind in kinds if rule.serial and not rule.remembering for name in kind.ends_with}
        )

    def wanted(self) -> dict[str, set[str]]:
        """The fields that must be decoded of these events, by their type."""
        rule = self._evaluation.rule
        wanted: dict[str, set[str]] = {}
        for watched in (rule.resolve_on, rule.unless if isinstance(rule, Flatline) else None):
            for name in watched.events if watched else ():
                fields = {matcher.field for matcher in watched.where} | set(rule.by) if watched else set()
                wanted.setdefault(name, set()).update(fields & EVENT_TYPES[name].fields.keys())
        if isinstance(rule, NotFollowedBy):
            fields = {matcher.field for matcher in rule.then.where} | {*rule.match.values()}
            for name in rule.then.events:
                wanted.setdefault(name, set()).update(fields & EVENT_TYPES[name].fields.keys())
        for name in self._goodbyes:
            wanted.setdefault(name, set()).add("server.name")
        return wanted

    def heard(self) -> list[tuple[str, Callable[[Event], None]]]:
        """What is called with which type of event: ends, announcements, goodbyes, answers."""
        heard: list[tuple[str, Callable[[Event], None]]] = [(name, self._end_by) for name in self._endings]
        heard += [(name, self._plan_by) for name in self._announcements]
        heard += [(name, self._say_goodbye) for name in self._goodbyes]
        if isinstance(self._evaluation.rule, NotFollowedBy):
            heard += [(name, self._answer_by) for name in self._evaluation.rule.then.events]
        return heard

    def _end_by(self, event: Event) -> None:
        """An event of `resolve_on`: the alerts that it matches end, and their states are emptied."""
        for state in self._concerned(self._endings[event.type], event):
            if state.alert:
                self._evaluation.life.weigh_last(state)
                self._evaluation.life.end(state)
            self._evaluation.die(state)
        self._evaluation.stand()

    def _plan_by(self, event: Event) -> None:
        """An event of `unless`: the silence of those that it matches is planned."""
        for state in self._concerned(self._announcements[event.type], event):
            if isinstance(self._evaluation.rule, Flatline):
                self._evaluation.life.weigh_last(state)
                self._evaluation.rule.plan(state, self._evaluation.home.watch.w)
                self._evaluation.home.ledger.force(state)
                self._evaluation.judge(state)

    def _answer_by(self, event: Event) -> None:
        """An event of `then`: those that wait for it, wait no longer."""
        answers = self._evaluation.answers
        if answers is None or (what := answers.given(event)) is None:
            return
        watch, ledger = self._evaluation.home.watch, self._evaluation.home.ledger
        came = Sample(watch.t, watch.w, series=what, text=connection(event))
        if answers.rule.or_before:
            answers.keep(event, what, self._evaluation.memories.known.get(what))
            self._evaluation.memories.take(what, came)
        answer = msgspec.structs.replace(came, text=ANSWER + came.text)
        for state in answers.waiting(what):
            if answers.rule.would_answer(state, what, came.text):
                ledger.hit(state, answer)
                self._evaluation.life.weigh_last(state)
                self._evaluation.rule.add(state, answer)
                answers.answered(state, what)
                self._evaluation.judge(state)

    def _say_goodbye(self, event: Event) -> None:
        """A server stops as planned: its series have no measurement any more."""
        ended = f"server.name={as_text(event.body.server.name)}"
        for state in list(self._evaluation.states.values()):
            if not any(
                name == ended or name.startswith(ended + SEPARATOR) for name in self._evaluation.rule.remembered(state)
            ):
                continue
            self._evaluation.life.weigh_last(state)
            measured = self._evaluation.rule.end(state, ended)
            self._evaluation.home.ledger.force(state)
            self._evaluation.judge(state, reason="no data" if measured else "")

    def _concerned(self, listener: Listener, event: Event) -> Iterable[State]:
        if not all(test(event) for test in listener.tests):
            return []
        wanted = [(place, read(event) or "") for place, read in listener.match]
        if len(wanted) == len(self._evaluation.rule.by):
            state = self._evaluation.states.get(SEPARATOR.join(text for _, text in sorted(wanted)))
            return [state] if state else []
        return [
            state
            for key, state in self._evaluation.states.items()
            if key != OVERFLOW and all(key.split(SEPARATOR)[place] == text for place, text in wanted)
        ]
