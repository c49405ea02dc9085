"""CPU of the whole bridge for each event: beside a bare nats-py callback, with many rules, with many combinations.

What is compared gets the same messages in the same run, round by round in turn, so that a machine that is busy or
changes its clock disturbs both alike. A figure is the median of the rounds' ratios.
"""

from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

from benchmarks.figure import Figure, Scale
from benchmarks.lane import Cost, Lane, bare, sink, whole
from benchmarks.payloads import ALERT_EVERY
from benchmarks.rules import Wanted, rules

CLIENTS = 1000
RULES, FEW = 100, 10


def against_bare(binary: Path, scale: Scale) -> list[Figure]:
    """A hundred rules, three of which ask for the event, against a callback that only counts."""
    with ExitStack() as stack:
        _, hook = stack.enter_context(sink())
        reference = stack.enter_context(bare(binary, scale.events))
        lane = stack.enter_context(whole(binary, Wanted(rules(RULES), hook)))
        costs = _alternate([reference, lane], [CLIENTS, CLIENTS], scale)
    what = f"CPU of an event: the whole bridge, {RULES} rules of which 3 ask for it ÷ a bare nats-py callback"
    return [_ratio(what, costs, 2.0, scale)]


def many_rules(binary: Path, scale: Scale) -> list[Figure]:
    """The same with a thousand rules, each with an equality, against ten."""
    with ExitStack() as stack:
        _, hook = stack.enter_context(sink())
        few = stack.enter_context(whole(binary, Wanted(rules(FEW), hook)))
        many = stack.enter_context(whole(binary, Wanted(rules(scale.rules), hook)))
        costs = _alternate([few, many], [CLIENTS, CLIENTS], scale)
    return [_ratio(f"the same with {scale.rules} rules ÷ with {FEW}", costs, 1.3, scale)]


def many_combinations(binary: Path, scale: Scale) -> list[Figure]:
    """The same with a million combinations that live before it begins, against a thousand."""
    with ExitStack() as stack:
        _, hook = stack.enter_context(sink())
        made = rules(RULES, limit=2 * scale.combinations)
        few = stack.enter_context(whole(binary, Wanted(made, hook)))
        many = stack.enter_context(whole(binary, Wanted(made, hook)))
        for lane, clients in ((few, CLIENTS), (many, scale.combinations)):
            before = lane.process.memory
            lane.fill(clients + 1, clients, "all-live")
            size = (lane.process.memory - before) / clients
        costs = _alternate([few, many], [CLIENTS, scale.combinations], scale)
    figure = _ratio(f"the same with {scale.combinations} live combinations ÷ with {CLIENTS}", costs, 1.5, scale)
    what = "memory of the whole bridge for each of these combinations, which hold one time"
    return [figure, Figure(what=what, measured=size, unit="bytes")]


def _alternate(lanes: Sequence[Lane], clients: Sequence[int], scale: Scale) -> list[list[Cost]]:
    """The costs of each lane's rounds, without a first one that warms up."""
    costs: list[list[Cost]] = [[] for _ in lanes]
    for number in range(scale.rounds + 1):
        for lane, several, all_costs in zip(lanes, clients, costs, strict=True):
            all_costs.append(lane.play(scale.events, several, f"round-{number}."))
    return [each[1:] for each in costs]


def _ratio(what: str, costs: list[list[Cost]], target: float, scale: Scale) -> Figure:
    below, above = costs
    ratios = [over.cpu / max(under.cpu, 1e-9) for under, over in zip(below, above, strict=True)]
    detail = (
        f"{_micros(above, scale):.1f} ÷ {_micros(below, scale):.1f} µs, median of {scale.rounds} rounds of "
        f"{scale.events} events, {min(ratios):.2f} to {max(ratios):.2f}; {_alerts(above, scale):.1f} alerts a second"
    )
    late = median(cost.between for cost in above) / scale.events * 1e6
    if late >= 0.1:
        detail += f"; checkpoints between the rounds: {late:.1f} µs an event more"
    return Figure(what=what, measured=median(ratios), target=target, detail=detail)


def _alerts(costs: list[Cost], scale: Scale) -> float:
    """In a second of the slowest round."""
    return (scale.events // ALERT_EVERY + 1) / max(cost.wall for cost in costs)


def _micros(costs: list[Cost], scale: Scale) -> float:
    return median(cost.cpu for cost in costs) / scale.events * 1e6
