"""`for` and `keep_firing_for` mean what they mean in Prometheus.

A STATSZ is a scrape, and a rule of the type `threshold` is one of Prometheus's that is evaluated at each scrape. A
series that ends (a stale marker there, a server's SHUTDOWN here) is absent until it has another measurement.

Where the bridge means to differ:
- `keep_firing_for` ends at its own instant. Prometheus notices that at the next evaluation; that is the same where it
  is a multiple of the interval, and elsewhere Prometheus is asked for one more evaluation then.
- `for` ends with a measurement, where Prometheus takes any evaluation. Here each of these has a measurement.
- A series that is silent, though it has not ended, has no data after 90 s, in Prometheus after 5 minutes. Here none is
  silent so.
"""

from collections.abc import Sequence
from itertools import count

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bridge.inputs import Input
from bridge.values import SECOND
from tests.core.prometheus import AlertingRule, State
from tests.core.stage import START, Stage, goodbye, rule, statsz

INTERVAL = 10 * SECOND
LIMIT = 5

Series = Sequence[int | None]
"""One measurement for each evaluation; None: the series has ended."""

NUMBERS = st.sampled_from([None, 0, LIMIT, LIMIT + 1, LIMIT + 1, 9])
SERIES = st.lists(NUMBERS, min_size=1, max_size=30)
SPANS = st.sampled_from([0, 1, 5, 9.999999, 10, 10.000001, 15, 20, 30, 45])
"""Seconds around the interval and its multiples."""


def evaluated(series: Series, for_: float, keep: float, in_between: bool = False) -> list[tuple[int, State]]:
    """What Prometheus makes of it. `in_between`: with an evaluation more when `keep_firing_for` is over."""
    alerting = AlertingRule(round(for_ * SECOND), round(keep * SECOND))
    for place, number in enumerate(series):
        at = START + place * INTERVAL
        if in_between and alerting.kept_until is not None and alerting.kept_until < at:
            alerting.evaluate(alerting.kept_until, False)
        alerting.evaluate(at, number is not None and number > LIMIT)
    return alerting.changes


def told(all_series: dict[str, Series], for_: float, keep: float) -> dict[str, list[tuple[int, State]]]:
    """What the bridge makes of it: the changes of each server's alert, the pending one included."""
    span = {"for_": f"{round(for_ * SECOND)}us", "keep_firing_for": f"{round(keep * SECOND)}us"}
    given_ = {"events": "server.statsz", "type": "threshold", "field": "statsz.connections", "by": ["server.name"]}
    stage = Stage(rule(**given_, above=LIMIT, **span))
    messages = [message for server, series in all_series.items() for message in heard(server, series)]
    stage.play(*sorted(messages, key=lambda message: message.at))
    stage.wait(max(map(len, all_series.values())) * INTERVAL / SECOND)
    changes: dict[str, list[tuple[int, State]]] = {server: [] for server in all_series}
    for pended in (pended for commit in stage.commits for pended in commit.pended):
        changes[pended.facts.labels["server_name"]].append((pended.at, "inactive" if pended.over else "pending"))
    for change in stage.changes.values():
        state: State = "firing" if change.state == "firing" else "inactive"
        changes[change.facts.labels["server_name"]].append((change.at, state))
    return {server: sorted(made) for server, made in changes.items()}


def heard(server: str, series: Series) -> list[Input]:
    """The messages of one server: a STATSZ for each measurement, a SHUTDOWN where they end; then it starts anew."""
    messages: list[Input] = []
    process = count()
    id = f"{server}{next(process)}"
    for place, (before, number) in enumerate(zip([None, *series], series, strict=False)):
        seconds = place * INTERVAL / SECOND
        if number is not None:
            messages.append(statsz(seconds, server, id, connections=number))
        elif before is not None:
            messages.append(goodbye(seconds, server, id))
            id = f"{server}{next(process)}"
    return messages


@pytest.mark.parametrize(
    ("series", "for_", "keep", "states"),
    [
        ("#.##.####x##.###", 0, 0, "f.ff.ffff.ff.fff"),
        ("#.##.####x##.###", 20, 0, "p.pp.ppff.pp.ppf"),
        ("#.#..###.......", 0, 30, "fffffffffff...."),
        ("###.#...#..", 15, 15, "ppfffff.p.."),
        ("##..#....###x....", 10, 20, "pffffff..pffff..."),
    ],
)
def test_the_reference_says_what_promtool_2_42_says(series: str, for_: int, keep: int, states: str) -> None:
    """Every 10 s: # past the limit, . not past it, x the series has ended; f firing, p pending, . inactive."""
    alerting, seen = AlertingRule(for_, keep), ""
    for place, what in enumerate(series):
        alerting.evaluate(10 * place, what == "#")
        seen += {"inactive": ".", "pending": "p", "firing": "f"}[alerting.state]

    assert seen == states


@settings(max_examples=150, deadline=None)
@given(series=SERIES, other=SERIES, for_=SPANS, keep=st.sampled_from([0, 10, 20, 30]))
def test_every_change_is_that_of_prometheus_at_the_same_evaluation(
    series: Series, other: Series, for_: float, keep: float
) -> None:
    ended = [*series, *[None] * 6], [*other, *[None] * 6]
    changes = told(dict(zip("ab", ended, strict=True)), for_, keep)

    assert changes["a"] == evaluated(ended[0], for_, keep)
    assert changes["b"] == evaluated(ended[1], for_, keep)


@settings(max_examples=150, deadline=None)
@given(series=SERIES, for_=SPANS, keep=SPANS)
def test_keep_firing_for_ends_between_two_evaluations_as_if_there_were_one_more(
    series: Series, for_: float, keep: float
) -> None:
    ended = [*series, *[None] * 6]

    assert told({"a": ended}, for_, keep)["a"] == evaluated(ended, for_, keep, in_between=True)
