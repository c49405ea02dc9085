"""What is read of a JWT whose signature nobody has checked. The JWT itself is a credential and is kept nowhere."""

import base64
from typing import Any

import msgspec

from bridge.event import clean, walk

CLAIMS = ("name", "iss", "sub", "account", "exp", "accounts")
"""`accounts`: of a request to delete some, those that it names."""

ACCOUNTS_MAX = 100
"""Accounts of one request that are read."""


def claims(jwt: object) -> dict[str, Any]:
    """What rules can read of a JWT, as `claimed.…`: {} if it is none."""
    payload = _payload(jwt)
    found = {name: _claim(payload, name) for name in CLAIMS} if payload else {}
    return {name: value for name, value in found.items() if isinstance(value, str | int | float)}


def claim(jwt: object, name: str) -> Any:
    """One of them."""
    return _claim(_payload(jwt), name)


def accounts_of(found: dict[str, Any]) -> list[str]:
    """The accounts that claims of an account, or of a request to delete some, are about."""
    named = found.get("accounts") or found.get("account")
    return named.split(", ") if isinstance(named, str) else []


def _payload(jwt: object) -> dict[str, Any]:
    if not isinstance(jwt, str) or jwt.count(".") != 2:
        return {}
    middle = jwt.split(".")[1]
    try:
        payload = msgspec.json.decode(base64.urlsafe_b64decode(middle + "=" * (-len(middle) % 4)))
    except (ValueError, RecursionError):
        return {}
    return payload if isinstance(payload, dict) else {}


def _claim(payload: dict[str, Any], name: str) -> Any:
    match name:
        case "account" if walk(payload, "nats.type") == "account":
            return _text(payload.get("sub"))
        case "account" if walk(payload, "nats.type") == "generic":
            return None
        case "account":
            return _text(walk(payload, "nats.issuer_account") or payload.get("iss"))
        case "accounts":
            named = walk(payload, "nats.accounts")
            texts = (
                [clean(each) for each in named[:ACCOUNTS_MAX] if isinstance(each, str)]
                if isinstance(named, list)
                else []
            )
            return ", ".join(texts) or None
    return _text(payload.get(name))


def _text(value: Any) -> Any:
    return clean(value) if isinstance(value, str) else value
