"""`ratio`: of the events that came within `within`, the share that matches is past a limit."""

from bridge.inputs import Message
from tests.core.stage import connected, disconnected
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def slow(*seconds: float, server: str = "n1") -> list[Message]:
    """Clients that were thrown out."""
    return [disconnected(at, "x", "Slow Consumer", number=n, server=server) for n, at in enumerate(seconds)]


def went(*seconds: float, server: str = "n1") -> list[Message]:
    """Clients that went by themselves."""
    return [disconnected(at, "x", "Client Closed", number=100 + n, server=server) for n, at in enumerate(seconds)]


BELOW = {"above": None, "below": "50%"}

TABLE = Table(
    {"events": "client.disconnect", "type": "ratio", "matching": ['reason =~ "Slow.*"']}
    | {"above": "50%", "within": "10s", "at_least": 2},
    case("none", "nothing comes", [], []),
    case("none", "nothing comes: that is not below", [], [], **BELOW),
    case("none", "nothing matches", went(1, 2, 3), []),
    case("none", "the limit is not past it", [*went(1), *slow(2)], []),
    case("matching", "all of them have to", [*slow(1), *slow(2, server="n2")], [], matching=["reason = x"]),
    case(
        "matching",
        "in the order of the events",
        [*went(1), *slow(2, 3)],
        [firing(3, 200 / 3), resolved(12, 100)],
    ),
    case("below", "is strict", [*slow(1), *went(2, 3)], [firing(3, 100 / 3), resolved(12, 0)], **BELOW),
    case("above", "a plain number is a percentage", slow(1, 2), [firing(2, 100), resolved(11, 100)], above=99.5),
    # -- one instant ----------------------------------------------------------------------------------------------
    case("one instant", "both count", [*went(1), *slow(1, 1)], [firing(1, 200 / 3), resolved(11, 200 / 3)]),
    case("one instant", "past it and back", [*slow(1, 1), *went(1, 1)], [firing(1, 100), resolved(1, 200 / 3)]),
    case(
        "one instant",
        "the one that comes as one leaves is in time",
        slow(1, 2, 11),
        [firing(2, 100), resolved(12, 100)],
    ),
    # -- the window -----------------------------------------------------------------------------------------------
    case("just before", "the first is still there", slow(1, 10.999999), [firing(10.999999), resolved(11, 100)]),
    case("exactly", "the first has left: too few", slow(1, 11), []),
    case("just after", "the first has left", slow(1, 11.000001), []),
    case(
        "exactly",
        "it begins because one leaves",
        [*went(1), *slow(2), *slow(3), *went(4)],
        [firing(3, 200 / 3), resolved(4, 200 / 3), firing(11, 200 / 3), resolved(12, 200 / 3)],
    ),
    case("at_least", "one too few", slow(1, 2), [], at_least=3),
    case("at_least", "ten unless said otherwise", slow(*range(1, 10)), [], at_least=None),
    case("at_least", "ten", slow(*range(1, 11)), [firing(10, 100), resolved(11, 100)], at_least=None),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "all of them count together",
        [*slow(1, server="n1"), *slow(2, server="n2"), *went(3, server="n3")],
        [firing(2, 100), resolved(11, 200 / 3)],
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [*slow(1, 2, server="n1"), *went(2, 3, server="n2")],
        [firing(2, 100, server_name="n1"), resolved(11, 100, server_name="n1")],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case("blind", "the window keeps receive time", [*slow(1), blind(3), sight(8), *slow(9)], [firing(9), resolved(11)]),
    case("blind", "and lets go what is older", [*slow(1), blind(3), sight(8), *slow(11)], []),
    case("blind", "an event is not time alone", [*slow(1), blind(3), *slow(4), sight(5)], [firing(4), resolved(11)]),
    case(
        "blind",
        "it would begin in the middle of it, by time alone: it begins with sight",
        [*went(1, 2), *slow(3, 4), blind(5), sight(12.5)],
        [firing(12.5, 100), resolved(13, 100)],
    ),
    case(
        "blind",
        "empty in the middle of it: over once sight has lasted `within`",
        [*slow(1, 2), blind(4), sight(60)],
        [firing(2, 100), resolved(70, 100)],
    ),
    case("blind", "without an end: nothing ends", [*slow(1, 2), blind(4)], [firing(2, 100)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case("restart", "what was counted counts", [*slow(1), restart(3), *slow(4)], [firing(4, 100), resolved(11, 100)]),
    case(
        "restart",
        "it would begin in the middle of it, by time alone: it begins with sight",
        [*went(1, 2), *slow(3, 4), restart(5, 12.5)],
        [firing(12.5, 100), resolved(13, 100)],
    ),
    case(
        "restart",
        "empty in the middle of it: over once sight has lasted `within`",
        [*slow(1, 2), restart(4, 60)],
        [firing(2, 100), resolved(70, 100)],
    ),
    case(
        "restart",
        "sight comes later than the process",
        [*slow(1, 2), restart(4, 60, sees=False), sight(90)],
        [firing(2, 100), resolved(100, 100)],
    ),
    case("restart", "sight never comes: nothing ends", [*slow(1, 2), restart(4, 60, sees=False)], [firing(2, 100)]),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [*slow(1), reload(2, annotations={"summary": "new"}), *slow(3)],
        [firing(3, 100), resolved(11, 100)],
    ),
    case(
        "reload",
        "a lower limit is passed at once",
        [*went(1), *slow(2), reload(5, above="40%")],
        [firing(5, 50), resolved(11, 50)],
    ),
    case(
        "reload",
        "a higher limit ends it",
        [*went(1), *slow(2, 3), reload(5, above="70%")],
        [firing(3, 200 / 3), resolved(5, 200 / 3), firing(11, 100), resolved(12, 100)],
    ),
    case("reload", "it takes fewer", [*slow(1, 2), reload(5, at_least=2)], [firing(5), resolved(11)], at_least=3),
    case("reload", "a shorter `within`", [*slow(1, 2), reload(6, within="5s")], [firing(2), resolved(6, 100)]),
    case("reload", "a longer `within`", [*slow(1, 2), reload(6, within="30s")], [firing(2), resolved(31, 100)]),
    case(
        "reload",
        "what a longer `within` lacks counts as not seen",
        [*slow(1), *went(12), reload(13, within="1m"), *slow(14)],
        [],
    ),
    case(
        "reload",
        "other matchers begin anew",
        [*slow(1, 2), reload(5, matching=["reason = x"])],
        [firing(2, 100), resolved(5, 100, "rule changed")],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [*slow(1, 2), reload(5, where=["client.kind = Client"]), *slow(6)],
        [firing(2, 100), resolved(5, 100, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("for", "time alone ends it", slow(1, 2), [firing(7, 100), resolved(11, 100)], for_="5s"),
    case("for", "it is over just then", slow(1, 2), [], for_="9s"),
    case("for", "a break: it begins anew", [*slow(1, 2), *went(3, 3), *slow(4)], [], for_="8s"),
    case(
        "keep_firing_for",
        "from when it is gone",
        slow(1, 2),
        [firing(2, 100), resolved(16, 100)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "there again at its end: it goes on",
        slow(1, 2, 15, 16),
        [firing(2, 100), resolved(30, 100)],
        keep_firing_for="5s",
    ),
    case(
        "resolve_on",
        "ends it at once, and what was counted is gone",
        [*slow(1, 2), connected(4, "x"), *slow(5)],
        [firing(2, 100), resolved(4, 100)],
        resolve_on={"events": "client.connect"},
    ),
)
