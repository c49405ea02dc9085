"""`nats-alert-bridge demo`"""

import click


@click.command()
@click.option("--keep", is_flag=True, help="Stay up afterwards, until Ctrl-C.")
def demo(keep: bool) -> None:
    """Show it: a real nats-server, real trouble, and the messages that people would see in Slack."""
    raise NotImplementedError
