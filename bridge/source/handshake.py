"""Why TLS failed, and what to do about it.

With TLS 1.3 a server looks at the client's certificate when the client takes the handshake for done: its reason, an
alert, comes later or, where the connection is reset meanwhile, not at all.
"""

import re
import ssl
from datetime import UTC, datetime
from pathlib import Path

from bridge.source.expiry import certificate_of
from bridge.source.settings import Tls

_OF_THE_CLIENT = re.compile(r"ALERT_(?:\w*CERTIFICATE\w*|UNKNOWN_CA|ACCESS_DENIED)")
"""OpenSSL's names of the alerts with which a server refuses a client's certificate, or wants one."""
_NO_TLS = ("WRONG_VERSION_NUMBER", "RECORD_LAYER_FAILURE", "HTTP_REQUEST")
"""What OpenSSL says where the other side does not speak TLS; the second one from 3.2 on."""
_EXPIRED, _TOO_NEW, _OTHER_NAME = (10,), (9,), (62, 64)
"""Codes of OpenSSL's verification."""

Why = tuple[str, str]
"""What is wrong, and what to look at."""


def explain(error: ssl.SSLError, tls: Tls, file: str, now: float) -> Why:
    """An error of TLS. `file`: the rules file; `now` in seconds since 1970."""
    name = error.reason or str(error)
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not accepted: {error.verify_message}", _check_theirs(error.verify_code, file)
    if _OF_THE_CLIENT.search(name):
        return refused(tls, file, now, " (" + name.partition("ALERT_")[2].replace("_", " ").lower() + ")")
    if any(word in name for word in _NO_TLS):
        first = f"; nats.tls.first in {file} is for servers with handshake_first" if tls.first else ""
        return "it does not answer in TLS", f"check its port in nats.servers and the tls of the server{first}"
    return f"TLS failed: {name}", f"check nats.tls in {file} and the TLS of the server"


def refused(tls: Tls, file: str, now: float, said: str = "") -> Why:
    """The server does not accept the certificate of the bridge, or that there is none."""
    if tls.cert_file is None:
        check = f"if it wants a certificate of the bridge, give nats.tls.cert_file and key_file in {file}"
        return f"the server ended the TLS handshake{said}", check
    reason = f"the server does not accept the certificate of the bridge{said}"
    return reason, f"check nats.tls.cert_file {tls.cert_file}: {_check_ours(tls.cert_file, now)}"


def _check_ours(path: Path, now: float) -> str:
    span = certificate_of(path)
    if span and span[1] <= now:
        return f"it expired on {_day(span[1])}; put a new one in its place"
    if span and span[0] > now:
        return f"it is good from {_day(span[0])} on only; look at the clock of this host"
    return "the server's tls.ca_file must hold the CA of that, and its log says more"


def _check_theirs(code: int, file: str) -> str:
    if code in _EXPIRED:
        return "renew the server's certificate, if the clock of this host is right"
    if code in _TOO_NEW:
        return "look at the clock of this host, and at the server's certificate"
    if code in _OTHER_NAME:
        return f"write a name that the certificate holds into nats.servers in {file}, or have it issued for this one"
    return f"check the server's certificate, and nats.tls.ca_file in {file}: it must hold the CA of that"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).date().isoformat()
