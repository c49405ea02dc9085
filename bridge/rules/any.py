"""The rule type `any`."""

from typing import ClassVar, Literal

from bridge.instant import Instant


class Any(Instant):
    """Every event that matches is told.

    Without `keep_firing_for` and `resolve_on` it is told once, as a one-off without an end. With `keep_firing_for` the
    alert fires until that long after the latest event; with `resolve_on` until that other event; with both until the
    first of them. `value` is the number of events.
    """

    counting: ClassVar[bool] = True
    summary: ClassVar[str] = "{{ value }} × {{ labels.alertname }}"

    type: Literal["any"] = "any"
