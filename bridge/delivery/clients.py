"""The HTTP client of one destination: made when it is first needed, anew when its certificates have changed."""

import ssl
from contextlib import suppress
from functools import cache
from pathlib import Path

import httpx

from bridge.errors import Refused
from bridge.receiver import Way


class Clients:
    """One client at a time; those whose certificates were replaced are closed at the end.

    A client goes on with the certificates that it has while the new ones cannot be read: somebody is writing them.
    """

    def __init__(self, way: Way) -> None:
        self._way = way
        self._files = [path for path in (way.ca_file, way.cert_file, way.key_file) if path]
        self.proxy = httpx.URL(way.proxy.reveal()) if way.proxy else None
        self._client: httpx.AsyncHTTPTransport | None = None
        self._seen: list[tuple[int, int]] = []
        self._former: list[httpx.AsyncHTTPTransport] = []

    def current(self) -> httpx.AsyncHTTPTransport:
        """Raises Refused, with the file, if there is no reading a certificate."""
        seen = [_stamp(path) for path in self._files]
        if self._client is None:
            self._client, self._seen = _client(authorities(self._way), self.proxy), seen
        elif seen != self._seen:
            with suppress(Refused):
                client = _client(authorities(self._way), self.proxy)
                self._former.append(self._client)
                self._client, self._seen = client, seen
        return self._client

    async def close(self) -> None:
        for client in [*self._former, *([self._client] if self._client else [])]:
            await client.aclose()


def _client(tls: ssl.SSLContext, proxy: httpx.URL | None) -> httpx.AsyncHTTPTransport:
    """Of httpx's client the part that speaks HTTP. What lies above it (redirects, cookies, logins in URLs, variables of
    the environment) must not happen here, and costs a quarter of a request (640 µs with it, 460 without; measured)."""
    return httpx.AsyncHTTPTransport(
        verify=tls,
        proxy=httpx.Proxy(proxy, ssl_context=tls if proxy.scheme == "https" else None) if proxy else None,
        trust_env=False,
        limits=httpx.Limits(max_connections=16, max_keepalive_connections=4, keepalive_expiry=30),
    )


def authorities(way: Way) -> ssl.SSLContext:
    """Whom to trust, and who we are. Raises Refused, with the file, if there is no reading a certificate."""
    if way.ca_file is None and way.cert_file is None:
        return _public()
    try:
        context = (
            ssl.create_default_context(cafile=way.ca_file) if way.ca_file else httpx.create_ssl_context(trust_env=False)
        )
    except (OSError, ssl.SSLError) as error:
        raise _unreadable("tls.ca_file", way.ca_file, error) from error
    if way.cert_file and way.key_file:
        try:
            context.load_cert_chain(way.cert_file, way.key_file, password=_no_password)
        except (OSError, ssl.SSLError) as error:
            raise _unreadable("tls.cert_file with tls.key_file", way.cert_file, error) from error
    return context


@cache
def _public() -> ssl.SSLContext:
    """Those that httpx brings along; SSL_CERT_FILE and the like are not asked. One for all: each costs 30 ms."""
    return httpx.create_ssl_context(trust_env=False)


def _no_password() -> str:
    """Of an encrypted key: without this, OpenSSL asks whoever sits at the terminal."""
    return ""


def _unreadable(key: str, path: Path | None, error: OSError) -> Refused:
    reason = error.reason if isinstance(error, ssl.SSLError) else error.strerror
    return Refused(f"{key} {path} cannot be used: {reason or 'it holds no certificate in PEM'}")


def _stamp(path: Path) -> tuple[int, int]:
    """Changes with the file; (0, 0) if there is none."""
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino
