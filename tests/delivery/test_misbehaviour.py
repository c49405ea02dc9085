"""A server that misbehaves, all the way from an alert to people: what can be told later is, what cannot goes to the
fallback at once, and no secret is told to anybody."""

import logging
import sqlite3
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

import msgspec
import pytest
import trustme

from bridge.notification import Notification
from bridge.values import SECOND
from tests.core.stage import START, connected, disconnected
from tests.delivery.house import living, written
from tests.delivery.manners import (
    PATIENCE,
    SECRETS,
    Manner,
    Street,
    case_of,
    keys_of,
    manners,
    statuses,
)
from tests.delivery.test_http import serving
from tests.receivers.test_contract import CANARY, GIVEN
from tests.sink import Received, Sink, answer

NOTABLE = ("304", "403", "408", "413", "425", "499", "599")
"""Statuses that mean something to somebody, and edges of the classes."""

STAND_IN = "stand-in/webhook/0"
MENDED = 60
"""Seconds after the start. No destination is out by then that does not refuse."""
TOLD = 480
"""Within this all has been told: whoever refuses is asked again after five minutes."""
ENDED = 1_200
"""All are one account, and three hundred edits of one take six minutes."""

FORMS = list(GIVEN)


class Sent(NamedTuple):
    """A row of the outbox as the database has it; instants in seconds after the start."""

    id: str
    destination: str
    state: str
    detail: str
    settled: float
    notification: Notification


@pytest.fixture
def street() -> Iterator[Street]:
    with Street() as running:
        yield running


@pytest.fixture
def other() -> Iterator[Sink]:
    """Where redirects lead, and where the fallback is."""
    with Sink() as running:
        yield running


