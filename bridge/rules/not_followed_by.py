"""The rule type `not_followed_by`."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self, cast

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from bridge.event import Kind
from bridge.events.checking import check_field
from bridge.rule import Rule, Watched, check_named
from bridge.state import SEPARATOR, Memory, Sample, State, Texts
from bridge.values import NEVER, SECOND, Duration

UNANSWERED_MAX = 1024
"""Unanswered events of a combination that are told apart; further ones count only while it waits for these."""

ANSWER = "\x1e"
"""What the text of a sample begins with that is an answer."""


class Question(msgspec.Struct, array_like=True, gc=False):
    """An unanswered event: when it came, in watched and in receive time, and what `top` ranks."""

    w: int
    t: int
    tops: Texts = ()


class Waiting(State):
    """A combination and its unanswered events, in the order of time, by what answers them and by their connection."""

    questions: dict[str, Question] = {}
    full: bool = False
    """There were too many; until all are answered, not each of them is known."""
    latest: Texts = ()
    """What templates read from the latest event."""


def _as_mapping(written: object) -> object:
    if isinstance(written, str):
        return {written: written}
    if isinstance(written, list) and all(isinstance(path, str) for path in written):
        if len(set(written)) < len(written):
            raise ValueError("a field stands twice; remove one")
        return {path: path for path in written}
    return written


def _not_empty(pairs: dict[str, str]) -> dict[str, str]:
    if not pairs:
        raise ValueError("`match` names no field; write those that an event and its answer have in common")
    return pairs


Match = Annotated[dict[str, str], BeforeValidator(_as_mapping), AfterValidator(_not_empty)]
"""Field of the event → field of the answer."""


class NotFollowedBy(Rule):
    """An event was not followed, within `within`, by one of `then` with equal `match` fields from another connection.

    With `or_before` it is enough if such an event came that long before. A later one ends the alert. `match` is a list
    of fields, or a mapping from the event's fields to those of `then`. Unanswered events of a combination count from
    the earliest; `value` is the time since.
    """

    summary: ClassVar[str] = "not followed by {{ limit }} for {{ value }}"
    meaning: ClassVar[tuple[str, ...]] = ("then", "match")

    type: Literal["not_followed_by"]
    then: Watched
    match: Match
    within: Duration = Field(gt=0)
    or_before: Duration = 0

    @field_validator("match")
    @classmethod
    def _check_match(cls, pairs: dict[str, str], info: ValidationInfo) -> dict[str, str]:
        for path in pairs:
            check_field(path, info.data.get("events", []))
        if (then := info.data.get("then")) is not None:
            check_named("then", then, pairs.values(), "write `match: {field: field of then}` with a field that it has")
        return pairs

    @model_validator(mode="after")
    def _check_events(self) -> Self:
        for name in self.events:
            for path in self.match:
                try:
                    check_field(path, [name])
                except ValueError as error:
                    raise ValueError(f"the event {name} has no field {path!r}, which `match` names") from error
        return self

    @property
    def threshold_text(self) -> str:
        return " or ".join(self.then.events)

    @property
    def remember_for(self) -> int:
        return self.or_before

    def value_kind(self, field_kind: Kind) -> Kind:
        return "seconds"

    def compare(self, memory: Memory, sample: Sample, begun_w: int) -> Sample | None:
        """An answer: of those to one question the last two connections are enough to find another one."""
        others = [answer for answer in memory.known or [] if answer[0] != sample.text]
        memory.known = [*others[-1:], [sample.text, sample.w]]
        return None

    def is_answered(self, memory: Memory, connection: str, w: int) -> bool:
        """Whether there was an answer not long before."""
        return any(
            is_other(connection, other) and w - answered_w < self.or_before for other, answered_w in memory.known or []
        )

    def new(self, no: int, key: str) -> Waiting:
        return Waiting(no, key, questions={})

    def add(self, state: State, sample: Sample) -> None:
        waiting = _waiting(state)
        if sample.text.startswith(ANSWER):
            self._answer(waiting, sample.series, sample.text[len(ANSWER) :])
            return
        waiting.latest = sample.latest
        key = f"{sample.text}{SEPARATOR}{sample.series}"
        if key in waiting.questions:
            return
        if len(waiting.questions) >= UNANSWERED_MAX:
            waiting.full = True
            return
        waiting.questions[key] = Question(sample.w, sample.t, sample.tops)

    def asks(self, state: State) -> Mapping[str, None]:
        """What its unanswered events wait for."""
        return {key.partition(SEPARATOR)[2]: None for key in _waiting(state).questions}

    def holds(self, state: State, t: int, w: int) -> bool:
        return self._earliest(state) + self.within <= w

    def value(self, state: State, t: int, w: int) -> float:
        earliest = self._earliest(state)
        if earliest == NEVER:
            return state.alert.tally.value or 0.0 if state.alert else 0.0
        return (w - earliest) / SECOND

    def exact(self, state: State) -> bool:
        return not _waiting(state).full

    def due_w(self, state: State) -> int:
        if state.alert is not None and state.alert.gone_w is None:
            return NEVER
        earliest = self._earliest(state)
        return earliest + self.within if earliest < NEVER else NEVER

    def idle(self, state: State, t: int, w: int) -> bool:
        return not _waiting(state).questions

    def window(self, state: State) -> tuple[int, int, int, list[Texts]]:
        questions = list(_waiting(state).questions.values())
        return len(questions), questions[0].t, questions[-1].t, [question.tops for question in questions]

    def latest(self, state: State) -> Texts:
        return _waiting(state).latest

    def shift(self, state: State, by: int) -> None:
        for question in _waiting(state).questions.values():
            question.t += by

    def sleep(self, state: State, by: int) -> None:
        for question in _waiting(state).questions.values():
            question.w += by

    def reset(self, state: State) -> None:
        _waiting(state).questions.clear()

    def dump(self, state: State) -> Any:
        waiting = _waiting(state)
        return [waiting.questions, waiting.full, waiting.latest]

    def load(self, state: State, dumped: Any) -> None:
        waiting = _waiting(state)
        waiting.questions, waiting.full, waiting.latest = msgspec.convert(
            dumped, tuple[dict[str, Question], bool, Texts]
        )

    def _answer(self, waiting: Waiting, what: str, connection: str) -> None:
        for key in list(waiting.questions):
            asker, _, asked = key.partition(SEPARATOR)
            if asked == what and is_other(asker, connection):
                del waiting.questions[key]
        waiting.full = waiting.full and bool(waiting.questions)

    def _earliest(self, state: State) -> int:
        for question in _waiting(state).questions.values():
            return question.w
        return NEVER


def is_other(one: str, other: str) -> bool:
    """Whether these are different connections; "" is an event that belongs to none."""
    return not one or one != other


def _waiting(state: State) -> Waiting:
    return cast("Waiting", state)
