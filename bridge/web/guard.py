"""Who gets in: the right host name, the token, and bodies of a size and type that no other site's page can send."""

import asyncio
import hmac
import json
from collections.abc import Collection

from starlette.types import ASGIApp, Message, Receive, Scope, Send

BODY_MAX = 1024 * 1024
"""Bytes: some 50 000 ids of messages."""

HEADERS_MAX = 16 * 1024
"""Bytes."""

BODY_SECONDS = 5.0
"""For the whole body."""


class Guard:
    """Stands before the application. Refusals are JSON with one key, `error`."""

    def __init__(self, app: ASGIApp, hosts: Collection[str], token: str | None) -> None:
        """`hosts`: names under which the bridge may be asked; empty: under any. They keep out pages of other sites
        whose name was made to lead here (DNS rebinding)."""
        self._app = app
        self._hosts = hosts
        self._token = token

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        if sum(len(name) + len(value) for name, value in scope["headers"]) > HEADERS_MAX:
            refusal: tuple[int, str] | None = (431, f"the headers have more than {HEADERS_MAX} bytes")
        else:
            refusal = self._refusal(scope["method"], headers)
        if refusal is None:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _body(receive)
            except TimeoutError:
                refusal = 408, f"the request was not there within {BODY_SECONDS:g} s"
            except ValueError as error:
                refusal = 413, str(error)
            except ConnectionError:
                return
        if refusal is not None:
            await _refuse(send, *refusal)
            return
        await self._app(scope, _again(body), send)

    def _refusal(self, method: str, headers: dict[str, str]) -> tuple[int, str] | None:
        if self._hosts and _host(headers.get("host", "")) not in self._hosts:
            return 403, f"ask under one of the names {', '.join(sorted(self._hosts))}"
        if self._token is not None:
            given = headers.get("authorization", "").encode("latin-1")
            if not hmac.compare_digest(given, b"Bearer " + self._token.encode()):
                return 401, "this bridge wants the token of http.auth, as `Authorization: Bearer TOKEN`"
        if method not in ("GET", "HEAD") and headers.get("content-type", "").partition(";")[0] != "application/json":
            # A form of another site's page can be sent without asking us first, but not with this type.
            return 415, "commands are of the type application/json"
        return None


def _host(header: str) -> str:
    """Without the port."""
    host = header.rpartition(":")[0] if header.rpartition(":")[2].isdigit() else header
    return host.removeprefix("[").removesuffix("]").rstrip(".").lower()


async def _body(receive: Receive) -> bytes:
    """Raises ValueError if it is too large, ConnectionError if nobody waits any more."""
    parts: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionError
        parts.append(message.get("body", b""))
        size += len(parts[-1])
        if size > BODY_MAX:
            raise ValueError(f"the body has more than {BODY_MAX} bytes")
        if not message.get("more_body", False):
            return b"".join(parts)


def _again(body: bytes) -> Receive:
    """Gives the body that was read, once; then waits for ever, as for a client that stays."""
    messages: list[Message] = [{"type": "http.request", "body": body, "more_body": False}]

    async def receive() -> Message:
        if messages:
            return messages.pop()
        await asyncio.Event().wait()
        raise AssertionError("nobody sets it")

    return receive


async def _refuse(send: Send, status: int, error: str) -> None:
    headers = [(b"content-type", b"application/json"), (b"connection", b"close")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps({"error": error}).encode()})
