"""`nats-alert-bridge history`"""

import time
from pathlib import Path

import click

from bridge.cli.asking import CONFIG, JSON, LIMIT, asked, matchers, meaning, print_json
from bridge.cli.span import span
from bridge.cli.table import moment, number, show, shown, zone
from bridge.store.history import read_history
from bridge.store.told import Ended, Entry, Fixed, Quieted, Try, Turn
from bridge.values import MICROSECOND, write_duration


@click.command()
@click.argument("alert", default="", metavar="[ALERT]")
@click.argument("labels", nargs=-1, callback=matchers, metavar="[LABEL=VALUE…]")
@click.option("--since", callback=span, default="1d", show_default=True, metavar="DURATION", help="How far back.")
@LIMIT
@CONFIG
@JSON
def history(alert: str, labels: tuple[str, ...], since: int, limit: int, path: Path | None, as_json: bool) -> None:
    """Show what happened: changes of alerts, messages, every attempt to deliver one, and what was muted and why.

    ALERT is the name of an alert, or the id of one, as messages show it (its first six digits are enough). It is kept
    for `storage.retention`.
    """
    query = [("alert", alert), ("since", write_duration(since)), ("limit", str(limit))]
    query += [("matcher", text) for text in labels]
    begin = time.time_ns() // (1000 * MICROSECOND) - since
    meant = meaning(labels) if labels else None
    found = asked(
        path, "/history", query, lambda database: read_history(database, alert, meant, begin, limit), list[Entry]
    )
    if as_json:
        print_json("history", found)
    elif found:
        show([f"when ({zone()})", "what", "about", "detail"], map(_row, found))
        if len(found) == limit:
            click.echo(f"only the newest {limit} are shown; --limit shows more", err=True)
    else:
        asked_for = ", ".join(filter(None, (alert, *labels)))
        what = f"nothing of {asked_for} happened" if asked_for else "nothing happened"
        hint = "; `nats-alert-bridge history` shows what did" if asked_for else ""
        click.echo(f"{what} in the last {write_duration(since)}{hint}")


def _row(entry: Entry) -> list[str]:
    when = f"{moment(entry.at)}.{entry.at.microsecond // 1000:03}"
    match entry:
        case Turn():
            numbers = f"value {number(entry.value)}" if entry.value is not None else ""
            return [when, entry.state, shown(entry.name, entry.labels), _joined(numbers, entry.reason, entry.alert)]
        case Fixed(message=message):
            names = ", ".join(dict.fromkeys(alert.labels.get("alertname", "") for alert in message.alerts))
            count = f"{len(message.alerts)} alert{'s' if len(message.alerts) != 1 else ''}: {names}"
            renewed = f"as fixed anew {moment(message.renewed)}" if message.renewed else ""
            detail = _joined(f"{message.status} ({message.reason})", count, renewed)
            return [when, "message", f"{message.id} to {message.destination}", detail]
        case Try():
            word = entry.trouble or "delivered"
            seconds = f"{entry.seconds:.3f} s"
            status = "" if entry.status is None else f"status {entry.status}"
            return [when, word, f"{entry.message} to {entry.destination}", _joined(status, seconds, entry.detail)]
        case Ended():
            return [when, "dead", f"{entry.message} to {entry.destination}", entry.detail]
        case Quieted():
            return [when, "muted", shown(entry.name, entry.labels), _joined(entry.reason, f"receiver {entry.receiver}")]


def _joined(*parts: str) -> str:
    return ", ".join(filter(None, parts))
