"""The life of a rule's alerts: inactive, pending, firing, and how each of them ends."""

from collections.abc import Mapping, Sequence
from functools import partial

import msgspec

from bridge.alert import Alert, Facts, Tally, digest, identity
from bridge.home import Home
from bridge.rendering import Renderer
from bridge.rule import Rule, label_of
from bridge.shown import Fields
from bridge.state import SEPARATOR, Sample, State
from bridge.values import MINUTE, NEVER

OVERFLOW = "\x1eoverflow"
"""The key under which counting types count what is past the limit."""

HOLD_MAX = 5 * MINUTE
"""How long sight must have lasted, at most, before an alert ends whose window emptied while blind."""

OVERFLOW_KEEP = 60 * MINUTE
"""How long the overflow alert of a rule fires that only `resolve_on` would end: that event names no overflow."""


class Words(msgspec.Struct, frozen=True):
    """What goes into messages besides the alert's own numbers."""

    tops: Sequence[str]
    """The fields that `top` ranks."""
    latest: Sequence[str]
    """The fields that templates read from the latest event."""
    labels: Mapping[str, str]
    """Put on every alert."""


class Life:
    """Moves the alerts of one rule's states from phase to phase."""

    def __init__(self, rule: Rule, renderer: Renderer, words: Words, home: Home) -> None:
        self._rule = rule
        self._renderer = renderer
        self._top_fields, self._latest_fields, self._labels = words.tops, words.latest, words.labels
        self._home = home
        self._hold = min(getattr(rule, "within", 0), HOLD_MAX) if rule.counting else 0

    def note(self, state: State, sample: Sample) -> None:
        """An event was taken in: count it. An instant type fires with it."""
        if state.alert:
            self._count(state.alert.tally, sample)
        if self._rule.instant:
            alert = state.alert or self._begin(state, sample)
            self._let_go(state, alert, sample.w)
            if alert.phase == "pending":
                self._fire(state, alert)

    def repeat(self, state: State, sample: Sample) -> None:
        """The same from the journal: nothing is decided."""
        alert = state.alert
        if alert is None:
            return
        self._count(alert.tally, sample)
        if self._rule.instant:
            self._let_go(state, alert, sample.w)
        elif self._rule.holds(state, sample.t, sample.w):
            self._weigh(state, alert.tally, sample.t, sample.w)

    def judge(self, state: State, measured: Sample | None = None, by_time: bool = False, reason: str = "") -> None:
        """Compare the condition with the alert's phase. `measured`: the event that asks for it, if one does."""
        rule, watch, alert = self._rule, self._home.watch, state.alert
        if rule.instant or not rule.holds(state, watch.t, watch.w):
            if alert is not None:
                self._lose(state, alert, by_time, reason)
            return
        new = alert is None
        if alert is None:
            alert = self._begin(state, measured)
        elif alert.gone_w is not None:
            alert.gone_w, alert.reason = None, ""
            self._home.ledger.force(state)
        peak = alert.tally.peak
        self._weigh(state, alert.tally, watch.t, watch.w)
        if measured is None and alert.tally.peak != peak:
            self._home.ledger.force(state)  # The journal holds events only.
        # `for` of a measuring type ends with a measurement; without it an edited limit is judged at once.
        ripe = watch.w - alert.began_w >= rule.for_ and (measured is not None or not rule.measuring or not rule.for_)
        if alert.phase == "pending" and ripe and not (by_time and watch.blind):
            self._fire(state, alert)
        elif new:
            self._home.pended(self.facts(state), over=False)

    def retime(self, state: State, one_off: bool) -> None:
        """`keep_firing_for` was edited: what it keeps now ends later, or sooner. `one_off`: it keeps nothing at all."""
        alert = state.alert
        if alert is None or alert.gone_w is None:
            return
        if self._rule.instant and not one_off:
            self._let_go(state, alert, alert.gone_w)
        else:
            alert.ends_w = self._ends(alert, alert.gone_w)
        self._home.ledger.force(state)

    def weigh_last(self, state: State, sample: Sample | None = None) -> None:
        """Before time or an event may end the condition: what it amounts to while it lasts.

        `sample`: an event of the journal; else now.
        """
        alert, now = state.alert, sample or self._home.watch
        if alert is not None and alert.gone_w is None and not self._rule.instant:
            counting = self._rule.counting  # What leaves a window now was in it until now.
            self._weigh(state, alert.tally, now.t - counting, now.w - counting)

    def due_w(self, state: State) -> int:
        """When time alone moves the alert on, in watched time."""
        alert = state.alert
        if alert is None:
            return NEVER
        if alert.gone_w is not None:
            return alert.ends_w
        return alert.began_w + self._rule.for_ if alert.phase == "pending" and not self._rule.measuring else NEVER

    def end(self, state: State, reason: str = "", render: bool = False) -> None:
        """It is over. `render`: the rule goes as well, so its annotations are rendered now."""
        alert = state.alert
        assert alert is not None
        value = self._rule.value(state, self._home.watch.t, self._home.watch.w) if self._rule.instant else None
        state.alert = None
        self._home.ledger.force(state)
        if alert.phase == "pending":
            self._home.pended(Facts(self._rule.id, alert.labels, 0, alert.tally, reason=reason), over=True)
            return
        at = self._home.watch.t
        tally = msgspec.structs.replace(alert.tally, approximate=not self._rule.exact(state))
        if value is not None:
            tally.value = tally.peak = value
        facts = Facts(self._rule.id, alert.labels, alert.fired, tally, at, reason)
        if render:
            facts.annotations = self._renderer.annotate(facts, "resolved", at)
        self._home.ended(alert, facts)

    def facts(self, state: State) -> Facts:
        """What a message tells about a firing alert now."""
        alert = state.alert
        assert alert is not None
        tally = msgspec.structs.replace(alert.tally, approximate=not self._rule.exact(state))
        if alert.gone_w is None or self._rule.instant:
            self._weigh(state, tally, self._home.watch.t, self._home.watch.w)
        return Facts(self._rule.id, alert.labels, alert.fired, tally, reason=alert.reason)

    def once(self, key: str, sample: Sample) -> Facts:
        """What a message tells about a one-off."""
        gauge = self._rule.gauge
        value = sample.number if gauge else 1.0
        tally = Tally(value=value, peak=value, gauge=gauge)
        self._count(tally, sample)
        return Facts(self._rule.id, self.labels_of(key), sample.t, tally, sample.t)

    def _begin(self, state: State, sample: Sample | None) -> Alert:
        watch = self._home.watch
        labels = self.labels_of(state.key)
        alert = Alert(labels, identity(labels), "pending", watch.w, self._rule.about_bridge)
        tally = alert.tally
        count, tally.first, tally.last, ranked = self._rule.window(state)
        if count:
            tally.count = count
            for row in ranked:
                tally.rank(self._top_fields, row)
        elif sample:
            self._count(tally, sample)
        else:
            tally.first = tally.last = watch.t
        latest = sample.latest if sample else self._rule.latest(state)
        tally.latest = dict(zip(self._latest_fields, latest, strict=bool(latest)))
        state.alert = alert
        self._home.ledger.force(state)
        return alert

    def _fire(self, state: State, alert: Alert) -> None:
        alert.phase, alert.fired = "firing", self._home.watch.t
        alert.id = digest(alert.identity, alert.fired)
        alert.reason = self._rule.remark(state)
        self._home.ledger.force(state)
        self._home.begun(alert, partial(self.facts, state))

    def _lose(self, state: State, alert: Alert, by_time: bool, reason: str) -> None:
        """The condition does not hold. Ends a pending alert, and a firing one after `keep_firing_for`."""
        watch = self._home.watch
        if alert.gone_w is None:
            alert.gone_w, alert.unseen = watch.w, self._hold if by_time and watch.blind else 0
            alert.ends_w = self._ends(alert, watch.w)
            alert.reason = reason
            self._home.ledger.force(state)
        if watch.w >= alert.ends_w and not (by_time and watch.blind):
            self.end(state, alert.reason)

    def _ends(self, alert: Alert, gone_w: int) -> int:
        keep = self._rule.keep_firing_for if alert.phase == "firing" else 0
        return gone_w + max(keep, alert.unseen)

    def _let_go(self, state: State, alert: Alert, w: int) -> None:
        """An instant type holds only at the moment of its event; what keeps it is `keep_firing_for` or `resolve_on`."""
        keep = self._rule.keep_firing_for or (OVERFLOW_KEEP if state.key == OVERFLOW else NEVER - w)
        alert.gone_w, alert.ends_w = w, w + keep

    def _weigh(self, state: State, tally: Tally, t: int, w: int) -> None:
        tally.value = self._rule.value(state, t, w)
        tally.peak = tally.value if tally.peak is None else self._rule.worse(tally.peak, tally.value)

    def _count(self, tally: Tally, sample: Sample) -> None:
        tally.add(sample.t)
        tally.rank(self._top_fields, sample.tops)
        if sample.latest:
            tally.latest = dict(zip(self._latest_fields, sample.latest, strict=True))

    def labels_of(self, key: str) -> dict[str, str]:
        """The identity of a combination's alert. An empty label is none."""
        rule = self._rule
        if key == OVERFLOW:
            own = {"overflow": "true"}
        else:
            values = key.split(SEPARATOR) if rule.by else []
            own = {label_of(field): text for field, text in zip(rule.by, values, strict=True)}
        context = {"labels": Fields(own)}
        written = {name: template.render(context) for name, template in rule.label_templates.items()}
        labels = {"alertname": rule.alert, **own, **written, **self._labels}
        return {name: text for name, text in labels.items() if text}
