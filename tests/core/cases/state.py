"""`state`: from an event of a series that matches to one that does not, or to no data.

Its window is `for`, which passes with time, and the 90 s (or three intervals) after which there is no data.
"""

from bridge.inputs import Message
from tests.core.stage import goodbye, statsz
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def leads(seconds: float, name: str = "", server: str = "n1", process: str = "", seq: int | None = None) -> Message:
    """What a server says of the meta group's leader."""
    return statsz(seconds, server, process or server, seq, jetstream={"meta": {"leader": name}})


NO_DATA = "no data"
HELD = {"for_": "20s"}

TABLE = Table(
    {"events": "server.statsz", "type": "state", "matching": ['statsz.jetstream.meta.leader = ""']},
    case("none", "nothing comes", [], []),
    case("none", "nothing matches", [leads(1, "n1"), leads(11, "n2")], []),
    case("none", "no more comes: no data", [leads(1)], [firing(1, 0), resolved(91, 90, NO_DATA)]),
    case("none", "what is absent is empty", [statsz(1), leads(11, "n1")], [firing(1, 0), resolved(11, 10)]),
    case(
        "matching",
        "all of them have to",
        [statsz(1, connections=5), statsz(11, connections=20), statsz(21, connections=15)],
        [firing(21, 0), resolved(111, 90, NO_DATA)],
        matching=["statsz.connections > 10", "statsz.connections < 20"],
    ),
    # -- one instant ----------------------------------------------------------------------------------------------
    case("one instant", "so and not", [leads(1, seq=1), leads(1, "n1", seq=2)], [firing(1, 0), resolved(1, 0)]),
    case("one instant", "so twice", [leads(1, seq=1), leads(1, seq=2), leads(11, "n1")], [firing(1), resolved(11, 10)]),
    case("one instant", "of `for` is no time", [leads(1, seq=1), leads(1, "n1", seq=2)], [], for_="1us"),
    # -- for ------------------------------------------------------------------------------------------------------
    case("just before", "`for` is over: it ends", [leads(1), leads(20.999999, "n1")], [], **HELD),
    case("exactly", "`for` is over: the event is first", [leads(1), leads(21, "n1")], [], **HELD),
    case(
        "just after",
        "`for` is over",
        [leads(1), leads(21.000001, "n1")],
        [firing(21, 20), resolved(21.000001, 20.000001)],
        **HELD,
    ),
    case("for", "a break: it begins anew", [leads(1), leads(11, "n1"), leads(12), leads(31.999999, "n1")], [], **HELD),
    case("for", "time alone ends it", [leads(1)], [firing(21, 20), resolved(91, 90, NO_DATA)], **HELD),
    case("for", "what has no data has never been", [leads(1)], [], for_="90s"),
    case(
        "for",
        "just before there is no data",
        [leads(1)],
        [firing(90.999999), resolved(91, 90, NO_DATA)],
        for_="89.999999s",
    ),
    # -- no data --------------------------------------------------------------------------------------------------
    case(
        "just before",
        "there is no data: it goes on",
        [leads(1), leads(90.999999)],
        [firing(1), resolved(360.999996, 359.999996, NO_DATA)],
    ),
    case(
        "exactly",
        "there is no data: the event is first",
        [leads(1), leads(91)],
        [firing(1), resolved(361, 360, NO_DATA)],
    ),
    case(
        "just after",
        "there is no data: another one",
        [leads(1), leads(91.000001)],
        [firing(1), resolved(91, 90, NO_DATA), firing(91.000001, 0), resolved(361.000004, 270.000003, NO_DATA)],
    ),
    case(
        "no data",
        "three of its intervals, if these are long",
        [leads(1), leads(61)],
        [firing(1), resolved(241, 240, NO_DATA)],
    ),
    case(
        "no data", "the server said goodbye", [leads(1), goodbye(5, "n1", "n1")], [firing(1), resolved(5, 4, NO_DATA)]
    ),
    case(
        "no data",
        "the server drains",
        [leads(1), goodbye(5, "n1", "n1", "LAMEDUCK")],
        [firing(1), resolved(5, 4, NO_DATA)],
    ),
    case("no data", "what was pending has never been", [leads(1), goodbye(5, "n1", "n1"), leads(20, "n2")], [], **HELD),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "any of them",
        [leads(1, "x", "a"), leads(2, "", "b"), leads(11, "x", "a"), leads(12, "x", "b")],
        [firing(2, 0), resolved(12, 10)],
    ),
    case(
        "several servers",
        "as long as one matches; the value is that of the one that matches longest",
        [leads(1, "", "a"), leads(5, "", "b"), leads(11, "x", "a"), leads(21, "x", "b")],
        [firing(1, 0), resolved(21, 16)],
    ),
    case(
        "several servers",
        "together they hold for `for`",
        [leads(1, "", "a"), leads(11, "", "b"), leads(12, "x", "a"), leads(22, "x", "b")],
        [firing(21, 10), resolved(22, 11)],
        **HELD,
    ),
    case(
        "several servers",
        "one has no data, the other does not match",
        [leads(1, "", "a"), leads(31, "x", "b"), leads(61, "x", "b"), leads(91, "x", "b")],
        [firing(1, 0), resolved(91, 90, NO_DATA)],
    ),
    case(
        "several servers",
        "one says goodbye, the other matches",
        [leads(1, "", "a"), leads(2, "", "b"), goodbye(5, "b", "b"), leads(11, "x", "a")],
        [firing(1, 0), resolved(11, 10)],
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [leads(1, "", "a"), leads(2, "x", "b"), leads(11, "x", "a")],
        [firing(1, 0, server_name="a"), resolved(11, 10, server_name="a")],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "`for` stands still",
        [leads(1), blind(5), sight(60)],
        [firing(76, 20), resolved(146, 90, NO_DATA)],
        **HELD,
    ),
    case(
        "blind",
        "no data is no wonder, and the time does not count",
        [leads(1), blind(2), sight(500)],
        [firing(1, 0), resolved(589, 90, NO_DATA)],
    ),
    case(
        "blind", "an event that begins it", [blind(1), leads(2), sight(100)], [firing(2, 0), resolved(190, 90, NO_DATA)]
    ),
    case("blind", "an event that ends it", [leads(1), blind(2), leads(3, "n1")], [firing(1), resolved(3, 1)]),
    case("blind", "without an end: nothing ends", [leads(1), blind(2)], [firing(1)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart",
        "`for` stands still",
        [leads(1), restart(5, 60)],
        [firing(76, 20), resolved(146, 90, NO_DATA)],
        **HELD,
    ),
    case(
        "restart",
        "sight comes later than the process",
        [leads(1), restart(2, 500, sees=False), sight(600)],
        [firing(1), resolved(689, 90, NO_DATA)],
    ),
    case("restart", "sight never comes: nothing ends", [leads(1), restart(2, 500, sees=False)], [firing(1)]),
    case(
        "restart",
        "so does the usual interval",
        [leads(1), leads(61), restart(62, 100)],
        [firing(1), resolved(279, 240, NO_DATA)],
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [leads(1), reload(2, annotations={"summary": "new"})],
        [firing(21, 20), resolved(91, 90, NO_DATA)],
        **HELD,
    ),
    case(
        "reload",
        "a shorter `for` is over at once",
        [leads(1), reload(15, for_="10s")],
        [firing(15, 14), resolved(91, 90, NO_DATA)],
        **HELD,
    ),
    case(
        "reload",
        "other matchers begin anew",
        [leads(1), reload(5, matching=["statsz.jetstream.meta.leader = n1"]), leads(11), leads(21, "n1")],
        [firing(1, 0), resolved(5, 4, "rule changed"), firing(21, 0), resolved(111, 90, NO_DATA)],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [leads(1), reload(5, where=["server.name = n2"]), leads(11)],
        [firing(1, 0), resolved(5, 4, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case(
        "keep_firing_for",
        "from when it is gone",
        [leads(1), leads(11, "n1")],
        [firing(1, 0), resolved(26, 10)],
        keep_firing_for="15s",
    ),
    case(
        "keep_firing_for",
        "there again at its end: it goes on",
        [leads(1), leads(11, "n1"), leads(26), leads(27, "n1")],
        [firing(1, 0), resolved(42, 1)],
        keep_firing_for="15s",
    ),
    case(
        "resolve_on",
        "ends it at once, and what was known is gone",
        [leads(1), goodbye(5, "other", "other"), leads(6, "n1")],
        [firing(1, 0), resolved(5, 4)],
        resolve_on={"events": "server.shutdown"},
    ),
)
