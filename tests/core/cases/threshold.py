"""`threshold`: from a measurement past the limit to one no longer past `clear`, or to no data.

Its window is `for`, which ends with a measurement, and the 90 s (or three intervals) after which there is no data.
"""

from bridge.inputs import Message
from tests.core.stage import goodbye, statsz
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def many(seconds: float, number: float, server: str = "n1", process: str = "", seq: int | None = None) -> Message:
    """A server's connections."""
    return statsz(seconds, server, process or server, seq, connections=number)


NO_DATA = "no data"
PAST = [many(1, 11), many(11, 11)]
HELD = {"for_": "20s"}

TABLE = Table(
    {"events": "server.statsz", "type": "threshold", "field": "statsz.connections", "above": 10},
    case("none", "nothing comes", [], []),
    case("none", "nothing is past the limit", [many(1, 9), many(11, 9)], []),
    case("none", "no more comes: no data", [many(1, 11)], [firing(1, 11), resolved(91, 11, NO_DATA)]),
    case(
        "none",
        "no measurement: what `of` names is absent, or nothing",
        [many(1, 11), statsz(2, connections=11, cores=0)],
        [],
        of="statsz.cores",
        above="1%",
    ),
    # -- the limit ------------------------------------------------------------------------------------------------
    case("exactly", "the limit is not past it", [many(1, 10)], []),
    case("just after", "the limit is past it", [many(1, 10.000001), many(11, 10)], [firing(1), resolved(11)]),
    case(
        "exactly",
        "`below` is strict as well",
        [many(1, 10), many(11, 9), many(21, 10)],
        [firing(11, 9), resolved(21, 9)],
        above=None,
        below=10,
    ),
    case(
        "clear",
        "it is over only there",
        [many(1, 11), many(11, 9), many(21, 6), many(31, 5)],
        [firing(1, 11), resolved(31, 6)],
        clear=5,
    ),
    case("clear", "between the two nothing begins", [many(1, 9)], [], clear=5),
    case(
        "clear",
        "above a limit from below",
        [many(1, 2), many(11, 4), many(21, 5)],
        [firing(1, 2), resolved(21, 4)],
        above=None,
        below=3,
        clear=5,
    ),
    # -- one instant ----------------------------------------------------------------------------------------------
    case("one instant", "past it and back", [many(1, 11, seq=1), many(1, 9, seq=2)], [firing(1, 11), resolved(1, 11)]),
    case(
        "one instant",
        "past it twice",
        [many(1, 11, seq=1), many(1, 12, seq=2), many(11, 9)],
        [firing(1, 11), resolved(11, 12)],
    ),
    case("one instant", "of `for` is no time", [many(1, 11, seq=1), many(1, 12, seq=2)], [], for_="1us"),
    # -- for ------------------------------------------------------------------------------------------------------
    case(
        "just before",
        "`for` is over: the next measurement fires",
        [many(1, 11), many(20.999999, 11), many(25, 12)],
        [firing(25, 12), resolved(115, 12, NO_DATA)],
        **HELD,
    ),
    case("exactly", "`for` is over", [many(1, 11), many(21, 12)], [firing(21, 12), resolved(111, 12, NO_DATA)], **HELD),
    case(
        "just after",
        "`for` is over",
        [many(1, 11), many(21.000001, 12)],
        [firing(21.000001, 12), resolved(111.000001, 12, NO_DATA)],
        **HELD,
    ),
    case("for", "a break: it begins anew", [many(1, 11), many(11, 10), many(21, 11), many(31, 11)], [], **HELD),
    case("for", "time alone does not end it", [many(1, 11)], [], **HELD),
    # -- no data --------------------------------------------------------------------------------------------------
    case(
        "just before",
        "there is no data: it goes on",
        [many(1, 11), many(90.999999, 12)],
        [firing(1, 11), resolved(360.999996, 12, NO_DATA)],
    ),
    case(
        "exactly",
        "there is no data: the measurement is first",
        [many(1, 11), many(91, 12)],
        [firing(1, 11), resolved(361, 12, NO_DATA)],
    ),
    case(
        "just after",
        "there is no data: another one",
        [many(1, 11), many(91.000001, 12)],
        [firing(1, 11), resolved(91, 11, NO_DATA), firing(91.000001, 12), resolved(361.000004, 12, NO_DATA)],
    ),
    case(
        "no data",
        "three of its intervals, if these are long",
        [many(1, 11), many(61, 11)],
        [firing(1), resolved(241, 11, NO_DATA)],
    ),
    case(
        "no data",
        "the server said goodbye",
        [many(1, 11), goodbye(5, "n1", "n1")],
        [firing(1), resolved(5, 11, NO_DATA)],
    ),
    case(
        "no data",
        "the server drains",
        [many(1, 11), goodbye(5, "n1", "n1", "LAMEDUCK")],
        [firing(1), resolved(5, 11, NO_DATA)],
    ),
    case(
        "no data",
        "a series that is slower than it seemed is known from its second measurement on",
        [many(1, 11), many(301, 11), many(601, 11), many(901, 9)],
        [firing(1, 11), resolved(91, 11, NO_DATA), firing(301, 11), resolved(901, 11)],
    ),
    case(
        "no data",
        "neither one that is lost nor one that is early makes another interval usual",
        [*(many(at, 11) for at in (1, 61, 121, 181, 301, 361, 366, 421))],
        [firing(1, 11), resolved(586, 11, NO_DATA)],
    ),
    case(
        "no data",
        "the server comes back past the limit: another one",
        [many(1, 11), goodbye(5, "n1", "n1"), many(8, 12, process="P2")],
        [firing(1, 11), resolved(5, 11, NO_DATA), firing(8, 12), resolved(98, 12, NO_DATA)],
    ),
    case("no data", "what was pending has never been", [many(1, 11), goodbye(5, "n1", "n1"), many(21, 11)], [], **HELD),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "any of them; the worst is the value",
        [many(1, 11, "a"), many(2, 30, "b"), many(3, 1, "a"), many(4, 1, "b")],
        [firing(1, 11), resolved(4, 30)],
    ),
    case(
        "several servers",
        "one passes the limit as another leaves it: it goes on",
        [many(1, 11, "a"), many(11, 12, "b"), many(11, 1, "a"), many(21, 1, "b")],
        [firing(1, 11), resolved(21, 12)],
    ),
    case(
        "several servers",
        "together they hold for `for`",
        [many(1, 11, "a"), many(11, 11, "b"), many(12, 1, "a"), many(21, 11, "b")],
        [firing(21, 11), resolved(111, 11, NO_DATA)],
        **HELD,
    ),
    case(
        "several servers",
        "one has no data, the other is not past the limit",
        [many(1, 11, "a"), many(31, 1, "b"), many(61, 1, "b"), many(91, 1, "b")],
        [firing(1, 11), resolved(91, 11, NO_DATA)],
    ),
    case(
        "several servers",
        "at the instant of no data one measures before the other: it goes on",
        [many(1, 11, "a"), many(1, 1, "b"), many(91, 1, "b"), many(91, 11, "a"), many(92, 1, "a")],
        [firing(1, 11), resolved(92, 11)],
    ),
    case(
        "several servers",
        "one says goodbye, the other is past the limit",
        [many(1, 11, "a"), many(2, 12, "b"), goodbye(5, "b", "b"), many(11, 1, "a")],
        [firing(1, 11), resolved(11, 11)],
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [many(1, 11, "a"), many(2, 1, "b"), many(11, 1, "a")],
        [firing(1, 11, server_name="a"), resolved(11, 11, server_name="a")],
        by=["server.name"],
    ),
    case(
        "several servers",
        "added up first",
        [many(1, 6, "a"), many(2, 5, "b"), many(11, 5, "a")],
        [firing(2, 11), resolved(11, 11)],
        sum_over="server.name",
    ),
    case(
        "several servers",
        "added up, without one that is gone",
        [many(1, 6, "a"), many(2, 5, "b"), goodbye(5, "b", "b")],
        [firing(2, 11), resolved(5, 11, NO_DATA)],
        sum_over="server.name",
    ),
    case(
        "several servers",
        "added up, it begins with a measurement, not without one",
        [many(1, 12, "a"), many(2, 5, "b"), many(3, 6, "a"), goodbye(5, "b", "b"), many(11, 6, "a")],
        [firing(11, 6), resolved(101, 6, NO_DATA)],
        above=None,
        below=10,
        sum_over="server.name",
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "`for` stands still: just before",
        [many(1, 11), blind(5), sight(100), many(115.999999, 11)],
        [],
        **HELD,
    ),
    case(
        "blind",
        "`for` stands still: exactly",
        [many(1, 11), blind(5), sight(100), many(116, 11)],
        [firing(116, 11), resolved(206, 11, NO_DATA)],
        **HELD,
    ),
    case(
        "blind",
        "no data is no wonder",
        [many(1, 11), blind(2), sight(500)],
        [firing(1, 11), resolved(589, 11, NO_DATA)],
    ),
    case(
        "blind",
        "at the very instant of no data",
        [many(1, 11), blind(91), sight(500)],
        [firing(1, 11), resolved(500, 11, NO_DATA)],
    ),
    case(
        "blind",
        "just after there was no data",
        [many(1, 11), blind(91.000001), sight(500)],
        [firing(1, 11), resolved(91, 11, NO_DATA)],
    ),
    case(
        "blind",
        "a measurement is not time alone",
        [blind(1), many(2, 11), sight(100)],
        [firing(2, 11), resolved(190, 11, NO_DATA)],
    ),
    case(
        "blind",
        "nor one that ends it",
        [many(1, 11), blind(2), many(3, 9), sight(100)],
        [firing(1, 11), resolved(3, 11)],
    ),
    case("blind", "without an end: nothing ends", [many(1, 11), blind(2)], [firing(1, 11)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart", "`for` stands still: just before", [many(1, 11), restart(5, 100), many(115.999999, 11)], [], **HELD
    ),
    case(
        "restart",
        "`for` stands still: exactly",
        [many(1, 11), restart(5, 100), many(116, 11)],
        [firing(116, 11), resolved(206, 11, NO_DATA)],
        **HELD,
    ),
    case(
        "restart", "no data is no wonder", [many(1, 11), restart(2, 500)], [firing(1, 11), resolved(589, 11, NO_DATA)]
    ),
    case(
        "restart",
        "sight comes later than the process",
        [many(1, 11), restart(2, 500, sees=False), sight(600)],
        [firing(1, 11), resolved(689, 11, NO_DATA)],
    ),
    case("restart", "sight never comes: nothing ends", [many(1, 11), restart(2, 500, sees=False)], [firing(1, 11)]),
    case(
        "restart",
        "what is known between limit and `clear` stays",
        [many(1, 11), many(11, 8), restart(12, 20), many(21, 8), many(31, 5)],
        [firing(1, 11), resolved(31, 8)],
        clear=5,
    ),
    case(
        "restart",
        "so does the usual interval",
        [many(1, 11), many(61, 11), restart(62, 100)],
        [firing(1, 11), resolved(279, 11, NO_DATA)],
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [many(1, 11), reload(2, annotations={"summary": "new"}), many(21, 12), reload(22, annotations={})],
        [firing(21, 12), resolved(111, 12, NO_DATA)],
        **HELD,
    ),
    case(
        "reload",
        "a lower limit is passed at once",
        [many(1, 11), reload(5, above=10)],
        [firing(5, 11), resolved(91, 11, NO_DATA)],
        above=20,
    ),
    case(
        "reload", "a higher limit ends it at once", [many(1, 11), reload(5, above=11)], [firing(1, 11), resolved(5, 11)]
    ),
    case(
        "reload",
        "`clear` is judged at once",
        [many(1, 11), many(11, 8), reload(15, clear=8)],
        [firing(1, 11), resolved(15, 8)],
        clear=5,
    ),
    case(
        "reload",
        "`for` ends with a measurement still",
        [many(1, 11), reload(5, for_="2s"), many(11, 12)],
        [firing(11, 12), resolved(101, 12, NO_DATA)],
        **HELD,
    ),
    case(
        "reload",
        "another `field` begins anew",
        [statsz(1, connections=11, mem=11), reload(5, field="statsz.mem")],
        [firing(1, 11), resolved(5, 11, "rule changed")],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [many(1, 11), reload(5, where=["server.name = n1"]), many(11, 9)],
        [firing(1, 11), resolved(5, 11, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case(
        "keep_firing_for",
        "from when it is gone",
        [*PAST, many(21, 9)],
        [firing(1, 11), resolved(36, 11)],
        keep_firing_for="15s",
    ),
    case(
        "keep_firing_for",
        "there again at its end: it goes on",
        [many(1, 11), many(11, 9), many(26, 12), many(27, 9)],
        [firing(1, 11), resolved(42, 12)],
        keep_firing_for="15s",
    ),
    case(
        "keep_firing_for",
        "there again just after: another one",
        [many(1, 11), many(11, 9), many(26.000001, 12), many(27, 9)],
        [firing(1, 11), resolved(26, 11), firing(26.000001, 12), resolved(42, 12)],
        keep_firing_for="15s",
    ),
    case(
        "keep_firing_for",
        "after there was no data",
        [many(1, 11)],
        [firing(1, 11), resolved(106, 11, NO_DATA)],
        keep_firing_for="15s",
    ),
    case(
        "keep_firing_for",
        "stands still while blind",
        [many(1, 11), many(11, 9), blind(12), sight(100)],
        [firing(1, 11), resolved(114, 11)],
        keep_firing_for="15s",
    ),
    case(
        "of",
        "a share in percent",
        [
            statsz(1, connections=89, subscriptions=100),
            statsz(11, connections=180, subscriptions=200),
            statsz(21, connections=182, subscriptions=200),
        ],
        [firing(21, 91), resolved(111, 91, NO_DATA)],
        of="statsz.subscriptions",
        above="90%",
    ),
    case(
        "per",
        "a share",
        [statsz(1, subscriptions=20, connections=2), statsz(11, subscriptions=21, connections=2)],
        [firing(11, 10.5), resolved(101, 10.5, NO_DATA)],
        field="statsz.subscriptions",
        per="statsz.connections",
    ),
)
