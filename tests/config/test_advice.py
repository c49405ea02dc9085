"""What is no error of a rule and still said about it."""

from pathlib import Path

import pytest

from bridge.config import check, load
from bridge.events import EVENT_TYPES


def said(tmp_path: Path, rule: str) -> list[str]:
    """The problems of one rule, in a file of rules, without their places."""
    (tmp_path / "rules.yaml").write_text(f"rules:\n  - {{alert: A, {rule}}}\n")
    return [f"{problem.severity}: {problem.what}" for problem in check([tmp_path / "rules.yaml"], {})]


@pytest.mark.parametrize(
    ("rule", "what"),
    [
        (
            "events: client.disconnect, where: ['reason = Slow Consumer']",
            "the reason 'Slow Consumer'; did you mean 'Slow Consumer (Pending Bytes)'?",
        ),
        (
            "events: client.auth_error, where: ['reason != Authentification Failure']",
            "the reason 'Authentification Failure'; did you mean 'Authentication Failure'?",
        ),
        (
            "events: [client.disconnect, leafnode.disconnect], where: ['reason =~ Read Error|Stale Conection']",
            "the reason 'Stale Conection'; did you mean 'Stale Connection'?",
        ),
        (
            "events: client.disconnect, where: ['reason =~ Slow Consumer (Write Deadline)']",
            r"the reason 'Slow Consumer (Write Deadline)'; did you mean 'Slow Consumer \(Write Deadline\)'?",
        ),
        (
            "events: client.disconnect, type: ratio, matching: ['reason = Kikced'], above: 5%, within: 1m",
            "the reason 'Kikced'; did you mean 'Kicked'?",
        ),
        (
            (
                "events: client.disconnect, type: not_followed_by, match: [client.name], within: 1m, "
                "then: {events: client.connect, where: ['client.kind = Cleint']}"
            ),
            "the client.kind 'Cleint'; did you mean 'Client'?",
        ),
        ("events: js.stream_action, where: ['action = deleted']", "the action 'deleted'; did you mean 'delete'?"),
        ("events: js.stream_action, where: ['action = zzz']", "the action 'zzz'; write one of create, delete, modify"),
    ],
)
def test_a_text_that_no_server_gives_is_a_warning_with_the_nearest(tmp_path: Path, rule: str, what: str) -> None:
    assert said(tmp_path, rule) == [f"warning: no server ever gives {what}"]


@pytest.mark.parametrize(
    "rule",
    [
        "events: client.disconnect, where: ['reason = Client Closed', 'reason != \"\"', 'reason =~ .*Error|Kicked']",
        r"events: client.disconnect, where: ['reason =~ Slow Consumer \(.*\)', 'reason !~ (Read|Write) Error|Kicked']",
        "events: js.terminated, where: ['reason = whatever the client says']",
        "events: [js.terminated, client.disconnect], where: ['reason = poison']",
        "subject: $SYS.SERVER.*.NEW, where: ['reason = whatever']",
        "events: client.disconnect, where: ['client.name = Slow Consumer']",
    ],
)
def test_texts_that_servers_give_and_those_of_strangers_are_fine(tmp_path: Path, rule: str) -> None:
    assert said(tmp_path, rule) == []


@pytest.mark.parametrize(
    "rule",
    [
        "events: account.claims_update",
        "events: [client.connect, account.claims_delete]",
        "subject: $SYS.REQ.CLAIMS.UPDATE",
        "subject: $SYS.ACCOUNT.>",
        "events: client.connect, resolve_on: {events: account.claims_update}",
    ],
)
def test_a_rule_that_makes_a_silent_responder_is_told_so(tmp_path: Path, rule: str) -> None:
    (what,) = said(tmp_path, rule)
    assert what.startswith("warning: to hear account.claims_")
    assert "times out" in what


def said_of_all(tmp_path: Path, rule: str, nats: str = "") -> list[str]:
    """The same in a main file, which says what is imported."""
    (tmp_path / "rules.yaml").write_text(
        f"nats: {{user: sys, password: p{nats}}}\n"
        "receivers: [{name: ops, webhook_configs: [{url: 'http://x.example'}]}]\n"
        f"route: {{receiver: ops}}\nrules:\n  - {{alert: A, {rule}}}\n"
    )
    return [f"{problem.severity}: {problem.what}" for problem in check([tmp_path / "rules.yaml"], {})]


