"""For `not_followed_by`: what its events ask for, which of its states wait for it, and which events answer."""

from collections.abc import Callable, Iterable

from bridge.event import Event, EventType, as_text
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.reading import read_text
from bridge.plan import Test, tests
from bridge.rules.not_followed_by import Given, NotFollowedBy, given_of
from bridge.state import SEPARATOR, Memory, State, short

Read = Callable[[Event], str | None]


class Answers:
    """What one rule waits for."""

    def __init__(self, rule: NotFollowedBy, names: Names) -> None:
        self.rule = rule
        self.limit = rule.questions_max
        """How much the rule's states may wait for altogether: strangers choose how much that is."""
        kinds: list[EventType | None] = [EVENT_TYPES[name] for name in rule.events] if rule.events else [None]
        self._asked = {kind.name if kind else "": _readers(kind, rule.match.keys(), names) for kind in kinds}
        self._given = {name: _readers(EVENT_TYPES[name], rule.match.values(), names) for name in rule.then.events}
        self._tests: dict[str, tuple[Test, ...]] = {
            name: tests(rule.then.where, EVENT_TYPES[name], names) for name in rule.then.events
        }
        self._waiting: dict[str, dict[int, State]] = {}
        self._sizes: dict[int, int] = {}
        self._size = 0
        self._before: tuple[Event | None, str, list[Given]] = None, "", []

    @property
    def full(self) -> bool:
        """There is no room for one more unanswered event."""
        return self._size >= self.limit

    def asked(self, event: Event) -> str:
        """What would answer an event."""
        return _join(self._asked.get(event.type) or self._asked[""], event)

    def given(self, event: Event) -> str | None:
        """What one of `then` answers; None: nothing, it does not match."""
        if not all(test(event) for test in self._tests[event.type]):
            return None
        return _join(self._given[event.type], event)

    def waiting(self, what: str) -> list[State]:
        """The states that wait for this."""
        return list(self._waiting.get(what, {}).values())

    def keep(self, event: Event, what: str, memory: Memory | None) -> None:
        """This event is to be remembered as an answer: what was known before it is what counts for itself."""
        self._before = event, what, given_of(memory)

    def is_answered(self, event: Event, what: str, connection: str, w: int, memory: Memory | None) -> bool:
        """Whether what an event asks for came not long before; it is no answer to itself."""
        last, last_what, before = self._before
        given = before if last is event and last_what == what else given_of(memory)
        return self.rule.is_answered(given, connection, w)

    def wait(self, state: State, whats: Iterable[str]) -> None:
        """The state waits for these, perhaps beside others."""
        for what in whats:
            self._waiting.setdefault(what, {})[state.no] = state
        self._measure(state, self.rule.size(state))

    def answered(self, state: State, what: str) -> None:
        """The state got an answer; perhaps it waits for no other like it."""
        if what not in self.rule.asks(state):
            self._drop(state, what)
        self._measure(state, self.rule.size(state))

    def forget(self, state: State) -> None:
        """The state is no more."""
        for what in self.rule.asks(state):
            self._drop(state, what)
        self._measure(state, 0)

    def _drop(self, state: State, what: str) -> None:
        states = self._waiting.get(what, {})
        states.pop(state.no, None)
        if not states:
            self._waiting.pop(what, None)

    def _measure(self, state: State, size: int) -> None:
        self._size += size - self._sizes.pop(state.no, 0)
        if size:
            self._sizes[state.no] = size


def connection(event: Event) -> str:
    """Which connection an event is about; "" if about none."""
    client = event.body.get("client") if isinstance(event.body, dict) else getattr(event.body, "client", None)
    number = as_text(client.get("id") if isinstance(client, dict) else getattr(client, "id", None))
    return short(f"{as_text(event.server_id)}/{number}") if number is not None else ""


def _readers(kind: EventType | None, paths: Iterable[str], names: Names) -> tuple[Read, ...]:
    return tuple(read_text(kind, path, names) for path in paths)


def _join(reads: tuple[Read, ...], event: Event) -> str:
    return short(SEPARATOR.join([read(event) or "" for read in reads]))
