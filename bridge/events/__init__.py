"""What can happen: the types of events, as data."""

from collections.abc import Mapping

from bridge.event import EventType
from bridge.events import bridge, client, server

EVENT_TYPES: Mapping[str, EventType] = {kind.name: kind for kind in (*client.TYPES, *server.TYPES, *bridge.TYPES)}
"""Every type that this version knows, by name."""
