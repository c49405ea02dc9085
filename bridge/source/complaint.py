"""What is wrong with a connection, as people are told it: what failed, on which server, and what to look at."""

import os
import ssl

from nats import errors as nats_errors

from bridge.errors import LoginFailed, SourceError, Unreachable, WrongAccount
from bridge.source.servers import Target

_REFUSALS = ("authorization", "authentication", "account active connections")
"""What `-ERR` says, in lower case, where a login is refused (nats-server's errors.go)."""
_REASON_MAX = 256
"""Characters: some of it is the server's own text."""


def unreachable(target: Target, file: str, reason: str, check: str = "") -> Unreachable:
    """There is no server. `file`: the rules file. `check`: what to look at, if it is not the server's address."""
    check = check or f"check nats.servers in {file}, the server and firewalls"
    return Unreachable(f"cannot connect to {target.address}: {reason}; {check}", target.address, reason)


def broken(target: Target, file: str, error: Exception) -> Unreachable:
    """An error of nats-py or the network, while the connection is made or later."""
    check = ""
    if isinstance(error, ssl.SSLCertVerificationError):
        check = f"check the server's certificate, and nats.tls.ca_file in {file}: it must hold the CA of that"
    elif isinstance(error, ssl.SSLError):
        check = f"check nats.tls in {file} and the TLS of the server"
    return unreachable(target, file, plain(error), check)


def refused(target: Target, file: str, error: Exception, shown: str, check: str) -> SourceError:
    """An error while logging in. `shown`: with what; `check`: what to look at if it is that."""
    reason = plain(error)
    if isinstance(error, nats_errors.Error) and any(word in reason.lower() for word in _REFUSALS):
        what = f"cannot log in to {target.address} {shown}: {reason}; {check}"
        return LoginFailed(what, target.address, reason)
    return broken(target, file, error)


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
        case ssl.SSLCertVerificationError():
            return f"its certificate is not accepted: {error.verify_message}"
        case ssl.SSLError():
            return f"TLS failed: {error.reason or error}"
        case OSError(errno=int(number)) if number > 0:
            return os.strerror(number)
        case OSError(strerror=str(text)):
            return text
    return str(error).removeprefix("nats: ").strip().strip("'")[:_REASON_MAX] or type(error).__name__
