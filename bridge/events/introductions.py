"""What servers say of an account when they are asked: on `$SYS.REQ.ACCOUNT.<id>.INFO`, and only its name goes on.

The answer is a message under the subject of its request, so that a recording holds it.
"""

import re

import msgspec

ANY = "$SYS.REQ.ACCOUNT.*.INFO"
"""All such requests."""

ID = re.compile(r"A[A-Z2-7]{55}")
"""What an account is called in operator mode, as long as nobody says its name: its public key."""

_SUBJECT = re.compile(rf"\$SYS\.REQ\.ACCOUNT\.({ID.pattern})\.INFO")


class _Claims(msgspec.Struct):
    name: str = ""


class _Account(msgspec.Struct):
    name_tag: str = ""
    decoded_jwt: _Claims | None = None


class _Answer(msgspec.Struct):
    data: _Account | None = None


_decode = msgspec.json.Decoder(_Answer).decode


def request(id: str) -> str:
    """The subject to ask on."""
    return ANY.replace("*", id)


def account_in(subject: str) -> str:
    """Whom an answer on this subject is about; "" for all other subjects."""
    found = _SUBJECT.fullmatch(subject)
    return found[1] if found else ""


def name_in(data: bytes) -> str:
    """The name in an answer; "" if there is none, or this is none."""
    try:
        account = _decode(data).data
    except (ValueError, RecursionError):
        return ""
    if account is None:
        return ""
    return account.name_tag or (account.decoded_jwt.name if account.decoded_jwt else "")


def answer(name: str) -> bytes:
    """An answer that says the name and nothing else: the servers' own holds the account's JWT."""
    return msgspec.json.encode({"data": {"name_tag": name}})