IMPORTED = "events: js.max_deliver"


@pytest.mark.parametrize(
    "rule",
    [
        IMPORTED,
        "events: [js.stream_quorum_lost, js.nak]",
        "events: js.api_audit",
        "events: js.stream_quorum_lost, resolve_on: {events: js.stream_action}",
    ],
)
def test_a_rule_that_would_hear_nothing_without_an_import_is_told_so(tmp_path: Path, rule: str) -> None:
    (what,) = said_of_all(tmp_path, rule)
    assert what.startswith("warning: js.")
    assert "imports: 'acct.*.' under nats" in what
    assert said_of_all(tmp_path, rule, ", imports: 'acct.*.'") == []


def test_nothing_is_said_of_that_where_it_is_not_known_what_is_imported(tmp_path: Path) -> None:
    assert said(tmp_path, IMPORTED) == []


@pytest.mark.parametrize(
    "rule",
    [
        "events: [js.stream_quorum_lost, js.consumer_leader_elected, js.stream_batch_abandoned]",
        "events: [js.server_out_of_space, js.api_limit_reached, js.domain_leader_elected, js.meta_rescue]",
        "events: client.connect",
        "subject: $JS.EVENT.ADVISORY.STREAM.QUORUM_LOST.*",
    ],
)
def test_what_servers_tell_the_system_account_needs_no_import(tmp_path: Path, rule: str) -> None:
    assert said_of_all(tmp_path, rule) == []


def test_a_subject_of_other_accounts_is_told_how_it_is_called_when_it_is_imported(tmp_path: Path) -> None:
    (what,) = said_of_all(tmp_path, "subject: $JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>")
    assert "'acct.*.ADVISORY.CONSUMER.MAX_DELIVERIES.>'" in what


def test_a_field_of_by_that_one_of_the_events_never_has_is_a_warning(tmp_path: Path) -> None:
    (what,) = said_of_all(tmp_path, "events: [js.stream_quorum_lost, js.consumer_quorum_lost], by: [consumer]")
    assert what.startswith("warning: js.stream_quorum_lost has no field 'consumer'")


@pytest.mark.parametrize("subject", [">", "*.>", "*", "$SYS.>", "$SYS.*.X", "a..b", "a b", "a.>.b", "", "a.x*"])
def test_subjects_that_take_in_too_much_are_errors(tmp_path: Path, subject: str) -> None:
    (what, *more) = said(tmp_path, f"subject: '{subject}'")
    assert (what.startswith("error: "), ";" in what, more) == (True, True, [])


@pytest.mark.parametrize(
    "subject", ["$SYS.SERVER.>", "$JS.EVENT.>", "acct.>", "$SYS.SERVER.*.NEW.THING", "foo", "_x.*"]
)
def test_subjects_that_are_fine(tmp_path: Path, subject: str) -> None:
    assert said(tmp_path, f"subject: '{subject}'") == []


@pytest.mark.parametrize(
    "prefix", ["acct", "acct.", "*.", "acct.*", ">.", "acct.*.*.", "$SYS.ACCOUNT.*.", "a b.*.", "acct.>."]
)
def test_what_imported_subjects_cannot_begin_with(tmp_path: Path, prefix: str) -> None:
    (tmp_path / "rules.yaml").write_text(
        f"nats: {{credentials: x, imports: '{prefix}'}}\n"
        "receivers: [{name: a, slack_configs: [{webhook_url: 'https://x'}]}]\nroute: {receiver: a}\nrules: []\n"
    )
    told = [problem.what for problem in check([tmp_path / "rules.yaml"], {}) if problem.line == 1]
    assert any("acct.*." in what for what in told)


MAIN = """\
nats: {{credentials: x{imports}}}
receivers: [{{name: a, slack_configs: [{{webhook_url: 'https://x'}}]}}]
route: {{receiver: a}}
rule_files: [more.yaml]
rules:
  - {{alert: A, {rule}}}
"""


