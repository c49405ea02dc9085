"""`nats-alert-bridge send-test`"""

import asyncio
import os
import secrets
import socket
import sys
from pathlib import Path
from typing import get_args

import click

from bridge.cli.place import DEFAULT, FILE, VARIABLE, default_file
from bridge.clock import SystemClock
from bridge.config import Loaded, load
from bridge.delivery.trial import Verdict, try_out
from bridge.errors import BridgeError, Refused, Rejected, Transient
from bridge.notification import AlertView, Notification, State
from bridge.receiver import Destination
from bridge.values import MINUTE, SECOND, format_duration

ALERT = "TestMessage"


@click.command("send-test")
@click.argument("receiver")
@click.option(
    "--state", type=click.Choice(get_args(State)), default="firing", show_default=True, help="What the message tells."
)
@click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
def send_test(receiver: str, state: State, path: Path | None) -> None:
    """Send a test message to each destination of RECEIVER, and say what they answered.

    The message is marked as a test, and goes the way of real ones: their layout, credentials, certificates and proxy.
    Nothing is stored, so the bridge may run meanwhile or not. Exit code 1 if any destination did not take it.
    """
    loaded = load(path or default_file(), os.environ)
    destinations = _of(loaded, receiver)
    verdicts = asyncio.run(_try_all(loaded, receiver, state, destinations))
    width = max(map(len, destinations))
    for name, verdict in zip(destinations, verdicts, strict=True):
        click.echo(f"{name:{width}}  {_line(verdict, loaded.config.delivery.give_up_after)}")
    if any(verdict.trouble for verdict in verdicts):
        sys.exit(1)


def _of(loaded: Loaded, receiver: str) -> dict[str, Destination]:
    """By the names that are printed: those of their queues, and of each server where a destination tells several."""
    receivers = {each.name: each.destinations for each in loaded.config.receivers}
    if receiver not in receivers:
        raise BridgeError(f"no receiver is named {receiver!r}; there are {', '.join(receivers)}")
    found: dict[str, Destination] = {}
    for name, destination in receivers[receiver].items():
        servers = destination.singly()
        for number, server in enumerate(servers, 1):
            found[f"{name} peer {number}" if len(servers) > 1 else name] = server
    if not found:
        raise BridgeError(f"the receiver {receiver!r} has no destinations; add slack_configs or others to it")
    return found


async def _try_all(loaded: Loaded, receiver: str, state: State, destinations: dict[str, Destination]) -> list[Verdict]:
    messages = [_message(loaded, receiver, name, state) for name in destinations]
    return await asyncio.gather(*map(try_out, destinations.values(), messages))


def _message(loaded: Loaded, receiver: str, destination: str, state: State) -> Notification:
    now = SystemClock().now()
    began = now - MINUTE if state == "resolved" else now
    labels = {**loaded.config.labels, "alertname": ALERT, "severity": "test"}
    said = f"This is a test by nats-alert-bridge send-test on {socket.gethostname()}. Nothing is wrong."
    alert = AlertView(
        id=secrets.token_hex(8),
        state=state,
        labels=labels,
        annotations={"summary": said},
        starts_at=began,
        ends_at=now if state == "resolved" else None,
        first_seen=began,
        last_seen=began,
    )
    return Notification(
        id=secrets.token_hex(8),
        status=state,
        reason="resolved" if state == "resolved" else "first",
        receiver=receiver,
        destination=destination,
        group_key=f'{{}}:{{alertname="{ALERT}"}}',
        group_labels={"alertname": ALERT},
        alerts=[alert],
        created_at=now,
        external_url=loaded.config.external_url,
    )


def _line(verdict: Verdict, give_up_after: int) -> str:
    took = f"in {format_duration(round(verdict.seconds * SECOND))}"
    what, _, advice = str(verdict.trouble or "").partition("; ")
    said = f"{what} {took}"
    match verdict.trouble:
        case None:
            return f"told      HTTP {verdict.status} {took}"
        case Transient():
            again = f"a real message would be tried for {format_duration(give_up_after)}"
            return f"failed    {said}; {again}; {advice or 'look at the service, and at the way to it'}"
        case Rejected():
            rest = "taken as plain text" if verdict.plain_taken else "nor is it taken as plain text; look at its keys"
            return f"rejected  {said}; {rest}"
        case Refused():
            mend = "mend that first: look at its URL, its credentials and its tls"
            return f"refused   {said}; {advice or mend}"
        case trouble:
            return f"failed    {trouble} {took}"
