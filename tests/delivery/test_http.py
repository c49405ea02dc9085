"""The harness: whatever a server does, a request ends in time, in little memory, and no URL is told."""

import asyncio
import gc
import gzip
import logging
import resource
import socket
import ssl
import sys
import time
import traceback
from collections.abc import AsyncIterator
from importlib.abc import MetaPathFinder
from pathlib import Path
from typing import Any

import pytest
import trustme
from msgspec.structs import replace

from bridge.clock import SystemClock
from bridge.delivery.gate import Gate
from bridge.delivery.http import BODY_MAX, Http
from bridge.errors import Refused, Rejected, Transient, Trouble
from bridge.receiver import Reply, Request, Way
from bridge.values import SECOND, Secret
from tests.sink import Answer, Sink, answer, cut, flood, hang, raw, reset, trickle

DEADLINE = 1.0
CANARY = "CANARY-s3cr3t"


@pytest.fixture
async def http() -> AsyncIterator[Http]:
    async with Http(SystemClock(), Gate(None), deadline=DEADLINE) as harness:
        yield harness


def post(url: str, **changes: Any) -> Request:
    return Request(**{"url": Secret(url), "body": b"{}", "headers": {"Content-Type": "application/json"}, **changes})


def trusting(authority: trustme.CA, folder: Path) -> Way:
    authority.cert_pem.write_to_path(folder / "ca.pem")
    return Way(ca_file=folder / "ca.pem")


def known(authority: trustme.CA, folder: Path) -> Way:
    """Trusting, and with a certificate of our own."""
    mine = authority.issue_cert("bridge")
    mine.private_key_pem.write_to_path(folder / "key.pem")
    mine.cert_chain_pems[0].write_to_path(folder / "cert.pem")
    return replace(trusting(authority, folder), cert_file=folder / "cert.pem", key_file=folder / "key.pem")


