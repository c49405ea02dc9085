"""What the bridge shows a server: login and TLS, read from their files at each connect and checked before use.

nats-py must not read these files itself: one without a JWT makes it read for ever, one without a seed leaves it stuck
between two states (measured on nats-py 2.16.0).
"""

import re
import ssl
from pathlib import Path

import msgspec
import nkeys

from bridge.config.file import read_secret
from bridge.errors import LoginFailed, Unreachable
from bridge.source.servers import Target
from bridge.source.settings import Settings, Tls
from bridge.values import Secret

_JWT = re.compile(r"-{3,}BEGIN NATS USER JWT-{3,}\s+([\w.=-]+)\s+-{3,}END")
_SEED = re.compile(r"-{3,}BEGIN USER NKEY SEED-{3,}\s+(\w+)\s+-{3,}END")
_CREDENTIALS_MAX = 1024 * 1024
"""Bytes; a user's JWT has some thousand."""


class Login(msgspec.Struct, frozen=True, kw_only=True):
    """Exactly one way to log in, or none. `shown` says which, `check` what to look at when it is refused."""

    shown: str
    check: str
    user: str | None = None
    password: str | None = None
    token: str | None = None
    jwt: str | None = None
    seed: str | None = None


def read_login(settings: Settings, target: Target) -> Login:
    """The login for one server: the settings' own, else what the server's URL says. Raises LoginFailed."""
    file = settings.file
    if path := settings.credentials:
        jwt, seed = _read_credentials(path, target)
        return Login(shown=f"with {path}", check=f"check nats.credentials in {file}", jwt=jwt, seed=seed)
    if path := settings.nkey_file:
        seed = _check_seed(_read(path, "nats.nkey_file", target).strip(), path, "nats.nkey_file", target)
        return Login(shown=f"with {path}", check=f"check nats.nkey_file in {file}", seed=seed)
    if settings.token:
        return Login(shown="with a token", check=f"check nats.token in {file}", token=_now(settings.token))
    user, secret = (settings.user, settings.password) if settings.user is not None else (target.user, target.secret)
    where = "nats.user and nats.password" if settings.user is not None else "nats.servers"
    check = f"check {where} in {file}"
    if user is not None:
        return Login(shown=f"as user {user!r}", check=check, user=user, password=_now(secret) if secret else "")
    if secret is not None:
        return Login(shown="with a token", check=check, token=secret.reveal())
    if certificate := settings.tls.cert_file:
        return Login(shown=f"with the certificate {certificate}", check=f"check nats.tls.cert_file in {file}")
    return Login(shown="without a login", check=f"give nats.user and nats.password, or nats.credentials, in {file}")


def _now(secret: Secret) -> str:
    """What its file holds now, if it came from one: a password may change under a process that lives for months."""
    if secret.file is None:
        return secret.reveal()
    try:
        return read_secret(secret.file).rstrip("\r\n") or secret.reveal()
    except (OSError, ValueError):
        # It was readable when the configuration was loaded, and is about to be replaced.
        return secret.reveal()


def tls_context(tls: Tls, target: Target) -> ssl.SSLContext | None:
    """None where TLS is the server's wish alone. Raises Unreachable for a file that cannot be used."""
    if not target.tls:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
    except OSError as error:
        raise _unusable("nats.tls.ca_file", tls.ca_file, error, target) from error
    if tls.cert_file:
        try:
            # An encrypted key would ask for its password on the terminal.
            context.load_cert_chain(tls.cert_file, tls.key_file, password=_no_password)
        except (OSError, ValueError) as error:
            raise _unusable("nats.tls.cert_file and key_file", tls.cert_file, error, target) from error
    return context


def _no_password() -> str:
    raise ValueError("the key is encrypted; store it without a password")


def _unusable(key: str, path: Path | None, error: Exception, target: Target) -> Unreachable:
    reason = f"cannot use {key} {path}: {getattr(error, 'strerror', None) or error}"
    check = "check the file, its owner and its mode; it is read again at each try"
    return Unreachable(f"cannot connect to {target.address}: {reason}; {check}", target.address, reason)


def find_jwt(creds: str) -> str | None:
    """The JWT in the text of a `.creds` file."""
    found = _JWT.search(creds)
    return found[1] if found else None


def _read_credentials(path: Path, target: Target) -> tuple[str, str]:
    text = _read(path, "nats.credentials", target)
    jwt, seed = find_jwt(text), _SEED.search(text)
    if not jwt or not seed:
        missing = "user JWT" if not jwt else "seed"
        raise _refuse(f"nats.credentials {path} holds no {missing}; make it anew, for example with nsc", target)
    return jwt, _check_seed(seed[1], path, "nats.credentials", target)


def _check_seed(seed: str, path: Path, key: str, target: Target) -> str:
    try:
        nkeys.from_seed(bytearray(seed.encode()))
    # nkeys raises its own errors for a wrong prefix and plain ones for damaged text.
    except (nkeys.NkeysError, ValueError, IndexError) as error:
        raise _refuse(f"{key} {path} holds no valid seed of a user; it begins with SU", target) from error
    if not seed.startswith("SU"):
        raise _refuse(f"{key} {path} holds the seed of something else than a user; a user's begins with SU", target)
    return seed


def _read(path: Path, key: str, target: Target) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(_CREDENTIALS_MAX)
    except OSError as error:
        raise _refuse(f"cannot read {key} {path}: {error.strerror}", target) from error
    return content.decode("ascii", "replace")


def _refuse(reason: str, target: Target) -> LoginFailed:
    return LoginFailed(f"cannot log in to {target.address}: {reason}", target.address, reason)
