"""Which groups an alert belongs to, and when these are told. Keys, defaults and meaning are Alertmanager's."""

from collections.abc import Iterator, Mapping
from typing import Annotated, TypeVar

import msgspec
from pydantic import Field, field_validator

from bridge.alert import check_label, digest
from bridge.label_matchers import LabelMatchers, Selects, select, write
from bridge.notification import OWN_GROUP
from bridge.options import Options
from bridge.values import DAY, HOUR, MINUTE, SECOND, Duration

EVERY_LABEL = "..."

T = TypeVar("T")


class Backoff(Options):
    """Reminders slow down: each waits `factor` times as long as the one before, up to `max`."""

    factor: Annotated[float, Field(ge=1, le=100)] = 2.0
    max: Duration = DAY


class Branch(Options):
    """A route below another. What it does not say it has from that one, but for matchers and time intervals."""

    receiver: Annotated[str, Field(min_length=1)] | None = None
    matchers: list[LabelMatchers] = []
    """All must hold."""
    continue_: Annotated[bool, Field(alias="continue")] = False
    """The routes after this one are asked as well."""
    group_by: list[str] | None = None
    """Label names, or `['...']`: every distinct label set is a group."""
    group_wait: Duration | None = None
    group_interval: Duration | None = None
    repeat_interval: Duration | None = None
    repeat_backoff: Backoff | None = None
    mute_time_intervals: list[str] = []
    """Names; within one of them nobody is told."""
    active_time_intervals: list[str] = []
    """Names; outside of all of them nobody is told."""
    routes: "list[Branch]" = []

    @field_validator("group_by")
    @classmethod
    def _label_names(cls, names: list[str] | None) -> list[str] | None:
        if names is None or names == [EVERY_LABEL]:
            return names
        if EVERY_LABEL in names:
            raise ValueError("'...' means all labels; write it alone, or name the labels")
        for name in names:
            check_label(name)
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{doubled[0]!r} stands twice; keep one of them")
        return names

    @field_validator("group_interval", "repeat_interval")
    @classmethod
    def _not_too_short(cls, span: int | None) -> int | None:
        if span is not None and span < SECOND:
            raise ValueError("this must be at least 1s; write for example 1m")
        return span


class Route(Branch):
    """The first route: it takes every alert that none below it takes."""

    receiver: Annotated[str, Field(min_length=1)]
    group_by: list[str] = []
    group_wait: Duration = 30 * SECOND
    group_interval: Duration = 5 * MINUTE
    repeat_interval: Duration = 4 * HOUR

    @field_validator("matchers", "continue_", "mute_time_intervals", "active_time_intervals")
    @classmethod
    def _takes_all(cls, value: object) -> object:
        if value:
            raise ValueError("the first route takes every alert, always; write this into a route below it, in routes")
        return value


class Place(msgspec.Struct, frozen=True):
    """A group that an alert belongs to."""

    id: str
    key: str
    labels: dict[str, str]
    receiver: str
    wait: int
    route: str
    """Id of its node."""


class Node(msgspec.Struct, frozen=True, eq=False):
    """A route with all that it inherits."""

    id: str
    """The same as long as its own matchers, those of the routes above, and its receiver are."""
    key: str
    """As in Alertmanager: the matchers from the top down."""
    ordinal: int
    """Routes before it with the same key and receiver."""
    receiver: str
    group_by: tuple[str, ...]
    group_wait: int
    group_interval: int
    repeat_interval: int
    repeat_backoff: Backoff | None
    mute: tuple[str, ...]
    active: tuple[str, ...]
    continues: bool
    selects: Selects
    children: "tuple[Node, ...]"

    def match(self, labels: Mapping[str, str]) -> "list[Node]":
        """The routes that take an alert with these labels: this one or some below it, in order. None: not from here."""
        if not self.selects(labels):
            return []
        found: list[Node] = []
        for child in self.children:
            if taken := child.match(labels):
                found += taken
                if not child.continues:
                    break
        return found or [self]

    def place(self, labels: Mapping[str, str], own: bool) -> Place:
        """The group of an alert that it takes. `own`: it is about the bridge itself; such alerts do not wait."""
        grouped = labels if EVERY_LABEL in self.group_by else {name: labels.get(name, "") for name in self.group_by}
        shown = {name: grouped[name] for name in sorted(grouped) if grouped[name]}
        text = "{" + ", ".join(f'{name}="{value}"' for name, value in shown.items()) + "}"
        key = f"{OWN_GROUP if own else ''}{self.key}:{text}"
        parts = (self.receiver, key, self.ordinal) if self.ordinal else (self.receiver, key)
        return Place(digest(*parts), key, shown, self.receiver, 0 if own else self.group_wait, self.id)

    def repeat_after(self, reminders: int) -> int:
        """How long after a message a reminder comes, if so many came before it."""
        backoff = self.repeat_backoff
        if backoff is None:
            return self.repeat_interval
        # 64 times anything of a second or more is past every `max` that can be written.
        slower = self.repeat_interval * backoff.factor ** min(reminders, 64)
        return max(self.repeat_interval, round(min(slower, backoff.max)))


class Tree:
    """All routes."""

    def __init__(self, route: Route) -> None:
        self._taken: dict[tuple[str, str], int] = {}
        self.root = self._node(route, None)
        self.nodes = {node.id: node for node in walk(self.root)}

    def places(self, labels: Mapping[str, str], own: bool) -> list[Place]:
        """The groups of an alert, in the order of the routes."""
        return [node.place(labels, own) for node in self.root.match(labels)]

    def _node(self, branch: Branch, above: Node | None) -> Node:
        matchers = write(branch.matchers)
        key = f"{above.key}/{matchers}" if above else matchers
        receiver = _own(branch.receiver, above.receiver if above else None)
        ordinal = self._taken.get((key, receiver), 0)
        self._taken[key, receiver] = ordinal + 1
        node = Node(
            id=f"{key} {receiver}" + (f" {ordinal + 1}" if ordinal else ""),
            key=key,
            ordinal=ordinal,
            receiver=receiver,
            group_by=tuple(_own(branch.group_by, list(above.group_by) if above else None)),
            group_wait=_own(branch.group_wait, above.group_wait if above else None),
            group_interval=_own(branch.group_interval, above.group_interval if above else None),
            repeat_interval=_own(branch.repeat_interval, above.repeat_interval if above else None),
            repeat_backoff=branch.repeat_backoff or (above.repeat_backoff if above else None),
            mute=tuple(branch.mute_time_intervals),
            active=tuple(branch.active_time_intervals),
            continues=branch.continue_,
            selects=select(branch.matchers),
            children=(),
        )
        return msgspec.structs.replace(node, children=tuple(self._node(each, node) for each in branch.routes))


def walk(node: Node) -> Iterator[Node]:
    """A route and all below it, from the top down."""
    yield node
    for child in node.children:
        yield from walk(child)


def _own(own: T | None, inherited: T | None) -> T:
    """The first route says everything."""
    value = inherited if own is None else own
    assert value is not None
    return value
