"""What labels, subjects and addresses look like. Addresses are never shown: a password may have got into one."""

import re
from ipaddress import ip_address
from urllib.parse import urlsplit

from bridge.alert import check_label

_OURS = {"alertname": "it is the name of the alert", "overflow": "it marks the combinations past a rule's limit"}
_SUBJECT = re.compile(r"[^\s.*>]+(\.[^\s.*>]+)*")
_IMPORTS = re.compile(r"[^\s.*>$][^\s.*>]*\.([^\s.*>]+\.)*\*\.([^\s.*>]+\.)*")
_PORTS = range(1, 65536)


def check_label_name(name: str) -> str:
    """Raises ValueError unless it is a label name as in Prometheus, and not one that the bridge itself sets."""
    if name in _OURS:
        raise ValueError(f"the label {name!r} is set by the bridge ({_OURS[name]}); choose another name")
    return check_label(name)


def check_subject(subject: str) -> str:
    """Raises ValueError unless messages can be published to it."""
    if not _SUBJECT.fullmatch(subject):
        raise ValueError(f"{subject[:60]!r} is no subject; write names joined by dots, without spaces, '*' and '>'")
    return subject


def check_imports(prefix: str) -> str:
    """Raises ValueError unless it can stand before the subjects of imported events, and names the account."""
    if not _IMPORTS.fullmatch(prefix):
        what = f"{prefix[:60]!r} is not what imported subjects begin with"
        raise ValueError(f"{what}; write for example 'acct.*.', where the * is the account")
    return prefix


def check_server_url(url: str) -> str:
    """Raises ValueError unless it is a NATS server's address. Never shows it: a password may have got into it."""
    scheme, host = _url_parts(url, "a server's address is no URL; write for example nats://127.0.0.1:4222")
    if scheme not in ("nats", "tls", "ws", "wss"):
        raise ValueError(
            "a server's address begins with nats://, tls://, ws:// or wss://; write one of them before the host"
        )
    if "@" in urlsplit(url).netloc:
        raise ValueError(
            "a server's address cannot hold who logs in; write user and password, or token, as keys of nats"
        )
    if not host:
        raise ValueError("a server's address names no host; write for example nats://127.0.0.1:4222")
    return url


def check_web_url(url: str) -> str:
    """Raises ValueError unless it is an http or https URL."""
    scheme, host = _url_parts(url, "this is no URL; write for example https://alerts.example.net")
    if scheme not in ("http", "https") or not host:
        raise ValueError(
            "a URL begins with http:// or https:// and a host; write for example https://alerts.example.net"
        )
    return url.rstrip("/")


def check_listen(address: str) -> str:
    """Raises ValueError unless it is host:port."""
    split_listen(address)
    return address


def split_listen(address: str) -> tuple[str, int]:
    """127.0.0.1:9476, localhost:9476 or [::1]:9476 → host and port. Raises ValueError."""
    host, _, port = address.rpartition(":")
    if not host or not port.isascii() or not port.isdigit() or int(port) not in _PORTS:
        raise ValueError(f"{address[:60]!r} is no address to listen on; write for example 127.0.0.1:9476")
    host = host.removeprefix("[").removesuffix("]")
    if host != "localhost":
        try:
            ip_address(host)
        except ValueError:
            what = f"{host[:60]!r} is no address of a network card; write for example 127.0.0.1, or 0.0.0.0 for all"
            raise ValueError(what) from None
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only programs of this machine reach it."""
    return host == "localhost" or ip_address(host).is_loopback


def _url_parts(url: str, otherwise: str) -> tuple[str, str]:
    try:
        parts = urlsplit(url)
        sound = parts.port is None or parts.port in _PORTS
    except ValueError:  # its words may quote the URL
        sound = False
    if not sound or any(character.isspace() for character in url):
        raise ValueError(otherwise)
    return parts.scheme, parts.hostname or ""
