"""How long the credentials are still good: the JWT of a `.creds` file, and the client's certificate."""

import base64
import binascii
import ssl
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from bridge.source.login import find_jwt
from bridge.source.settings import Settings

SOON = 7 * 86400.0
"""Seconds; credentials that live for less than five weeks are renewed later in their life."""
SOON_PART = 0.2
"""The last part of a short life."""

_FILE_MAX = 1024 * 1024
_UTC_TIME, _SEQUENCE, _VERSION = 0x17, 0x30, 0xA0
"""DER's tags of what stands before and in a certificate's validity (RFC 5280, 4.1)."""


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
    """When the first certificate begins and ends to be good; None if there is none.

    Read by hand: Python's ssl tells this only of a certificate of the other side.
    """
    begin, end = pem.find("-----BEGIN CERTIFICATE-----"), pem.find("-----END CERTIFICATE-----")
    if begin < 0 or end < 0:
        return None
    try:
        certificate = ssl.PEM_cert_to_DER_cert(pem[begin:end] + "-----END CERTIFICATE-----")
        fields = _items(_items(_items(certificate)[0][1])[0][1])
        if fields[0][0] == _VERSION:
            fields = fields[1:]
        # serial number, algorithm, issuer, validity
        begins, ends = (_moment(tag, text) for tag, text in _items(fields[3][1]))
    except (IndexError, ValueError):
        return None
    return begins, ends


def _items(der: bytes) -> list[tuple[int, bytes]]:
    """Tag and content of what stands one after the other. Raises IndexError and ValueError for what is no DER."""
    items, place = [], 0
    while place < len(der):
        tag, length = der[place], der[place + 1]
        place += 2
        if length & 0x80:
            size = length & 0x7F
            length = int.from_bytes(der[place : place + size])
            place += size
        if place + length > len(der):
            raise ValueError("cut off")
        items.append((tag, der[place : place + length]))
        place += length
    return items


def _moment(tag: int, text: bytes) -> float:
    digits = text.decode("ascii")
    if tag == _UTC_TIME:
        # RFC 5280, 4.1.2.5.1: two digits from 50 on are of the last century.
        digits = ("19" if digits[:2] >= "50" else "20") + digits
    return datetime.strptime(digits, "%Y%m%d%H%M%SZ").replace(tzinfo=UTC).timestamp()


def _text(file: Path) -> str:
    try:
        with file.open("rb") as opened:
            return opened.read(_FILE_MAX).decode("ascii", "replace")
    except OSError:
        return ""
