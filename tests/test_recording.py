"""Recordings: lines in, inputs out; inputs in, harmless lines out; and the file that they are written to."""

import asyncio
import json
import os
import resource
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bridge.commit import Settled
from bridge.errors import RecordingError
from bridge.event import EventType, hash_token
from bridge.events import EVENT_TYPES
from bridge.events.accounts import Names
from bridge.events.families import SIZE_MAX
from bridge.inputs import Blind, Happening, Input, Message, Own, Sight
from bridge.recorder import WAITING_MAX, Recorder
from bridge.recording import clean_body, read, write
from bridge.values import SECOND
from tests.events.recorded import FILES, NOW, REFUSED, connection, decoder, hear, messages, text
from tests.events.test_fields import jwt
from tests.waiting import eventually

PLAIN = Names()
SHIELDED = Names(token_auth=True)
INPUTS: list[Input] = [
    Blind(NOW),
    Happening("started", {"version": "1"}, NOW + 1),
    Own("P1", 7, NOW + 2),
    Sight(NOW + 3),
    Message("$SYS.X", b'{"a":1}', NOW + 4),
]


def line(at: float = 5.0, subject: str = "$SYS.X", data: str = "{}", **more: Any) -> bytes:
    return json.dumps({"at": at, "subject": subject, "headers": {}, "data": data, **more}).encode() + b"\n"


def lines(inputs: Sequence[Input], names: Names = PLAIN) -> list[bytes]:
    return [written for each in inputs if (written := write(each, each.at, names)) is not None]


# -- reading ----------------------------------------------------------------------------------------------------


def test_a_recording_of_messages_is_sighted_from_its_first_line_on() -> None:
    assert list(read([line(), line(6.5, account="SYS")], "r")) == [
        Sight(5_000_000),
        Message("$SYS.X", b"{}", 5_000_000),
        Message("$SYS.X", b"{}", 6_500_000, "SYS"),
    ]


def test_a_recording_that_begins_blind_is_blind() -> None:
    assert list(read([line(subject="bridge.blind", data="")], "r")) == [Blind(5_000_000)]


def test_fields_of_the_bridges_own_events_may_be_left_out() -> None:
    assert list(read([line(), line(subject="bridge.config_valid", data="")], "r"))[2:] == [
        Happening("config_valid", {}, 5_000_000)
    ]


def test_empty_lines_are_skipped_and_counted() -> None:
    with pytest.raises(RecordingError, match=r"^r:3: "):
        list(read([line(), b"\n", b"{}\n"], "r"))


@pytest.mark.parametrize(
    ("raw", "what"),
    [
        (b"oops\n", r"r:2: this is no line of a recording \(JSON is malformed: invalid character \(byte 0\)\); write "),
        (b"[]\n", r"r:2: this is no line of a recording \(Expected `object`, got `array`\); write "),
        (b'{"at": 1}\n', r"r:2: this is no line of a recording \(Object missing required field `subject`\); write "),
        (line(data=5), r"r:2: this is no line .* `str`, got `int` - at `\$.data`\)"),  # type: ignore[arg-type]
        (b'{"at": 1, "subj', r"r:2: the last line is not complete; remove it"),
        (line(1795462101123.0), r"r:2: at is 1\.79546e\+12; write the time in seconds since 1970, UTC"),
        (line(-1.0), r"r:2: at is -1; "),
        (
            line(subject="bridge.away", data="x"),
            r"r:2: the data of bridge\.away are not its fields \(JSON is malformed",
        ),
        (line(subject="bridge.connection", data="{}"), r"r:2: the data of bridge\.connection are not its fields"),
        (b"[" * 100_000 + b"\n", r"r:2: this is no line of a recording"),
        (b"\xff\n", r"r:2: this is no line of a recording"),
    ],
)
def test_a_broken_line_is_an_error_with_its_place(raw: bytes, what: str) -> None:
    with pytest.raises(RecordingError, match=f"^{what}"):
        list(read([line(), raw], "r"))


