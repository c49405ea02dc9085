"""Every recorded message of a known kind is an event of a known type, or one of two things that are none."""

import re
from collections import Counter
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bridge.engine import Engine
from bridge.event import payload
from bridge.events import EVENT_TYPES
from bridge.events.families import imports_of
from bridge.events.reading import sources
from bridge.inputs import Message, Sight
from bridge.values import SECOND
from tests.core.stage import rule, setup
from tests.events.recorded import FILES, STATSZ, decoder, hear, messages, number, recorded, text

REQUEST = re.compile(r"\$JS\.API\..*|\$SYS\.REQ\.(?!(ACCOUNT\.[^.]+\.)?CLAIMS\.(UPDATE|DELETE)$).*")
"""What is said to servers; all else in the recordings is what they say, or a change of accounts that is asked for."""


def known(message: Message) -> bool:
    return not REQUEST.fullmatch(message.subject)


def parsed(message: Message) -> dict[str, Any]:
    """The payload, {} if it is no JSON."""
    return dict(msgspec.json.decode(message.data)) if message.data.startswith(b"{") else {}


NOTICE = ".LEAFNODE.CONNECT"
"""Of these servers the leafnodes' own `authorization` lets leafnodes in, so that there is no CONNECT."""
OF_SERVERS = ("client.", "leafnode.", "server.", "account.connections")


def twin(message: Message) -> bool:
    """The disconnect that newer servers send beside each authentication error."""
    body = parsed(message)
    return bool(body.get("reason") == "Authentication Failure" and body["client"]["acc"] == "$G")


def repeated(message: Message, connected: set[tuple[str, int]]) -> bool:
    """The CONNECT of a connection that exists: a reload of the server's configuration brings it."""
    if not message.subject.endswith(".CONNECT") or message.subject.endswith(NOTICE):
        return False
    body = msgspec.json.decode(message.data)
    who = body["server"]["id"], body["client"]["id"]
    known = who in connected
    connected.add(who)
    return known


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_every_message_is_an_event_of_a_known_type(path: Path) -> None:
    decodes = decoder()
    ids, connected = set[str](), set[tuple[str, int]]()
    for message in messages(path):
        event = hear(decodes, message)
        if not known(message):
            assert event is None
            continue
        id = None if message.subject.endswith(("SHUTDOWN", "LAMEDUCK")) else parsed(message).get("id")
        double = id in ids
        ids |= {id} if id else set()
        nothing = double or (twin(message) and "DISCONNECT" in message.subject) or repeated(message, connected)
        assert (event is None) is bool(nothing), message
        if event is not None:
            assert event.type in EVENT_TYPES
            assert bool(event.server_id) is (event.server_seq > 0) is event.type.startswith(OF_SERVERS)
    assert decodes.malformed == 0
    assert not decodes.unknown


UNRECORDED = {
    "server.ocsp_reject",
    "server.ocsp_link_invalid",
    "js.server_out_of_space",
    "js.server_removed",
    "js.meta_rescue",
}


def test_the_recordings_hold_every_type() -> None:
    """But for those that no recorded system has told, and what the bridge asks for."""
    seen = Counter[str]()
    for path in FILES:
        decodes = decoder()
        seen.update(event.type for each in messages(path) if (event := hear(decodes, each)))

    wanted = {name for name, kind in EVENT_TYPES.items() if not kind.own and not kind.poll}
    assert set(seen) == wanted - UNRECORDED


CREDENTIAL = re.compile(r"client\.(jwt|nonce)|.*\.raw")


def leaves(value: object, below: str = "") -> set[str]:
    """The dotted paths of all that a payload holds; a list is one."""
    if not isinstance(value, dict) or not value:
        return {below}
    return {path for key, item in value.items() for path in leaves(item, f"{below}.{key}" if below else key)}


