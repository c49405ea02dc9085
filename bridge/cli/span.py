"""Durations on the command line."""

import click

from bridge.values import parse_duration


def span(context: click.Context, option: click.Parameter, given: str | None) -> int | None:
    """A duration as in the rules file."""
    try:
        return None if given is None else parse_duration(given)
    except ValueError as error:
        raise click.BadParameter(str(error), context, option) from None
