"""`nats-alert-bridge events`, as people and programs see it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from bridge.cli.program import program
from bridge.events import EVENT_TYPES
from tests.events.recorded import FILES
from tests.events.samples import PATH, samples

OPERATOR = next(path for path in FILES if path.stem == "operator")


def run(*arguments: str, given: bytes | None = None) -> Result:
    return CliRunner().invoke(program, ["events", *arguments], input=given)


def decoded(*lines: dict[str, Any]) -> list[dict[str, Any]]:
    given = b"".join(json.dumps({"at": 5.0, "headers": {}, **line}).encode() + b"\n" for line in lines)
    return list(read(run("--decode", "-", given=given)))


def read(result: Result) -> Iterator[dict[str, Any]]:
    assert result.exit_code == 0, result.output
    yield from map(json.loads, result.stdout.splitlines())


def test_the_list_has_a_line_for_each_event() -> None:
    result = run()
    rows = [line.split()[0] for line in result.stdout.splitlines()[1:]]
    assert (result.exit_code, rows) == (0, list(EVENT_TYPES))


@pytest.mark.parametrize("name", EVENT_TYPES)
def test_all_that_is_known_about_an_event_is_shown(name: str) -> None:
    kind, result = EVENT_TYPES[name], run(name)
    shown = result.stdout
    assert result.exit_code == 0
    assert kind.about in shown
    for told in (*kind.subjects, *kind.fields):
        assert told in shown
    for field in kind.fields.values():
        assert field.about in shown
        if len(field.values) > 3:
            assert ", ".join(field.values) in shown
    if not kind.own:
        assert json.loads(shown[shown.index("\n{") :])


def test_a_misspelt_event_is_suggested() -> None:
    result = run("client.disconect")
    assert result.exit_code == 2
    assert "did you mean 'client.disconnect'?" in result.output


def test_the_samples_are_the_recorded_ones() -> None:
    assert PATH.read_bytes() == samples()
    assert b"eyJ" not in PATH.read_bytes()


def test_each_line_of_a_recording_is_decoded() -> None:
    """As rules see it: what a JWT claims is there, and the JWT is not."""
    result = run("--decode", str(OPERATOR))
    lines = list(read(result))
    recorded = [json.loads(line) for line in OPERATOR.read_text().splitlines()]
    assert [line["subject"] for line in lines] == [line["subject"] for line in recorded]
    assert [line["at"] for line in lines] == pytest.approx([line["at"] for line in recorded])
    assert all({"type", "at", "subject", "payload"} <= line.keys() for line in lines)
    assert "eyJ" not in result.output
    failed = next(line for line in lines if line["type"] == "client.auth_error")
    assert failed["payload"]["claimed"]["name"]
    assert "unknown, 1 ×: $SYS.REQ.ACCOUNT.*.CONNS" in result.stderr


def test_what_is_no_event_says_why() -> None:
    statsz = {"subject": "$SYS.SERVER.P1.STATSZ", "data": '{"server": {"id": "P1", "seq": 1}, "statsz": {}}'}
    known, double, unknown, malformed = decoded(
        statsz, statsz, {"subject": "$SYS.SERVER.P1.NEW.THING", "data": '{"type": "x"}'}, {**statsz, "data": "{"}
    )
    assert (known["type"], "note" in known) == ("server.statsz", False)
    assert (double["type"], double["note"].partition(":")[0]) == (None, "no event")
    assert (unknown["type"], unknown["payload"]) == (None, {"type": "x"})
    assert "watch it by `subject`" in unknown["note"]
    assert malformed["type"] == "bridge.malformed_event"
    assert "truncated" in malformed["note"]


def test_a_type_that_is_not_the_one_of_its_subject_is_unknown() -> None:
    audit = {
        "subject": "$JS.EVENT.ADVISORY.API",
        "data": '{"type": "io.nats.jetstream.advisory.v2.api_story", "id": "a"}',
    }
    (line,) = decoded(audit)
    assert (line["type"], line["payload"]["id"]) == (None, "a")


def test_the_events_of_the_bridge_itself_are_decoded_too() -> None:
    (line,) = decoded({"subject": "bridge.away", "data": '{"seconds": 4}'})
    assert line == {"type": "bridge.away", "at": 5.0, "subject": "bridge.away", "payload": {"seconds": 4}}


def test_imported_events_need_the_rules_file(tmp_path: Path) -> None:
    """Without it, that is said."""
    body = '{"type": "io.nats.jetstream.advisory.v1.max_deliver", "id": "a", "stream": "S", "consumer": "C"}'
    line = {"at": 5.0, "headers": {}, "subject": "acct.A.ADVISORY.CONSUMER.MAX_DELIVERIES.S.C", "data": body}
    (tmp_path / "rules.yaml").write_text(
        "nats: {imports: acct.*., credentials: x}\nreceivers: [{name: a, slack_configs: [{webhook_url: 'https://x'}]}]\n"
        "route: {receiver: a}\nrules: []\n"
    )
    given = json.dumps(line).encode() + b"\n"
    without, with_ = (run("--decode", "-", *more, given=given) for more in ((), ("--config", f"{tmp_path}/rules.yaml")))
    assert [next(iter(read(each)))["type"] for each in (without, with_)] == [None, "js.max_deliver"]
    assert ["nats.imports" in each.stderr for each in (without, with_)] == [True, False]


@pytest.mark.parametrize("arguments", [("client.connect", "--decode", "-"), ("--config", "x.yaml")])
def test_arguments_that_do_not_go_together(arguments: tuple[str, ...]) -> None:
    assert run(*arguments, given=b"").exit_code == 2
