"""What commands do to messages and combinations."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from typing import Any

import msgspec

from bridge.command import AddSilence, Command, Drop, EditSilence, ExpireSilence, Forget, Retry
from bridge.commit import Answer, Commit, Settled
from bridge.errors import Refusal, Unknown
from bridge.evaluation import Evaluation
from bridge.inputs import Asked
from bridge.life import OVERFLOW
from bridge.outbox import Outbox
from bridge.rule import label_of
from bridge.rules.flatline import Flatline
from bridge.silence import LIVING_MAX, Silence, check
from bridge.state import SEPARATOR, State

SHOWN_MAX = 5
"""Names that an error offers."""

ALERTS_MAX = 20
"""Alerts that an answer names."""

Labels = Mapping[str, str]


class Execution:
    """Does what people want, or says why that cannot be done; then nothing is. Both go into the next commit."""

    def __init__(self, commit: Commit, outbox: Outbox, rules: Iterable[Evaluation]) -> None:
        self._commit = commit
        self._outbox = outbox
        self._rules = rules
        self._silences = outbox.muting.silences

    def answer(self, asked: Asked, at: int) -> None:
        try:
            answer = Answer(asked.number, self._execute(asked.command, at))
        except Refusal as refusal:
            answer = Answer(asked.number, error=str(refusal))
        except Unknown as unknown:
            answer = Answer(asked.number, error=str(unknown), unknown=True)
        self._commit.answers.append(answer)

    def _execute(self, command: Command, at: int) -> dict[str, Any]:
        """What was done, for an answer in JSON."""
        match command:
            case Retry():
                return self._retry(command, at)
            case Drop():
                return self._drop(command, at)
            case Forget():
                return self._forget(command)
            case AddSilence():
                return self._add_silence(command, at)
            case EditSilence():
                return self._edit_silence(command, at)
            case ExpireSilence():
                return self._expire_silence(command, at)

    def _retry(self, command: Retry, at: int) -> dict[str, Any]:
        known = {target.key for targets in self._outbox.routing.targets.values() for target in targets}
        for row in command.dead:
            if row.destination not in known:
                raise Refusal(f"message {row.id} is for {row.destination}, which the configuration no longer has")
        rows = [self._outbox.rows[id] for id in command.rows if id in self._outbox.rows]
        expires = at + self._outbox.routing.give_up_after
        ended = [msgspec.structs.replace(row, expires=expires) for row in command.dead]
        rows += [self._outbox.revive_row(row) for row in ended]
        for row in rows:
            self._outbox.postponed(msgspec.structs.replace(row, due=at))
        retried = [row.id for row in rows]
        self._commit.hastened += retried
        return {"retried": retried}

    def _drop(self, command: Drop, at: int) -> dict[str, Any]:
        dropped = [id for id in command.rows if id in self._outbox.rows]
        detail = f"dropped by {command.by}" if command.by else "dropped by a command"
        for id in dropped:
            self._outbox.settled(Settled(id, "dead", at, detail, withdrawn=True))
        return {"dropped": dropped}

    def _add_silence(self, command: AddSilence, at: int) -> dict[str, Any]:
        if self._silences.full(at):
            what = f"there are {LIVING_MAX} silences already; expire some, or let one mean more alerts"
            raise Refusal(what)
        self._put_silence(command.silence, at)
        return self._effect(command.silence.id, at)

    def _edit_silence(self, command: EditSilence, at: int) -> dict[str, Any]:
        known = self._living_silence(command.id, at)
        if known.declared:
            raise Refusal(f"silence {command.id} stands in the rules file; edit it there and reload, or expire it")
        edited = msgspec.structs.replace(known, **command.said)
        if edited.ends_at != known.ends_at:
            edited = msgspec.structs.replace(edited, noticed=False)
        try:
            check(edited, at)
        except ValueError as error:
            raise Refusal(str(error)) from error
        if edited != known:
            self._put_silence(edited, at)
        changed = [name for name in command.said if getattr(edited, name) != getattr(known, name)]
        return {"changed": changed, **self._effect(known.id, at)}

    def _put_silence(self, silence: Silence, at: int) -> None:
        intervals = self._outbox.routing.mutes.time_intervals
        if unknown := sorted(set(silence.time_intervals) - intervals.keys()):
            there_are = f"there are {_some(sorted(intervals))}" if intervals else "the rules file has none"
            raise Refusal(f"there is no time interval {unknown[0]}; {there_are}")
        self._silences.add(silence, at)

    def _effect(self, id: str, at: int) -> dict[str, Any]:
        """Of a silence: how many alerts that fire it means, some of them, and whether it mutes them now."""
        meant = self._outbox.muting.meant(id)
        alerts = [dict(labels) for labels in meant[:ALERTS_MAX]]
        return {"id": id, "mutes": len(meant), "active": self._silences.mutes(id, at), "alerts": alerts}

    def _living_silence(self, id: str, at: int) -> Silence:
        known = self._silences.known.get(id)
        if known is None:
            raise Unknown(f"there is no silence {id}; `silence list` shows those that there are")
        if known.state(at) == "expired":
            over = known.expired or "its time is over"
            raise Refusal(f"silence {id} has ended already: {over}")
        return known

    def _expire_silence(self, command: ExpireSilence, at: int) -> dict[str, Any]:
        self._living_silence(command.id, at)
        self._silences.expire(command.id, at, command.why)
        return {"id": command.id}

    # -- forgetting ---------------------------------------------------------------------------------------------

    def _forget(self, command: Forget) -> dict[str, Any]:
        rules = [each for each in self._rules if each.rule.alert == command.alert]
        if not rules:
            raise Unknown(self._no_rule(command.alert))
        forgetful = [each for each in rules if each.rule.forgets]
        if not forgetful:
            raise Refusal(
                f"{command.alert} is of type {rules[0].rule.type}, which has nothing to forget: its alerts end by "
                f"themselves; to keep one quiet: nats-alert-bridge silence add alertname={command.alert}"
            )
        found = [(each, state) for each in forgetful for state in _matching(each, command.labels)]
        if not found:
            raise _none_found(forgetful[0], command.labels)
        labels = [each.life.labels_of(state.key) for each, state in found]
        expected = any(_expects(each, state) for each, state in found)
        for each, state in found:
            each.forget(state)
        return {"forgotten": labels, "expected": expected}

    def _no_rule(self, name: str) -> str:
        names = sorted({each.rule.alert for each in self._rules if each.rule.forgets})
        near = get_close_matches(name, names, 1)
        offered = f"did you mean {near[0]!r}?" if near else f"alerts that can: {_some(names) or 'none'}"
        return f"no rule makes an alert {name}; {offered}"


def _matching(evaluation: Evaluation, labels: Labels) -> list[State]:
    """The combinations whose alerts have or would have these labels."""
    own = [label_of(field) for field in evaluation.rule.by]
    places = {own.index(name): text for name, text in labels.items() if name in own}
    if len(places) == len(own):
        state = evaluation.states.get(SEPARATOR.join(places[place] for place in range(len(own))))
        near = [state] if state else []
    elif places:
        near = [state for state in evaluation.states.values() if _has(state, places)]
    else:
        return []
    return [state for state in near if labels.items() <= evaluation.life.labels_of(state.key).items()]


def _has(state: State, places: Mapping[int, str]) -> bool:
    if state.key == OVERFLOW:
        return False
    parts = state.key.split(SEPARATOR)
    return all(parts[place] == text for place, text in places.items())


def _none_found(evaluation: Evaluation, labels: Labels) -> Refusal | Unknown:
    own = [label_of(field) for field in evaluation.rule.by]
    name = evaluation.rule.alert
    if own and not labels.keys() & set(own):
        return Refusal(f"{name} watches combinations of {', '.join(own)}; say which one, for example {own[0]}=VALUE")
    known = [
        " ".join(f"{label}={text}" for label, text in zip(own, state.key.split(SEPARATOR), strict=False))
        for state in list(evaluation.states.values())[:SHOWN_MAX]
    ]
    wanted = " ".join(f"{label}={text}" for label, text in labels.items())
    return Unknown(f"{name} watches nothing with {wanted or 'no labels'}; it watches {_some(known) or 'nothing'}")


def _expects(evaluation: Evaluation, state: State) -> bool:
    """It is named in the rules file, so that the next load watches it again."""
    rule = evaluation.rule
    if not isinstance(rule, Flatline):
        return False
    return state.key in {SEPARATOR.join(expected.get(field, "") for field in rule.by) for expected in rule.expect}


def _some(names: list[str]) -> str:
    return ", ".join(names[:SHOWN_MAX]) + (", …" if len(names) > SHOWN_MAX else "")
