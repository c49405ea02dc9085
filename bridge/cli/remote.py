"""The running bridge, as commands beside it reach it."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import httpx
import msgspec

from bridge.cli.place import default_file
from bridge.config import Outline, outline
from bridge.config.names import split_listen
from bridge.errors import BridgeError, StoreError
from bridge.store.lock import holder

TIMEOUT = 15.0
"""Seconds; a bridge answers a command within ten, or says why not."""

Query = Sequence[tuple[str, str]]


class CommandError(BridgeError):
    """A command was not done."""


class Silent(CommandError):
    """Nobody answers where the bridge should be."""


class Place(NamedTuple):
    """A rules file and where its bridge is."""

    file: Path
    at: Outline


def find(path: Path | None) -> Place:
    """Raises ConfigError."""
    path = path or default_file()
    return Place(path, outline(path, os.environ))


def ask(place: Place, path: str, query: Query = ()) -> bytes:
    """A question's answer, as JSON. Raises Silent, CommandError."""
    return _call(place, "GET", path, query=query)


def command(place: Place, path: str, what: Mapping[str, Any]) -> dict[str, Any]:
    """Returns what was done. Raises CommandError; where no bridge answers, with how to start it."""
    with _needed(place):
        return msgspec.json.decode(_call(place, "POST", path, msgspec.json.encode(what)), type=dict[str, Any])


def consult(place: Place, path: str, query: Query = ()) -> bytes:
    """As `ask`, where a command depends on the answer: what an ended bridge left would not do."""
    with _needed(place):
        return ask(place, path, query)


@contextmanager
def _needed(place: Place) -> Iterator[None]:
    try:
        yield
    except Silent as silent:
        raise CommandError(f"nothing was done: {silent}; {_advice(place)}") from None


def notice(place: Place, silent: Silent) -> str:
    """Why the database is read instead."""
    try:
        pid = holder(place.at.database)
    except StoreError:
        pid = None
    if pid is None:
        return f"the bridge does not run; this is what {place.at.database} holds"
    return f"{silent} (pid {pid} has the database); this is what {place.at.database} holds"


def _call(place: Place, method: str, path: str, body: bytes | None = None, query: Query = ()) -> bytes:
    http = place.at.http
    if http is None:
        raise Silent(f"{place.file} has `http: null`, so the bridge hears no commands")
    headers = {"content-type": "application/json"} if body is not None else {}
    if http.auth and not place.at.trouble:
        headers["authorization"] = f"Bearer {http.auth.token.reveal()}"
    host, port = split_listen(http.listen)
    name = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(host, f"[{host}]" if ":" in host else host)  # noqa: S104
    try:
        # Neither a proxy nor anything else of the environment may come between.
        with httpx.Client(trust_env=False, timeout=TIMEOUT) as client:
            answer = client.request(
                method, f"http://{name}:{port}/api/v1{path}", params=list(query), content=body, headers=headers
            )
    except httpx.ConnectError:
        raise Silent(f"no bridge answers at {http.listen}") from None
    except httpx.HTTPError as error:
        raise CommandError(f"the bridge at {http.listen} does not answer: {type(error).__name__}") from None
    if answer.is_success:
        return answer.content
    raise CommandError(_error(answer, place))


def _error(answer: httpx.Response, place: Place) -> str:
    try:
        error = str(msgspec.json.decode(answer.content, type=dict[str, Any])["error"])
    except (msgspec.MsgspecError, KeyError):
        where = place.at.http.listen if place.at.http else ""
        return f"what answers at {where} is no nats-alert-bridge (status {answer.status_code}); check http.listen"
    return (
        f"{error} ({place.at.trouble})"
        if answer.status_code == httpx.codes.UNAUTHORIZED and place.at.trouble
        else error
    )


def _advice(place: Place) -> str:
    if place.at.http is None:
        return "write http: {listen: 127.0.0.1:9476} and start it anew"
    return f"start it: systemctl start nats-alert-bridge, or nats-alert-bridge run --config {place.file}"
