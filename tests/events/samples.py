"""What `nats-alert-bridge events` shows as samples. `python -m tests.events.samples` renews them."""

from pathlib import Path

import bridge.events
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.reading import read_text
from bridge.recording import write
from tests.events.recorded import FILES, decoder, hear, messages

PATH = Path(bridge.events.__file__).parent / "samples.jsonl"
OLD_SPELLING = "$SYS.SERVER.ACCOUNT."
SIZE_MAX = 2500
"""Bytes of one: people read them."""


def samples() -> bytes:
    """One recorded message of each type, the one with the most fields, as a recording."""
    best: dict[str, tuple[tuple[str, int], bytes]] = {}
    for path in FILES:
        decodes = decoder()
        for message in messages(path):
            if message.subject.startswith(OLD_SPELLING):
                continue  # Its twin on the new subject is the one that is subscribed to.
            event = hear(decodes, message)
            line = write(message, message.at, Names())
            if event is None or line is None or len(line) > SIZE_MAX:
                continue
            kind = EVENT_TYPES[event.type]
            told = sum(read_text(kind, name, Names())(event) is not None for name in kind.fields)
            rank = ("newest" if path.parent.name == "2.15.1" else "", told)
            if event.type not in best or rank > best[event.type][0]:
                best[event.type] = rank, line
    return b"".join(best[name][1] for name in EVENT_TYPES if name in best)


if __name__ == "__main__":
    PATH.write_bytes(samples())
