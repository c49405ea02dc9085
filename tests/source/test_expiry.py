"""Credentials that end: told in time, once a day, until there are new ones."""

import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import trustme
from msgspec.structs import replace

from bridge.source.expiry import Expiry, certificate_span, jwt_span, next_expiry
from bridge.source.settings import Settings, Tls
from tests.conftest import StartServer
from tests.operator_mode import Operator
from tests.source.heard import QUICK, run, settings_for
from tests.waiting import eventually

HOUR, DAY = 3600.0, 86400.0


@pytest.mark.parametrize(
    ("life", "left", "soon"),
    [
        pytest.param(365 * DAY, 7.1 * DAY, False, id="a year, in time"),
        pytest.param(365 * DAY, 6.9 * DAY, True, id="a year, a week before its end"),
        pytest.param(DAY, 5 * HOUR, False, id="a day, in time"),
        pytest.param(DAY, 4 * HOUR, True, id="a day, in its last fifth"),
        pytest.param(DAY, -HOUR, True, id="over"),
    ],
)
def test_when_people_are_told_depends_on_how_long_the_credentials_live(life: float, left: float, soon: bool) -> None:
    expiry = Expiry(key="nats.credentials", file=Path("f"), begins=1e9, ends=1e9 + life)
    assert expiry.soon(1e9 + life - left) is soon


def test_the_end_of_a_jwt_is_read() -> None:
    user = Operator().system.user(issued=1000, expires=2000)
    assert jwt_span(user.creds) == (1000, 2000)
    assert jwt_span(Operator().system.user().creds) is None
    assert jwt_span(user.creds.replace(user.jwt, "a.???.c")) is None


@pytest.mark.parametrize("year", [2049, 2051], ids=["two digits", "four digits"])
def test_the_end_of_a_certificate_is_read(year: int) -> None:
    end = datetime(year, 5, 6, 7, 8, 9, tzinfo=UTC)
    pem = trustme.CA().issue_cert("host", not_after=end).cert_chain_pems[0].bytes().decode()
    span = certificate_span(pem)
    assert span
    assert span[1] == end.timestamp()
    assert span[0] <= time.time()


def test_what_is_no_certificate_has_no_end() -> None:
    pem = trustme.CA().issue_cert("host").cert_chain_pems[0].bytes().decode()
    assert certificate_span("") is None
    assert certificate_span(pem[:300]) is None
    assert certificate_span(pem[:200] + pem[-100:]) is None


def test_the_nearest_end_counts_and_missing_files_have_none(tmp_path: Path) -> None:
    cert = trustme.CA().issue_cert("host", not_after=datetime.now(UTC) + timedelta(days=20))
    cert.cert_chain_pems[0].write_to_path(str(tmp_path / "cert.pem"))
    tls = Tls(cert_file=tmp_path / "cert.pem", key_file=tmp_path / "key.pem")
    settings = Settings(servers=(), tls=tls, credentials=tmp_path / "sys.creds")
    expiry = next_expiry(settings)
    assert expiry
    assert expiry.key == "nats.tls.cert_file"
    (tmp_path / "sys.creds").write_text(Operator().system.user(expires=time.time() + 60).creds)
    expiry = next_expiry(settings)
    assert expiry
    assert expiry.key == "nats.credentials"
    assert next_expiry(Settings(servers=(), credentials=tmp_path / "none")) is None


async def test_credentials_that_end_soon_are_told_once_and_again_when_they_are_renewed(
    start_server: StartServer, tmp_path: Path
) -> None:
    operator = Operator()
    server = start_server(operator.memory())
    creds = tmp_path / "sys.creds"
    creds.write_text(operator.system.user(issued=time.time() - 300, expires=time.time() + 50).creds)
    settings = replace(settings_for(server), user=None, password=None, credentials=creds)
    async with run(settings, limits=replace(QUICK, expiry=0.05)) as it:
        [tale] = await eventually(lambda: it.heard.tales("credentials_expiring"))
        assert str(tale["reason"]).startswith(f"nats.credentials {creds} is good for ")
        await eventually(lambda: it.heard.sees)
        creds.write_text(operator.system.user(expires=time.time() + 365 * DAY).creds)
        await eventually(lambda: it.heard.tales("credentials_valid"))
        assert len(it.heard.tales("credentials_expiring")) == 1
        assert it.heard.sees


async def test_a_login_that_ends_is_the_reason_and_no_message_is_blamed(
    start_server: StartServer, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    operator = Operator()
    server = start_server(operator.memory())
    creds = tmp_path / "sys.creds"
    creds.write_text(operator.system.user(expires=time.time() + 3).creds)
    settings = replace(settings_for(server), user=None, password=None, credentials=creds)
    async with run(settings, limits=replace(QUICK, grace=60)) as it:
        await eventually(lambda: it.heard.sees)
        creds.write_text(operator.system.user().creds)
        await eventually(lambda: not it.heard.sees)
        assert "lost the connection" in caplog.text
        assert ": user authentication expired" in caplog.text.lower()
        await eventually(lambda: it.heard.sees)
        assert not it.heard.tales("malformed_event")
