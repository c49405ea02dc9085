"""How commands ask: the running bridge, else its database; and what they have in common."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import click
import msgspec

from bridge.cli.place import DEFAULT, FILE, VARIABLE
from bridge.cli.remote import Place, Query, Silent, ask, find, notice
from bridge.label_matchers import LabelMatchers, Selects, select

Command = TypeVar("Command", bound=Callable[..., Any])
T = TypeVar("T")

CONFIG = click.option("--config", "path", type=FILE, help=f"The rules file.  [default: ${VARIABLE}, else {DEFAULT}]")
JSON = click.option("--json", "as_json", is_flag=True, help="For programs: what the API answers.")
LIMIT = click.option(
    "--limit", type=click.IntRange(1, 10_000), default=200, show_default=True, help="Only the newest so many."
)


def asked(path: Path | None, where: str, query: Query, read: Callable[[Path], T], kind: type[T]) -> T:
    """The bridge's answer under `where`, whose one key is left out; else what `read` finds in the database, and on
    standard error that the bridge does not answer."""
    place: Place = find(path)
    try:
        answer = ask(place, where, query)
    except Silent as silent:
        found = read(place.at.database)
        click.echo(notice(place, silent), err=True)
        return found
    (content,) = msgspec.json.decode(answer, type=dict[str, msgspec.Raw]).values()
    return msgspec.json.decode(content, type=kind)


def print_json(name: str, content: Any) -> None:
    """The form in which the API answers."""
    sys.stdout.write(msgspec.json.format(msgspec.json.encode({name: content})).decode() + "\n")


def matchers(context: click.Context, option: click.Parameter, written: Sequence[str]) -> tuple[str, ...]:
    """As written; a first one that is a bare name is that of an alert. Raises BadParameter for what is no matcher."""
    if written and written[0].isidentifier():
        written = [f"alertname={written[0]}", *written[1:]]
    for text in written:
        try:
            LabelMatchers.parse(text)
        except ValueError as error:
            raise click.BadParameter(str(error), context, option) from None
    return tuple(written)


def meaning(written: Sequence[str]) -> Selects:
    """Alerts whose labels match all of these."""
    return select([LabelMatchers.parse(text) for text in written])
