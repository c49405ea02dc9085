"""`aggregate`: a function of the numbers that came within `within` is past a limit."""

from bridge.inputs import Message
from tests.core.stage import goodbye, statsz
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def many(seconds: float, number: float, server: str = "n1", seq: int | None = None) -> Message:
    """A server's connections."""
    return statsz(seconds, server, server, seq, connections=number)


def each(*numbers: float) -> list[Message]:
    """One after the other, from the first second on."""
    return [many(1 + place, number) for place, number in enumerate(numbers)]


BELOW = {"above": None, "below": 10}

TABLE = Table(
    {"events": "server.statsz", "type": "aggregate", "field": "statsz.connections", "fn": "avg", "above": 10}
    | {"within": "10s"},
    case("none", "nothing comes", [], []),
    case("none", "nothing comes: that is not below", [], [], **BELOW),
    case("none", "the limit is not past it", each(10, 10), []),
    case("none", "nothing is left: it is over", [many(1, 11)], [firing(1, 11), resolved(11, 11)]),
    case("none", "nothing is left: it is not below either", [many(1, 9)], [firing(1, 9), resolved(11, 9)], **BELOW),
    # -- its functions --------------------------------------------------------------------------------------------
    case("fn", "the mean", each(4, 12, 20), [firing(3, 12), resolved(13, 20)]),
    case("fn", "the sum", each(4, 6, 1), [firing(3, 11), resolved(11, 11)], fn="sum"),
    case("fn", "the least", [*each(30, 20), many(5, 10)], [firing(1, 30), resolved(5, 20)], fn="min"),
    case("fn", "the greatest", [*each(9, 11), many(5, 10)], [firing(2, 11), resolved(12, 11)], fn="max"),
    case("fn", "the median of two is the first", each(10, 20), [firing(11, 20), resolved(12, 20)], fn="p50"),
    case(
        "fn",
        "the median: of three the second, of two the first",
        each(30, 9, 20),
        [firing(1, 30), resolved(2, 30), firing(3, 20), resolved(11, 20), firing(12, 20), resolved(13, 20)],
        fn="p50",
    ),
    case(
        "fn",
        "95 of 100 are not above it, 94 are too few",
        [*(many(1 + n / 1000, 5) for n in range(95)), *(many(2 + n / 1000, 20) for n in range(6))],
        [firing(2.005, 20), resolved(12.005, 20)],
        fn="p95",
    ),
    case(
        "fn",
        "99 of 100 are not above it",
        [*(many(1 + n / 1000, 5) for n in range(99)), *(many(2 + n / 1000, 20) for n in range(2))],
        [firing(2.001, 20), resolved(12.001, 20)],
        fn="p99",
    ),
    case("below", "is strict", each(10, 9), [firing(2, 9.5), resolved(12, 9)], **BELOW),
    # -- one instant ----------------------------------------------------------------------------------------------
    case(
        "one instant",
        "both count",
        [many(1, 11, seq=1), many(1, 8, seq=2)],
        [firing(1, 11), resolved(1, 11)],
    ),
    case("one instant", "it is over before `for` has begun", [many(1, 11, seq=1), many(1, 8, seq=2)], [], for_="1us"),
    case(
        "one instant",
        "what comes as one leaves is in time",
        [many(1, 30), many(11, 11)],
        [firing(1, 30), resolved(21, 11)],
    ),
    # -- the window -----------------------------------------------------------------------------------------------
    case(
        "just before",
        "the first is still there",
        [many(1, 2), many(10.999999, 18)],
        [firing(11, 18), resolved(20.999999, 18)],
    ),
    case("exactly", "the first has left", [many(1, 2), many(11, 18)], [firing(11, 18), resolved(21, 18)]),
    case(
        "just after",
        "the first has left",
        [many(1, 2), many(11.000001, 18)],
        [firing(11.000001, 18), resolved(21.000001, 18)],
    ),
    case("exactly", "it begins because one leaves", [many(1, 2), many(5, 12)], [firing(11, 12), resolved(15, 12)]),
    case("exactly", "it ends because one leaves", [many(1, 20), many(5, 6)], [firing(1, 20), resolved(11, 13)]),
    case("at_least", "one too few", each(20, 20), [], at_least=3),
    case("at_least", "so many, until one leaves", each(20, 20, 20), [firing(3, 20), resolved(11, 20)], at_least=3),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "all of them together",
        [many(1, 4, "a"), many(2, 12, "b"), many(3, 20, "c")],
        [firing(3, 12), resolved(13, 20)],
    ),
    case(
        "several servers",
        "one that says goodbye has been there",
        [many(1, 20, "a"), goodbye(2, "a", "a")],
        [firing(1, 20), resolved(11, 20)],
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [many(1, 4, "a"), many(2, 12, "b")],
        [firing(2, 12, server_name="b"), resolved(12, 12, server_name="b")],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "the window keeps receive time",
        [many(1, 20), blind(3), sight(11), many(12, 5)],
        [firing(1, 20), resolved(11, 20)],
    ),
    case(
        "blind",
        "it would begin in the middle of it, by time alone: it begins with sight",
        [many(1, 2), many(5, 12), blind(6), sight(14)],
        [firing(14, 12), resolved(15, 12)],
    ),
    case("blind", "it would begin, and is over before sight", [many(1, 2), many(5, 12), blind(6), sight(20)], []),
    case("blind", "an event is not time alone", [blind(1), many(2, 20), sight(3)], [firing(2, 20), resolved(12, 20)]),
    case(
        "blind",
        "empty in the middle of it: over once sight has lasted `within`",
        [many(1, 20), blind(4), sight(60)],
        [firing(1, 20), resolved(70, 20)],
    ),
    case("blind", "without an end: nothing ends", [many(1, 20), blind(4)], [firing(1, 20)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart",
        "what was measured counts",
        [many(1, 2), restart(3), many(4, 12)],
        [firing(11, 12), resolved(14, 12)],
    ),
    case(
        "restart",
        "it would begin in the middle of it, by time alone: it begins with sight",
        [many(1, 2), many(5, 12), restart(6, 14)],
        [firing(14, 12), resolved(15, 12)],
    ),
    case(
        "restart",
        "empty in the middle of it: over once sight has lasted `within`",
        [many(1, 20), restart(4, 60)],
        [firing(1, 20), resolved(70, 20)],
    ),
    case(
        "restart",
        "sight comes later than the process",
        [many(1, 20), restart(4, 60, sees=False), sight(90)],
        [firing(1, 20), resolved(100, 20)],
    ),
    case("restart", "sight never comes: nothing ends", [many(1, 20), restart(4, 60, sees=False)], [firing(1, 20)]),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [many(1, 20), reload(2, annotations={"summary": "new"})],
        [firing(1, 20), resolved(11, 20)],
    ),
    case(
        "reload", "a lower limit is passed at once", [many(1, 9), reload(5, above=8)], [firing(5, 9), resolved(11, 9)]
    ),
    case("reload", "a higher limit ends it", [many(1, 20), reload(5, above=20)], [firing(1, 20), resolved(5, 20)]),
    case("reload", "another side", [many(1, 9), reload(5, above=None, below=10)], [firing(5, 9), resolved(11, 9)]),
    case(
        "reload",
        "another function of the same numbers",
        [*each(2, 12), reload(5, fn="max")],
        [firing(5, 12), resolved(12, 12)],
    ),
    case(
        "reload",
        "it takes fewer",
        [*each(20, 20), reload(5, at_least=2)],
        [firing(5, 20), resolved(11, 20)],
        at_least=3,
    ),
    case("reload", "a shorter `within`", [*each(2, 12), reload(6.5, within="5s")], [firing(6.5, 12), resolved(7, 12)]),
    case("reload", "a longer `within`", [many(1, 20), reload(5, within="30s")], [firing(1, 20), resolved(31, 20)]),
    case(
        "reload",
        "what a longer `within` lacks counts as not seen",
        [many(1, 2), many(12, 12), reload(13, within="1m")],
        [firing(12, 12), resolved(72, 12)],
    ),
    case(
        "reload",
        "another `field` begins anew",
        [many(1, 20), reload(5, field="statsz.subscriptions"), many(6, 20)],
        [firing(1, 20), resolved(5, 20, "rule changed")],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [many(1, 20), reload(5, where=["server.name = n2"])],
        [firing(1, 20), resolved(5, 20, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("for", "time alone ends it", [many(1, 20)], [firing(6, 20), resolved(11, 20)], for_="5s"),
    case("for", "it is over just then", [many(1, 20)], [], for_="10s"),
    case("for", "a break: it begins anew", [many(1, 20), many(5, 0), many(6, 30), many(11.5, 0)], [], for_="6s"),
    case(
        "keep_firing_for",
        "from when it is gone",
        [many(1, 20)],
        [firing(1, 20), resolved(16, 20)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "there again at its end: it goes on",
        [many(1, 20), many(16, 30)],
        [firing(1, 20), resolved(31, 30)],
        keep_firing_for="5s",
    ),
    case(
        "resolve_on",
        "ends it at once, and what was measured is gone",
        [many(1, 20), goodbye(4, "x", "x"), many(5, 8)],
        [firing(1, 20), resolved(4, 20)],
        resolve_on={"events": "server.shutdown"},
    ),
)
