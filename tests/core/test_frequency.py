"""The rule type `frequency`, beside its table of cases."""

from typing import Any

from tests.core.stage import Stage, login_failed, rule


def burst(**keys: Any) -> Stage:
    given = {"events": "client.auth_error", "type": "frequency", "count": 3, "within": "10s", **keys}
    return Stage(rule(**given))


def test_the_value_is_exact_up_to_1024_events_and_marked_beyond() -> None:
    stage = burst(count=1, within="1m")
    stage.play(*(login_failed(n / 100, number=n) for n in range(1024)))
    exact = next(iter(stage.engine.firing.alerts.values()))()
    stage.play(login_failed(11, number=5000))
    coarse = next(iter(stage.engine.firing.alerts.values()))()

    assert (exact.tally.value, exact.tally.approximate) == (1024.0, False)
    assert (coarse.tally.value, coarse.tally.approximate) == (1025.0, True)


def test_a_count_above_1024_is_exact() -> None:
    stage = burst(count=3000, within="1m")
    stage.play(*(login_failed(n / 100, number=n) for n in range(2999)))
    assert stage.story == []

    assert stage.play(login_failed(30)).story == [(30.0, "firing")]


def test_what_is_past_the_limit_is_counted_in_one_alert() -> None:
    stage = burst(by=["client.host"], limit=2, count=2)
    stage.play(*(login_failed(n, host=f"10.0.0.{n}") for n in (1, 2, 3, 4)), login_failed(5, host="10.0.0.1"))

    assert [(decision.seconds, decision.labels) for decision in stage.decisions] == [
        (4.0, {"overflow": "true"}),
        (5.0, {"client_host": "10.0.0.1"}),
    ]
