"""The rule type `not_followed_by`."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal, cast

import msgspec
from pydantic import AfterValidator, BeforeValidator, Field, ValidationInfo, field_validator

from bridge.event import Kind
from bridge.events.checking import check_each
from bridge.rule import Rule
from bridge.state import Memory, Sample, State, Texts
from bridge.values import NEVER, SECOND, Duration
from bridge.watched import Watched, check_named

UNANSWERED_MAX = 1024
"""Unanswered events of a combination that are told apart; further ones count only while it waits for these."""

FULL_STATES = 100
"""So many combinations of one rule can wait for as much as a combination can, all others for one answer each."""

ANSWER = "\x1e"
"""What the text of a sample begins with that is an answer."""

Given = tuple[str, int]
"""The connection that an answer came from, and when, in watched time."""


class Question(msgspec.Struct, array_like=True, gc=False):
    """The unanswered events of one connection that ask for the same: when the first came, in watched and in receive
    time, when the last, and what `top` ranks of them."""

    connection: str
    w: int
    t: int
    last: int
    count: int = 1
    tops: tuple[Texts, ...] = ()


class Waiting(State):
    """A combination and its unanswered events, by what answers them; first what was asked for first."""

    questions: dict[str, list[Question]] = {}
    size: int = 0
    """How many questions there are."""
    ranked: int = 0
    """How many texts for `top`."""
    full: bool = False
    """There were too many; until all are answered, not each of them is known."""
    late: bool = False
    """The first is unanswered for too long."""
    latest: Texts = ()
    """What templates read from the latest event."""

    def all(self) -> Iterator[Question]:
        for asked in self.questions.values():
            yield from asked


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

    With `or_before` it is enough if such an event came less than that before. A later one ends the alert. `match` is
    a list of fields, or a mapping from the event's fields to those of `then`. Unanswered events of a combination count
    from the earliest; `value` is the time since.
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
            check_each(path, info.data.get("events", []), "which `match` names")
        if (then := info.data.get("then")) is not None:
            check_named("then", then, pairs.values(), "write `match: {field: field of then}` with a field that it has")
        return pairs

    @property
    def threshold_text(self) -> str:
        return " or ".join(self.then.events)

    @property
    def remember_for(self) -> int:
        return self.or_before

    def value_kind(self, field_kind: Kind) -> Kind:
        return "seconds"

    @property
    def memories_max(self) -> int:
        """Of answers, to which anybody's events count: as many as there may be unanswered events."""
        return self.questions_max

    @property
    def questions_max(self) -> int:
        """Unanswered events of all combinations together."""
        return self.limit + FULL_STATES * UNANSWERED_MAX

    def compare(self, memory: Memory, sample: Sample, begun_w: int) -> Sample | None:
        """An answer: of those to one question the last of two connections are enough to find one of another."""
        others = [list(given) for given in given_of(memory) if given[0] != sample.text]
        memory.known = [*others[-1:], [sample.text, sample.w]]
        return None

    def sleep_memory(self, memory: Memory, by: int) -> None:
        memory.known = [[connection, w + by] for connection, w in given_of(memory)]

    def is_answered(self, given: Sequence[Given], connection: str, w: int) -> bool:
        """Whether one of these answers came from another connection, and not too long before."""
        return any(is_other(connection, other) and w - given_w < self.or_before for other, given_w in given)

    def would_answer(self, state: State, what: str, connection: str) -> bool:
        """Whether the state has waited for this."""
        return any(is_other(each.connection, connection) for each in _waiting(state).questions.get(what, ()))

    def asks(self, state: State) -> Mapping[str, object]:
        """What its unanswered events wait for."""
        return _waiting(state).questions

    def size(self, state: State) -> int:
        """How much it has to remember."""
        waiting = _waiting(state)
        return waiting.size + waiting.ranked

    def new(self, no: int, key: str) -> Waiting:
        return Waiting(no, key, questions={})

    def add(self, state: State, sample: Sample) -> None:
        waiting = _waiting(state)
        if sample.text.startswith(ANSWER):
            _answer(waiting, sample.series, sample.text[len(ANSWER) :])
        else:
            _ask(waiting, sample)
        # At one instant events come before what time does: another one may still bring the answer.
        waiting.late = _earliest(waiting) + self.within < sample.w

    def slide(self, state: State, t: int, w: int) -> str:
        waiting = _waiting(state)
        waiting.late = _earliest(waiting) + self.within <= w
        return ""

    def holds(self, state: State, t: int, w: int) -> bool:
        return _waiting(state).late

    def value(self, state: State, t: int, w: int) -> float:
        earliest = _earliest(_waiting(state))
        if earliest == NEVER:
            return state.alert.tally.value or 0.0 if state.alert else 0.0
        return (w - earliest) / SECOND

    def exact(self, state: State) -> bool:
        return not _waiting(state).full

    def due_w(self, state: State) -> int:
        if state.alert is not None and state.alert.gone_w is None:
            return NEVER
        earliest = _earliest(_waiting(state))
        return earliest + self.within if earliest < NEVER else NEVER

    def idle(self, state: State, t: int, w: int) -> bool:
        return not _waiting(state).questions

    def window(self, state: State) -> tuple[int, int, int, list[Texts]]:
        questions = list(_waiting(state).all())
        ranked = [row for question in questions for row in question.tops]
        count, last = sum(question.count for question in questions), max(question.last for question in questions)
        return count, min(question.t for question in questions), last, ranked

    def latest(self, state: State) -> Texts:
        return _waiting(state).latest

    def shift(self, state: State, by: int) -> None:
        for question in _waiting(state).all():
            question.t, question.last = question.t + by, question.last + by

    def sleep(self, state: State, by: int) -> None:
        for question in _waiting(state).all():
            question.w += by

    def dump(self, state: State) -> Any:
        waiting = _waiting(state)
        return [waiting.questions, waiting.full, waiting.latest]

    def load(self, state: State, dumped: Any) -> None:
        waiting = _waiting(state)
        waiting.questions, waiting.full, waiting.latest = msgspec.convert(
            dumped, tuple[dict[str, list[Question]], bool, Texts]
        )
        waiting.size, waiting.ranked = len(list(waiting.all())), _ranked(waiting.all())


