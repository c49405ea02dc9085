"""How long the credentials are still good: the JWT of a `.creds` file, and the client's certificate."""

import base64
import binascii
from pathlib import Path

import msgspec

from bridge.source.login import find_jwt
from bridge.source.settings import Settings

SOON = 7 * 86400.0
"""Seconds; credentials that live for less than five weeks are renewed later in their life."""
SOON_PART = 0.2
"""The last part of a short life."""

_FILE_MAX = 1024 * 1024


class Expiry(msgspec.Struct, frozen=True, kw_only=True):
    """`begins` and `ends` are unix times; `key` is what names the file in the configuration."""

    key: str
    file: Path
    begins: float
    ends: float

    def soon(self, now: float) -> bool:
        """Whether people should renew them now."""
        return self.ends - now < min(SOON, SOON_PART * (self.ends - self.begins))


def next_expiry(settings: Settings) -> Expiry | None:
    """What ends first of all that ends. Files that cannot be read are left out: the login tells of them."""
    found = [
        expiry
        for key, file, read in (
            ("nats.credentials", settings.credentials, jwt_span),
            ("nats.tls.cert_file", settings.tls.cert_file, certificate_span),
        )
        if file is not None and (span := read(_text(file))) is not None
        for expiry in [Expiry(key=key, file=file, begins=span[0], ends=span[1])]
    ]
    return min(found, key=lambda expiry: expiry.ends, default=None)


class _Claims(msgspec.Struct):
    iat: float = 0.0
    exp: float = 0.0


def jwt_span(creds: str) -> tuple[float, float] | None:
    """When the user's JWT was issued and when it ends; None if it does not, or is none."""
    if (jwt := find_jwt(creds)) is None:
        return None
    try:
        body = jwt.split(".")[1]
        claims = msgspec.json.decode(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)), type=_Claims)
    except (IndexError, binascii.Error, msgspec.DecodeError):
        return None
    return (claims.iat, claims.exp) if claims.exp else None


def certificate_span(pem: str) -> tuple[float, float] | None:
    """When the first certificate begins and ends to be good; None if there is none."""
    # Imported where there is a certificate: it costs 0.1 s of each start (measured).
    from cryptography.x509 import load_pem_x509_certificate  # noqa: PLC0415

    try:
        certificate = load_pem_x509_certificate(pem.encode())
    except ValueError:
        return None
    return certificate.not_valid_before_utc.timestamp(), certificate.not_valid_after_utc.timestamp()


def certificate_of(file: Path) -> tuple[float, float] | None:
    """The same of a file; None too if it cannot be read."""
    return certificate_span(_text(file))


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_FILE_MAX).decode("ascii", "replace")
    except OSError:
        return ""
