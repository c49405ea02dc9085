"""What can happen: the types of events as data, and how messages become events.

The catalogue, to read in this order: `fields` (what all events have), the types, a module for each kind of thing
(`client`, `account`, `server`, `poll` with `item`, `jetstream`, `bridge`), `lists` and `amounts` (numbers worked out
for them), `checking` (what a rules file names). From a message to an event: `families` (which subject brings which
types), `decoder` (the way in), `reading`, `bodies` and `cleaning` (from JSON to the fields asked for), then what makes
one thing one event: `connections`, `advisories`, `pushes`, `claims`, `numbering`. What accounts are called is in
`accounts`, what servers say when asked for it in `introductions`.
"""

from collections.abc import Mapping

from bridge.event import EventType
from bridge.events import account, bridge, client, jetstream, poll, server

EVENT_TYPES: Mapping[str, EventType] = {
    kind.name: kind
    for kind in (*client.TYPES, *account.TYPES, *server.TYPES, *poll.TYPES, *jetstream.TYPES, *bridge.TYPES)
}
"""Every type that this version knows, by name."""
