"""The short way for messages gives what nats-py's own parser gives, however the stream is cut into reads."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from nats.protocol.parser import Parser

from bridge.source.frames import TAIL_MAX, Frames, Take
from tests.source.heard import Heard

OURS = {b"1": "ours", b"12": "ours too"}

BODIES = st.one_of(
    st.binary(max_size=40), st.sampled_from([b"", b"\r\n", b"MSG a 1 3\r\nabc\r\n", b"MSG ", b"x" * 5000])
)
SUBJECTS = st.sampled_from([b"a", b"$SYS.ACCOUNT.A.CONNECT", "acc.ü".encode()])
NUMBERS = st.sampled_from([b"1", b"12", b"7"])


class Log:
    """Stands where a client would: what its parser tells it, in order."""

    def __init__(self) -> None:
        self.heard: list[tuple[Any, ...]] = []
        self.stats = {"in_msgs": 0, "in_bytes": 0}

    async def _process_msg(self, sid: int, subject: bytes, reply: bytes, data: bytes, headers: bytes | None) -> None:
        self.stats["in_msgs"] += 1
        self.stats["in_bytes"] += len(data)
        self.heard.append(("MSG", str(sid), subject.decode(), bytes(reply), data, headers))

    async def _process_ping(self) -> None:
        self.heard.append(("PING",))

    async def _process_pong(self) -> None:
        self.heard.append(("PONG",))

    async def _process_info(self, info: dict[str, Any]) -> None:
        self.heard.append(("INFO", info))

    async def _process_err(self, error: str) -> None:
        self.heard.append(("-ERR", error))


@st.composite
def frames(draw: st.DrawFn) -> bytes:
    subject, number, body = draw(SUBJECTS), draw(NUMBERS), draw(BODIES)
    match draw(st.sampled_from(["MSG"] * 6 + ["reply", "HMSG", "PING", "PONG", "+OK", "INFO", "-ERR"])):
        case "MSG":
            return b"MSG %b %b %d\r\n%b\r\n" % (subject, number, len(body), body)
        case "reply":
            return b"MSG %b %b _INBOX.x %d\r\n%b\r\n" % (subject, number, len(body), body)
        case "HMSG":
            headers = b"NATS/1.0\r\nA: b\r\n\r\n"
            size = len(headers)
            return b"HMSG %b %b %d %d\r\n%b%b\r\n" % (subject, number, size, size + len(body), headers, body)
        case "INFO":
            return b'INFO {"server_id": "x"}\r\n'
        case "-ERR":
            return b"-ERR 'Permissions Violation'\r\n"
        case word:
            return word.encode() + b"\r\n"


async def parsed(parser: Parser, stream: bytes, cuts: list[int]) -> None:
    begin = 0
    for cut in [*sorted(min(cut, len(stream)) for cut in cuts), len(stream)]:
        if cut > begin:
            await parser.parse(stream[begin:cut])
            begin = cut


def short(log: Log) -> Frames:
    """One subscription's messages go straight, another's one by one."""

    def take_all(heard: list[tuple[str, bytes]]) -> None:
        log.heard += [("MSG", "1", subject, b"", data, None) for subject, data in heard]

    parser = Frames(log, take_all, Heard(), patience=1)  # type: ignore[arg-type]

    def noting(sid: str) -> Take:
        return lambda subject, data: log.heard.append(("MSG", sid, subject, b"", data, None))

    parser.connect([b"1"], {number: noting(number.decode()) for number in OURS})
    return parser


@settings(max_examples=300, deadline=None)
@given(sent=st.lists(frames(), max_size=12), cuts=st.lists(st.integers(0, 6000), max_size=8))
async def test_whatever_the_cuts_it_hears_what_the_library_hears(sent: list[bytes], cuts: list[int]) -> None:
    mine, theirs = Log(), Log()
    stream = b"".join(sent)
    await parsed(short(mine), stream, cuts)
    await parsed(Parser(theirs), stream, cuts)

    assert mine.heard == theirs.heard
    assert mine.stats == theirs.stats


@pytest.mark.parametrize("size", [TAIL_MAX - 100, TAIL_MAX + 100, 3 * TAIL_MAX])
async def test_large_messages_come_whole(size: int) -> None:
    log, body = Log(), bytes(range(256)) * (size // 256)
    stream = b"MSG a 1 %d\r\n%b\r\nMSG a 1 2\r\nhi\r\n" % (len(body), body)
    await parsed(short(log), stream, list(range(0, len(stream), 32768)))

    assert [entry[4] for entry in log.heard] == [body, b"hi"]


async def test_after_other_frames_it_takes_the_short_way_again() -> None:
    log = Log()
    parser = short(log)
    await parsed(parser, b"PING\r\nMSG a 7 2\r\nhi\r\nMSG a 1 2\r\nho\r\n", [3, 20])
    await parser.parse(b"MSG a 1 2\r\nha\r\n")

    assert [entry[0] for entry in log.heard] == ["PING", "MSG", "MSG", "MSG"]
    assert not parser.buf


async def test_a_new_connection_begins_with_nothing() -> None:
    log = Log()
    parser = short(log)
    await parser.parse(b"MSG a 1 20\r\nhalf a mess")
    parser.reset()
    await parser.parse(b"MSG a 1 2\r\nhi\r\n")

    assert [entry[4] for entry in log.heard] == [b"hi"]