@pytest.mark.parametrize("path", FILES, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_no_field_of_an_event_is_lost(path: Path) -> None:
    """All that servers write can be named by a rule, or is what a named field is made of; credentials apart."""
    decodes = decoder()
    lost: set[tuple[str, str]] = set()
    for message in messages(path):
        event = hear(decodes, message)
        if event is None or not parsed(message):
            continue
        kind = EVENT_TYPES[event.type]
        read = {source for name in kind.fields for source in (*sources(kind, name), name)}
        whole = {f"{source}." for field in kind.fields.values() if field.derive for source in field.sources}
        body = parsed(message)
        if message.subject.endswith(("SHUTDOWN", "LAMEDUCK")):
            body = {"server": body}
        if message.subject.endswith(NOTICE):
            body["client"] = {"acc": body.pop("acc")}
        unread = {leaf for leaf in leaves(body) - read if not leaf.startswith(tuple(whole))}
        lost |= {(event.type, leaf) for leaf in unread if not CREDENTIAL.fullmatch(leaf)}
    assert not lost


def test_a_failed_login_is_one_event_on_either_version() -> None:
    for path in FILES:
        if path.stem == "auth":
            decodes = decoder()
            events = [hear(decodes, each) for each in messages(path)]
            failed = [each for each in messages(path) if each.subject.endswith("AUTH.ERR")]
            assert sum(event is not None and event.type == "client.auth_error" for event in events) == len(failed) > 5
            assert not any(
                event.type != "client.auth_error"
                and event.body.reason == "Authentication Failure"
                and event.body.client.acc == "$G"
                for event in events
                if event and event.type.startswith("client.")
            )


def test_every_field_of_every_event_can_be_read() -> None:
    """Whatever its value: as text it is clean, as a number it is finite."""
    for path in FILES:
        decodes = decoder()
        for message in messages(path):
            event = hear(decodes, message)
            for field in EVENT_TYPES[event.type].fields if event else ():
                assert event is not None
                shown = text(event, field)
                assert shown is None or (len(shown) <= 256 and shown.isprintable())
                number(event, field)


def test_every_field_that_measures_has_been_seen_in_some_recording() -> None:
    """So its name is what servers write; those of newer servers than the recorded ones apart."""
    newer = {"statsz.sent_to_clients", "statsz.received_from_clients"}
    kind = EVENT_TYPES["server.statsz"]
    decodes = decoder()
    unseen = {path for path, field in kind.fields.items() if path.startswith("statsz.") and not field.zero}
    for message in recorded(".STATSZ"):
        event = hear(decodes, message)
        unseen -= {path for path in unseen if event and (number(event, path) is not None or text(event, path))}

    assert {path for path in unseen if path.rpartition(".")[0] not in newer} <= {
        "statsz.gomemlimit",
        "statsz.jetstream.meta.rescue",
    }


SECRET = re.compile(r"eyJ[A-Za-z0-9_-]{20,}")


def secrets() -> set[str]:
    """The parts of all JWTs that the recordings hold, as text that would betray them."""
    found = {part for path in FILES for part in SECRET.findall(path.read_text())}
    signed = {
        part
        for path in FILES
        for jwt in re.findall(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+", path.read_text())
        for part in jwt.split(".")
    }
    return {part[:40] for part in found | signed}


def every_rule(raw: bool) -> list[Any]:
    """Rules that show as much as rules can."""
    show = {
        "summary": "{{ event }} {{ top('claimed.name') }}",
        "description": "{{ event.client.jwt }} {{ event.claimed.sub }}",
    }
    annotations = {"summary": show["summary"], "who": "{{ event.claimed.sub }} {{ event.client.user }}"}
    if raw:
        subjects = ["$SYS.ACCOUNT.>", "$SYS.SERVER.>", "$SYS.REQ.>", "$JS.>"]
        return [
            rule(
                alert=f"Raw{n}",
                subject=subject,
                by=["subject", "client.jwt", "client.name", "data.jwt"],
                annotations=show,
            )
            for n, subject in enumerate(subjects)
        ]
    clients = [name for name in EVENT_TYPES if name.startswith(("client.", "leafnode."))]
    claims = ["account.claims_update", "account.claims_delete"]
    return [
        rule(alert="Once", events=clients, annotations=annotations, by=["claimed.name", "client.name"]),
        rule(alert="Kept", events=clients, annotations=annotations, by=["claimed.iss"], keep_firing_for="1h"),
        rule(alert="Many", events=clients, type="frequency", count=1, within="1h", annotations=annotations),
        rule(
            alert="Pushed",
            events=claims,
            annotations={"summary": "{{ event }} {{ event.claimed.sub }}"},
            by=["subject"],
        ),
        rule(alert="Asked", events=claims, by=["claimed.name", "claimed.iss", "account.id"], keep_firing_for="1h"),
        rule(
            alert="Audit",
            events="js.api_audit",
            annotations={"summary": "{{ event }}"},
            by=["client.name", "request", "response"],
        ),
        rule(alert="Wrong", events="bridge.malformed_event", keep_firing_for="1h"),
    ]


@pytest.mark.parametrize("raw", [False, True])
def test_no_credential_reaches_anything_that_is_kept_or_shown(raw: bool) -> None:
    betraying = secrets()
    assert len(betraying) > 10
    kept = bytearray()
    for path in FILES:
        given = list(messages(path))
        engine = Engine(setup(*every_rule(raw)), given[0].at)
        engine.begin()
        engine.process([Sight(given[0].at), *given])
        engine.advance(given[-1].at + 100 * SECOND)
        commit = engine.drain(everything=True)
        kept += commit.meta + (commit.journal or b"") + engine.latest_malformed.encode()
        bodies = [[row.body for row in rows] for rows in (commit.states, commit.groups, commit.changes)]
        kept += b"".join(body for some in bodies for body in some)
        kept += b"".join(msgspec.json.encode([row.key, row.rule]) for row in commit.states)
        kept += msgspec.json.encode(commit.rows)
        decodes = decoder(raw=["$SYS.>", "$JS.>"])
        for message in given:
            event = hear(decodes, message)
            kept += msgspec.json.encode(payload(event)) if event else b""
    shown = kept.decode("utf-8", "replace")

    assert [part for part in betraying if part in shown] == []
    assert len(shown) > 100_000


def test_the_subjects_of_the_catalogue_are_those_of_the_recordings() -> None:
    assert STATSZ.endswith("STATSZ")
    for path in FILES:
        for message in messages(path):
            if known(message):
                heard = [
                    name
                    for name, kind in EVENT_TYPES.items()
                    for subject in (*kind.subjects, *kind.aliases, *imports_of(kind, "acct.*."))
                    if _heeds(subject, message.subject)
                ]
                assert heard


def _heeds(pattern: str, subject: str) -> bool:
    ours, theirs = pattern.split("."), subject.split(".")
    return len(ours) == len(theirs) and all(a in ("*", b) for a, b in zip(ours, theirs, strict=True))
