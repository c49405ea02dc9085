"""Which groups an alert belongs to, and when these are told."""

from collections.abc import Mapping

import msgspec
from pydantic import Field

from bridge.alert import digest
from bridge.options import Options
from bridge.values import HOUR, MINUTE, SECOND, Duration

EVERY_LABEL = "..."


class Route(Options):
    """The root of the routes: which receiver, which groups, and their times. Keys, defaults and meaning are Alertmanager's."""

    receiver: str
    group_by: list[str] = []
    """Label names, or `['...']`: every distinct label set is a group."""
    group_wait: Duration = 30 * SECOND
    group_interval: Duration = Field(5 * MINUTE, gt=0)
    repeat_interval: Duration = Field(4 * HOUR, gt=0)

    def place(self, labels: Mapping[str, str], own: bool) -> "Place":
        """The group of an alert. `own`: the alert is about the bridge itself; such alerts do not wait."""
        grouped = labels if EVERY_LABEL in self.group_by else {name: labels.get(name, "") for name in self.group_by}
        shown = {name: grouped[name] for name in sorted(grouped) if grouped[name]}
        text = "{" + ", ".join(f'{name}="{value}"' for name, value in shown.items()) + "}"
        key = f"{'bridge:' if own else ''}{{}}:{text}"
        return Place(digest(self.receiver, key), key, shown, self.receiver, 0 if own else self.group_wait)


class Place(msgspec.Struct, frozen=True):
    """A group that an alert belongs to."""

    id: str
    key: str
    labels: dict[str, str]
    receiver: str
    wait: int