async def test_what_can_be_told_later_is_and_what_cannot_goes_to_the_fallback_at_once(
    street: Street, other: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    told = statuses(other.url)
    for form in FORMS:
        for name, manner in {**{name: told[name] for name in NOTABLE}, **manners(form, other.url)}.items():
            street.manners[case_of(form, name)] = manner
    await _prove(street, other, tmp_path, caplog)


async def test_a_certificate_that_nobody_knows_is_refused_until_somebody_does(
    other: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    known, unknown = trustme.CA(), trustme.CA()
    file = tmp_path / "ca.pem"
    known.cert_pem.write_to_path(file)
    forms = [form for form in FORMS if "proxy_url" not in GIVEN[form][1]]
    manner = Manner(answer(200), "refused", unheard=True)
    with Street(tls=serving(unknown, "localhost")) as street:
        street.manners = {case_of(form, "certificate"): manner for form in forms}
        keys = {"tls": {"ca_file": str(file)}}
        await _prove(street, other, tmp_path, caplog, keys, lambda: unknown.cert_pem.write_to_path(file))


@pytest.mark.long
@pytest.mark.parametrize("form", FORMS)
async def test_each_status_of_each_destination_leads_where_it_should(
    form: str, street: Street, other: Sink, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    street.manners = {case_of(form, name): manner for name, manner in statuses(other.url).items()}
    await _prove(street, other, tmp_path, caplog)


async def _prove(
    street: Street,
    other: Sink,
    folder: Path,
    caplog: pytest.LogCaptureFixture,
    keys: Mapping[str, Any] = MappingProxyType({}),
    mend: Callable[[], None] = lambda: None,
) -> None:
    """An alert for each case, of which its destination is told with these `keys` as well, and then its end."""
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.INFO, "aiosqlite")
    cases = street.manners
    host = street.url.removesuffix("/hook").replace("https://127.0.0.1", "https://localhost")
    receivers = [{"name": case, **keys_of(_form(case), case, host, **keys), "fallback": "stand-in"} for case in cases]
    async with living(_rules(receivers, other, folder), folder, lambda key: _patience(street, key)) as house:
        # Else time would stand still for each of their tries, one after the other.
        house.unheeded = {key for key in house.workers if _patience(street, key) == PATIENCE}
        await house.hear(*(disconnected(1, case) for case in cases))
        await house.upto(MENDED)
        mend()
        street.well = True
        house.unheeded.clear()
        await house.upto(TOLD)
        await house.hear(*(connected(TOLD, case, n) for n, case in enumerate(cases)))
        await house.upto(ENDED)
        assert not house.engine.outbox.rows
        rows, tries = _sent(folder), _tries(folder)
        for case, manner in cases.items():
            _check(case, manner, [row for row in rows if row.destination.startswith(f"{case}/")], street, tries)
        _check_stand_in(cases, [row for row in rows if row.destination == STAND_IN], tries)
        assert {request.path for request in other.requests} == {"/hook/stand-in", "/hook/ops"}
        _search(folder, caplog, other.requests)


def _rules(receivers: list[dict[str, Any]], other: Sink, folder: Path) -> Any:
    people = [
        {"name": name, "webhook_configs": [{"url": f"{other.url}/{name}", "bearer_token": CANARY}]}
        for name in ("ops", "stand-in")
    ]
    route = {
        "receiver": "ops",
        "group_by": ["..."],
        "group_wait": "0s",
        "group_interval": "1m",
        "routes": [{"receiver": each["name"], "matchers": [f'client_name = "{each["name"]}"']} for each in receivers],
    }
    return written([*people, *receivers], route, folder)


def _form(case: str) -> str:
    return next(form for form in FORMS if case_of(form, "") == f"{case.split('~', maxsplit=1)[0]}~")


def _patience(street: Street, destination: str) -> float:
    """Seconds for a request to it."""
    manner = street.manners.get(destination.split("/", maxsplit=1)[0])
    return PATIENCE if manner and manner.slow and not street.well else 60.0


def _check(
    case: str, manner: Manner, rows: list[Sent], street: Street, tries: Mapping[str, list[tuple[float, str]]]
) -> None:
    """What became of the messages to one destination, and what came to its server."""
    firing, *more = rows
    taken = [request for place, request in street.taken if place == case]
    turned_away = [request for place, request in street.turned_away if place == case]
    began = [at for at, _ in tries[firing.id]]
    assert firing.notification.status == "firing", case
    assert all(_is_about(request, firing) for request in turned_away), case
    match manner.fate:
        case "told":
            assert (len(turned_away), len(began)) == (0, 1), case
        case "later":
            assert turned_away, case
            assert began[1] - began[0] > manner.wait - 0.001, case
        case "refused":
            assert len(turned_away) == (0 if manner.unheard else 1), case
        case "rejected":
            assert (firing.state, more, taken, len(turned_away)) == ("dead", [], [], 2), case
            assert firing.detail.startswith("rejected: HTTP 4"), case
            return
    (ended,) = more
    assert ended.notification.status == "resolved", case
    for row in (firing, ended):
        assert row.state == "delivered", case
        places = Counter(request.path for request in taken if _is_about(request, row))
        assert set(places.values()) == {1}, (case, places)


def _is_about(request: Received, row: Sent) -> bool:
    """It bears the row's id, of which messages for people hold the end."""
    return row.id[-8:] in f"{request.body.decode()} {request.headers}"


def _check_stand_in(
    cases: Mapping[str, Manner], rows: list[Sent], tries: Mapping[str, list[tuple[float, str]]]
) -> None:
    """It heard at once of what the others would not take, later of the end of that, and of nothing else."""
    heard: dict[str, list[Sent]] = {}
    for row in rows:
        heard.setdefault(row.notification.instead_of.split("/")[0], []).append(row)
    assert heard.keys() == {case for case, manner in cases.items() if manner.fate in ("refused", "rejected")}
    for case, (firing, *more) in heard.items():
        assert [row.notification.status for row in (firing, *more)] == ["firing", "resolved"], case
        assert firing.settled - 1 < 2, case
        assert {row.state for row in (firing, *more)} == {"delivered"}, case
        assert len(tries[firing.id]) == 1, case


def _sent(folder: Path) -> list[Sent]:
    rows = _ask(folder, "SELECT id, destination, state, detail, settled_at, body FROM outbox ORDER BY created, rowid")
    return [
        Sent(id, destination, state, detail, _seconds(at), msgspec.json.decode(body, type=Notification))
        for id, destination, state, detail, at, body in rows
    ]


def _tries(folder: Path) -> dict[str, list[tuple[float, str]]]:
    """By row: when each began, and the trouble with it."""
    tries: dict[str, list[tuple[float, str]]] = {}
    for row, at, trouble in _ask(folder, "SELECT row, at, trouble FROM attempt ORDER BY at, n, place"):
        tries.setdefault(row, []).append((_seconds(at), trouble))
    return tries


def _seconds(at: int) -> float:
    return (at - START) / SECOND


def _ask(folder: Path, question: str) -> list[Any]:
    with closing(sqlite3.connect(f"file:{folder / 'state.db'}?mode=ro", uri=True)) as db:
        return db.execute(question).fetchall()


def _search(folder: Path, caplog: pytest.LogCaptureFixture, people: Iterable[Received]) -> None:
    """For secrets, in all that is kept and said."""
    tables = [name for (name,) in _ask(folder, "SELECT name FROM sqlite_master WHERE type = 'table'")]
    said = {
        "log": "\n".join(logging.Formatter().format(record) for record in caplog.records).encode(),
        "people": b"\n".join(request.body for request in people),
        **{table: repr(_ask(folder, f"SELECT * FROM {table}")).encode() for table in tables},
        **{path.name: path.read_bytes() for path in folder.iterdir() if path.name.startswith("state.db")},
    }
    assert said.keys() > {"log", "people", "outbox", "attempt", "change", "state.db", "state.db-wal"}
    assert {(place, secret) for place, text in said.items() for secret in SECRETS if secret.encode() in text} == set()
