"""HTTP in a harness: whatever the other side does, a request ends in time, in little memory, its URL untold."""

import asyncio
import logging
import os
import ssl
import sys
from collections.abc import Iterator
from contextlib import aclosing
from functools import lru_cache
from importlib.util import find_spec
from socket import gaierror
from types import TracebackType
from typing import Any, Self

import httpx

from bridge import __version__
from bridge.clock import Clock
from bridge.delivery.clients import Clients
from bridge.delivery.gate import Gate
from bridge.delivery.peers import Peers
from bridge.delivery.resolver import Resolver
from bridge.errors import Refused, Rejected, Transient, Trouble
from bridge.receiver import DIRECT, Reply, Request, Way
from bridge.values import SECOND

DEADLINE = 15.0
"""Seconds from the look-up of the name to the last byte of the answer. httpx's own limits never end an answer that
comes byte by byte."""
CONNECT_DEADLINE = 5.0
"""Seconds for the connection to one of several addresses of a host, and again for its TLS handshake."""
BODY_MAX = 64 * 1024
ADDRESSES_MAX = 3

HEADERS = {
    "Accept": "*/*",
    # 300 KB of gzip become 300 MB in 0.6 s (measured). The body is read raw as well.
    "Accept-Encoding": "identity",
    "Connection": "keep-alive",
    "User-Agent": f"nats-alert-bridge/{__version__}",
}
"""Of every request that has none of its own."""

# httpx writes whole URLs at INFO, and Slack's is a credential; httpcore writes headers at DEBUG.
logging.getLogger("httpx").setLevel(logging.WARNING)
logging.getLogger("httpcore").setLevel(logging.WARNING)

# httpcore tries to import sniffio four times a request. Where there is none, Python searches its whole path each time,
# and the POST of a single alert goes out 0.4 ms later (measured); told so, it does not search.
if find_spec("sniffio") is None:
    sys.modules["sniffio"] = None  # type: ignore[assignment]


