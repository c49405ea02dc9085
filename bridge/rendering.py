"""From facts to what people read: annotations are rendered when the content of a message is fixed."""

from collections.abc import Mapping
from urllib.parse import quote

import msgspec

from bridge.alert import Facts
from bridge.event import Kind
from bridge.events import EVENT_TYPES
from bridge.notification import AlertView, State
from bridge.rule import NEW, OLD, Rule
from bridge.shown import Fields, Moment, Number, Ranking, Span
from bridge.values import SECOND

_OF_ADDRESSES = "%:/?#[]@!$&'()*+,;="
"""What has a meaning in addresses and stays (RFC 3986, 2.2)."""


class Renderer(msgspec.Struct, frozen=True):
    """Shows the alerts of one rule; of a rule that is gone, what it rendered when it went."""

    rule: Rule | None = None
    kind: Kind = "number"
    """Of the rule's `value`."""
    accounts: Mapping[str, str] = {}
    """Names for account ids."""
    place: str = ""
    """Where the rule stands, as file:line."""

    def annotate(self, facts: Facts, state: State, at: int) -> dict[str, str]:
        """The rule's annotations. In a resolved alert `annotations.resolved` replaces the summary."""
        if self.rule is None:
            return {}
        context = self._context(self.rule, facts, at)
        texts = {name: template.render(context) for name, template in self.rule.templates.items()}
        resolved = texts.pop("resolved", "")
        if state == "resolved":
            texts["summary"] = resolved
        shown = {name: text.strip() for name, text in texts.items() if text.strip()}
        return {name: _link(text) if name.endswith("_url") else text for name, text in shown.items()}

    def view(self, facts: Facts, state: State, id: str, at: int) -> AlertView:
        """One alert of a notification."""
        tally = facts.tally
        return AlertView(
            id=id,
            state=state,
            labels=facts.labels,
            annotations=facts.annotations or self.annotate(facts, state, at),
            starts_at=facts.starts,
            ends_at=facts.ends,
            value=tally.value,
            value_text=_number(tally.value, self.kind, tally.approximate),
            peak_text=_number(tally.peak, self.kind, tally.approximate),
            count=tally.count,
            first_seen=tally.first,
            last_seen=tally.last,
            rule_place=self.place,
            reason=facts.reason,
        )

    def _context(self, rule: Rule, facts: Facts, at: int) -> dict[str, object]:
        tally = facts.tally

        def top(field: str, n: int = 5) -> Ranking:
            counts = tally.tops.get(field, {})
            return Ranking(sorted(counts.items(), key=lambda item: (-item[1], item[0]))[: max(0, n)])

        def account(id: str) -> str:
            return self.accounts.get(str(id), str(id))

        return {
            "value": Number(tally.value or 0.0, self.kind, tally.approximate),
            "peak": Number(tally.peak or 0.0, self.kind, tally.approximate),
            "count": tally.count,
            "first_seen": Moment(tally.first / SECOND),
            "last_seen": Moment(tally.last / SECOND),
            "top": top,
            "labels": Fields(facts.labels),
            "event": Fields(
                {path: _typed(rule, path, text) for path, text in tally.latest.items() if path not in (OLD, NEW)}
            ),
            "old": self._value_of(rule, tally.latest.get(OLD, "")),
            "new": self._value_of(rule, tally.latest.get(NEW, "")),
            "duration": Span(((facts.ends or at) - facts.starts) / SECOND),
            "limit": rule.threshold_text,
            "within": rule.within_text,
            "account": account,
        }

    def _value_of(self, rule: Rule, text: str) -> object:
        """What the rule's one text field was or is, with its unit."""
        return _typed(rule, rule.text_fields[0], text) if rule.paired and rule.text_fields else text


def _link(text: str) -> str:
    """With what no address may hold percent-encoded, so that an event's text cannot end the link early."""
    return quote(text, safe=_OF_ADDRESSES) if text.startswith(("http://", "https://")) else text


def _number(value: float | None, kind: Kind, approximate: bool) -> str:
    return "" if value is None else str(Number(value, kind, approximate))


def _typed(rule: Rule, path: str, text: str) -> object:
    """A field of the latest event, so that it prints with its unit."""
    kind = next((known.kind for name in rule.events if (known := EVENT_TYPES[name].fields.get(path))), "text")
    if kind in ("text", "time", "number"):
        return text
    try:
        return Number(float(text), kind)
    except ValueError:  # Absent, or no number although servers of today send one there.
        return text
