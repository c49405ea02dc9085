"""Each benchmark runs, a little of it; how fast is no matter of tests."""

from pathlib import Path

import pytest

from benchmarks import report
from benchmarks.__main__ import BENCHMARKS
from benchmarks.figure import QUICK, Figure, Profile
from benchmarks.lane import sink
from benchmarks.names import RULES
from benchmarks.payloads import Storm, storm
from benchmarks.process import Failed
from benchmarks.profile import profile
from bridge.demo.nats_binary import find
from bridge.rules import RULE_TYPES


@pytest.fixture(scope="session")
def binary() -> Path:
    return find()


@pytest.mark.parametrize("name", BENCHMARKS)
def test_each_benchmark_measures_something(name: str, binary: Path) -> None:
    figures = BENCHMARKS[name].measure(binary, QUICK)
    assert figures
    assert all(figure.measured >= 0 for figure in figures)
    assert len({figure.what for figure in figures}) == len(figures)


def test_every_event_of_a_storm_is_another_and_the_clients_take_turns() -> None:
    messages = list(storm(Storm(5, 100, 10, alert_every=50), "last"))
    payloads = [data for _, data in messages]
    assert len(set(payloads)) == 100
    assert sum(b'"client-3"' in data for data in payloads) == 10
    assert sum(b'"alert-' in data for data in payloads) == 2
    assert b'"name":"last"' in payloads[-1]


def test_a_flood_of_names_meets_every_type_of_rule() -> None:
    assert set(RULES) >= set(RULE_TYPES)


def test_the_profile_names_functions_without_the_directories_of_the_machine(binary: Path) -> None:
    found = profile(binary, QUICK)
    assert any("bridge/engine.py" in row for row in found.rows)
    assert not any("`/" in row for row in found.rows)


def test_a_process_that_never_says_it_is_a_failure_and_no_endless_wait() -> None:
    with sink() as (process, _), pytest.raises(Failed, match="rests without 'never'"):
        process.wait_for("never", 0.1)


def test_the_results_say_what_was_met_what_was_missed_and_where_the_time_went(tmp_path: Path, binary: Path) -> None:
    figures = [
        Figure(what="one", measured=1.5, unit="ms", target=2, detail="by hand"),
        Figure(what="two", measured=120_000, target=150_000, at_least=True),
        Figure(what="three", measured=7),
    ]
    report.write(tmp_path / "RESULTS.md", binary, figures, [Profile("the loop", ["| 99% |"])])
    text = (tmp_path / "RESULTS.md").read_text()
    assert "| one | 1.5 ms | ≤ 2 ms | ok | by hand |" in text
    assert "| two | 120 000 | ≥ 150 000 | missed |  |" in text
    assert "| three | 7 |  |  |  |" in text
    assert "### the loop\n\n| 99% |" in text
    assert str(binary.parent) not in text
