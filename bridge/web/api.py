"""`/api/v1`: what people and programs may ask the running bridge, and tell it."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bridge.command import AddSilence, Command, Drop, ExpireSilence, Forget, Retry
from bridge.commit import Answer
from bridge.errors import Refusal, StoreError
from bridge.label_matchers import LabelMatchers, select
from bridge.silence import Silence, new_id
from bridge.store import history
from bridge.store.history import Meant
from bridge.store.told import encode
from bridge.values import DAY, parse_duration

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


class NewSilence(msgspec.Struct, forbid_unknown_fields=True):
    """A silence that begins now or at `starts_at`; instants are microseconds since the epoch."""

    matchers: list[str]
    ends_at: int | None = None
    starts_at: int | None = None
    time_intervals: list[str] = []
    comment: str = ""
    created_by: str = ""
    expire_on_resolve: bool = False


class Ending(msgspec.Struct, forbid_unknown_fields=True):
    """Who ends a silence."""

    by: str = ""


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
            ("POST", "/silences/{id}/expire", self._expire_silence),
        ]
        return [Route(f"/api/v1{path}", _answering(work), methods=[method]) for method, path, work in table]

    # -- questions ----------------------------------------------------------------------------------------------

    async def _alerts(self, request: Request) -> Response:
        meant = matching(request.query_params.getlist("matcher"))
        return _json({"alerts": await self._read(history.read_alerts, meant)})

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
            return _error(404, f"there is no message {id}, or more than one begins so")
        return _json({"message": found[0], "attempts": found[1]})

    async def _silences(self, request: Request) -> Response:
        return _json({"silences": await self._read(history.read_silences, self._bridge.now())})

    async def _silence(self, request: Request) -> Response:
        id = request.path_params["id"]
        silences = await self._read(history.read_silences, self._bridge.now())
        found = [each for each in silences if each.id.startswith(id)]
        return _json({"silence": found[0]}) if len(found) == 1 else _error(404, f"there is no silence {id}")

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
        new, now = await _given(request, NewSilence), self._bridge.now()
        matching(new.matchers)
        return await self._do(AddSilence(_silence(new, now), now))

    async def _expire_silence(self, request: Request) -> Response:
        by = (await _given(request, Ending)).by
        why = f"expired by {by}" if by else "expired by hand"
        return await self._do(ExpireSilence(request.path_params["id"], self._bridge.now(), why))

    async def _do(self, command: Command) -> Response:
        try:
            async with asyncio.timeout(PATIENCE):
                answer = await self._bridge.ask(command)
        except TimeoutError:
            why = self._bridge.degraded() or "the bridge is busy"
            return _error(503, f"the command was taken, but is not on disk yet: {why}")
        return _error(409, answer.error) if answer.error else _json(answer.result)

    async def _read(self, read: Callable[..., T], *given: Any) -> T:
        """In a thread, as the main loop must not wait for a disk."""
        return await asyncio.to_thread(partial(read, self._bridge.database, *given))


def matching(written: Sequence[str]) -> Meant:
    """Alerts whose labels match all of these. Raises ValueError."""
    return select([LabelMatchers.parse(text) for text in written])


def _silence(new: NewSilence, now: int) -> Silence:
    starts = now if new.starts_at is None else new.starts_at
    if not new.matchers:
        raise ValueError("a silence needs matchers, such as alertname=AuthErrorBurst")
    if new.ends_at is None and not new.time_intervals:
        raise ValueError("a silence needs an end, or time intervals")
    if new.ends_at is not None and new.ends_at <= max(starts, now):
        raise ValueError("the end of the silence is over already, or before its beginning")
    silence = Silence(
        id="",
        matchers=tuple(new.matchers),
        starts_at=starts,
        ends_at=new.ends_at,
        time_intervals=tuple(new.time_intervals),
        comment=new.comment,
        created_by=new.created_by,
        created_at=now,
        expire_on_resolve=new.expire_on_resolve,
    )
    return msgspec.structs.replace(silence, id=new_id(silence))


def _answering(work: Callable[[Request], Any]) -> Callable[[Request], Any]:
    """What can go wrong by what was asked becomes an answer."""

    async def answer(request: Request) -> Response:
        try:
            response: Response = await work(request)
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
