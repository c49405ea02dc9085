"""What is imported, held against what is listened to: whether each event that can only come so does."""

import time

import pytest

from bridge.source.hearing import faults, suggestion, wanted
from bridge.source.imports import Import

AUDIT, ACTION = "ADVISORY.API", "ADVISORY.STREAM.*.*"
BOTH = ("acct.*.ADVISORY.API", "acct.*.ADVISORY.STREAM.DELETED.*")


def one(local: str, subject: str = "$JS.EVENT.>", account: str = "A") -> Import:
    return Import(account, subject, local)


@pytest.mark.parametrize(
    ("imports", "subjects"),
    [
        ([one("acct.A.>")], BOTH),
        ([one("$JS.EVENT.>")], BOTH),
        ([one("acct.A.ADVISORY.>", "$JS.EVENT.ADVISORY.>")], BOTH),
        ([one("acct.A.*.>", "$JS.EVENT.*.>")], BOTH),
        ([one("acct.A.*.STREAM.*.>", "$JS.EVENT.*.STREAM.*.>"), one("acct.A.*.API", "$JS.EVENT.*.API")], BOTH),
        ([one("acct.A.>"), one("mine.B.>", account="B")], (*BOTH, "mine.*.ADVISORY.>")),
        ([one("acct.A.ADVISORY.API", "$JS.EVENT.ADVISORY.API")], ("acct.*.ADVISORY.API",)),
        ([one("acct.A.>")], ("acct.*.>",)),
        ([], ("$JS.EVENT.ADVISORY.API", "acct.*.ADVISORY.STREAM.QUORUM_LOST.*", "acct.A")),
        ([one("x.A.>"), one("acct.A.ADVISORY.>", "$JS.EVENT.ADVISORY.>")], BOTH),
    ],
    ids=[
        "as it should be",
        "without to",
        "a part",
        "a wildcard",
        "more than one for an account",
        "a rule's own subject",
        "just what is needed",
        "all of it",
        "nothing needed",
        "twice",
    ],
)
def test_what_can_come_is_no_fault(imports: list[Import], subjects: tuple[str, ...]) -> None:
    assert faults(wanted(subjects, "acct.*."), imports) == []


@pytest.mark.parametrize(
    ("imports", "subjects"),
    [
        ([], ["acct.*.>"]),
        ([one("acct.>")], ["acct.*.>"]),
        ([one("acct.A.JS.>")], ["acct.*.>"]),
        ([one("acct.A.$JS.EVENT.>")], ["acct.*.>"]),
        ([one("acct.A.>", "$JS.EVENT.METRIC.>")], ["acct.*.>"]),
        ([one("acct.A.>", "$JS.EVENT.ADVISORY.>")], ["acct.*.>"]),
        ([one("acct.A.>"), one("acct.B.x.>", account="B")], ["acct.B.x.>"]),
        ([one("acct.A.ADVISORY.API", "$JS.EVENT.ADVISORY.API")], ["acct.*.ADVISORY.STREAM.DELETED.*"]),
        ([one("acct.A.>")._replace(state="invalid"), one("acct.B.>", account="B")], ["acct.A.>"]),
        ([one("acct.A.>")._replace(state="refused")], ["acct.A.>"]),
    ],
    ids=[
        "none",
        "no account",
        "something in between",
        "a prefix before the whole",
        "other events",
        "something left out",
        "one of two",
        "too little",
        "one invalid",
        "the only one is refused",
    ],
)
def test_what_cannot_come_is_told_by_where_it_should(imports: list[Import], subjects: list[str]) -> None:
    assert [fault.subject for fault in faults(wanted(BOTH, "acct.*."), imports)] == subjects


@pytest.mark.parametrize(
    ("imports", "prefix"),
    [
        ([one("tenant.A.>"), one("tenant.B.>", account="B")], "tenant.*."),
        ([one("A.js.>"), one("x.second.>", account="B")], ""),
        ([one("js.A.from.>"), one("js.B.from.>", account="B")], "js.*.from."),
        ([one("old.A.$JS.EVENT.>")], "old.*.$JS.EVENT."),
        ([one("tenants.payments.>", account="ABC")], "tenants.*."),
        ([one("x.A.ADVISORY.>", "$JS.EVENT.ADVISORY.>")], "x.*."),
        ([one("x.A.>", ">")], "x.*.$JS.EVENT."),
        ([one("x.A.>", "$JS.EVENT.ADVISORY.>")], ""),
        ([one("$JS.A.>")], ""),
        ([one("tenant.>")], ""),
    ],
)
def test_the_rules_file_is_told_what_the_server_says(imports: list[Import], prefix: str) -> None:
    assert suggestion(imports) == prefix


def test_a_thousand_accounts_take_no_time() -> None:
    subjects = [f"acct.*.ADVISORY.STREAM.{number}.*" for number in range(40)]
    imports = [one(f"acct.A{number}.>", account=f"A{number}") for number in range(1000)]
    began = time.process_time()
    assert faults(wanted(subjects, "acct.*."), imports) == []
    assert time.process_time() - began < 1
