"""Numbers and texts that stand beside lists of a payload, so that a rule reads one value. Total: any JSON will do."""

from collections.abc import Callable
from typing import Any

from bridge.event import as_number, as_text

YEAR = 365 * 86_400 * 1_000_000_000
"""Nanoseconds. Servers that have never heard of a peer send the time since the year 1 as its silence."""


def items(value: Any) -> list[dict[str, Any]]:
    """The objects in a list; none where there is no list."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def distinct_names(value: Any) -> float:
    """How many distinct peers: pooled connections repeat a peer's name."""
    return float(len({str(item.get("name")) for item in items(value)}))


def largest(name: str, scale: float = 1.0) -> Callable[[Any], float]:
    return lambda value: max((as_number(item.get(name)) or 0.0 for item in items(value)), default=0.0) * scale


def counted(test: Callable[[dict[str, Any]], bool]) -> Callable[[Any], float]:
    return lambda value: float(sum(1 for item in items(value) if test(item)))


def is_behind(peer: dict[str, Any]) -> bool:
    return peer.get("current") is False


def is_offline(peer: dict[str, Any]) -> bool:
    return peer.get("offline") is True


def longest_silence(value: Any) -> float:
    """The largest `active` of peers, in seconds; 0 for one that says that it was never heard."""
    spans = [as_number(item.get("active")) or 0.0 for item in items(value)]
    return max((span for span in spans if span < YEAR), default=0.0) / 1e9


def joined(value: Any) -> str | None:
    """A list of texts as one."""
    texts = [text for item in value if (text := as_text(item))] if isinstance(value, list) else []
    return ", ".join(texts) or None


def pairs(value: Any) -> str | None:
    """An object of texts and numbers as `a=1, b=x, c`; `c` is an empty text."""
    found = value if isinstance(value, dict) else {}
    told = [(name, text) for name, item in found.items() if (text := as_text(item)) is not None]
    return ", ".join(f"{name}={text}" if text else name for name, text in told) or None


def switched_on(value: Any) -> str | None:
    """The keys of an object that are true."""
    return ", ".join(name for name, item in value.items() if item is True) or None if isinstance(value, dict) else None


def peers(value: Any) -> str | None:
    """`n1, n2 (behind), n3 (offline)`."""
    return ", ".join(_peer(item) for item in items(value)) or None


def peer_name(peer: Any, replicas: Any) -> str | None:
    """The name of a member that is called by its id; the id if the list does not have it."""
    known = {item.get("peer"): item.get("name") for item in items(replicas) if isinstance(item.get("peer"), str)}
    return as_text(known.get(peer)) or as_text(peer) if isinstance(peer, str) else as_text(peer)


def _peer(item: dict[str, Any]) -> str:
    how = " (offline)" if is_offline(item) else " (behind)" if is_behind(item) else ""
    return f"{as_text(item.get('name')) or '?'}{how}"
