"""What is wrong with a connection, as people are told it: what failed, on which server, and what to look at."""

import os
import ssl

import aiohttp
from nats import errors as nats_errors

from bridge.errors import LoginFailed, SourceError, Unreachable, WrongAccount
from bridge.source import handshake
from bridge.source.login import Login
from bridge.source.servers import Target
from bridge.source.settings import Settings

_REFUSALS = ("authorization", "authentication", "account active connections")
"""What `-ERR` says, in lower case, where a login is refused (nats-server's errors.go)."""
_REASON_MAX = 256
"""Characters: some of it is the server's own text."""
_NO_INFO = "empty response from server when expecting INFO message"
"""nats-py 2.16.0, also where the connection ended before any word."""


def unreachable(target: Target, file: str, reason: str, check: str = "") -> Unreachable:
    """There is no server. `file`: the rules file. `check`: what to look at, if it is not the server's address."""
    check = check or f"check nats.servers in {file}, the server and firewalls"
    return Unreachable(f"cannot connect to {target.address}: {reason}; {check}", target.address, reason)


def broken(target: Target, file: str, error: Exception) -> Unreachable:
    """An error of nats-py or the network, once there is a connection."""
    return unreachable(target, file, plain(error))


def refused(
    target: Target, settings: Settings, error: Exception, login: Login, encrypted: bool, now: float
) -> SourceError:
    """An error while the connection is made. `encrypted`: TLS was up by then; `now` in seconds since 1970."""
    error, file, tls = _cause(error), settings.file, settings.tls
    reason = plain(error)
    if isinstance(error, nats_errors.Error) and any(word in reason.lower() for word in _REFUSALS):
        what = f"cannot log in to {target.address} {login.shown}: {reason}; {login.check}"
        return LoginFailed(what, target.address, reason)
    if isinstance(error, ssl.SSLError):
        return unreachable(target, file, *handshake.explain(error, tls, file, now))
    if reason == _NO_INFO:
        return unreachable(target, file, "it does not begin as a NATS server does", _check_first(target, settings))
    if isinstance(error, TimeoutError):
        return unreachable(target, file, reason, _check_first(target, settings))
    if _cut_off(error) and (encrypted or target.scheme == "wss"):
        return unreachable(target, file, *handshake.refused(tls, file, now))
    if isinstance(error, aiohttp.ClientResponseError):
        check = f"check nats.servers in {file}: ws:// and wss:// (with TLS) are for the server's websocket block"
        return unreachable(target, file, f"no websocket answers there (HTTP status {error.status})", check)
    return unreachable(target, file, reason)


def _cut_off(error: Exception) -> bool:
    """It ended, and not for want of a server."""
    ends = (ConnectionResetError, BrokenPipeError, nats_errors.UnexpectedEOF, aiohttp.ServerDisconnectedError)
    return isinstance(error, ends)


def _cause(error: Exception) -> Exception:
    """The error of the network that aiohttp, which makes websockets, hides in one of its own."""
    while isinstance(error, aiohttp.ClientError) and isinstance(error.__cause__, OSError):
        error = error.__cause__
    return error


def _check_first(target: Target, settings: Settings) -> str:
    check = f"check nats.servers in {settings.file}, the server and firewalls"
    if not target.tls:
        return check
    return f"{check}; nats.tls.first must be true for servers with handshake_first, and for no others"


def wrong_account(target: Target, shown: str) -> WrongAccount:
    """This is not the system account."""
    reason = "outside the system account"
    what = (
        f"logged in to {target.address} {shown}, but {reason}, so no events would ever come; use a user of the "
        "account that the server's configuration names as system_account ($SYS where it names none)"
    )
    return WrongAccount(what, target.address, reason)


def denied(target: Target, shown: str, subscribe: bool, subject: str) -> str:
    """The user may not hear a subject, or not publish to it."""
    verb, key = ("subscribe to", "subscribe") if subscribe else ("publish to", "publish")
    what = f"the bridge, connected to {target.address} {shown}, may not {verb} {subject}"
    return f"{what}; allow it in permissions.{key} of this user"


def plain(error: Exception) -> str:
    """An error of nats-py or the network as people would say it."""
    match error:
        case nats_errors.UnexpectedEOF():
            return "the server closed the connection"
        case TimeoutError():
            return "no answer"
        case ssl.SSLError():
            return f"TLS failed: {getattr(error, 'reason', None) or error}"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case OSError(strerror=str(text)):
            return text
    return str(error).removeprefix("nats: ").strip().strip("'")[:_REASON_MAX] or type(error).__name__
