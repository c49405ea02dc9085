"""What can happen: the types of events, as data."""

from collections.abc import Mapping

from bridge.event import EventType
from bridge.events import account, bridge, client, jetstream, poll, server

EVENT_TYPES: Mapping[str, EventType] = {
    kind.name: kind
    for kind in (*client.TYPES, *account.TYPES, *server.TYPES, *poll.TYPES, *jetstream.TYPES, *bridge.TYPES)
}
"""Every type that this version knows, by name."""
