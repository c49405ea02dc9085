"""Handshakes that fail, by TLS and by websocket, and what is said about them."""

from datetime import datetime
from pathlib import Path
from typing import Protocol

import pytest
import trustme
from msgspec.structs import replace

from bridge.demo.nats_server import free_port
from bridge.source.settings import Tls
from tests.conftest import StartServer
from tests.source.heard import ACCOUNTS, run, settings_at
from tests.waiting import eventually

pytestmark = pytest.mark.filterwarnings("ignore:parameter .timeout. of type:DeprecationWarning")  # of aiohttp
LONG_AGO, AGO = datetime(2020, 1, 1), datetime(2021, 1, 1)  # noqa: DTZ001 - trustme wants it so


@pytest.fixture
def authority(tmp_path: Path) -> trustme.CA:
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    write(authority.issue_cert("127.0.0.1"), tmp_path, "server")
    return authority


def write(issued: trustme.LeafCert, directory: Path, name: str) -> None:
    issued.private_key_pem.write_to_path(str(directory / f"{name}-key.pem"))
    issued.cert_chain_pems[0].write_to_path(str(directory / f"{name}.pem"))


def block(at: Path, name: str = "server", more: str = "") -> str:
    return f'tls {{ cert_file: "{at}/{name}.pem", key_file: "{at}/{name}-key.pem", ca_file: "{at}/ca.pem" {more} }}'


def listening(scheme: str, tls: str) -> tuple[str, int | None]:
    """A server's configuration, and the port to come to, if it is not its first one."""
    if scheme != "wss":
        return f"{ACCOUNTS}\n{tls}", None
    port = free_port()
    return f'{ACCOUNTS}\nwebsocket {{ listen: "127.0.0.1:{port}", {tls} }}', port


def ours(at: Path) -> Tls:
    return Tls(ca_file=at / "ca.pem", cert_file=at / "bridge.pem", key_file=at / "bridge-key.pem")


class Trouble(Protocol):
    """What is said of a server that is never heard."""

    async def __call__(self, url: str, tls: Tls) -> str: ...


@pytest.fixture
def trouble(caplog: pytest.LogCaptureFixture) -> Trouble:
    def said() -> list[str]:
        return [record.message for record in caplog.records if record.message.startswith("cannot connect to")]

    async def wait(url: str, tls: Tls) -> str:
        async with run(replace(settings_at(url), tls=tls)) as it:
            [first, *_] = await eventually(said)
            await eventually(lambda: it.heard.tales("nats_disconnected"))
            assert not it.heard.sees
        return first.removesuffix("; trying again")

    return wait


@pytest.mark.parametrize("scheme", ["nats", "wss"])
@pytest.mark.parametrize(
    ("which", "what"),
    [
        pytest.param("none", "give nats.tls.cert_file and key_file in rules.yaml", id="none"),
        pytest.param("expired", "bridge.pem: it expired on 2021-01-01; put a new one in its place", id="expired"),
        pytest.param("foreign", "bridge.pem: the server's tls.ca_file must hold the CA of that", id="foreign"),
    ],
)
async def test_a_refused_certificate_of_the_bridge_is_named(
    start_server: StartServer,
    authority: trustme.CA,
    trouble: Trouble,
    tmp_path: Path,
    scheme: str,
    which: str,
    what: str,
) -> None:
    issuer, end = (trustme.CA() if which == "foreign" else authority), (AGO if which == "expired" else None)
    write(issuer.issue_cert("bridge@example.net", not_before=LONG_AGO, not_after=end), tmp_path, "bridge")
    config, port = listening(scheme, block(tmp_path, more=", verify: true"))
    server = start_server(config)
    tls = Tls(ca_file=tmp_path / "ca.pem") if which == "none" else ours(tmp_path)
    reason = await trouble(f"{scheme}://127.0.0.1:{port or server.port}", tls)
    assert reason.endswith(what) or f"{what}, and its log says more" in reason


@pytest.mark.parametrize("scheme", ["nats", "wss"])
@pytest.mark.parametrize(
    ("name", "end", "what"),
    [
        pytest.param("127.0.0.1", AGO, "has expired; renew the server's certificate", id="expired"),
        pytest.param("other.example.net", None, "write a name that the certificate holds", id="other name"),
    ],
)
async def test_a_certificate_of_the_server_that_is_not_accepted_is_no_end_of_the_bridge(
    start_server: StartServer,
    authority: trustme.CA,
    trouble: Trouble,
    tmp_path: Path,
    scheme: str,
    name: str,
    end: datetime | None,
    what: str,
) -> None:
    write(authority.issue_cert(name, not_before=LONG_AGO, not_after=end), tmp_path, "server")
    config, port = listening(scheme, block(tmp_path))
    server = start_server(config)
    reason = await trouble(f"{scheme}://127.0.0.1:{port or server.port}", Tls(ca_file=tmp_path / "ca.pem"))
    assert "its certificate is not accepted: " in reason
    assert what in reason


@pytest.mark.parametrize(
    ("scheme", "what"),
    [
        pytest.param("ws", "no websocket answers there", id="ws"),
        pytest.param("wss", "it does not answer in TLS", id="wss"),
    ],
)
async def test_a_port_that_speaks_something_else_is_told(
    start_server: StartServer, trouble: Trouble, scheme: str, what: str
) -> None:
    server = start_server(ACCOUNTS)
    assert what in await trouble(server.url.replace("nats", scheme), Tls())


async def test_a_handshake_that_comes_too_early_is_told(
    start_server: StartServer, authority: trustme.CA, trouble: Trouble, tmp_path: Path
) -> None:
    server = start_server(f"{ACCOUNTS}\n{block(tmp_path, more=', timeout: 0.2')}")
    reason = await trouble(server.url, Tls(ca_file=tmp_path / "ca.pem", first=True))
    assert "nats.tls.first" in reason


async def test_the_end_of_an_encrypted_connection_is_no_news_of_asyncio(
    start_server: StartServer, authority: trustme.CA, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    server = start_server(f"{ACCOUNTS}\n{block(tmp_path)}")
    async with run(replace(settings_at(server.url), tls=Tls(ca_file=tmp_path / "ca.pem"))) as it:
        await eventually(lambda: it.heard.sees)
        server.kill()
        await eventually(lambda: not it.heard.sees)
    assert not [record for record in caplog.records if record.name == "asyncio"]
