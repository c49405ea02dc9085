"""Operator mode made by hand: keys, the JWTs of an operator, its accounts and their users, as `nsc` would make them.

Nothing is stored. An account is changed by changing its fields; then `Operator.jwt` is what to push or to serve.
"""

import base64
import hashlib
import json
import os
import time
from collections.abc import Iterable

import msgspec
import nkeys

UNLIMITED = {
    "subs": -1,
    "data": -1,
    "payload": -1,
    "imports": -1,
    "exports": -1,
    "wildcards": True,
    "conn": -1,
    "leaf": -1,
}
JETSTREAM = {"mem_storage": -1, "disk_storage": -1, "streams": -1, "consumer": -1}
"""Limits to add for an account with JetStream; the system account can have none."""


class Key(msgspec.Struct, frozen=True):
    """An nkey."""

    seed: str

    @property
    def public(self) -> str:
        return str(nkeys.from_seed(bytearray(self.seed.encode())).public_key.decode())


def new_key(prefix: int) -> Key:
    """`prefix` is one of nkeys' PREFIX_BYTE_…"""
    return Key(bytes(nkeys.encode_seed(os.urandom(32), prefix)).decode())


class User(msgspec.Struct, frozen=True):
    """A login."""

    key: Key
    jwt: str

    @property
    def creds(self) -> str:
        """The text of a `.creds` file, in nsc's layout."""
        return (
            f"-----BEGIN NATS USER JWT-----\n{self.jwt}\n------END NATS USER JWT------\n\n"
            "************************* IMPORTANT *************************\n\n"
            f"-----BEGIN USER NKEY SEED-----\n{self.key.seed}\n------END USER NKEY SEED------\n"
        )

    def answer(self, nonce: str) -> dict[str, str]:
        """What a client tells a server that asks for a login with this `nonce`."""
        signature = nkeys.from_seed(bytearray(self.key.seed.encode())).sign(nonce.encode())
        return {"jwt": self.jwt, "sig": _encode(signature)}


class Account:
    """An account; its fields are its claims."""

    def __init__(self, name: str, limits: dict[str, object] | None = None) -> None:
        self.name = name
        self.key = new_key(nkeys.PREFIX_BYTE_ACCOUNT)
        self.limits: dict[str, object] = {**UNLIMITED, **(limits or {})}
        self.exports: list[dict[str, object]] = []
        self.imports: list[dict[str, object]] = []
        self.revocations: dict[str, int] = {}

    @property
    def id(self) -> str:
        """The public key: what subjects and payloads call the account."""
        return self.key.public

    def user(
        self,
        name: str = "user",
        *,
        expires: float | None = None,
        key: Key | None = None,
        issued: float | None = None,
        **claims: object,
    ) -> User:
        """A user of this account. `expires` and `issued` (default: now) are unix times; `claims` go beside the limits:
        `pub={"allow": […]}`, `sub={"deny": […]}` and so on. With `key`, a new JWT for the user of before."""
        key = key or new_key(nkeys.PREFIX_BYTE_USER)
        nats: dict[str, object] = {"type": "user", "subs": -1, "data": -1, "payload": -1, **claims}
        return User(key, sign(self.key, key.public, nats, name=name, expires=expires, issued=issued))

    def revoke(self, user: User) -> None:
        """All JWTs of this user issued until now are void, once the account's claims are known to the servers."""
        self.revocations[user.key.public] = int(time.time())


class Operator:
    """Who signs accounts. `system` is the system account."""

    def __init__(self, *names: str) -> None:
        """`names` are those of accounts with JetStream limits; `accounts` holds them by name."""
        self.key = new_key(nkeys.PREFIX_BYTE_OPERATOR)
        self.system = Account("SYS")
        self.accounts = {name: Account(name, {**JETSTREAM}) for name in names}
        # one for all configurations: servers refuse a reload with another
        claims: dict[str, object] = {"type": "operator", "system_account": self.system.id}
        self._jwt = sign(self.key, self.key.public, claims, name="operator")

    def jwt(self, account: Account) -> str:
        """The account's claims as they are now. Each call makes another JWT, with the time of now."""
        claims: dict[str, object] = {
            "type": "account",
            "limits": account.limits,
            "exports": account.exports,
            "imports": account.imports,
            "revocations": account.revocations,
        }
        return sign(self.key, account.id, claims, name=account.name)

    def deletion(self, *accounts: Account) -> str:
        """What to send to `$SYS.REQ.CLAIMS.DELETE`."""
        claims: dict[str, object] = {"type": "generic", "accounts": [account.id for account in accounts]}
        return sign(self.key, self.key.public, claims, name="delete")

    def memory(self) -> str:
        """Configuration of a server that holds all accounts itself; a change of claims is a reload of it."""
        return f"{self._head()}resolver: MEMORY\n{self._preload([self.system, *self.accounts.values()])}"

    def full(self, directory: object) -> str:
        """… that keeps accounts in a directory, and takes them from `$SYS.REQ.CLAIMS.UPDATE`. Only the system account
        is known from the start: push the others."""
        resolver = f'resolver: {{ type: full, dir: "{directory}", allow_delete: true, interval: "2m" }}\n'
        return f"{self._head()}{resolver}{self._preload([self.system])}"

    def url(self, address: str) -> str:
        """… that gets all accounts by HTTP from `address` + id, such as `http://127.0.0.1:9090/jwt/v1/accounts/`. The
        server asks for the bare address when it starts, and wants a 200."""
        return f'{self._head()}resolver: URL("{address}")\n'

    def _head(self) -> str:
        return f"operator: {self._jwt}\n"

    def _preload(self, accounts: Iterable[Account]) -> str:
        return "resolver_preload: {\n" + "".join(f"  {one.id}: {self.jwt(one)}\n" for one in accounts) + "}\n"


def sign(
    issuer: Key,
    subject: str,
    claims: dict[str, object],
    *,
    name: str,
    expires: float | None = None,
    issued: float | None = None,
) -> str:
    """A JWT. Two of the same second differ: servers ignore one whose id they have."""
    body: dict[str, object] = {
        "iat": int(time.time() if issued is None else issued),
        "iss": issuer.public,
        "name": name,
        "sub": subject,
        "nats": {"version": 2, **claims},
    }
    if expires is not None:
        body["exp"] = int(expires)
    salted = json.dumps(body, sort_keys=True).encode() + os.urandom(8)
    body["jti"] = base64.b32encode(hashlib.sha256(salted).digest()).decode().rstrip("=")
    text = ".".join(_encode(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, body))
    signature = nkeys.from_seed(bytearray(issuer.seed.encode())).sign(text.encode())
    return f"{text}.{_encode(signature)}"


def _encode(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
