"""The rules files that the tests run the program on."""

from textwrap import indent

PASSWORD = "s3cret-pass"

ROUTE = """\
receiver: ops
group_by: ['...']
group_wait: 100ms
group_interval: 1s
"""

BURST = """\
- alert: AuthErrorBurst
  events: client.auth_error
  type: frequency
  count: 20
  within: 2s
  by: [client.host]
  annotations:
    summary: '{{ value }} failed logins from {{ labels.client_host }}'
"""

SLOW = """\
- alert: SlowConsumer
  events: client.disconnect
  where: ['reason =~ "Slow Consumer .*"']
  by: [client.name]
  keep_firing_for: 2s
  annotations:
    summary: '{{ labels.client_name }}: {{ event.reason }}'
"""

RISING = """\
- alert: SlowConsumersRising
  events: server.statsz
  type: increase
  field: statsz.slow_consumers
  within: 3s
  by: [server.name]
  annotations:
    summary: '{{ labels.server_name }} counted {{ value }} more slow consumer detections'
"""


def rules_file(
    server: str,
    sink: str,
    rules: str,
    *,
    user: str = "sys",
    password: str = PASSWORD,
    route: str = ROUTE,
    kind: str = "webhook",
    database: str = "state.db",
    http: str = "null",
) -> str:
    """A whole file: one destination of a kind at the URL `sink`, and the rules."""
    url = "webhook_url" if kind == "slack" else "url"
    return f"""\
nats: {{servers: ['{server}'], user: {user}, password: {password}}}
storage: {{path: {database}}}
http: {http}
log: {{level: debug, format: text}}
receivers:
  - name: ops
    {kind}_configs: [{{{url}: '{sink}'}}]
route:
{indent(route, "  ")}
rules:
{indent(rules, "  ")}
"""
