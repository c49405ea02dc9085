"""For `not_followed_by`: what its events ask for, which of its states wait for it, and which events answer."""

from collections.abc import Callable, Iterable

from bridge.event import Event, EventType, as_text
from bridge.events import EVENT_TYPES
from bridge.events.reading import Names, read_text
from bridge.plan import Test, tests
from bridge.rules.not_followed_by import NotFollowedBy
from bridge.state import SEPARATOR, State

Read = Callable[[Event], str | None]


class Answers:
    """What one rule waits for."""

    def __init__(self, rule: NotFollowedBy, names: Names) -> None:
        self.rule = rule
        kinds: list[EventType | None] = [EVENT_TYPES[name] for name in rule.events] if rule.events else [None]
        self._asked = {kind.name if kind else "": _readers(kind, rule.match.keys(), names) for kind in kinds}
        self._given = {name: _readers(EVENT_TYPES[name], rule.match.values(), names) for name in rule.then.events}
        self._tests: dict[str, tuple[Test, ...]] = {
            name: tests(rule.then.where, EVENT_TYPES[name], names) for name in rule.then.events
        }
        self._waiting: dict[str, dict[int, State]] = {}

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

    def note(self, state: State) -> None:
        """What a state waits for may be something else now."""
        for what in self.rule.asks(state):
            self._waiting.setdefault(what, {})[state.no] = state

    def drop(self, state: State, whats: Iterable[str]) -> None:
        """It does not wait for these any more."""
        for what in whats:
            states = self._waiting.get(what, {})
            states.pop(state.no, None)
            if not states:
                self._waiting.pop(what, None)


def connection(event: Event) -> str:
    """Which connection an event is about; "" if about none."""
    client = event.body.get("client") if isinstance(event.body, dict) else getattr(event.body, "client", None)
    number = client.get("id") if isinstance(client, dict) else getattr(client, "id", None)
    return f"{event.server_id}/{as_text(number)}" if number is not None else ""


def _readers(kind: EventType | None, paths: Iterable[str], names: Names) -> tuple[Read, ...]:
    return tuple(read_text(kind, path, names) for path in paths)


def _join(reads: tuple[Read, ...], event: Event) -> str:
    return SEPARATOR.join([read(event) or "" for read in reads])