def is_other(one: str, other: str) -> bool:
    """Whether these are different connections; "" is an event that belongs to none."""
    return not one or one != other


def given_of(memory: Memory | None) -> list[Given]:
    """The answers that a memory holds."""
    return [(connection, w) for connection, w in memory.known or []] if memory else []


def _ask(waiting: Waiting, sample: Sample) -> None:
    waiting.latest = sample.latest
    rows = (sample.tops,) if sample.tops and waiting.ranked < UNANSWERED_MAX else ()
    asked = waiting.questions.get(sample.series, [])
    known = next((question for question in asked if question.connection == sample.text), None)
    if known is not None:
        known.count, known.last, known.tops = known.count + 1, sample.t, known.tops + rows
    elif waiting.size >= UNANSWERED_MAX:
        waiting.full = True
        return
    else:
        asked.append(Question(sample.text, sample.w, sample.t, sample.t, tops=rows))
        waiting.questions[sample.series] = asked
        waiting.size += 1
    waiting.ranked += len(rows)


def _answer(waiting: Waiting, what: str, connection: str) -> None:
    """It answers all that asked for it, but for its own connection."""
    asked = waiting.questions.pop(what, [])
    left = [question for question in asked if not is_other(question.connection, connection)]
    if left:
        waiting.questions[what] = left
        waiting.questions = dict(sorted(waiting.questions.items(), key=lambda item: item[1][0].w))
    waiting.size -= len(asked) - len(left)
    waiting.ranked -= _ranked(asked) - _ranked(left)
    waiting.full = waiting.full and waiting.size > 0


def _ranked(questions: Iterable[Question]) -> int:
    return sum(len(question.tops) for question in questions)


def _earliest(waiting: Waiting) -> int:
    """When the first unanswered event came, in watched time."""
    for asked in waiting.questions.values():
        return asked[0].w
    return NEVER


def _waiting(state: State) -> Waiting:
    return cast("Waiting", state)
