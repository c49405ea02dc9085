"""The rules that every bridge has, about itself. A rule of the operator with the same `alert` replaces one."""

from collections.abc import Iterable

from bridge.rule import Rule
from bridge.rules import RULE_TYPES

_BACK = {"events": "bridge.nats_reconnected"}
_RULES: tuple[dict[str, object], ...] = (
    {
        "alert": "BridgeNatsDisconnected",
        "events": "bridge.nats_disconnected",
        "resolve_on": _BACK,
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "NATS cannot be reached: {{ event.reason }}",
            "description": "No event is heard, and no alert about NATS can fire or end. Tried: {{ event.servers }}",
            "resolved": "NATS can be heard again after {{ duration }}",
        },
    },
    {
        "alert": "BridgeLoginFailed",
        "events": "bridge.login_failed",
        "resolve_on": _BACK,
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ event.reason }}", "resolved": "The bridge is logged in again"},
    },
    {
        "alert": "BridgeWrongAccount",
        "events": "bridge.wrong_account",
        "resolve_on": _BACK,
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ event.reason }}", "resolved": "The bridge is in the system account now"},
    },
    {
        "alert": "BridgePermissionDenied",
        "events": "bridge.permission_denied",
        "by": ["denied"],
        "resolve_on": {"events": "bridge.permission_granted"},
        "keep_firing_for": "1h",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "{{ event.reason }}",
            "resolved": "{{ labels.denied }} can be heard or asked now, or was not refused again for an hour",
        },
    },
    {
        "alert": "BridgeCredentialsExpiring",
        "events": "bridge.credentials_expiring",
        "resolve_on": {"events": "bridge.credentials_valid"},
        # told again each day
        "keep_firing_for": "25h",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "{{ event.reason }}",
            "resolved": "The bridge's credentials for NATS are good for long again",
        },
    },
    {
        "alert": "BridgeClockSkew",
        "events": "bridge.clock_skew",
        "by": ["server.name"],
        # told again every 5 minutes
        "keep_firing_for": "15m",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "{{ event.reason }}",
            "description": "Times in alerts may be wrong. Set both machines' clocks by NTP; the bridge takes its own "
            "over at its start.",
            "resolved": "The clock of {{ labels.server_name }} was not seen out of step for 15 minutes",
        },
    },
    {
        "alert": "BridgeServerNoAnswer",
        "events": "bridge.server_no_answer",
        "by": ["server.name"],
        "resolve_on": {"events": "bridge.server_answered"},
        "keep_firing_for": "7d",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "{{ labels.server_name }} does not answer: {{ event.requests }}",
            "description": "It answered before, and has not said that it stops.",
            "resolved": "{{ labels.server_name }} answers again, or is not asked any more",
        },
    },
    {
        "alert": "BridgeEventsDropped",
        "events": "bridge.events_dropped",
        "keep_firing_for": "5m",
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "Messages from NATS came faster than they could be read; {{ event.count }} were lost at last",
            "resolved": "No message was lost any more for 5 minutes",
        },
    },
    {
        "alert": "BridgeMalformedEvent",
        "events": "bridge.malformed_event",
        "keep_firing_for": "1h",
        "labels": {"severity": "info"},
        "annotations": {
            "summary": "{{ count }} messages were no events; the latest on {{ event['from'] }}: {{ event.reason }}",
            "resolved": "No malformed message came for an hour",
        },
    },
    {
        "alert": "BridgeAway",
        "events": "bridge.away",
        "where": ["seconds > 1m"],
        "labels": {"severity": "info"},
        "annotations": {
            "summary": "NATS was not heard for {{ event.span }}, from {{ event['from'] }} on; {{ event.missed }}"
            "{% if event.ended %}; {{ event.ended }}{% endif %}",
            "description": "Missed messages: {{ event.servers }}"
            "{% if event.accounts %}. Disconnected, by account: {{ event.accounts }}{% endif %}",
        },
    },
    {
        "alert": "BridgeDeliveryFailed",
        "events": "bridge.delivery_failed",
        "by": ["destination"],
        "keep_firing_for": "1h",
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "{{ count }} messages to {{ labels.destination }} were given up: {{ event.reason }}"
        },
    },
    {
        "alert": "BridgeReceiverDead",
        "events": "bridge.receiver_dead",
        "by": ["destination"],
        "resolve_on": {"events": "bridge.receiver_recovered"},
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "{{ labels.destination }} takes no messages: {{ event.reason }}",
            "resolved": "{{ labels.destination }} takes messages again",
        },
    },
    {
        "alert": "BridgeSilenceExpiring",
        "events": "bridge.silence_expiring",
        "by": ["silence"],
        "labels": {"severity": "info"},
        "annotations": {
            "summary": "A silence ends in {{ event.remaining | duration }}; alerts that it mutes: {{ event.alerts }}",
            "description": "{{ event.matchers }}: {{ event.comment }} ({{ event.created_by }})",
        },
    },
    {
        "alert": "BridgeConfigInvalid",
        "events": "bridge.config_invalid",
        "by": ["file"],
        "resolve_on": {"events": "bridge.config_valid", "match": []},
        "labels": {"severity": "warning"},
        "annotations": {
            "summary": "{{ labels.file }} cannot be used; what it said last goes on: {{ event.reason }}",
            "resolved": "All files with rules can be used again",
        },
    },
    {
        "alert": "BridgeRuleOverflow",
        "events": "bridge.rule_overflow",
        "by": ["rule"],
        "keep_firing_for": "1h",
        "labels": {"severity": "warning"},
        "annotations": {"summary": "{{ labels.rule }} is full: {{ event.reason }}"},
    },
    {
        "alert": "BridgeStoreDegraded",
        "events": "bridge.store_degraded",
        "resolve_on": {"events": "bridge.store_recovered", "match": []},
        "labels": {"severity": "critical"},
        "annotations": {
            "summary": "The database cannot be written: {{ event.reason }}",
            "description": "Messages still go out, but a crash now would lose what was decided since.",
            "resolved": "The database can be written again",
        },
    },
    {
        "alert": "BridgeStateLost",
        "events": "bridge.state_lost",
        "labels": {"severity": "critical"},
        "annotations": {"summary": "{{ event.reason }}"},
    },
)


def builtin_rules(alerts: Iterable[str]) -> list[Rule]:
    """Those whose name is not among `alerts`, the operator's own."""
    taken = set(alerts)
    return [RULE_TYPES["any"].model_validate({"type": "any", **rule}) for rule in _RULES if rule["alert"] not in taken]
