"""`change`: a field took another value than before in its series. Its window is that of `any`: `keep_firing_for`."""

from bridge.inputs import Message
from bridge.values import DAY, SECOND
from tests.core.stage import connected, disconnected, goodbye, statsz
from tests.core.table import Table, blind, case, event, firing, reload, resolved, restart, sight

ONE_OFF = {"keep_firing_for": None}
N1, N2 = {"server_name": "n1"}, {"server_name": "n2"}
WEEK = 7 * DAY // SECOND


def seen(
    seconds: float, connections: int | None, server: str = "n1", process: str = "", seq: int | None = None
) -> Message:
    """What a server says of itself; None: it does not say."""
    numbers: dict[str, float] = {} if connections is None else {"connections": connections}
    return statsz(seconds, server, process or server, seq, **numbers)


TABLE = Table(
    {"events": "server.statsz", "type": "change", "field": "statsz.connections", "keep_firing_for": "10s"},
    case("none", "nothing comes", [], []),
    case("none", "the first sight is no change", [seen(1, 5)], []),
    case("none", "the same again is no change", [seen(1, 5), seen(2, 5), seen(3, 5)], []),
    case(
        "none", "0 is a value, and not the same as none", [seen(1, None), seen(2, 0)], [firing(2, 1), resolved(12, 1)]
    ),
    case("none", "there and back are two", [seen(1, 5), seen(2, 6), seen(3, 5)], [firing(2, 1), resolved(13, 2)]),
    case(
        "one instant",
        "one alert of two changes",
        [seen(1, 5), seen(2, 6, seq=9001), seen(2, 7, seq=9002)],
        [firing(2, 1), resolved(12, 2)],
    ),
    case(
        "one instant",
        "the first sight and a change",
        [seen(1, 5, seq=1), seen(1, 6, seq=2)],
        [firing(1, 1), resolved(11, 1)],
    ),
    case(
        "just before",
        "the last one's time is over: it goes on",
        [seen(0, 5), seen(1, 6), seen(10.999999, 7)],
        [firing(1, 1), resolved(20.999999, 2)],
    ),
    case(
        "exactly",
        "then: the event is first, it goes on",
        [seen(0, 5), seen(1, 6), seen(11, 7)],
        [firing(1, 1), resolved(21, 2)],
    ),
    case(
        "just after",
        "another one",
        [seen(0, 5), seen(1, 6), seen(11.000001, 7)],
        [firing(1, 1), resolved(11, 1), firing(11.000001, 1), resolved(21.000001, 1)],
    ),
    case(
        "exactly",
        "an event that changes nothing keeps nothing",
        [seen(0, 5), seen(1, 6), seen(10, 6)],
        [firing(1, 1), resolved(11, 1)],
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "each is compared with itself, without `by` too",
        [seen(1, 5, "n1"), seen(2, 6, "n2"), seen(3, 5, "n1"), seen(4, 6, "n2")],
        [],
    ),
    case(
        "several servers",
        "their changes are one alert's",
        [seen(1, 5, "n1"), seen(2, 6, "n2"), seen(3, 6, "n1"), seen(4, 7, "n2")],
        [firing(3, 1), resolved(14, 2)],
    ),
    case(
        "several servers",
        "with `by` each its own",
        [seen(1, 5, "n1"), seen(2, 6, "n2"), seen(3, 6, "n1"), seen(4, 7, "n2")],
        [firing(3, 1, **N1), firing(4, 1, **N2), resolved(13, 1, **N1), resolved(14, 1, **N2)],
        by=["server.name"],
    ),
    case(
        "several servers",
        "a server that was started again is the same",
        [seen(1, 5), goodbye(2, "n1", "n1"), seen(50, 6, process="P2")],
        [firing(50, 1), resolved(60, 1)],
    ),
    case(
        "several servers",
        "started again and as before",
        [seen(1, 5), goodbye(2, "n1", "n1"), seen(50, 5, process="P2")],
        [],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "its time stands still",
        [seen(0, 5), seen(1, 6), blind(2), sight(100)],
        [firing(1, 1), resolved(109, 1)],
    ),
    case(
        "blind",
        "what changed meanwhile is seen after",
        [seen(1, 5), blind(2), sight(100), seen(101, 6)],
        [firing(101, 1), resolved(111, 1)],
    ),
    case(
        "blind",
        "an event is not time alone",
        [seen(1, 5), blind(2), seen(3, 6), sight(100)],
        [firing(3, 1), resolved(110, 1)],
    ),
    case("blind", "without an end: nothing ends", [seen(0, 5), seen(1, 6), blind(2)], [firing(1, 1)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart",
        "what changed meanwhile is seen after",
        [seen(1, 5), restart(2, 100), seen(101, 6)],
        [firing(101, 1), resolved(111, 1)],
    ),
    case("restart", "nothing changed", [seen(1, 5), restart(2, 100), seen(101, 5)], []),
    case(
        "restart", "its time stands still", [seen(0, 5), seen(1, 6), restart(2, 100)], [firing(1, 1), resolved(109, 1)]
    ),
    case(
        "restart",
        "the next change is the same alert's",
        [seen(0, 5), seen(1, 6), restart(2, 100), seen(105, 7)],
        [firing(1, 1), resolved(115, 2)],
    ),
    case(
        "restart",
        "a one-off is not told again",
        [seen(0, 5), seen(1, 6), restart(2, 100), seen(101, 6)],
        [event(1, 1)],
        **ONE_OFF,
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [seen(1, 5), reload(2, annotations={"summary": "{{ old }}"}), seen(3, 6)],
        [firing(3, 1), resolved(13, 1)],
    ),
    case(
        "reload",
        "a longer `keep_firing_for`",
        [seen(0, 5), seen(1, 6), reload(5, keep_firing_for="30s")],
        [firing(1, 1), resolved(31, 1)],
    ),
    case(
        "reload",
        "another `field` begins anew",
        [seen(0, 5), seen(1, 6), reload(5, field="statsz.subscriptions"), statsz(6, "n1", "n1", subscriptions=9)],
        [firing(1, 1), resolved(5, 1, "rule changed")],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [seen(0, 5), reload(5, where=["server.name = n1"]), seen(6, 6), seen(7, 7)],
        [firing(7, 1), resolved(17, 1)],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("field", "a text", [goodbye(0), statsz(1, seq=1), statsz(2, seq=2)], [], field="server.ver"),
    case(
        "field",
        "what is not said is nothing, and a value",
        [seen(1, 5), seen(2, None), seen(3, None)],
        [firing(2, 1), resolved(12, 1)],
    ),
    case(
        "field",
        "of an event that measures nothing: compared by `by`",
        [disconnected(1, "x", "a"), disconnected(2, "y", "b"), disconnected(3, "x", "b"), disconnected(4, "y", "b")],
        [firing(3, 1, client_name="x"), resolved(13, 1, client_name="x")],
        events="client.disconnect",
        field="reason",
        by=["client.name"],
    ),
    case("one-off", "told once, and without an end", [seen(0, 5), seen(1, 6)], [event(1, 1)], **ONE_OFF),
    case(
        "one-off",
        "equal ones before the message are one line",
        [seen(0, 5), seen(1, 6, seq=9001), seen(1, 7, seq=9002)],
        [event(1, 2)],
        **ONE_OFF,
    ),
    case("one-off", "is told while blind", [seen(0, 5), blind(1), seen(5, 6), sight(100)], [event(5, 1)], **ONE_OFF),
    case(
        "resolve_on",
        "until that event",
        [seen(0, 5), seen(1, 6), connected(500, "y")],
        [firing(1, 1), resolved(500, 1)],
        keep_firing_for=None,
        resolve_on={"events": "client.connect"},
    ),
    case(
        "resolve_on",
        "what was seen is still known",
        [seen(0, 5), seen(1, 6), connected(2, "y"), seen(3, 6), seen(4, 5)],
        [firing(1, 1), resolved(2, 1), firing(4, 1), resolved(14, 1)],
        resolve_on={"events": "client.connect"},
    ),
    case(
        "limit",
        "a series too many is not watched",
        [seen(1, 5, "n1"), seen(2, 6, "n2"), seen(3, 7, "n2"), seen(4, 6, "n1")],
        [firing(4, 1), resolved(14, 1)],
        limit=1,
    ),
    case("memory", "is of a week", [seen(1, 5), seen(1 + WEEK, 6)], [firing(1 + WEEK, 1), resolved(11 + WEEK, 1)]),
    case("memory", "and ends then", [seen(1, 5), seen(1.000001 + WEEK, 6)], []),
    case(
        "memory",
        "stands still while blind",
        [seen(1, 5), blind(2), sight(1 + WEEK), seen(2 + WEEK, 6)],
        [firing(2 + WEEK, 1), resolved(12 + WEEK, 1)],
    ),
    case(
        "memory",
        "lasts from what was seen last",
        [seen(1, 5), seen(WEEK, 5), seen(2 * WEEK, 6)],
        [firing(2 * WEEK, 1), resolved(10 + 2 * WEEK, 1)],
    ),
)