def test_what_comes_before_a_broken_line_is_read() -> None:
    reading = read([line(), b"oops\n"], "r")
    assert [next(reading), next(reading)] == [Sight(5_000_000), Message("$SYS.X", b"{}", 5_000_000)]


# -- writing ----------------------------------------------------------------------------------------------------


def test_what_was_written_is_read_back() -> None:
    assert list(read(lines(INPUTS), "r")) == INPUTS


def test_whose_connection_heard_a_message_is_kept() -> None:
    heard = Message("$JS.EVENT.ADVISORY.API", b'{"a":2}', NOW, "APP")
    assert list(read(lines([heard]), "r"))[1:] == [heard]


def test_a_line_has_the_form_of_the_corpus() -> None:
    assert json.loads(lines(INPUTS)[-1]) == {
        "at": NOW / SECOND + 4e-6,
        "subject": "$SYS.X",
        "headers": {},
        "data": '{"a":1}',
    }


@given(st.integers(0, 4_000_000_000_000_000))
def test_no_microsecond_is_lost(at: int) -> None:
    assert [each.at for each in read(lines([Sight(at)]), "r")] == [at]


def test_an_input_counts_from_the_instant_at_which_the_engine_took_it() -> None:
    assert list(read([write(Sight(NOW), NOW + 9, PLAIN) or b""], "r")) == [Sight(NOW + 9)]


def test_what_becomes_of_messages_is_no_part_of_it() -> None:
    assert write(Settled("row", "delivered", NOW), NOW, PLAIN) is None


def test_credentials_are_gone_and_strangers_text_is_clean() -> None:
    body = connection(jwt=jwt(name="eve"), nonce="abc", name="x\u202e\n" + "y" * 300, tls={"raw": "cert"})
    kept = json.loads(clean_body(json.dumps(body).encode(), PLAIN))
    assert not {"jwt", "nonce"} & kept["client"].keys()
    assert kept["client"]["tls"] == {}
    assert kept["client"]["name"] == "x⏎" + "y" * 253 + "…"


def test_what_a_jwt_claimed_can_still_be_read() -> None:
    body = connection(jwt=jwt(name="eve", iss="ABC", sub="UDE", exp=NOW // SECOND + 60))
    message = Message(REFUSED, json.dumps(body).encode(), NOW)
    [_, back] = read(lines([message]), "r")
    assert isinstance(back, Message)
    assert b"eyJ" not in back.data
    live, replayed = (decoder().decode(each.subject, each.data, each.at) for each in (message, back))
    assert live
    assert replayed
    for name in ("name", "iss", "sub", "account", "exp"):
        assert text(replayed, f"claimed.{name}") == text(live, f"claimed.{name}") is not None


def test_a_user_that_may_be_a_token_is_hashed_once() -> None:
    old = json.dumps(connection(user="s3cret", _server={"name": "n", "id": "P1", "ver": "2.9.10"})).encode()
    once = clean_body(old, SHIELDED)
    assert json.loads(once)["client"]["user"] == hash_token("s3cret")
    assert clean_body(once.encode(), SHIELDED) == once


def test_a_user_of_a_server_that_hides_tokens_is_a_user() -> None:
    assert json.loads(clean_body(json.dumps(connection(user="app")).encode(), SHIELDED))["client"]["user"] == "app"


def test_no_user_stays_no_user() -> None:
    old = json.dumps(connection(user="", _server={"name": "n", "id": "P1", "ver": "2.9.10"})).encode()
    assert json.loads(clean_body(old, SHIELDED))["client"]["user"] == ""


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"eyJhbGciOiJlZDI1NTE5.s3cret.x",
        b'{"client": {"jwt": "s3cret',
        b'{"server": "s3cret"} s3cret',
        b'"s3cret"',
        b'["s3cret"]',
        b"12345",
        b"\xff\xfe s3cret",
        b'{"client": "' + b"s" * SIZE_MAX + b'"}',
    ],
    ids=lambda data: data[:12].decode("latin-1"),
)
def test_a_malformed_body_stays_malformed_for_the_same_reason_and_nothing_of_it_is_kept(data: bytes) -> None:
    kept = clean_body(data, PLAIN)
    assert "s3cret" not in kept
    assert "eyJ" not in kept
    live, replayed = (decoder().decode(REFUSED, each, NOW) for each in (data, kept.encode()))
    assert live
    assert replayed
    assert replayed.type == live.type == "bridge.malformed_event"
    assert replayed.body["bytes"] == min(live.body["bytes"], SIZE_MAX + 1)
    if b"\xff" not in data and b"} s" not in data:
        assert replayed.body["reason"] == live.body["reason"]


