"""`/api/v1`: what people and programs may ask the running bridge, and tell it."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.command import Command, Drop, ExpireSilence, Forget, Retry
from bridge.commit import Answer
from bridge.errors import Refusal, StoreError, Unknown
from bridge.label_matchers import LabelMatchers, Labels, Selects, select
from bridge.store import history
from bridge.store.firing import read_alerts
from bridge.store.told import Firing, Silenced, encode
from bridge.text import one_line
from bridge.values import DAY, parse_duration
from bridge.web.silences import EditedSilence, Ending, NewSilence

ROWS_MAX = 10_000
"""Entries of one answer."""

PATIENCE = 10.0
"""Seconds in which a command must be on disk; else its answer says that it is not."""

T = TypeVar("T")


class Bridge(msgspec.Struct, frozen=True):
    """The running program, as the API sees it."""

    database: Path
    degraded: Callable[[], str]
    """Why nothing can be written; empty while it can."""
    now: Callable[[], int]
    muted: Callable[[Labels], Mapping[str, str]]
    """Of an alert that fires: by the ids of its groups, what mutes it there now."""
    ask: Callable[[Command], Awaitable[Answer]]
    """Returns once what the command did is on disk."""


class Rows(msgspec.Struct, forbid_unknown_fields=True):
    """Which messages; `by` is who wants it."""

    ids: list[str]
    by: str = ""


class Combination(msgspec.Struct, forbid_unknown_fields=True):
    """What is to be forgotten."""

    alert: str
    labels: dict[str, str]


class Api:
    """The routes, for one bridge."""

    def __init__(self, bridge: Bridge) -> None:
        self._bridge = bridge

    @property
    def routes(self) -> list[Route]:
        table: list[tuple[str, str, Callable[[Request], Any]]] = [
            ("GET", "/alerts", self._alerts),
            ("GET", "/history", self._history),
            ("GET", "/outbox", self._outbox),
            ("GET", "/outbox/{id}", self._message),
            ("POST", "/outbox/retry", self._retry),
            ("POST", "/outbox/drop", self._drop),
            ("POST", "/forget", self._forget),
            ("GET", "/silences", self._silences),
            ("POST", "/silences", self._add_silence),
            ("GET", "/silences/{id}", self._silence),
            ("POST", "/silences/{id}", self._edit_silence),
            ("POST", "/silences/{id}/expire", self._expire_silence),
        ]
        return [Route(f"/api/v1{path}", _answering(work), methods=[method]) for method, path, work in table]

    # -- questions ----------------------------------------------------------------------------------------------

    async def _alerts(self, request: Request) -> Response:
        meant = matching(request.query_params.getlist("matcher"))
        return _json({"alerts": [await self._as_now(each) for each in await self._read(read_alerts, meant)]})

    async def _history(self, request: Request) -> Response:
        asked = request.query_params
        meant = matching(asked.getlist("matcher")) if "matcher" in asked else None
        since = self._bridge.now() - _duration(asked.get("since", "1d"))
        entries = await self._read(history.read_history, asked.get("alert", ""), meant, since, _limit(request))
        return _json({"history": entries})

    async def _outbox(self, request: Request) -> Response:
        asked = request.query_params
        states = asked.getlist("state") or ["pending"]
        messages = await self._read(history.read_outbox, states, asked.get("destination", ""), _limit(request))
        return _json({"messages": messages})

    async def _message(self, request: Request) -> Response:
        id = request.path_params["id"]
        found = await self._read(history.read_message, id)
        if found is None:
            raise Unknown(f"there is no message {one_line(id)}, or more than one begins so")
        return _json({"message": found[0], "attempts": found[1]})

    async def _silences(self, request: Request) -> Response:
        return _json({"silences": await self._read(history.read_silences, self._bridge.now())})

    async def _silence(self, request: Request) -> Response:
        return _json({"silence": await self._one(request)})

    async def _one(self, request: Request) -> Silenced:
        """Raises Unknown."""
        id = request.path_params["id"]
        silences = await self._read(history.read_silences, self._bridge.now())
        found = [each for each in silences if each.id.startswith(id)]
        if len(found) != 1:
            more = "more than one silence begins with" if found else "there is no silence"
            raise Unknown(f"{more} {one_line(id)}; GET /api/v1/silences has all")
        return found[0]

    async def _as_now(self, alert: Firing) -> Firing:
        """With what would mute it if its groups were due now; what the database has of that is of their latest tick."""
        if not alert.groups:
            return alert
        await asyncio.sleep(0)  # There may be thousands, and the main loop is not to wait for all of them.
        muted = self._bridge.muted(alert.labels)
        groups = [msgspec.structs.replace(each, muted=muted.get(each.id, "")) for each in alert.groups]
        why = next((each.muted for each in groups if each.muted), "")
        return msgspec.structs.replace(alert, groups=groups, muted=why)

    # -- commands -----------------------------------------------------------------------------------------------

    async def _retry(self, request: Request) -> Response:
        """Those that wait, and those that had ended as dead."""
        ids = (await _given(request, Rows)).ids
        dead, damaged = await self._read(history.read_ended, ids)
        if damaged:
            raise Refusal(f"message {damaged[0]} is damaged on disk and cannot be sent")
        return await self._do(Retry(ids, dead))

    async def _drop(self, request: Request) -> Response:
        rows = await _given(request, Rows)
        return await self._do(Drop(rows.ids, rows.by))

    async def _forget(self, request: Request) -> Response:
        what = await _given(request, Combination)
        return await self._do(Forget(what.alert, what.labels))

    async def _add_silence(self, request: Request) -> Response:
        new = await _given(request, NewSilence)
        return await self._do(new.command(self._bridge.now()))

    async def _edit_silence(self, request: Request) -> Response:
        edited = await _given(request, EditedSilence)
        return await self._do(edited.command((await self._one(request)).id, self._bridge.now()))

    async def _expire_silence(self, request: Request) -> Response:
        by = (await _given(request, Ending)).by
        why = f"expired by {by}" if by else "expired by hand"
        return await self._do(ExpireSilence((await self._one(request)).id, self._bridge.now(), why))

    async def _do(self, command: Command) -> Response:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._bridge.ask(command)
        except TimeoutError:
            why = self._bridge.degraded() or "the bridge is busy"
            return _error(503, f"the command was taken, but is not on disk yet: {why}")
        if answer.error:
            return _error(404 if answer.unknown else 409, answer.error)
        return _json(answer.result)

    async def _read(self, read: Callable[..., T], *given: Any) -> T:
        """In a thread, as the main loop must not wait for a disk."""
        return await asyncio.to_thread(partial(read, self._bridge.database, *given))


def matching(written: Sequence[str]) -> Selects:
    """Alerts whose labels match all of these. Raises ValueError."""
    return select([LabelMatchers.parse(text) for text in written])


def _answering(work: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """What can go wrong by what was asked becomes an answer."""

    async def answer(request: Request) -> Response:
        try:
            response: Response = await work(request)
        except Unknown as unknown:
            return _error(404, str(unknown))
        except Refusal as refusal:
            return _error(409, str(refusal))
        except ValueError as error:  # msgspec's errors are such
            return _error(400, str(error))
        except StoreError as error:
            return _error(503, str(error))
        return response

    return answer


async def _given(request: Request, kind: type[T]) -> T:
    return msgspec.json.decode(await request.body(), type=kind)


def _limit(request: Request) -> int:
    text = request.query_params.get("limit", "200")
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:9]) <= ROWS_MAX:
        raise ValueError(f"a limit is a number from 1 to {ROWS_MAX}")
    return int(text)


def _duration(text: str) -> int:
    span = parse_duration(text)
    return min(span, 36_500 * DAY)


def _json(content: Any) -> Response:
    return Response(encode(content), media_type="application/json", headers={"cache-control": "no-store"})


def _error(status: int, error: str) -> Response:
    return Response(encode({"error": error}), status, media_type="application/json")
