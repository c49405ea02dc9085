"""`nats-alert-bridge demo`"""

import click

from bridge.demo.child import die_with_parent
from bridge.demo.ending import end_on_signals
from bridge.demo.play import Play


@click.command()
@click.option("--keep", is_flag=True, help="Stay up afterwards, until Ctrl-C.")
def demo(keep: bool) -> None:
    """Show it: a real nats-server, real trouble, and the messages that people would see in Slack."""
    die_with_parent()
    end_on_signals()
    Play(keep=keep).run()
