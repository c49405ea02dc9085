"""An alert: its identity, its life, and what is counted while it lives."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Literal

import msgspec

Phase = Literal["pending", "firing"]

DISTINCT_MAX = 1000
"""Distinct values that a ranking keeps for one field; the rest is counted together."""

OTHERS = "(others)"

_LABEL = re.compile(r"[a-zA-Z_][a-zA-Z0-9_]*")


def check_label(name: str) -> str:
    """Raises ValueError unless alerts can have a label of this name."""
    if not _LABEL.fullmatch(name):
        meant = name.replace(".", "_")  # What a field of `by` becomes.
        fix = f"write {meant[:60]}" if _LABEL.fullmatch(meant) else "use letters, digits and '_', and no digit first"
        raise ValueError(f"{name[:60]!r} is no label name; {fix}")
    return name


def identity(labels: Mapping[str, str]) -> str:
    """An alert is its label set; a label that is empty is none. 16 hex digits."""
    text = "\x00".join(f"{name}\x01{labels[name]}" for name in sorted(labels) if labels[name])
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


def digest(*parts: object) -> str:
    """A key that other systems see, from its parts. 16 hex digits."""
    text = "\x00".join(str(part) for part in parts)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).hexdigest()


class Tally(msgspec.Struct):
    """What an alert's messages tell about the events that made it, and all since. Times in microseconds."""

    count: int = 0
    first: int = 0
    last: int = 0
    value: float | None = None
    """The last one past the limit."""
    peak: float | None = None
    approximate: bool = False
    gauge: bool = False
    """The value is how things are, not a number of events."""
    tops: dict[str, dict[str, int]] = {}
    latest: dict[str, str] = {}
    """The fields of the latest event that the rule's templates use."""

    def add(self, at: int, count: int = 1) -> None:
        self.count += count
        self.first = self.first or at
        self.last = at

    def go_on(self, at: int, value: float) -> None:
        """One more event, and the condition goes on to hold with this value."""
        self.count += 1
        self.last = at
        self.value = value
        if self.peak is None or value > self.peak:
            self.peak = value

    def rank(self, fields: Iterable[str], texts: Iterable[str]) -> None:
        for field, text in zip(fields, texts, strict=False):
            self._rank(field, text, 1)

    def merge(self, other: "Tally") -> None:
        """Equal one-offs become one line."""
        self.count += other.count
        self.last = max(self.last, other.last)
        self.latest = other.latest
        self.value = self.peak = other.value if self.gauge else (self.value or 0.0) + (other.value or 0.0)
        for field, counts in other.tops.items():
            for text, count in counts.items():
                self._rank(field, text, count)

    def precede(self, earlier: "Tally") -> None:
        """Equal one-offs that happened before become part of this line; the latest stays the latest."""
        latest, first, last, value = self.latest, earlier.first, self.last, self.value
        self.merge(earlier)
        self.latest, self.first, self.last = latest, first, last
        if self.gauge:
            self.value = self.peak = value

    def _rank(self, field: str, text: str, count: int) -> None:
        counts = self.tops.setdefault(field, {})
        name = text if text in counts or len(counts) < DISTINCT_MAX else OTHERS
        counts[name] = counts.get(name, 0) + count


class Alert(msgspec.Struct):
    """One episode of an alert: from the instant at which its condition began. `_w` are in watched time."""

    labels: dict[str, str]
    identity: str
    phase: Phase
    began_w: int
    own: bool = False
    """It is about the bridge itself."""
    id: str = ""
    """The same for firing, reminders and end; another one for the next episode. Empty while pending."""
    fired: int = 0
    """The instant at which it fired; 0 while pending."""
    gone_w: int | None = None
    """Since when the condition no longer holds."""
    ends_w: int = 0
    """While gone: it ends then, if the condition does not come back."""
    unseen: int = 0
    """While gone: its window emptied while blind, so sight must have lasted this long."""
    reason: str = ""
    tally: Tally = msgspec.field(default_factory=Tally)

    def sleep(self, by: int) -> None:
        """Its rule has slept for so much watched time."""
        self.began_w += by
        if self.gone_w is not None:
            self.gone_w, self.ends_w = self.gone_w + by, self.ends_w + by

    def shift(self, by: int) -> None:
        """The wall clock was set back: what is told in receive time moves."""
        self.fired += by if self.fired else 0
        self.tally.first += by
        self.tally.last += by


class Facts(msgspec.Struct):
    """All that a message tells about an alert: as of now while it fires, as of its end once it has ended."""

    rule: str
    labels: dict[str, str]
    starts: int
    tally: Tally
    ends: int | None = None
    reason: str = ""
    annotations: dict[str, str] | None = None
    """Rendered already, because the rule is gone."""


def copied(facts: Facts) -> Facts:
    """One that counts on by itself."""
    return msgspec.convert(msgspec.to_builtins(facts), Facts)
