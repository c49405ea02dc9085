"""`spike`: many more events came within `within`, or many fewer, than within the same span before.

The rule watches from second 0 on; the span before and the one now are (-20, -10] and (-10, 0] as seen from now.
"""

from bridge.inputs import Message
from tests.core.stage import connected, login_failed
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def failed(*seconds: float, server: str = "n1", host: str = "a") -> list[Message]:
    return [login_failed(at, host=host, number=number, server=server) for number, at in enumerate(seconds)]


DOWN = {"direction": "down"}

TABLE = Table(
    {"events": "client.auth_error", "type": "spike", "factor": 3, "within": "10s", "at_least": 3},
    case("none", "nothing comes", [], []),
    case("none", "nothing came before", failed(26, 27, 28), []),
    case(
        "none",
        "nothing came before: it is not down either",
        failed(26, 27, 28),
        [firing(38, 0), resolved(46, 0)],
        **DOWN,
    ),
    case("none", "as many as before", failed(*range(1, 60, 2)), []),
    case("factor", "so many times more", failed(15, 26, 27, 28), [firing(28, 3), resolved(35, 3)]),
    case("factor", "almost", failed(15, 26, 27, 28), [], factor=3.1),
    case(
        "factor",
        "exactly, also where a product would be rounded",
        failed(*[15] * 10, *[26] * 11),
        [firing(26, 1.1), resolved(35, 1.1)],
        factor=1.1,
    ),
    case("at_least", "one too few", failed(15, 26, 27, 28), [], at_least=4),
    case(
        "at_least",
        "ten unless said otherwise",
        failed(15, *[26] * 10),
        [firing(26, 10), resolved(35, 10)],
        at_least=None,
    ),
    case("direction", "down: nothing is left", failed(15, 16, 17), [firing(27, 0), resolved(35, 0)], **DOWN),
    case(
        "direction", "down: so many times fewer", failed(14, 15, 16, 20), [firing(26, 1 / 3), resolved(35, 0)], **DOWN
    ),
    case(
        "direction",
        "down: not at once",
        failed(14, 15, 16, 19, 20),
        [firing(29, 1 / 4), resolved(36, 0)],
        **DOWN,
    ),
    case("direction", "down is not up", failed(15, 16, 17), []),
    # -- one instant ----------------------------------------------------------------------------------------------
    case("one instant", "all count", failed(16, 26, 26, 26), [firing(26, 3), resolved(36, 3)]),
    # -- the windows ----------------------------------------------------------------------------------------------
    case(
        "just before",
        "what came before is there",
        failed(15, 26, 27, 34.999999),
        [firing(34.999999, 3), resolved(35, 3)],
    ),
    case("exactly", "what came before has left", failed(15, 26, 27, 35), []),
    case("just after", "what came before has left", failed(15, 26, 27, 35.000001), []),
    case(
        "just before",
        "it belongs to both no more: it becomes what came before",
        failed(16, *[25.999999] * 3),
        [firing(26, 3), resolved(35.999999, 3)],
    ),
    case("exactly", "it becomes what came before", failed(16, 26, 26, 26), [firing(26, 3), resolved(36, 3)]),
    case("just after", "so it was before they came", failed(16, *[26.000001] * 3), [firing(26.000001), resolved(36)]),
    # -- not before two of them were watched ----------------------------------------------------------------------
    case("just before", "both were watched", failed(2, 12, 13, 14, 19.999999), [firing(20, 4), resolved(23, 3)]),
    case("exactly", "both were watched", failed(1, 11, 12, 13), [firing(20, 3), resolved(21, 3)]),
    case("just after", "both were watched: too late", failed(0, 11, 12, 13), []),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "all of them count together",
        [*failed(15), *failed(26, server="n2"), *failed(27, server="n3"), *failed(28, server="n2")],
        [firing(28, 3), resolved(35, 3)],
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [*failed(15, server="n2"), *failed(16), *failed(26, 27, 28, server="n2")],
        [firing(28, 3, server_name="n2"), resolved(35, 3, server_name="n2")],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "both windows keep receive time",
        [*failed(15), blind(16), sight(20), *failed(26, 27, 28)],
        [firing(28, 3), resolved(35, 3)],
    ),
    case(
        "blind",
        "what was not watched does not count as watched",
        [blind(1), sight(6), *failed(8, 20, 21, 22)],
        [firing(25, 3), resolved(28, 3)],
    ),
    case(
        "blind",
        "it would begin in the middle of it, by time alone: it begins with sight",
        [*failed(16, 25, 25, 25), blind(25.5), sight(30)],
        [firing(30, 3), resolved(35, 3)],
    ),
    case(
        "blind",
        "an event is not time alone",
        [*failed(15, 26, 27), blind(27.5), *failed(28), sight(29)],
        [firing(28), resolved(35, 3)],
    ),
    case(
        "blind",
        "over in the middle of it: over once sight has lasted `within`",
        [*failed(15, 26, 27, 28), blind(30), sight(60)],
        [firing(28, 3), resolved(70, 3)],
    ),
    case("blind", "without an end: nothing ends", [*failed(15, 26, 27, 28), blind(30)], [firing(28, 3)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart",
        "what was counted counts",
        [*failed(15, 26, 27), restart(27.5), *failed(28)],
        [firing(28, 3), resolved(35, 3)],
    ),
    case(
        "restart",
        "what was watched counts, what was not does not",
        [restart(1, 6), *failed(8, 20, 21, 22)],
        [firing(25, 3), resolved(28, 3)],
    ),
    case(
        "restart",
        "over in the middle of it: over once sight has lasted `within`",
        [*failed(15, 26, 27, 28), restart(30, 60)],
        [firing(28, 3), resolved(70, 3)],
    ),
    case(
        "restart",
        "sight comes later than the process",
        [*failed(15, 26, 27, 28), restart(30, 60, sees=False), sight(90)],
        [firing(28, 3), resolved(100, 3)],
    ),
    case(
        "restart",
        "sight never comes: nothing ends",
        [*failed(15, 26, 27, 28), restart(30, 60, sees=False)],
        [firing(28, 3)],
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [*failed(15, 26, 27), reload(27.5, annotations={"summary": "new"}), *failed(28)],
        [firing(28, 3), resolved(35, 3)],
    ),
    case(
        "reload",
        "a smaller `factor` is reached at once",
        [*failed(15, 26, 27, 28), reload(30, factor=3)],
        [firing(30), resolved(35, 3)],
        factor=4,
    ),
    case(
        "reload",
        "a larger `factor` ends it",
        [*failed(15, 26, 27, 28), reload(30, factor=4)],
        [firing(28, 3), resolved(30, 3)],
    ),
    case("reload", "it takes more", [*failed(15, 26, 27, 28), reload(30, at_least=4)], [firing(28), resolved(30, 3)]),
    case(
        "reload",
        "another direction",
        [*failed(15, 26, 27, 28), reload(30, **DOWN)],
        [firing(28), resolved(30, 3), firing(38, 0), resolved(46, 0)],
    ),
    case(
        "reload", "a shorter `within`", [*failed(15, 26, 27, 28), reload(29, within="5s")], [firing(28), resolved(29)]
    ),
    case(
        "reload",
        "what a longer `within` lacks counts as not seen",
        [*failed(15, 26, 27, 28), reload(30, within="20s"), *failed(*[40] * 12, host="b")],
        [firing(28, 3), resolved(30, 3), firing(50, 3), resolved(60, 4)],
    ),
    case(
        "reload",
        "another `where` begins anew, watching included",
        [*failed(15, 26, 27, 28), reload(30, where=["client.kind = Client"]), *failed(31, 45, 46, 47)],
        [firing(28, 3), resolved(30, 3, "rule changed"), firing(50, 3), resolved(51, 3)],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("for", "time alone ends it", failed(15, 26, 27, 28), [firing(33, 3), resolved(35, 3)], for_="5s"),
    case("for", "it is over just then", failed(15, 26, 27, 28), [], for_="7s"),
    case(
        "keep_firing_for",
        "from when it is gone",
        failed(15, 26, 27, 28),
        [firing(28), resolved(40)],
        keep_firing_for="5s",
    ),
    case(
        "resolve_on",
        "ends it at once, and what was counted is gone",
        [*failed(15, 26, 27, 28), connected(30, "x"), *failed(31)],
        [firing(28, 3), resolved(30, 3)],
        resolve_on={"events": "client.connect"},
    ),
)