def serving(authority: trustme.CA, *names: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert(*names).configure_cert(context)
    return context


async def test_a_reply_is_handed_back_whole(http: Http) -> None:
    with Sink(answer(429, b"slow down", Retry_After="2")) as sink:
        reply = await http.send(post(sink.url))
    assert (reply.status, reply.body, reply.headers["retry-after"]) == (429, b"slow down", "2")
    assert abs(reply.at - http.clock.now() / SECOND) < 5


async def test_a_request_looks_for_no_module(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """httpcore does, each time, if one is not installed; that took as long as the rest of the request."""
    looked_for: list[str] = []

    class Finder(MetaPathFinder):
        def find_spec(self, name: str, path: object, target: object = None) -> None:
            looked_for.append(name)

    with Sink() as sink:
        await http.send(post(sink.url))
        monkeypatch.setattr(sys, "meta_path", [Finder(), *sys.meta_path])
        await http.send(post(sink.url))
    assert looked_for == []


async def test_a_request_is_what_the_receiver_wrote_and_says_who_we_are(http: Http) -> None:
    with Sink() as sink:
        await http.send(post(f"{sink.url}/a%20b?c=d", body=b"body", headers={"X-One": "1"}))
        (received,) = sink.requests
    assert (received.method, received.path, received.body) == ("POST", "/hook/a%20b?c=d", b"body")
    assert received.headers["x-one"] == "1"
    assert received.headers["host"] == f"127.0.0.1:{sink.port}"
    assert received.headers["accept-encoding"] == "identity"
    assert received.headers["user-agent"].startswith("nats-alert-bridge/")


async def test_connections_are_used_again(http: Http) -> None:
    with Sink() as sink:
        for _ in range(5):
            await http.send(post(sink.url))
        assert sink.connections == 1


async def test_no_cookie_is_kept(http: Http) -> None:
    with Sink(answer(Set_Cookie="a=b; Path=/")) as sink:
        await http.send(post(sink.url))
        await http.send(post(sink.url))
        assert "cookie" not in sink.requests[1].headers


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"

ENDLESS = {
    "hang": hang(),
    "slow head": trickle(HEAD * 20, 0.02),
    "slow body": trickle(HEAD + b"x" * 100, 0.02),
    "flood of 100s": flood(b"", b"HTTP/1.1 100 Continue\r\n\r\n", 10**9),
    "head without an end": raw(b"HTTP/1.1 200 OK\r\n"),
}

BROKEN = {
    "reset": reset(),
    "close": cut(),
    "cut head": cut(b"HTTP/1.1 200 OK\r\nContent-Le"),
    "cut body": cut(HEAD + b"only this"),
    "no HTTP": cut(b"SSH-2.0-OpenSSH_9.2\r\n"),
    "NULs": cut(b"\0" * 1000),
    "headers of 200 KB": cut(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 200_000 + b"\r\n\r\n"),
    "odd length": cut(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n"),
    "odd chunk": cut(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"),
    "odd status": cut(b"HTTP/1.1 abc OK\r\n\r\n"),
}


@pytest.mark.parametrize("script", ENDLESS.values(), ids=ENDLESS)
async def test_no_answer_takes_longer_than_the_deadline(http: Http, script: Answer) -> None:
    with Sink(then=script) as sink:
        began = time.monotonic()
        with pytest.raises(Transient, match=f"within {DEADLINE:g} s"):
            await http.send(post(sink.url))
        assert time.monotonic() - began < DEADLINE + 3


@pytest.mark.parametrize("script", BROKEN.values(), ids=BROKEN)
async def test_a_broken_answer_is_transient(http: Http, script: Answer) -> None:
    with Sink(then=script) as sink:
        with pytest.raises(Transient) as caught:
            await http.send(post(sink.url))
        assert len(str(caught.value)) < 80


async def test_after_a_broken_answer_the_next_is_fine(http: Http) -> None:
    with Sink(cut(HEAD + b"x"), hang(), reset(), answer(200)) as sink:
        for _ in range(3):
            with pytest.raises(Transient):
                await http.send(post(sink.url))
        assert (await http.send(post(sink.url))).status == 200


async def test_nobody_listening_is_transient_and_says_so(http: Http) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        with pytest.raises(Transient, match="Connection refused"):
            await http.send(post(f"http://127.0.0.1:{free.getsockname()[1]}/"))


async def test_a_name_that_does_not_exist_is_transient(http: Http) -> None:
    with pytest.raises(Transient, match="name cannot be looked up"):
        await http.send(post("http://nobody.invalid/"))


async def test_a_name_is_looked_up_and_kept_as_the_host(http: Http) -> None:
    with Sink() as sink:
        await http.send(post(f"http://localhost:{sink.port}/"))
        assert sink.requests[0].headers["host"] == f"localhost:{sink.port}"


@pytest.mark.parametrize(
    "url", ["http://[::1", "http://a..b/", "ftp://127.0.0.1/", "http://\u2603\u2603..x/", "http:///x", ""]
)
async def test_a_url_that_cannot_be_used_is_trouble_of_the_destination(http: Http, url: str) -> None:
    with pytest.raises((Refused, Transient)) as caught:
        await http.send(post(url))
    assert not url or url not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("value", [f"{CANARY}\r\nX: y", f"{CANARY}\n", f"{CANARY}\0", f"{CANARY} ü"])
async def test_an_impossible_header_rejects_the_message_and_is_not_told(http: Http, value: str) -> None:
    with Sink() as sink:
        with pytest.raises(Rejected) as caught:
            await http.send(post(sink.url, headers={"X-Name": value}))
        assert sink.requests == []
    assert CANARY not in "".join(traceback.format_exception(caught.value))


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(http: Http, status: int) -> None:
    with Sink() as other, Sink(answer(status, Location=other.url)) as sink:
        reply = await http.send(post(sink.url))
        assert reply.status == status
        assert other.requests == []


async def test_proxies_and_authorities_of_the_environment_are_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    with Sink() as proxy, Sink() as sink:
        for name in ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "ALL_PROXY", "all_proxy"):
            monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
        monkeypatch.setenv("SSL_CERT_FILE", "/nonexistent")
        monkeypatch.setenv("NETRC", "/nonexistent")
        async with Http(SystemClock(), Gate(None)) as http:
            await http.send(post(sink.url))
        assert proxy.requests == []
        assert len(sink.requests) == 1


async def test_a_trusted_certificate_is_accepted_for_the_name_in_the_url(tmp_path: Path) -> None:
    authority = trustme.CA()
    with Sink(tls=serving(authority, "localhost")) as sink:
        async with Http(SystemClock(), Gate(None), trusting(authority, tmp_path)) as http:
            reply = await http.send(post(f"https://localhost:{sink.port}/"))
    assert reply.status == 200


async def test_a_self_signed_certificate_is_refused(http: Http) -> None:
    with Sink(tls=serving(trustme.CA(), "localhost")) as sink:
        with pytest.raises(Refused, match="certificate is not trusted"):
            await http.send(post(f"https://localhost:{sink.port}/"))
        assert sink.requests == []


async def test_a_certificate_for_another_host_is_refused(tmp_path: Path) -> None:
    authority = trustme.CA()
    with Sink(tls=serving(authority, "other.example")) as sink:
        async with Http(SystemClock(), Gate(None), trusting(authority, tmp_path)) as http:
            with pytest.raises(Refused, match="certificate is not trusted"):
                await http.send(post(f"https://localhost:{sink.port}/"))


async def test_a_server_that_wants_our_certificate_is_trouble(tmp_path: Path) -> None:
    """Refused if it says so; asyncio's servers just end the connection, which may pass."""
    authority = trustme.CA()
    demanding = serving(authority, "localhost")
    demanding.verify_mode = ssl.CERT_REQUIRED
    authority.configure_trust(demanding)
    with Sink(tls=demanding) as sink:
        async with Http(SystemClock(), Gate(None), trusting(authority, tmp_path)) as http:
            with pytest.raises((Refused, Transient)):
                await http.send(post(f"https://localhost:{sink.port}/"))


async def test_a_server_that_wants_our_certificate_gets_it_and_the_one_that_replaced_it(tmp_path: Path) -> None:
    old, new = trustme.CA(), trustme.CA()
    demanding = serving(old, "localhost")
    demanding.verify_mode = ssl.CERT_REQUIRED
    new.configure_trust(demanding)
    with Sink(tls=demanding) as sink:
        way = known(old, tmp_path)
        async with Http(SystemClock(), Gate(None), way) as http:
            with pytest.raises((Refused, Transient)):
                await http.send(post(f"https://localhost:{sink.port}/"))
            known(new, tmp_path)
            old.cert_pem.write_to_path(tmp_path / "ca.pem")
            assert (await http.send(post(f"https://localhost:{sink.port}/"))).status == 200
            (tmp_path / "cert.pem").write_text("half")
            assert (await http.send(post(f"https://localhost:{sink.port}/"))).status == 200


@pytest.mark.parametrize(
    ("name", "text", "reason"),
    [
        ("ca.pem", None, "tls.ca_file .*ca.pem cannot be used: No such file"),
        ("ca.pem", "no certificate", "tls.ca_file .*ca.pem cannot be used: "),
        ("cert.pem", None, "tls.cert_file with tls.key_file .*cert.pem cannot be used: No such file"),
        ("key.pem", "-----BEGIN PRIVATE KEY-----", "tls.cert_file with tls.key_file .*cert.pem cannot be used: "),
    ],
)
async def test_a_certificate_that_cannot_be_read_is_trouble_that_names_its_file(
    tmp_path: Path, name: str, text: str | None, reason: str
) -> None:
    way = known(trustme.CA(), tmp_path)
    if text is None:
        (tmp_path / name).unlink()
    else:
        (tmp_path / name).write_text(text)
    async with Http(SystemClock(), Gate(None), way) as http:
        with pytest.raises(Refused, match=reason):
            await http.send(post("https://localhost:1/"))


async def test_a_proxy_is_asked_for_the_url_by_name_and_with_its_login() -> None:
    with Sink(answer(202)) as proxy:
        way = Way(proxy=Secret(f"http://me:{CANARY}@localhost:{proxy.port}"))
        async with Http(SystemClock(), Gate(None), way) as http:
            assert (await http.send(post("http://nobody.invalid/x"))).status == 202
        (asked,) = proxy.requests
    assert (asked.path, asked.headers["host"]) == ("http://nobody.invalid/x", "nobody.invalid")
    assert asked.headers["proxy-authorization"].startswith("Basic ")


async def test_a_proxy_by_tls_shows_a_certificate_of_its_own_name(tmp_path: Path) -> None:
    authority = trustme.CA()
    with Sink(answer(202), answer(502), tls=serving(authority, "localhost")) as proxy:
        way = replace(trusting(authority, tmp_path), proxy=Secret(f"https://localhost:{proxy.port}"))
        async with Http(SystemClock(), Gate(None), way) as http:
            assert (await http.send(post("http://nobody.invalid/x"))).status == 202
            with pytest.raises(Transient, match=r"no way to the host \(HTTP 502\)"):
                await http.send(post("https://nobody.invalid/x"))
        assert [request.method for request in proxy.requests] == ["POST", "CONNECT"]


@pytest.mark.parametrize(
    ("proxy", "reason"),
    [("http://127.0.0.1:1", "Connection refused"), ("http://nobody.invalid:1", "the host's name cannot be looked up")],
)
@pytest.mark.parametrize("scheme", ["http", "https"])
async def test_a_proxy_that_is_not_there_is_named(proxy: str, reason: str, scheme: str) -> None:
    async with Http(SystemClock(), Gate(None), Way(proxy=Secret(proxy))) as http:
        with pytest.raises(Transient, match=f"^the proxy: {reason}"):
            await http.send(post(f"{scheme}://hook.example.net/x"))


@pytest.mark.parametrize(
    ("status", "kind", "reason"),
    [(407, Refused, "the proxy wants a login"), (502, Transient, r"no way to the host \(HTTP 502\)")],
)
async def test_a_proxy_that_makes_no_tunnel_is_trouble(status: int, kind: type[Trouble], reason: str) -> None:
    with Sink(then=answer(status)) as proxy:
        way = Way(proxy=Secret(f"http://me:{CANARY}@localhost:{proxy.port}"))
        async with Http(SystemClock(), Gate(None), way) as http:
            with pytest.raises(kind, match=reason) as caught:
                await http.send(post("https://nobody.invalid/x"))
        assert proxy.requests[0].method == "CONNECT"
    assert CANARY not in "".join(traceback.format_exception(caught.value))


async def test_a_handshake_that_hangs_ends_in_time_and_leaves_no_socket(http: Http) -> None:
    """A socket that nobody closed is a ResourceWarning, and those are errors here."""
    with Sink(then=hang()) as sink, pytest.raises(Transient, match="no connection in time"):
        await http.send(post(f"https://127.0.0.1:{sink.port}/"))
    gc.collect()


async def test_a_handshake_that_is_cut_is_transient(http: Http) -> None:
    with Sink(then=cut()) as sink, pytest.raises(Transient):
        await http.send(post(f"https://127.0.0.1:{sink.port}/"))


async def test_https_to_a_server_without_tls_is_refused(http: Http) -> None:
    with Sink(then=raw(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as sink, pytest.raises(Refused, match="TLS failed"):
        await http.send(post(f"https://127.0.0.1:{sink.port}/"))


def memory() -> int:
    """The largest resident set so far, in KB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss


BOMB = gzip.compress(b"\0" * 50_000_000)

HUGE = {
    "10 MB": flood(b"HTTP/1.1 200 OK\r\nContent-Length: 10000000\r\n\r\n", b"x" * 10_000, 1000),
    "endless chunks": flood(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"2000\r\n" + b"x" * 8192 + b"\r\n", 10**6
    ),
    "until the end": flood(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 100_000, 10**4),
    "gzip": raw(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(BOMB) + BOMB),
}


@pytest.mark.parametrize("script", HUGE.values(), ids=HUGE)
async def test_a_huge_body_is_cut_and_costs_no_memory(http: Http, script: Answer) -> None:
    with Sink(answer(), then=script) as sink:
        await http.send(post(sink.url))
        before = memory()
        reply = await http.send(post(sink.url))
        assert reply.status == 200
        assert len(reply.body) <= BODY_MAX
        assert memory() - before < 8_000


async def test_a_look_up_that_hangs_delays_nothing_else(http: Http, monkeypatch: pytest.MonkeyPatch) -> None:
    """The system's resolver hangs for one name; other names, the same client and asyncio's own threads go on."""
    real, release = socket.getaddrinfo, asyncio.Event()
    loop = asyncio.get_running_loop()

    def stuck(host: Any, *rest: Any, **more: Any) -> Any:
        if host == "stuck.example":
            asyncio.run_coroutine_threadsafe(release.wait(), loop).result()
            raise socket.gaierror(socket.EAI_AGAIN, "stuck")
        return real(host, *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", stuck)
    waiting = [asyncio.create_task(http.send(post("http://stuck.example/"))) for _ in range(20)]
    with Sink() as sink:
        began = time.monotonic()
        assert (await http.send(post(f"http://localhost:{sink.port}/"))).status == 200
        assert await loop.getaddrinfo("localhost", 80)
        assert time.monotonic() - began < 5
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        assert isinstance(outcome, Transient)
    release.set()


@pytest.mark.parametrize(
    "script", [answer(500), cut(), hang(), answer(302, Location="http://x/")], ids=["500", "cut", "hang", "302"]
)
async def test_no_log_and_no_error_holds_the_url(http: Http, script: Answer, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    told = ""
    with Sink(then=script) as sink:
        try:
            await http.send(post(f"{sink.url}/{CANARY}", headers={"Authorization": CANARY}))
        except Transient as trouble:
            told = "".join(traceback.format_exception(trouble))
    assert CANARY not in caplog.text + told


async def test_requests_under_way_are_counted(http: Http) -> None:
    with Sink(answer(after=0.1)) as sink:
        sending = asyncio.create_task(http.send(post(sink.url)))
        await asyncio.sleep(0)
        assert http.in_flight == 1
        reply: Reply = await sending
        assert reply.status == 200
        assert http.in_flight == 0
