"""Which server is tried next, and when."""

from urllib.parse import urlparse

import pytest

from bridge.errors import LoginFailed, Unreachable, WrongAccount
from bridge.source.servers import Servers, parse_server
from bridge.source.settings import Settings

REFUSED = Unreachable("", "", "")
LOGIN = LoginFailed("", "", "")
ACCOUNT = WrongAccount("", "", "")


def servers(*urls: str) -> Servers:
    return Servers(Settings(servers=urls))


@pytest.mark.parametrize(
    ("error", "first", "last"), [(REFUSED, 0.2, 2.0), (None, 0.2, 2.0), (LOGIN, 1.0, 20.0), (ACCOUNT, 20.0, 20.0)]
)
def test_pauses_grow_up_to_a_bound(error: Unreachable | None, first: float, last: float) -> None:
    it = servers("nats://a")
    target = it.due(0.0)
    assert target
    pauses = []
    for _ in range(20):
        it.failed(target, error, 100.0)
        pauses.append(it.wait(100.0))
    assert first * 0.8 <= pauses[0] <= first * 1.2
    assert last * 0.8 <= pauses[-1] <= last * 1.2
    it.worked(target)
    it.failed(target, error, 100.0)
    assert it.wait(100.0) <= first * 1.2


def test_each_server_is_tried_once_in_a_round() -> None:
    it = servers("nats://a", "nats://b", "nats://c")
    tried = []
    while target := it.due(0.0):
        tried.append(target.address)
        it.failed(target, REFUSED, 0.0)
    assert sorted(tried) == ["nats://a:4222", "nats://b:4222", "nats://c:4222"]


def test_discovered_servers_come_after_configured_ones_with_their_login() -> None:
    it = servers("tls://u:p@a.example.net:4222")
    [a] = [it.due(0.0)]
    assert a
    it.learn([urlparse("nats://10.0.0.2:4222"), urlparse("nats://a.example.net:4222")], a)
    assert it.addresses == ["tls://a.example.net:4222", "tls://10.0.0.2:4222"]
    assert it.due(0.0) == a
    it.failed(a, REFUSED, 0.0)
    b = it.due(0.0)
    assert b
    assert (b.user, b.secret, b.tls_name, b.tls) == ("u", a.secret, "a.example.net", True)


def test_a_discovered_server_is_tried_while_configured_ones_do_not_even_refuse() -> None:
    """Hosts without power let each try wait for 5 s, longer than the other's pause: one of them is always due."""
    it = servers("nats://a", "nats://b")
    it.learn([urlparse("nats://c:4222"), urlparse("nats://d:4222")], parse_server("nats://a"))
    now, tried = 0.0, []
    for _ in range(12):
        target = it.due(now)
        assert target
        tried.append(target.address[7])
        now += 5
        it.failed(target, REFUSED, now)
        now += it.wait(now)
    assert tried[0] in "ab"
    assert tried[1] in "cd"
    assert min(map(tried.count, "abcd")) >= 2
    assert "cd" not in "".join(tried)
    assert "dc" not in "".join(tried)


def test_what_a_cluster_tells_replaces_what_it_told_before() -> None:
    it = servers("nats://a")
    a = it.due(0.0)
    assert a
    it.learn([urlparse("nats://b:4222")], a)
    it.learn([urlparse("nats://c:4222")], a)
    assert it.addresses == ["nats://a:4222", "nats://c:4222"]
    it.learn([], a)
    assert it.addresses == ["nats://a:4222", "nats://c:4222"]


@pytest.mark.parametrize(
    ("url", "address"),
    [
        ("nats://host", "nats://host:4222"),
        ("host:1", "nats://host:1"),
        ("tls://user:s3cret@host:1", "tls://host:1"),
        ("nats://s3cret@[::1]:1", "nats://[::1]:1"),
        ("wss://user:s3cret@host/path", "wss://host:443/path"),
    ],
)
def test_addresses_are_shown_without_logins(url: str, address: str) -> None:
    target = parse_server(url)
    assert target.address == address
    assert "s3cret" not in repr(target)


@pytest.mark.parametrize("url", ["http://host", "nats://", "nats://u:s3cret@"])
def test_other_addresses_are_refused_without_showing_secrets(url: str) -> None:
    with pytest.raises(ValueError, match="nats://host:4222") as caught:
        parse_server(url)
    assert "s3cret" not in str(caught.value)
