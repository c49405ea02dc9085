"""`increase`: the steps with t in (now - within, now], added over all series, are more than `above`."""

from bridge.inputs import Message
from tests.core.stage import at, statsz
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def slow(seconds: float, number: float, server: str = "n1", process: str = "", seq: int | None = None) -> Message:
    """A server's count of slow consumers."""
    return statsz(seconds, server, process or server, seq, slow_consumers=number)


def connections(seconds: float, number: float) -> Message:
    return statsz(seconds, connections=number)


def metered(seconds: float, number: int) -> Message:
    """A measurement that does not tell which process took it."""
    return Message("lab.meter", b'{"count": %d}' % number, at(seconds))


RISE = [slow(1, 5), slow(11, 8)]

TABLE = Table(
    {"events": "server.statsz", "type": "increase", "field": "statsz.slow_consumers", "within": "60s"},
    case("none", "nothing comes", [], []),
    case("none", "the first measurement is no step", [slow(1, 50)], []),
    case("none", "no rise is no step", [slow(1, 50), slow(11, 50)], []),
    case("none", "not more than `above`", RISE, [], above=3),
    case(
        "one instant",
        "two measurements, one step",
        [slow(1, 5, seq=1), slow(1, 8, seq=2)],
        [firing(1, 3), resolved(61, 3)],
    ),
    case(
        "one instant",
        "a step comes as another leaves: the event is first",
        [*RISE, slow(71, 10)],
        [firing(11, 3), resolved(131, 2)],
    ),
    case(
        "just before",
        "the first step is still in the window",
        [*RISE, slow(70.999999, 10)],
        [firing(70.999999, 5), resolved(71, 5)],
        above=4,
    ),
    case("exactly", "the first step has left", [*RISE, slow(71, 10)], [], above=4),
    case("just after", "the first step has left", [*RISE, slow(71.000001, 10)], [], above=4),
    case(
        "just after",
        "what is over begins anew",
        [*RISE, slow(71.000001, 10)],
        [firing(11, 3), resolved(71, 3), firing(71.000001, 2), resolved(131.000001, 2)],
    ),
    case(
        "exactly",
        "the earlier measurement may be older than the window",
        [slow(1, 5), slow(61, 8)],
        [firing(61, 3), resolved(121, 3)],
    ),
    case("above", "steps add up", [slow(1, 0), slow(11, 2), slow(21, 4)], [firing(21, 4), resolved(71, 4)], above=3),
    case("above", "a rise in one step", [slow(1, 0), slow(11, 7)], [firing(11, 7), resolved(71, 7)], above=6),
    case(
        "above",
        "the same rise in three",
        [slow(1, 0), slow(3, 1), slow(7, 4), slow(11, 7)],
        [firing(11, 7), resolved(63, 7)],
        above=6,
    ),
    case(
        "above",
        "many steps are one alert",
        [slow(1, 0), slow(11, 1), slow(21, 2), slow(31, 3)],
        [firing(11, 1), resolved(91, 1)],
    ),
    case(
        "above",
        "a fall of the same process is a step down",
        [connections(1, 5), connections(11, 8), connections(21, 6), connections(31, 5)],
        [firing(11, 3), resolved(31, 1)],
        field="statsz.connections",
    ),
    # -- processes ------------------------------------------------------------------------------------------------
    case(
        "process",
        "a new one counts from zero",
        [slow(1, 5), slow(11, 2, process="P2")],
        [firing(11, 2), resolved(71, 2)],
    ),
    case(
        "process",
        "though it is further already",
        [slow(1, 5), slow(11, 9, process="P2")],
        [firing(11, 9), resolved(71, 9)],
    ),
    case("process", "with nothing counted yet is no step", [slow(1, 5), slow(11, 0, process="P2")], []),
    case(
        "process",
        "a late message of it is ignored",
        [slow(1, 5, seq=7), slow(11, 6, seq=6), slow(21, 8, seq=8)],
        [firing(21, 3), resolved(81, 3)],
    ),
    case(
        "process",
        "unknown: a smaller number is a restart",
        [metered(1, 5), metered(11, 2)],
        [firing(11, 2), resolved(71, 2)],
        events=None,
        subject="lab.meter",
        field="count",
    ),
    case(
        "process",
        "unknown: a larger number is a rise",
        [metered(1, 5), metered(11, 7)],
        [firing(11, 2), resolved(71, 2)],
        events=None,
        subject="lab.meter",
        field="count",
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "their steps are added up",
        [slow(1, 100, "a"), slow(1, 200, "b"), slow(11, 102, "a"), slow(12, 203, "b")],
        [firing(12, 5), resolved(71, 5)],
        above=4,
    ),
    case("several servers", "the number of one is no step of another", [slow(1, 5, "a"), slow(11, 50, "b")], []),
    case(
        "several servers",
        "with `by` each has its own",
        [slow(1, 5, "a"), slow(1, 5, "b"), slow(11, 8, "a"), slow(11, 6, "b")],
        [firing(11, 3, server_name="a"), resolved(71, 3, server_name="a")],
        by=["server.name"],
        above=2,
    ),
    case(
        "several servers",
        "series do not follow `by`",
        [slow(1, 5, "a"), slow(2, 50, "b"), slow(11, 6, "a"), slow(12, 51, "b")],
        [firing(11, 1, server_ver="2.15.1"), resolved(72, 1, server_ver="2.15.1")],
        by=["server.ver"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "a rise over it is seen after it",
        [slow(1, 5), blind(2), sight(900), slow(901, 8)],
        [firing(901, 3), resolved(961, 3)],
    ),
    case(
        "blind",
        "an event is not time alone",
        [slow(1, 5), blind(2), slow(11, 8), sight(20)],
        [firing(11, 3), resolved(71, 3)],
    ),
    case("blind", "empty with sight: over", [*RISE, blind(71.000001), sight(300)], [firing(11, 3), resolved(71, 3)]),
    case(
        "blind",
        "empty at the very instant that sight is lost: over once sight has lasted `within`",
        [*RISE, blind(71), sight(300)],
        [firing(11, 3), resolved(360, 3)],
    ),
    case(
        "blind",
        "empty in the middle of it: over once sight has lasted `within`",
        [*RISE, blind(20), sight(300)],
        [firing(11, 3), resolved(360, 3)],
    ),
    case(
        "blind",
        "what goes on after it has never ended",
        [*RISE, blind(20), sight(300), slow(310, 9)],
        [firing(11, 3), resolved(370, 1)],
    ),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart",
        "a rise over it is seen after it",
        [slow(1, 5), restart(2, 900), slow(901, 8)],
        [firing(901, 3), resolved(961, 3)],
    ),
    case(
        "restart",
        "of the server in the meantime",
        [slow(1, 5), restart(2, 900), slow(901, 4, process="P2")],
        [firing(901, 4), resolved(961, 4)],
    ),
    case(
        "restart",
        "a late message is ignored still",
        [slow(1, 5, seq=7), restart(2, 3), slow(4, 6, seq=6)],
        [],
    ),
    case(
        "restart",
        "steps in the window stay",
        [*RISE, restart(12, 20), slow(21, 10)],
        [firing(21, 5), resolved(71, 5)],
        above=4,
    ),
    case("restart", "what fires goes on", [*RISE, restart(12, 20)], [firing(11, 3), resolved(71, 3)]),
    case(
        "restart",
        "empty in the middle of it: over once sight has lasted `within`",
        [*RISE, restart(20, 300, sees=False), sight(400)],
        [firing(11, 3), resolved(460, 3)],
    ),
    case("restart", "sight never comes: nothing ends", [*RISE, restart(20, 300, sees=False)], [firing(11, 3)]),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [slow(1, 5), reload(2, annotations={"summary": "new"}), slow(11, 8), reload(12, annotations={})],
        [firing(11, 3), resolved(71, 3)],
    ),
    case(
        "reload",
        "a lower `above` is passed at once",
        [*RISE, reload(20, above=2)],
        [firing(20, 3), resolved(71, 3)],
        above=5,
    ),
    case("reload", "a higher `above` ends it at once", [*RISE, reload(20, above=3)], [firing(11, 3), resolved(20, 3)]),
    case("reload", "a shorter `within`", [*RISE, reload(40, within="20s")], [firing(11, 3), resolved(40, 3)]),
    case("reload", "a longer `within`", [*RISE, reload(40, within="2m")], [firing(11, 3), resolved(131, 3)]),
    case(
        "reload",
        "what a longer `within` lacks counts as not seen",
        [*RISE, reload(30, within="60s"), slow(31, 10)],
        [],
        above=4,
        within="10s",
    ),
    case(
        "reload",
        "another `field` begins anew",
        [
            statsz(1, slow_consumers=5, mem=5),
            statsz(11, slow_consumers=8, mem=8),
            reload(20, field="statsz.mem"),
            statsz(21, mem=50),
        ],
        [firing(11, 3), resolved(20, 3, "rule changed")],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [*RISE, reload(20, where=["server.name = n1"]), slow(21, 9)],
        [firing(11, 3), resolved(20, 3, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("for", "it holds just long enough", RISE, [firing(70.999999, 3), resolved(71, 3)], for_="59.999999s"),
    case("for", "it holds exactly so long, and is over then", RISE, [], for_="60s"),
    case(
        "for",
        "over as sight is lost: told with sight",
        [slow(0, 0, seq=1), slow(0, 1, seq=2), slow(1, 2), blind(10), sight(10.5)],
        [firing(10.5, 1), resolved(11, 1)],
        for_="10s",
        within="10s",
    ),
    case("keep_firing_for", "from when it is gone", RISE, [firing(11, 3), resolved(91, 3)], keep_firing_for="20s"),
    case(
        "keep_firing_for",
        "there again at its end: it goes on",
        [*RISE, slow(91, 9)],
        [firing(11, 3), resolved(171, 1)],
        keep_firing_for="20s",
    ),
)
