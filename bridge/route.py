"""Which groups an alert belongs to, and when these are told."""

from collections.abc import Mapping

import msgspec
from pydantic import field_validator

from bridge.alert import check_label, digest
from bridge.notification import OWN_GROUP
from bridge.options import Options
from bridge.values import HOUR, MINUTE, SECOND, Duration

EVERY_LABEL = "..."


class Route(Options):
    """Which alerts are told together, when, and to whom. Keys, defaults and meaning are Alertmanager's."""

    later = frozenset(
        ("routes", "continue", "matchers", "mute_time_intervals", "active_time_intervals", "repeat_backoff")
    )

    receiver: str
    group_by: list[str] = []
    """Label names, or `['...']`: every distinct label set is a group."""
    group_wait: Duration = 30 * SECOND
    group_interval: Duration = 5 * MINUTE
    repeat_interval: Duration = 4 * HOUR

    @field_validator("group_by")
    @classmethod
    def _label_names(cls, names: list[str]) -> list[str]:
        if EVERY_LABEL in names:
            if len(names) > 1:
                raise ValueError("'...' means all labels; write it alone, or name the labels")
            return names
        for name in names:
            check_label(name)
        if doubled := sorted({name for name in names if names.count(name) > 1}):
            raise ValueError(f"{doubled[0]!r} stands twice; keep one of them")
        return names

    @field_validator("group_interval", "repeat_interval")
    @classmethod
    def _not_too_short(cls, span: int) -> int:
        if span < SECOND:
            raise ValueError("this must be at least 1s; write for example 1m")
        return span

    def place(self, labels: Mapping[str, str], own: bool) -> "Place":
        """The group of an alert. `own`: the alert is about the bridge itself; such alerts do not wait."""
        grouped = labels if EVERY_LABEL in self.group_by else {name: labels.get(name, "") for name in self.group_by}
        shown = {name: grouped[name] for name in sorted(grouped) if grouped[name]}
        text = "{" + ", ".join(f'{name}="{value}"' for name, value in shown.items()) + "}"
        key = f"{OWN_GROUP if own else ''}{{}}:{text}"
        return Place(digest(self.receiver, key), key, shown, self.receiver, 0 if own else self.group_wait)


class Place(msgspec.Struct, frozen=True):
    """A group that an alert belongs to."""

    id: str
    key: str
    labels: dict[str, str]
    receiver: str
    wait: int
