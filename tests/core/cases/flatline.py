"""`flatline`: a combination that was seen, or is expected, is silent for `within`."""

from bridge.inputs import Message
from tests.core.stage import goodbye, statsz
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight

N1, N2 = {"server_name": "n1"}, {"server_name": "n2"}
PLANNED = {"unless": {"events": "server.shutdown", "for": "60s"}}
NOT_BACK = "planned, but not back"


def heard(seconds: float, server: str = "n1", process: str = "", seq: int | None = None) -> Message:
    """A sign of life."""
    return statsz(seconds, server, process or server, seq)


def stops(seconds: float, server: str = "n1") -> Message:
    """A planned stop."""
    return goodbye(seconds, server, server)


TABLE = Table(
    {"events": "server.statsz", "type": "flatline", "within": "20s", "by": ["server.name"]},
    case("none", "what was never seen is not missed", [], []),
    case("none", "one that was seen is missed", [heard(1)], [firing(21, 20, **N1)]),
    case(
        "none",
        "it comes back",
        [heard(1), heard(51), stops(52)],
        [firing(21, 20, **N1), resolved(51, 50, **N1), firing(71, 20, **N1)],
    ),
    case("one instant", "twice is as good as once", [heard(1, seq=1), heard(1, seq=2)], [firing(21, 20, **N1)]),
    case(
        "one instant",
        "it comes back and is silent again",
        [heard(1), heard(51, seq=60_000), heard(51, seq=60_001)],
        [firing(21, 20, **N1), resolved(51, 50, **N1), firing(71, 20, **N1)],
    ),
    case(
        "just before", "it is silent for `within`: in time", [heard(1), heard(20.999999)], [firing(40.999999, 20, **N1)]
    ),
    case("exactly", "`within` apart: in time", [heard(1), heard(21)], [firing(41, 20, **N1)]),
    case(
        "just after",
        "too late",
        [heard(1), heard(21.000001)],
        [firing(21, 20, **N1), resolved(21.000001, 20.000001, **N1), firing(41.000001, 20, **N1)],
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "any of them is a sign of life",
        [heard(1, "n1"), heard(20, "n2"), heard(40, "n3")],
        [firing(60, 20)],
        by=None,
    ),
    case(
        "several servers",
        "any of them ends it",
        [heard(1, "n1"), heard(51, "n2")],
        [firing(21, 20), resolved(51, 50), firing(71, 20)],
        by=None,
    ),
    case(
        "several servers",
        "with `by` each for itself",
        [heard(1, "n1"), heard(5, "n2"), heard(21, "n1"), heard(30, "n2")],
        [firing(25, 20, **N2), resolved(30, 25, **N2), firing(41, 20, **N1), firing(50, 20, **N2)],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case("blind", "silence stands still", [heard(1), blind(6), sight(100)], [firing(115, 20, **N1)]),
    case("blind", "at the very instant: told with sight", [heard(1), blind(21), sight(100)], [firing(100, 20, **N1)]),
    case("blind", "just after", [heard(1), blind(21.000001), sight(100)], [firing(21, 20, **N1)]),
    case("blind", "an event is not time alone", [heard(1), blind(6), heard(10), sight(100)], [firing(120, 20, **N1)]),
    case(
        "blind",
        "an event ends it",
        [heard(1), blind(31), heard(50), sight(100)],
        [firing(21, 20, **N1), resolved(50, 30, **N1), firing(120, 20, **N1)],
    ),
    case(
        "blind", "it comes with sight: in time", [heard(1), blind(21), sight(100), heard(100)], [firing(120, 20, **N1)]
    ),
    case("blind", "without an end: nothing fires", [heard(1), blind(6)], []),
    # -- restart --------------------------------------------------------------------------------------------------
    case("restart", "silence stands still", [heard(1), restart(6, 100)], [firing(115, 20, **N1)]),
    case(
        "restart",
        "sight comes later than the process",
        [heard(1), restart(6, 100, sees=False), sight(200)],
        [firing(215, 20, **N1)],
    ),
    case("restart", "sight never comes: nothing fires", [heard(1), restart(6, 100, sees=False)], []),
    case(
        "restart",
        "what fires goes on",
        [heard(1), restart(31, 100), heard(105)],
        [firing(21, 20, **N1), resolved(105, 35, **N1), firing(125, 20, **N1)],
    ),
    case(
        "restart",
        "what is expected is as silent as before",
        [restart(15, 100)],
        [firing(105, 20, **N1)],
        expect=[{"server.name": "n1"}],
    ),
    case(
        "restart",
        "a stop stays planned",
        [heard(1), stops(5), restart(10, 110)],
        [firing(165, 64, NOT_BACK, **N1)],
        **PLANNED,
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [heard(1), reload(6, annotations={"summary": "new"}), reload(30, annotations={})],
        [firing(21, 20, **N1)],
    ),
    case("reload", "a shorter `within` has passed", [heard(1), reload(15, within="10s")], [firing(15, 14, **N1)]),
    case(
        "reload",
        "a longer `within` has not",
        [heard(1), reload(30, within="1m")],
        [firing(21, 20, **N1), resolved(30, 29, **N1), firing(61, 60, **N1)],
    ),
    case(
        "reload",
        "another `where` begins anew: nothing is missed",
        [heard(1), reload(30, where=["server.name = n1"])],
        [firing(21, 20, **N1), resolved(30, 29, "rule changed", **N1)],
    ),
    case(
        "reload",
        "what is expected now counts as seen when the rule is loaded",
        [heard(1), reload(6, expect=[{"server.name": "n1"}, {"server.name": "n2"}])],
        [firing(21, 20, **N1), firing(26, 20, **N2)],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case(
        "expect",
        "it counts as seen when the rule is loaded",
        [],
        [firing(20, 20, **N1)],
        expect=[{"server.name": "n1"}],
    ),
    case("expect", "it was seen", [heard(20)], [firing(40, 20, **N1)], expect=[{"server.name": "n1"}]),
    case(
        "unless", "it is told later, and as planned", [heard(1), stops(5)], [firing(65, 64, NOT_BACK, **N1)], **PLANNED
    ),
    case(
        "unless",
        "it is back just before",
        [heard(1), stops(5), heard(64.999999, process="P2")],
        [firing(84.999999, 20, **N1)],
        **PLANNED,
    ),
    case(
        "unless",
        "it is back exactly then",
        [heard(1), stops(5), heard(65, process="P2")],
        [firing(85, 20, **N1)],
        **PLANNED,
    ),
    case(
        "unless",
        "it is back just after, and nothing says that it is not",
        [heard(1), stops(5), heard(65.000001, process="P2")],
        [firing(65, 64, NOT_BACK, **N1), resolved(65.000001, 64.000001, **N1), firing(85.000001, 20, **N1)],
        **PLANNED,
    ),
    case(
        "unless",
        "not before `within`",
        [heard(1), stops(5)],
        [firing(21, 20, NOT_BACK, **N1)],
        unless={"events": "server.shutdown", "for": "10s"},
    ),
    case("unless", "another one stops", [heard(1), stops(5, "n2")], [firing(21, 20, **N1)], **PLANNED),
    case(
        "unless",
        "stands still while blind",
        [heard(1), stops(5), blind(10), sight(110)],
        [firing(165, 64, NOT_BACK, **N1)],
        **PLANNED,
    ),
    case(
        "unless",
        "one that is silent already has not been planned",
        [heard(1), stops(30), heard(40, process="P2")],
        [firing(21, 20, **N1), resolved(30, 29, **N1), firing(60, 20, **N1)],
        **PLANNED,
    ),
    case(
        "forget_after",
        "it will not come back",
        [heard(1)],
        [firing(21, 20, **N1), resolved(61, 60, "forgotten", **N1)],
        forget_after="60s",
    ),
    case(
        "forget_after",
        "it comes back exactly then",
        [heard(1), heard(61)],
        [firing(21, 20, **N1), resolved(61, 60, **N1), firing(81, 20, **N1), resolved(121, 60, "forgotten", **N1)],
        forget_after="60s",
    ),
    case(
        "forget_after",
        "stands still while blind",
        [heard(1), blind(31), sight(100)],
        [firing(21, 20, **N1), resolved(130, 60, "forgotten", **N1)],
        forget_after="60s",
    ),
    case(
        "forget_after",
        "stands still while not running",
        [heard(1), restart(31, 100)],
        [firing(21, 20, **N1), resolved(130, 60, "forgotten", **N1)],
        forget_after="60s",
    ),
    case(
        "forget_after",
        "what is forgotten is not kept firing",
        [heard(1)],
        [firing(21, 20, **N1), resolved(61, 60, "forgotten", **N1)],
        forget_after="60s",
        keep_firing_for="1h",
    ),
    case("for", "it must be silent for longer", [heard(1)], [firing(26, 25, **N1)], for_="5s"),
    case("for", "it comes back exactly then", [heard(1), heard(26)], [firing(51, 25, **N1)], for_="5s"),
    case(
        "keep_firing_for",
        "from when it is back",
        [heard(1), heard(30), heard(45), heard(60)],
        [firing(21, 20, **N1), resolved(50, 29, **N1), firing(80, 20, **N1)],
        keep_firing_for="20s",
    ),
    case(
        "keep_firing_for",
        "silent again in the meantime: it goes on",
        [heard(1), heard(30)],
        [firing(21, 20, **N1)],
        keep_firing_for="21s",
    ),
    case("intervals", "follow the version of the server", [heard(1)], [firing(31, 30, **N1)], within="3 intervals"),
)
