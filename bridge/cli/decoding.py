"""The messages of a recording as rules see them."""

from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.decoder import Decoder
from bridge.inputs import Happening, Input, Message, Own
from bridge.once import Once
from bridge.recording import clean_body
from bridge.values import SECOND

NO_EVENT = "no event: a double, a part of another event, or of the bridge's own connection"
UNKNOWN = "not in the catalogue: a rule can watch it by `subject`"

Line = dict[str, Any]


class Decoding:
    """One recording on its way out."""

    def __init__(self, names: Names) -> None:
        self.counts = Counter[str]()
        """What the messages were."""
        self._names = names
        self._once = Once()
        every = {name: () for name, kind in EVENT_TYPES.items() if not kind.own}
        self._decoder = Decoder(every, self._once, names, [">"])

    @property
    def unknown(self) -> list[tuple[str, int]]:
        """Subjects and types that the catalogue does not know, and how often they came; the most frequent first."""
        return sorted(self._decoder.unknown.items(), key=lambda item: -item[1])

    def lines(self, inputs: Iterable[Input]) -> Iterator[Line]:
        for given in inputs:
            match given:
                case Message():
                    yield self._message(given)
                case Happening():
                    self.counts["events"] += 1
                    name = f"bridge.{given.name}"
                    yield {"type": name, "at": given.at / SECOND, "subject": name, "payload": given.fields}
                case Own():
                    self._once.claim((given.server_id, given.client_id))

    def _message(self, given: Message) -> Line:
        event = self._decoder.decode(given.subject, given.data, given.at, given.account)
        told: Line = {"type": None, "at": given.at / SECOND, "subject": given.subject, "payload": {}}
        if event is None:
            return self._noted("without an event", told, NO_EVENT)
        if event.type == "bridge.malformed_event":
            return self._noted("malformed", {**told, "type": event.type}, f"malformed: {event.body['reason']}")
        shown = {**told, "payload": msgspec.json.decode(clean_body(given.data, self._names))}
        if event.type == "":
            return self._noted("unknown", shown, UNKNOWN)
        self.counts["events"] += 1
        return {**shown, "type": event.type}

    def _noted(self, what: str, line: Line, note: str) -> Line:
        self.counts[what] += 1
        return {**line, "note": note}
