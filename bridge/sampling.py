"""What a rule takes from an event: numbers, texts, the series it belongs to."""

from bridge.event import NUMBER_MAX, Event
from bridge.events.accounts import version
from bridge.plan import Plan, texts
from bridge.rule import Rule
from bridge.rules.flatline import INTERVAL_MAX, Flatline
from bridge.state import Sample
from bridge.values import SECOND
from bridge.watch import Watch

STATSZ_FAST = (2, 10, 21)
"""From this version on servers publish STATSZ more often."""

FAST_INTERVAL = 10.0
"""Seconds between two STATSZ from that version on."""


def sample_of(rule: Rule, plan: Plan, event: Event, watch: Watch) -> Sample | None:
    """None: it measures nothing."""
    sample = Sample(watch.t, watch.w, None, texts(plan.tops, event), texts(plan.latest, event))
    if plan.numbers:
        sample.number = rule.measure([read(event) for read in plan.numbers])
        if sample.number is None or not -NUMBER_MAX <= sample.number <= NUMBER_MAX:
            return None
    elif plan.marks:
        sample.number = float(all(test(event) for test in plan.marks))
    elif isinstance(rule, Flatline) and rule.intervals:
        sample.number = plan.interval or usual_interval(event)
    if rule.serial:
        sample.series = plan.series_of(event)
    if plan.text:
        sample.text = plan.text_of(event)
    elif plan.process and rule.remembering:
        sample.text = plan.process_of(event)
    return sample


def usual_interval(event: Event) -> float:
    """Seconds between two STATSZ of a server, by its version."""
    server = getattr(event.body, "server", None)
    return FAST_INTERVAL if server and version(server.ver) >= STATSZ_FAST else INTERVAL_MAX / SECOND
