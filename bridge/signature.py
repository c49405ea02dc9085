"""Signatures by which a receiver of webhooks knows that they come from us: https://www.standardwebhooks.com, 1.0."""

import base64
import binascii
import hashlib
import hmac

import msgspec

from bridge.values import Secret

PREFIX = "whsec_"
KEY_MIN, KEY_MAX = 24, 64
"""Bytes of a key, as the specification wants it."""
KEYS_MAX = 10

_MAKE = "make one with: echo whsec_$(openssl rand -base64 32)"


class Signature(msgspec.Struct, frozen=True):
    """What a message is signed with. The time is that of each try, so it is signed when it goes out, not before."""

    id: str
    keys: tuple[Secret, ...]
    """In base64, each after `whsec_`; all of them sign, so that a receiver can change over from one to the other."""

    def headers(self, at: int, body: bytes) -> dict[str, str]:
        """Of a message that goes out at `at`, in unix seconds."""
        signed = f"{self.id}.{at}.".encode() + body
        digests = [hmac.digest(key_of(key.reveal()), signed, hashlib.sha256) for key in self.keys]
        return {
            "webhook-id": self.id,
            "webhook-timestamp": str(at),
            "webhook-signature": " ".join(f"v1,{base64.b64encode(digest).decode()}" for digest in digests),
        }


def split_keys(secret: Secret) -> tuple[Secret, ...]:
    """The keys in one secret, with white space between them. Raises ValueError, without any of them in its text."""
    keys = secret.reveal().split()
    if len(keys) > KEYS_MAX:
        raise ValueError(f"more than {KEYS_MAX} keys; keep the new one and the one before it")
    for key in keys:
        key_of(key)
    return tuple(Secret(key) for key in keys)


def key_of(text: str) -> bytes:
    """The bytes of a key. Raises ValueError, without the key in its text."""
    if not text.startswith(PREFIX):
        raise ValueError(f"a key begins with {PREFIX}; {_MAKE}")
    try:
        key = base64.b64decode(text.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a key is {PREFIX} and base64; {_MAKE}") from None
    if not KEY_MIN <= len(key) <= KEY_MAX:
        raise ValueError(
            f"a key has {KEY_MIN} to {KEY_MAX} bytes; make one with: echo whsec_$(openssl rand -base64 32)"
        )
    return key
