"""Words of neighbouring tools, and what they are called here; and the nearest word to one misspelt."""

import difflib
import json
from collections.abc import Collection

from bridge.config.document import Plain, clip

NEIGHBOURS: dict[str, tuple[str, ...]] = {
    # ElastAlert
    "query_key": ("by",),
    "num_events": ("count",),
    "timeframe": ("within",),
    "filter": ("where",),
    "filters": ("where",),
    "realert": ("repeat_interval",),
    "aggregation_key": ("group_by",),
    "aggregation": ("group_wait",),
    "threshold": ("above", "count"),
    "max_threshold": ("above",),
    "min_threshold": ("below",),
    "slack_webhook_url": ("webhook_url",),
    "http_post_url": ("url",),
    # Prometheus, Alertmanager, Grafana
    "query": ("where",),
    "condition": ("where",),
    "matchers": ("where",),
    "duration": ("for",),
    "pending_period": ("for",),
    "resolve_timeout": ("keep_firing_for",),
    "alerts": ("rules",),
    "mute_time_intervals": ("time_intervals",),
    "time_zone": ("location",),
    "groups": ("rules",),
    "api_url": ("webhook_url", "url"),
    "global": ("rule_defaults",),
    "slack": ("slack_configs",),
    "slack_config": ("slack_configs",),
    "webhook": ("webhook_configs",),
    "webhook_config": ("webhook_configs",),
    # promtool test rules
    "alert_rule_test": ("expect",),
    "alertname": ("alert",),
    "eval_time": ("at",),
    "exp_alerts": ("firing",),
    "exp_annotations": ("annotations",),
    "exp_labels": ("labels",),
    "input_series": ("events",),
    "rule_files": ("rules",),
    "values": ("fields",),
    # NATS
    "server": ("servers",),
    "urls": ("servers",),
    "creds": ("credentials",),
    "creds_file": ("credentials",),
    "credentials_file": ("credentials",),
    "nkey": ("nkey_file",),
    "seed_file": ("nkey_file",),
    "username": ("user",),
    "pass": ("password",),
    "ca": ("ca_file",),
    "cert": ("cert_file",),
    "key": ("key_file",),
    # what people say
    "url": ("webhook_url", "servers"),
    "webhook_url": ("url",),
    "name": ("alert",),
    "rule": ("alert", "rules"),
    "event": ("events",),
    "group": ("group_by",),
    "window": ("within",),
    "interval": ("within", "group_interval"),
    "period": ("within",),
    "cooldown": ("keep_firing_for", "repeat_interval"),
    "max": ("above",),
    "min": ("below",),
    "database": ("path",),
    "receivers": ("receiver",),
    "receiver": ("receivers",),
    "routes": ("route",),
}
"""Their word → ours; the first that the place has is offered."""

SENTENCES = {
    "realert": "how often to remind is repeat_interval of the route",
    "severity": "write labels: {severity: …}",
    "summary": "write annotations: {summary: …}",
    "description": "write annotations: {description: …}",
    "runbook_url": "write annotations: {runbook_url: …}",
    "expr": "a rule names events, and where and type say which and how many",
}
"""Where a word has no counterpart at its own place."""

_NEAR = 0.65
_OLD_MATCHERS = {
    prefix + ending: (prefix, operator)
    for prefix in ("", "source_", "target_")
    for ending, operator in (("match", "="), ("match_re", "=~"))
}


def unknown_key(word: str, value: Plain, keys: Collection[str], later: Collection[str] = ()) -> str:
    """What to say about a key that its place does not have."""
    if word in later:
        return f"the key {word!r} is not supported by this version; remove it"
    what = f"unknown key {clip(word)!r}"
    if word in _OLD_MATCHERS:
        return f"{what}; {_matchers_line(word, value, keys)}"
    for ours in NEIGHBOURS.get(word, ()):
        if ours in keys:
            return f"{what}; write {ours!r}"
    if word in SENTENCES:
        return f"{what}; {SENTENCES[word]}"
    return f"{what}; {suggestion(word, keys, 'the keys here are')}"


def suggestion(word: str, known: Collection[str], otherwise: str) -> str:
    """`did you mean 'count'?`, or all that is known, after the words of `otherwise`."""
    near = nearest(word, known)
    return f"did you mean {near!r}?" if near else f"{otherwise} {', '.join(sorted(set(known))) or 'none'}"


def nearest(word: str, known: Collection[str]) -> str | None:
    """The known word that a misspelt one most likely stands for."""
    plain = word.lower().replace("-", "_")[:100]
    return next(iter(difflib.get_close_matches(plain, known, 1, _NEAR)), None)


def _matchers_line(word: str, value: Plain, keys: Collection[str]) -> str:
    prefix, operator = _OLD_MATCHERS[word]
    given = value if isinstance(value, dict) and value else {"name": "value"}
    matchers = [f"{name} {operator} {json.dumps(str(text), ensure_ascii=False)}" for name, text in given.items()]
    quoted = ", ".join("'" + matcher.replace("'", "''") + "'" for matcher in matchers)
    return f"write {'where' if 'where' in keys else prefix + 'matchers'}: [{clip(quoted, 500)}]"