def test_a_body_of_the_wrong_shape_stays_one() -> None:
    replayed = decoder().decode(REFUSED, clean_body(b'{"server": "x"}', PLAIN).encode(), NOW)
    assert replayed
    assert replayed.type == "bridge.malformed_event"


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
@pytest.mark.parametrize("names", [PLAIN, SHIELDED], ids=["plain", "shielded"])
def test_rules_read_the_same_in_a_recording_as_live(path: Path, names: Names) -> None:
    heard = list(messages(path))
    [_, *back] = read(lines(heard, names), "r")
    live, replayed = decoder(names), decoder(names)
    for original, copy in zip(heard, back, strict=True):
        assert isinstance(copy, Message)
        one, other = hear(live, original), hear(replayed, copy)
        assert (one is None) == (other is None)
        if one and other and one.type in EVENT_TYPES:
            assert _fields(EVENT_TYPES[one.type], one, names) == _fields(EVENT_TYPES[other.type], other, names)


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_recording_of_a_replay_is_the_recording(path: Path) -> None:
    first = lines(list(messages(path)), SHIELDED)
    assert lines([each for each in read(first, "r") if isinstance(each, Message)], SHIELDED) == first


def _fields(kind: EventType, event: Any, names: Names) -> dict[str, str | None]:
    return {name: text(event, name, names) for name in kind.fields}


# -- the file ---------------------------------------------------------------------------------------------------


async def record(path: Path, *batches: Sequence[Input], append: bool = False) -> Recorder:
    recorder = Recorder(path, PLAIN, append)
    task = asyncio.create_task(recorder.run())
    for batch in batches:
        recorder.take(batch, 0)
    await recorder.close()
    await task
    return recorder


def subjects(path: Path) -> list[str]:
    return [json.loads(each)["subject"] for each in path.read_text().splitlines()]


async def test_everything_is_in_the_file_when_close_returns(tmp_path: Path) -> None:
    recorder = await record(tmp_path / "r", INPUTS[:2], INPUTS[2:])
    with (tmp_path / "r").open("rb") as file:
        assert list(read(file, "r")) == INPUTS
    assert recorder.events == 1


async def test_a_recording_goes_on_after_a_line_that_a_crash_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(line() + b'{"at": 5, "subject": "' + b"x" * 100_000)
    await record(path, [Sight(NOW)], append=True)
    assert subjects(path) == ["$SYS.X", "bridge.sight"]


async def test_a_file_of_one_unfinished_line_begins_anew(tmp_path: Path) -> None:
    path = tmp_path / "r"
    path.write_bytes(b"x" * 200_000)
    await record(path, [Sight(NOW)], append=True)
    assert subjects(path) == ["bridge.sight"]


async def test_what_a_slow_disk_leaves_out_is_blind(tmp_path: Path) -> None:
    flood = [Message("$SYS.X", b"{}", NOW + number) for number in range(WAITING_MAX + 10)]
    recorder = Recorder(tmp_path / "r", PLAIN, append=False)
    recorder.take(flood, 0)
    task = asyncio.create_task(recorder.run())
    await eventually(lambda: recorder.events == WAITING_MAX)
    recorder.take([Message("$SYS.Y", b"{}", NOW * 2)], 0)
    await recorder.close()
    await task
    assert subjects(tmp_path / "r")[WAITING_MAX - 1 :] == ["$SYS.X", "bridge.blind", "bridge.sight", "$SYS.Y"]


