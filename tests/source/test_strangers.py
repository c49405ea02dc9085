"""Addresses behind which there is no nats-server, or one that dies in the middle of a word."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.source.heard import run, settings_at
from tests.waiting import eventually

INFO = b'INFO {"server_id":"X","version":"2.9.10","max_payload":1000,"headers":true}\r\n'
CASES = [
    pytest.param(b"HTTP/1.1 400 Bad Request\r\n\r\n", "it does not begin as a NATS server does", id="web"),
    pytest.param(b"x" * 200_000, "it does not speak NATS", id="endless line"),
    pytest.param(b"INFO {\r\n", "info message", id="broken INFO"),
    pytest.param(INFO, "the server closed the connection", id="end after INFO"),
    pytest.param(INFO + b"-ERR 'maximum connections exceeded'\r\n", "maximum connections exceeded", id="full"),
    pytest.param(INFO + b"PONG\r\n", "the server closed the connection", id="end after login"),
    pytest.param(INFO + b"PONG\r\nMSG what\r\n", "", id="nonsense after login"),
    pytest.param(b"", "it does not begin as a NATS server does", id="end at once"),
    pytest.param(None, "no answer", id="mute"),
]


class Stranger:
    """Says its words to whoever comes, and hangs up; or says nothing and waits."""

    def __init__(self) -> None:
        self.words: bytes | None = b""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.words is None:
            await reader.read()
        else:
            writer.write(self.words)
            writer.write_eof()
            await reader.read()
        writer.close()


@pytest.fixture
async def stranger() -> AsyncIterator[tuple[Stranger, str]]:
    it = Stranger()
    server = await asyncio.start_server(it.serve, "127.0.0.1", 0)
    yield it, f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    server.close()
    await server.wait_closed()


@pytest.mark.parametrize(("words", "reason"), CASES)
async def test_a_stranger_is_told_of_and_tried_again(
    stranger: tuple[Stranger, str], words: bytes | None, reason: str, caplog: pytest.LogCaptureFixture
) -> None:
    it, url = stranger
    it.words = words
    async with run(settings_at(url)) as run_:
        await eventually(lambda: run_.heard.tales("nats_disconnected"))
        await eventually(lambda: f"cannot connect to {url}: {reason}" in caplog.text)
        assert not run_.heard.tales("login_failed")
        assert not run_.heard.sees


async def test_names_without_an_address_are_told_of() -> None:
    async with run(settings_at("nats://nowhere.invalid:4222")) as it:
        [tale] = await eventually(lambda: it.heard.tales("nats_disconnected"))
        assert "nats://nowhere.invalid:4222" in str(tale["servers"])
