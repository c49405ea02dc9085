"""Requests to change or delete accounts. Their body is a JWT, which is a credential: only its claims go on."""

from typing import Any

import msgspec

from bridge.event import Event, walk
from bridge.events.accounts import NameOf
from bridge.events.claims import accounts_of, claims
from bridge.events.connections import Finish


class Push:
    """The body of such a request."""

    __slots__ = ("account", "claimed")

    def __init__(self, claimed: dict[str, Any], account: str | None) -> None:
        self.claimed = claimed
        self.account = account


def parse(data: bytes) -> Push:
    """From a JWT, or from a line of a recording, which holds its claims. Raises ValueError."""
    text = data.decode("utf-8", "replace").strip()
    claimed = walk(msgspec.json.decode(data), "claimed") if text.startswith("{") else claims(text)
    if not isinstance(claimed, dict) or not claimed:
        raise ValueError("no JWT with claims")
    accounts = accounts_of(claimed)
    return Push(claimed, accounts[0] if len(accounts) == 1 else None)


def pushes(name: str, name_of: NameOf | None) -> Finish:
    def finish(subject: str, data: bytes, body: Any, at: int) -> Event:
        body.account = _account(subject) or body.account
        kept = {"claimed": body.claimed, **({"account": body.account} if body.account else {})}
        called = name_of(body) if name_of else None
        return Event(name, at, subject, body, msgspec.json.encode(kept), "", 0, "", None, called)

    return finish


def _account(subject: str) -> str | None:
    """The account that the subject names: `$SYS.ACCOUNT.<id>.CLAIMS.UPDATE`, also after `$SYS.REQ`."""
    tokens = subject.split(".")
    return tokens[-3] if tokens[-4:-3] == ["ACCOUNT"] else None