async def test_whoever_can_wait_is_asked_to_before_anything_is_left_out(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "r", PLAIN, append=False)
    recorder.take([Message("$SYS.X", b"{}", NOW)] * (WAITING_MAX // 2), 0)
    assert recorder.crowded
    task = asyncio.create_task(recorder.run())
    async with asyncio.timeout(5):
        await recorder.room()
    await recorder.close()
    await task
    assert subjects(tmp_path / "r") == ["$SYS.X"] * (WAITING_MAX // 2)


async def test_sight_that_comes_back_while_messages_are_left_out_counts_once_they_are_not(tmp_path: Path) -> None:
    flood = [Message("$SYS.X", b"{}", NOW) for _ in range(WAITING_MAX + 1)]
    recorder = Recorder(tmp_path / "r", PLAIN, append=False)
    recorder.take([*flood, Blind(NOW), Sight(NOW), Blind(NOW)], 0)
    task = asyncio.create_task(recorder.run())
    await eventually(lambda: recorder.events == WAITING_MAX)
    recorder.take([Message("$SYS.Y", b"{}", NOW), Sight(NOW)], 0)
    await recorder.close()
    await task
    assert subjects(tmp_path / "r")[WAITING_MAX:] == ["bridge.blind", "$SYS.Y", "bridge.sight"]


@contextmanager
def room(size: int) -> Iterator[None]:
    """How large files may become in this process; over before pytest writes to its own output, which may be a file."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


async def test_a_full_disk_ends_the_recording_after_a_whole_line_and_is_told_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    recorder = Recorder(tmp_path / "r", PLAIN, append=False)
    task = asyncio.create_task(recorder.run())
    recorder.take(INPUTS, 0)
    await eventually(lambda: recorder.events == 1)
    size = (tmp_path / "r").stat().st_size
    with room(size + 10):
        recorder.take(INPUTS, 0)
        await task
    recorder.take(INPUTS, 0)
    await recorder.close()
    assert (tmp_path / "r").stat().st_size == size
    assert recorder.trouble == f"cannot write the recording {tmp_path}/r: File too large"
    assert [record.message for record in caplog.records] == [f"{recorder.trouble}; it ends here, and nothing else does"]


def test_two_do_not_write_one_recording(tmp_path: Path) -> None:
    first = Recorder(tmp_path / "r", PLAIN, append=True)
    with pytest.raises(RecordingError, match="another process writes this recording; name another file"):
        Recorder(tmp_path / "r", PLAIN, append=True)
    assert not first.trouble


@pytest.mark.parametrize("make", ["directory", "pipe", "nowhere"])
def test_what_cannot_be_a_recording_is_refused(make: str, tmp_path: Path) -> None:
    path = tmp_path / "r"
    if make == "directory":
        path.mkdir()
    elif make == "pipe":
        os.mkfifo(path)
    else:
        path = path / "r"
    with pytest.raises(RecordingError, match=f"^{path}: the recording cannot be written|^{path}: this is no regular"):
        Recorder(path, PLAIN, append=True)


def test_an_answer_to_a_poll_may_be_larger_than_an_event() -> None:
    body = json.dumps({"server": {"id": "P1"}, "data": {"accounts": [{"name": "a" * 200}] * 8_000}}).encode()
    [_, kept] = read(lines([Message("$SYS.REQ.SERVER.P1.JSZ", body, NOW)]), "r")
    [_, lost] = read(lines([Message("$SYS.SERVER.P1.STATSZ", body, NOW)]), "r")
    assert isinstance(kept, Message)
    assert isinstance(lost, Message)
    assert len(body) > SIZE_MAX
    assert json.loads(kept.data)["data"]["accounts"]
    assert not lost.data.strip()
