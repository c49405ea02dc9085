"""`nats-alert-bridge forget`"""

from pathlib import Path

import click

from bridge.cli.asking import CONFIG
from bridge.cli.remote import command, find
from bridge.cli.table import shown


@click.command()
@click.argument("alert")
@click.argument("labels", nargs=-1, metavar="LABEL=VALUE…")
@CONFIG
def forget(alert: str, labels: tuple[str, ...], path: Path | None) -> None:
    """End the alert about something that will not come back: a server that was taken out of service.

    For rules of type flatline. The labels say which combination; once it is heard again, it is watched again.
    """
    wanted = dict(_split(text) for text in labels)
    done = command(find(path), "/forget", {"alert": alert, "labels": wanted})
    for each in done["forgotten"]:
        click.echo(f"forgotten: {shown(each.get('alertname', ''), each)}")
    if done["expected"]:
        click.echo("it is named in `expect`: remove it there, or the next reload watches it again", err=True)


def _split(text: str) -> tuple[str, str]:
    name, equal, value = text.partition("=")
    if not equal or not name.isidentifier():
        raise click.UsageError(f"{text!r} is no LABEL=VALUE; write for example server_name=n1")
    return name, value.removeprefix('"').removesuffix('"') if len(value) > 1 and value[0] == '"' else value