def in_main(tmp_path: Path, rule: str, imports: str = "", more: str = "") -> list[str]:
    """The problems of a rule in a main file, and of one in a file that it names, with their places."""
    (tmp_path / "x").write_text("x")
    (tmp_path / "more.yaml").write_text(f"rules:\n  - {{alert: B, {more}}}\n" if more else "rules: []\n")
    (tmp_path / "rules.yaml").write_text(MAIN.format(imports=imports, rule=rule))
    return [str(problem).removeprefix(f"{tmp_path}/") for problem in check([tmp_path / "rules.yaml"], {})]


NEEDY = [name for name, kind in EVENT_TYPES.items() if kind.imported]


@pytest.mark.parametrize("name", NEEDY)
def test_an_event_that_only_its_account_hears_needs_an_import(tmp_path: Path, name: str) -> None:
    (told,) = in_main(tmp_path, f"events: {name}")
    assert told.startswith(f"rules.yaml:6:24: warning: {name} ")
    assert "export the stream $JS.EVENT.> in each account" in told
    assert 'import it in the system account with to: "acct.NAME.>"' in told
    assert "write imports: 'acct.*.' under nats" in told
    assert in_main(tmp_path, f"events: {name}", ", imports: 'acct.*.'") == []


@pytest.mark.parametrize("name", [name for name in EVENT_TYPES if name.startswith("js.") and name not in NEEDY])
def test_an_event_that_the_system_account_hears_needs_none(tmp_path: Path, name: str) -> None:
    assert in_main(tmp_path, f"events: {name}") == []


def test_the_other_events_of_a_rule_and_those_of_rule_files_need_it_too(tmp_path: Path) -> None:
    rule = "events: js.stream_quorum_lost, resolve_on: {events: [js.stream_action, js.nak], match: []}"
    (main,) = in_main(tmp_path, rule)
    assert main.startswith("rules.yaml:6:")
    assert "warning: js.stream_action and js.nak never come to the system account" in main
    more = in_main(tmp_path, "events: client.connect", more="events: [js.max_deliver, js.api_audit]")
    assert [line.partition(":16: warning: ")[2].partition(":")[0] for line in more] == [
        "js.max_deliver never comes to the system account by itself",
        "js.api_audit comes to the system account only of its own requests",
    ]


def test_the_service_is_warned_of_rule_files_as_well(tmp_path: Path) -> None:
    in_main(tmp_path, "events: client.connect", more="events: js.max_deliver")
    assert [problem.what[:30] for problem in load(tmp_path / "rules.yaml", {}).warnings] == [
        "js.max_deliver never comes to "
    ]


@pytest.mark.parametrize(
    ("subject", "deaf"),
    [
        ("$JS.EVENT.ADVISORY.CONSUMER.MAX_DELIVERIES.>", True),
        ("$JS.EVENT.METRIC.>", True),
        ("$JS.EVENT.ADVISORY.STREAM.*.ORDERS", False),
        ("$JS.EVENT.ADVISORY.API", False),
        ("$SYS.ACCOUNT.*.JS.EVENT.METRIC.>", False),
        ("acct.*.METRIC.>", False),
    ],
)
def test_a_subject_on_which_the_system_account_hears_nothing(tmp_path: Path, subject: str, deaf: bool) -> None:
    told = [line for line in said(tmp_path, f"subject: '{subject}'") if "import" in line]
    assert [f"write 'acct.*.{subject.removeprefix('$JS.EVENT.')}'" in line for line in told] == [True] * deaf


def test_a_field_of_by_that_some_of_the_events_never_have_is_told_with_them(tmp_path: Path) -> None:
    events = "[js.stream_quorum_lost, js.server_out_of_space, js.server_removed]"
    alone = "without this label all of its events are one combination: make it a rule of its own"
    together = "without this label all of their events are one combination: make them a rule of their own"
    assert said(tmp_path, f"events: {events}, by: [stream, token.3, account.name]") == [
        f"warning: js.server_removed has no field 'stream'; {alone}",
        f"warning: js.server_out_of_space and js.server_removed have no field 'account.name'; {together}",
    ]


def test_a_field_of_by_that_all_have_or_none_has_is_no_warning(tmp_path: Path) -> None:
    assert said(tmp_path, "events: [client.connect, client.disconnect], by: [client.host]") == []
    (what,) = said(tmp_path, "events: [client.connect, client.disconnect], by: [client.hots]")
    assert what.startswith("error: ")
