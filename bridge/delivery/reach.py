"""Whether a destination can be reached, without a word to it: name, connection, TLS."""

import asyncio
import os
import ssl
from socket import gaierror
from urllib.parse import urlsplit

from bridge.delivery.clients import authorities
from bridge.delivery.resolver import Resolver
from bridge.errors import Refused, Transient
from bridge.notification import Notification
from bridge.receiver import DIRECT, Destination, Remember, Reply, Way
from bridge.values import Secret

WITHIN = 10.0
"""Seconds for all of it."""


def first_url(destination: Destination, sample: Notification) -> Secret:
    """Where it would send this to first."""
    conversation = destination.deliver(sample, {})
    step = next(conversation)
    while isinstance(step, Remember):
        step = conversation.send(Reply(status=0))
    conversation.close()
    return step.url


async def reach(url: Secret, way: Way = DIRECT) -> str:
    """Connect and hang up. Returns where to, in words without the secret part. Raises Trouble.

    Behind a proxy only the proxy is reached: what lies beyond it would be asked by it.
    """
    if way.proxy:
        return f"the proxy {await _reach(way.proxy, DIRECT)}"
    return await _reach(url, way)


async def _reach(url: Secret, way: Way) -> str:
    parts = urlsplit(url.reveal())
    host, encrypted = parts.hostname or "", parts.scheme == "https"
    port = parts.port or (443 if encrypted else 80)
    try:
        async with asyncio.timeout(WITHIN):
            addresses = await Resolver().look_up(host, port)
            await _connect(addresses, host, port, authorities(way) if encrypted else None)
    except TimeoutError as error:
        raise Transient(f"no connection to {host}:{port} within {WITHIN:g} s") from error
    except ssl.SSLCertVerificationError as error:
        raise Refused(f"the certificate of {host}:{port} is not trusted: {error.verify_message}") from error
    except ssl.SSLError as error:
        raise Refused(f"TLS with {host}:{port} failed: {error.reason or 'no reason given'}") from error
    except OSError as error:
        raise Transient(_plain(error, host, port)) from error
    return f"{host}:{port}, {'TLS' if encrypted else 'without TLS'}"


async def _connect(addresses: list[str], host: str, port: int, tls: ssl.SSLContext | None) -> None:
    """To the first address that answers. Raises OSError as the last one does."""
    for place, address in enumerate(addresses, start=1):
        try:
            _, writer = await asyncio.open_connection(address, port, ssl=tls, server_hostname=host if tls else None)
        except OSError:
            if place == len(addresses):
                raise
            continue
        writer.transport.abort()
        return


def _plain(error: OSError, host: str, port: int) -> str:
    if isinstance(error, gaierror):
        return f"the name {host} cannot be looked up: {error.strerror}"
    # asyncio's own text is that of all addresses; its number is the system's.
    return f"no connection to {host}:{port}: {os.strerror(error.errno) if error.errno else 'the system failed'}"
