"""Inhibition: alerts that mute others while they fire, because they say the same and more."""

from collections.abc import Iterable, Iterator
from typing import Annotated

from pydantic import Field

from bridge.label_matchers import LabelMatchers, Labels, select, write
from bridge.options import Options


class InhibitRule(Options):
    """Alerts that the source matchers mean mute those that the target matchers mean, if the labels of `equal` agree.

    A missing label is empty. An alert that both sides mean is not muted by another that both mean.
    """

    name: Annotated[str, Field(min_length=1)] | None = None
    source_matchers: list[LabelMatchers] = []
    target_matchers: list[LabelMatchers] = []
    equal: list[str] = []


class Inhibition:
    """The rules, and which alerts that fire are sources of them."""

    def __init__(self, rules: Iterable[InhibitRule]) -> None:
        self._rules = [_Sources(rule) for rule in rules]

    @property
    def idle(self) -> bool:
        return not self._rules

    def begun(self, identity: str, labels: Labels) -> None:
        """It fires."""
        for rule in self._rules:
            rule.begun(identity, labels)

    def ended(self, identity: str, labels: Labels) -> None:
        for rule in self._rules:
            rule.ended(identity, labels)

    def source(self, labels: Labels) -> Labels | None:
        """The labels of an alert that mutes one with these."""
        for rule in self._rules:
            if (source := rule.source(labels)) is not None:
                return source
        return None

    def possible_sources(self, labels: Labels) -> Iterator[str]:
        """Which alerts would mute one with these labels, in words."""
        for rule in self._rules:
            if (words := rule.possible(labels)) is not None:
                yield words


class _Sources:
    """One rule's sources, by what `equal` compares: first those that are no targets, then those that are both."""

    def __init__(self, rule: InhibitRule) -> None:
        self._is_source = select(rule.source_matchers)
        self._is_target = select(rule.target_matchers)
        self._equal = tuple(rule.equal)
        self._written = write(rule.source_matchers)
        self._one_sided: dict[tuple[str, ...], dict[str, Labels]] = {}
        self._two_sided: dict[tuple[str, ...], dict[str, Labels]] = {}

    def begun(self, identity: str, labels: Labels) -> None:
        if self._is_source(labels):
            self._of(labels).setdefault(self._key(labels), {})[identity] = labels

    def ended(self, identity: str, labels: Labels) -> None:
        sources, key = self._of(labels), self._key(labels)
        if key in sources:
            sources[key].pop(identity, None)
            if not sources[key]:
                del sources[key]

    def source(self, labels: Labels) -> Labels | None:
        if not self._is_target(labels):
            return None
        key = self._key(labels)
        found = self._one_sided.get(key)
        if not found and not self._is_source(labels):
            found = self._two_sided.get(key)
        return next(iter(found.values())) if found else None

    def possible(self, labels: Labels) -> str | None:
        if not self._is_target(labels):
            return None
        same = ", ".join(f'{name}="{labels.get(name, "")}"' for name in self._equal)
        return self._written + (f" with {same}" if same else "")

    def _of(self, labels: Labels) -> dict[tuple[str, ...], dict[str, Labels]]:
        return self._two_sided if self._is_target(labels) else self._one_sided

    def _key(self, labels: Labels) -> tuple[str, ...]:
        return tuple(labels.get(name, "") for name in self._equal)
