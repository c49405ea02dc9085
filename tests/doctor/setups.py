"""Set-ups for the doctor: a rules file, and what it finds."""

from pathlib import Path

from bridge.doctor import examine

SYSTEM = """
accounts {{
  SYS {{ users: [{{user: bridge, password: "s3cret-pass"{permissions}}}, {{user: admin, password: p}}] }}
  APP {{ users: [{{user: app, password: "s3cret-pass"}}] }}
}}
system_account: SYS
"""

RULES = """\
- {alert: Stopped, events: server.shutdown, by: [server.name]}
- {alert: Failed, events: client.auth_error}
"""


def write(directory: Path, server: str, receiver: str, rules: str = RULES, login: str = "") -> Path:
    """A main file; `login` replaces the right user and password."""
    login = login or "user: bridge, password: s3cret-pass"
    listed = "".join(f"  {line}\n" for line in rules.splitlines())
    path = directory / "rules.yaml"
    path.write_text(
        f"nats: {{servers: ['{server}'], {login}}}\n"
        f"storage: {{path: {directory}/state/state.db}}\n"
        f"receivers: [{{name: ops, webhook_configs: [{{url: '{receiver}'}}]}}]\n"
        f"route: {{receiver: ops}}\nrules:\n{listed}"
    )
    (directory / "state").mkdir(exist_ok=True)
    return path


async def found(path: Path) -> list[str]:
    """All lines."""
    return [str(finding) async for finding in examine(path, {})]


async def failures(path: Path) -> list[str]:
    """What failed, without the word."""
    return [line.removeprefix("FAILED").strip() for line in await found(path) if line.startswith("FAILED")]


MONITOR = """
accounts {
  SYS { users: [{user: admin, password: p}]
        exports: [{service: "$SYS.REQ.SERVER.PING", response: stream, accounts: [MON]}] }
  MON { users: [{user: bridge, password: "s3cret-pass"}]
        imports: [{service: {account: SYS, subject: "$SYS.REQ.SERVER.PING"}}] }
}
system_account: SYS
"""
"""An account that is not the system's imports the PING from it."""