class Http:
    """The way to one destination: its own client, connections and look-ups, behind its account's gate."""

    def __init__(self, clock: Clock, gate: Gate, way: Way = DIRECT, *, deadline: float = DEADLINE) -> None:
        self.clock = clock
        self.gate = gate
        self.in_flight = 0
        """Requests without an answer so far."""
        self._deadline = deadline
        self._resolver = Resolver()
        self._clients = Clients(way)
        self._peers = Peers(clock, self.send)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._clients.close()

    async def turn(self, request: Request) -> None:
        """Wait until its gate lets a request through: for the rate, and for pauses that the service asked for."""
        gate = self.gate.of(request)
        while (wait := gate.paused_until - self.clock.now()) > 0:  # Places are taken afterwards, not all at once.
            await self.clock.sleep(wait / SECOND)
        place = gate.reserve(self.clock.now())
        while (wait := max(place, gate.paused_until) - self.clock.now()) > 0:
            await self.clock.sleep(wait / SECOND)

    async def send(self, request: Request) -> Reply:
        """The reply, whatever its status. Raises Transient, Rejected or Refused where there is none."""
        if request.peers:
            return await self._peers.send(request)
        self.in_flight += 1
        try:
            async with asyncio.timeout(self._deadline):
                return await self._exchange(request, asyncio.get_running_loop().time() + self._deadline)
        except TimeoutError as error:
            raise Transient(f"no whole answer within {self._deadline:g} s") from error
        except OSError as error:
            raise _unsent(_no_address(error, self._whose), isinstance(error, gaierror)) from error
        except httpx.ProxyError as error:
            raise _unsent(_turned_away(error)) from None  # Its text is the proxy's.
        except (httpx.InvalidURL, httpx.UnsupportedProtocol, UnicodeEncodeError, httpx.LocalProtocolError) as error:
            # None: the texts of these hold the URL, or the header's value.
            raise _unsent(_unsendable(error)) from None
        except httpx.RequestError as error:
            unsent = isinstance(error, httpx.ConnectError | httpx.ConnectTimeout)
            raise _unsent(_no_reply(error, self._whose), unsent) from error
        finally:
            self.in_flight -= 1

    @property
    def _whose(self) -> str:
        """Of a failure to connect."""
        return "the proxy: " if self._clients.proxy else ""

    async def _exchange(self, request: Request, end: float) -> Reply:
        url = _parse(request.url.reveal(), None)
        client = self._clients.current()
        if self._clients.proxy is not None:
            # The proxy looks the name up; its own name once here first, for a look-up that hangs hangs in our thread.
            await self._look_up(self._clients.proxy)
            return await self._post(client, request, url, url, end)
        *others, last = (await self._look_up(url))[:ADDRESSES_MAX]
        for address in others:
            try:
                return await self._post(client, request, url, _parse(request.url.reveal(), address), end)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # Nothing was sent; another address of the host may answer.
        return await self._post(client, request, url, _parse(request.url.reveal(), last), end)

    async def _look_up(self, url: httpx.URL) -> list[str]:
        return await self._resolver.look_up(
            url.raw_host.decode("ascii"), url.port or (443 if url.scheme == "https" else 80)
        )

    async def _post(
        self, client: httpx.AsyncHTTPTransport, request: Request, url: httpx.URL, address: httpx.URL, end: float
    ) -> Reply:
        """Send to one address, but ask for, and demand a certificate of, the host that the URL names."""
        # httpcore leaks the socket of a handshake that is cancelled, but not of one that takes too long: so connection
        # and handshake, which have this limit each, must both end before the whole is cancelled.
        left = end - asyncio.get_running_loop().time()
        connect = min(CONNECT_DEADLINE, max(0.45 * left, 0.001))
        extensions: dict[str, Any] = {"timeout": httpx.Timeout(None, connect=connect).as_dict()}
        if self._clients.proxy is None:
            # Else the URL has its name still, and httpcore would demand a certificate of that name of the proxy.
            extensions["sni_hostname"] = url.raw_host.decode("ascii")
        sent = httpx.Request(
            request.method,
            address,
            headers=self._headers(request, url),
            content=request.body,
            extensions=extensions,
        )
        response = await client.handle_async_request(sent)
        async with aclosing(response):
            body = await _read(response)
        headers = {name.lower(): text for name, text in response.headers.items()}
        return Reply(status=response.status_code, headers=headers, body=body, at=self.clock.now() / SECOND)

    def _headers(self, request: Request, url: httpx.URL) -> list[tuple[str, str]]:
        signed = request.signature.headers(self.clock.now() // SECOND, request.body) if request.signature else {}
        given = {**request.headers, **signed, "Host": url.netloc.decode("ascii")}
        named = {name.lower() for name in given}
        return [*given.items(), *((name, text) for name, text in HEADERS.items() if name.lower() not in named)]


@lru_cache(maxsize=256)
def _parse(url: str, address: str | None) -> httpx.URL:
    """With this address in the place of its host. Remembered, as a destination has few URLs, and each costs 40 µs."""
    return httpx.URL(url) if address is None else httpx.URL(url).copy_with(host=address)


async def _read(response: httpx.Response) -> bytes:
    """At most 64 KB of the body, as it came."""
    body = b""
    assert isinstance(response.stream, httpx.AsyncByteStream), "a response of an asynchronous transport has one"
    async for chunk in response.stream:
        body += chunk
        if len(body) >= BODY_MAX:
            break
    return body[:BODY_MAX]


def _unsent(trouble: Trouble, is_so: bool = True) -> Trouble:
    trouble.unsent = is_so
    return trouble


def _unsendable(error: Exception) -> Trouble:
    if isinstance(error, httpx.InvalidURL | httpx.UnsupportedProtocol):
        return Refused("the URL cannot be used; write https://host/path")
    # An odd header must not block the row for ever: it may go without in the plain form, and else ends as dead.
    return Rejected("a header holds what HTTP does not allow")


def _turned_away(error: httpx.ProxyError) -> Trouble:
    """By the proxy, which says why with a status."""
    status = str(error)[:3]
    if status == "407":
        return Refused("the proxy wants a login, or another one; write proxy_url: http://user:password@host:port", 407)
    return Transient(f"the proxy has no way to the host{f' (HTTP {status})' if status.isdecimal() else ''}")


def _no_address(error: OSError, whose: str) -> Transient:
    about = "the host's name cannot be looked up: " if isinstance(error, gaierror) else ""
    return Transient(f"{whose}{about}{error.strerror or 'the system failed'}")


def _no_reply(error: httpx.RequestError, whose: str) -> Trouble:
    if isinstance(error, httpx.TimeoutException):
        return Transient("no connection in time")
    for cause in _chain(error):
        match cause:
            case ssl.SSLCertVerificationError():
                return Refused(f"the certificate is not trusted: {cause.verify_message}")
            case ssl.SSLError() if not isinstance(cause, _PASSING):
                return Refused(f"TLS failed: {cause.reason or 'no reason given'}")
            case OSError(errno=int(number)) if not isinstance(cause, ssl.SSLError):
                return Transient(f"{whose if isinstance(error, httpx.ConnectError) else ''}{os.strerror(number)}")
    return Transient(_KINDS.get(type(error), "the connection failed"))


_PASSING = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError, ssl.SSLWantReadError, ssl.SSLWantWriteError)
"""What TLS raises when the connection is lost, or has to wait: no fault of either side's settings."""

_KINDS: dict[type[httpx.RequestError], str] = {
    httpx.ConnectError: "the connection was lost before it stood",
    httpx.RemoteProtocolError: "the answer is no HTTP, or was cut off",
    httpx.ReadError: "the connection was lost before the answer",
    httpx.WriteError: "the connection was lost while sending",
}


def _chain(error: BaseException) -> Iterator[BaseException]:
    cause: BaseException | None = error
    while cause is not None:
        yield cause
        cause = cause.__cause__ or cause.__context__
