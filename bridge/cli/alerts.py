"""`nats-alert-bridge alerts`"""

from datetime import UTC, datetime
from pathlib import Path

import click

from bridge.cli.asking import CONFIG, JSON, asked, matchers, meaning, print_json
from bridge.cli.table import ago, clock, moment, number, show, shown, zone
from bridge.store.firing import read_alerts
from bridge.store.told import Firing, Grouped, Telling


@click.command()
@click.argument("labels", nargs=-1, callback=matchers, metavar="[ALERT] [LABEL=VALUE…]")
@CONFIG
@JSON
def alerts(labels: tuple[str, ...], path: Path | None, as_json: bool) -> None:
    """Show what fires now or is pending: since when, its value, and who was told last.

    LABEL=VALUE, or another matcher such as 'severity=~"warning|critical"', shows only alerts with such labels. Values
    are those of the latest checkpoint. Where no bridge runs, this is what it left in its database.
    """
    query = [("matcher", text) for text in labels]
    found = asked(path, "/alerts", query, lambda database: read_alerts(database, meaning(labels)), list[Firing])
    if as_json:
        print_json("alerts", found)
    elif found:
        show(["alert", "state", f"since ({zone()})", "", "value", "events", "told"], map(_row, found))
    else:
        # A misspelt name must not look like an all-clear.
        what = f"no alert that matches {', '.join(labels)}" if labels else "no alert"
        click.echo(f"{what} fires or is pending")


def _row(alert: Firing) -> list[str]:
    state = f"{alert.state} {alert.reason}".strip()
    told = [f"muted for {each.receiver}: {each.muted}" for each in alert.groups if each.muted]
    told += map(_telling, alert.told)
    told += [_waiting(each) for each in alert.groups if each.untold and not each.muted]
    return [
        shown(alert.name, alert.labels),
        state,
        moment(alert.since),
        ago(alert.since),
        number(alert.value),
        str(alert.count),
        "; ".join(told) or _untold(alert),
    ]


def _untold(alert: Firing) -> str:
    if alert.state == "pending":
        return ""
    return "longer ago than storage.retention" if alert.groups else "nobody yet"


def _telling(told: Telling) -> str:
    detail = f" ({told.detail})" if told.detail else ""
    tries = f", {told.attempts} tries" if told.state == "pending" and told.attempts else ""
    state = "pending since" if told.state == "pending" else told.state
    return f"{told.destination} {state} {clock(told.at)}{tries}{detail}"


def _waiting(group: Grouped) -> str:
    """Whom it will be told, and when."""
    to = f"to {', '.join(group.untold)}"
    if group.due is None:
        return f"{to} after the message before"
    return f"{ago(group.due)}, {to}" if group.due > datetime.now(UTC) else f"due {ago(group.due)}, {to}"
