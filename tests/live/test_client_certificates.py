"""A server that asks for client certificates, and clients with one of a stranger, one that has expired, and none."""

import ssl
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import trustme

from bridge.demo.nats_binary import version_of
from bridge.demo.nats_server import NatsServer
from tests.conftest import StartServer
from tests.live.conftest import StartWatch
from tests.live.reports import frequent_reports
from tests.program.rules import PASSWORD
from tests.program.trouble import SERVER, Peer

TIMES = 10
"""Tries with each certificate that is no good."""


class Authority:
    """Who vouches for the server and for its clients."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self.ca, self.file = trustme.CA(), directory / "ca.pem"
        self.ca.cert_pem.write_to_path(str(self.file))
        self._issue(self.ca, "server", "127.0.0.1")
        self._issue(self.ca, "bridge", "bridge.example.net")

    @property
    def server(self) -> str:
        """Its configuration."""
        here = self.directory
        files = f'cert_file: "{here}/server.pem", key_file: "{here}/server.key", ca_file: "{self.file}"'
        return f"{SERVER}\ntls {{ {files}, verify: true }}\n"

    @property
    def bridge(self) -> str:
        """How the bridge connects."""
        here = self.directory
        files = f"ca_file: '{self.file}', cert_file: '{here}/bridge.pem', key_file: '{here}/bridge.key'"
        return f"user: sys, password: {PASSWORD}, tls: {{{files}}}"

    def client(self, cert: trustme.LeafCert | None) -> ssl.SSLContext:
        """One that trusts the server and shows this."""
        context = ssl.create_default_context(cafile=self.file)
        if cert:
            cert.configure_cert(context)
        return context

    def _issue(self, ca: trustme.CA, name: str, identity: str) -> None:
        cert = ca.issue_cert(identity)
        cert.private_key_pem.write_to_path(str(self.directory / f"{name}.key"))
        cert.cert_chain_pems[0].write_to_path(str(self.directory / f"{name}.pem"))


async def test_clients_without_a_certificate_that_counts_are_told_once(
    nats_binary: Path, start_server: StartServer, start_watch: StartWatch, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    server = start_server(authority.server, name="vault")
    watch = await start_watch(server.url.replace("nats://", "tls://"), "client_certificates.yaml", authority.bridge)
    yesterday = datetime.now(UTC) - timedelta(days=1)
    good = authority.ca.issue_cert("app.example.net")
    expired = authority.ca.issue_cert("app.example.net", not_after=yesterday)
    strangers = trustme.CA().issue_cert("app.example.net")
    async with frequent_reports([server], tls=authority.client(good)):
        with Peer(server, name="app", tls=authority.client(good)):
            pass
        for bad in (expired, strangers, None):
            for _ in range(TIMES):
                is_refused(server, authority.client(bad))
        tells = [int(part) for part in version_of(nats_binary).split(".")] >= [2, 12]
        if tells:
            await watch.fires("CertificatesRefused")
            await watch.counts(3 * TIMES, "Refused")
        await watch.resolves("ManyConnections")
        if tells:
            await watch.resolves("CertificatesRefused")
    await watch.ends_well()
    both = ["firing", "resolved"]
    assert watch.by("CertificatesRefused", "client_host") == ({"127.0.0.1": both} if tells else {})
    refused = {"vault TLS Handshake Failure": 3 * TIMES}
    assert watch.counted("Refused", "server_name", "reason") == (refused if tells else {})
    assert watch.by("ManyConnections", "server_name") == {"vault": both}
    assert watch.counted("LoggedIn", "client_name") == {"app": 1}
    assert watch.told("LoginFailed") == []


def is_refused(server: NatsServer, tls: ssl.SSLContext) -> None:
    """The server says so when the client takes the handshake for done."""
    with suppress(OSError), closing(Peer(server, tls=tls)) as peer:
        assert b"PONG" not in peer.read_to_end()
