"""What destinations that are reached by HTTP have in common: authorities, certificates, proxies, credentials."""

import base64
import re
from typing import Annotated, Self

from pydantic import AfterValidator, Field, model_validator

from bridge.options import FilePath, Options
from bridge.receiver import Destination, Way, check_url
from bridge.values import Secret

_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
_OURS = frozenset(
    {
        "host",
        "content-length",
        "content-type",
        "content-encoding",
        "transfer-encoding",
        "connection",
        "proxy-authorization",
        "idempotency-key",
        "webhook-id",
        "webhook-timestamp",
        "webhook-signature",
    }
)


class Tls(Options):
    """Whom we trust, and who we are. The files are read when they are needed, and again when they have changed."""

    ca_file: FilePath | None = None
    cert_file: FilePath | None = None
    key_file: FilePath | None = None

    @model_validator(mode="after")
    def _pair(self) -> Self:
        if (self.cert_file is None) != (self.key_file is None):
            raise ValueError("a client certificate needs its key; write both cert_file and key_file")
        return self


def _check_proxy(url: Secret) -> Secret:
    return check_url(url, "not the URL of a proxy; write http://host:port", login=True)


class Endpoint(Destination):
    """A destination that is reached by HTTP."""

    tls: Tls | None = None
    """Certificate authorities of one's own in place of the public ones, a client certificate."""
    proxy_url: Annotated[Secret, AfterValidator(_check_proxy)] | None = None
    """The proxy of the environment is never asked for."""

    @property
    def way(self) -> Way:
        files = self.tls or Tls()
        return Way(ca_file=files.ca_file, cert_file=files.cert_file, key_file=files.key_file, proxy=self.proxy_url)


def check_header_value(value: Secret) -> Secret:
    """Raises ValueError, without the value in its text, unless HTTP can carry it."""
    text = value.reveal()
    if not (text.isascii() and text.isprintable()):
        raise ValueError("a header holds printable ASCII characters only")
    return value


HeaderValue = Annotated[Secret, AfterValidator(check_header_value)]


def _check_headers(headers: dict[str, HeaderValue]) -> dict[str, HeaderValue]:
    seen: dict[str, str] = {}
    for name in headers:
        if not _NAME.fullmatch(name):
            raise ValueError(f"{name!r} is not the name of a header")
        if name.lower() in _OURS:
            raise ValueError(f"the header {name} is set by the bridge; leave it out")
        if (same := seen.setdefault(name.lower(), name)) != name:
            raise ValueError(f"{same} and {name} are the same header; leave one out")
    return headers


def _check_token(token: Secret) -> Secret:
    if token.reveal().lower().startswith("bearer "):
        raise ValueError("the bridge puts Bearer before it; write the token alone")
    return token


class Guarded(Endpoint):
    """An endpoint that may want to know who is there."""

    headers: Annotated[dict[str, HeaderValue], AfterValidator(_check_headers)] = Field(default={})
    bearer_token: Annotated[HeaderValue, AfterValidator(_check_token)] | None = None
    username: str | None = None
    password: Secret | None = None

    @model_validator(mode="after")
    def _check_authorization(self) -> Self:
        if (self.username is None) != (self.password is None):
            raise ValueError("username and password belong together; write both, or leave both out")
        if self.username is not None and (":" in self.username or not self.username.isprintable()):
            raise ValueError("a username holds no colon and no control characters; mend it")
        own = next((name for name in self.headers if name.lower() == "authorization"), None)
        given = {"bearer_token": self.bearer_token, "username": self.username, f"a header {own}": own}
        named = [what for what, value in given.items() if value is not None]
        if len(named) > 1:
            raise ValueError(f"{' and '.join(named)} are two answers to one question; leave one out")
        return self

    def credentials(self) -> dict[str, str]:
        """The operator's own headers, and the one that says who we are."""
        headers = {name: value.reveal() for name, value in self.headers.items()}
        if self.bearer_token:
            headers["Authorization"] = f"Bearer {self.bearer_token.reveal()}"
        if self.username is not None and self.password is not None:
            pair = f"{self.username}:{self.password.reveal()}".encode()
            headers["Authorization"] = f"Basic {base64.b64encode(pair).decode()}"
        return headers
