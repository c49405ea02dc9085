"""`frequency`: at least `count` events with t in (now - within, now]; it fires with the event that makes the count."""

from bridge.inputs import Message
from tests.core.stage import connected, login_failed
from tests.core.table import Table, blind, case, firing, reload, resolved, restart, sight


def failed(*seconds: float, server: str = "n1") -> list[Message]:
    """Logins that failed, each at its second; several at one instant are several."""
    return [login_failed(each, number=place, server=server) for place, each in enumerate(seconds)]


TABLE = Table(
    {"events": "client.auth_error", "type": "frequency", "count": 3, "within": "10s"},
    case("none", "nothing comes", [], []),
    case("none", "too few come", failed(1, 2), []),
    case("none", "too few at a time", failed(1, 2, 20, 21), []),
    case("one instant", "as many as it takes", failed(1, 1, 1), [firing(1, 3), resolved(11, 3)]),
    case("one instant", "one too few", failed(1, 1), []),
    case("one instant", "one more is counted, not told", failed(1, 1, 1, 1), [firing(1, 3), resolved(11, 4)]),
    case("one instant", "the one that comes as one leaves is in time", failed(1, 2, 3, 11), [firing(3), resolved(12)]),
    case("just before", "the first is still in the window", failed(1, 5, 10.999999), [firing(10.999999), resolved(11)]),
    case("exactly", "the first has left", failed(1, 5, 11), []),
    case("just after", "the first has left", failed(1, 5, 11.000001), []),
    case(
        "just after",
        "what is over begins anew",
        failed(1, 2, 3, 11.000001),
        [firing(3, 3), resolved(11, 3), firing(11.000001, 3), resolved(12, 3)],
    ),
    # -- several servers ------------------------------------------------------------------------------------------
    case(
        "several servers",
        "all of them count together",
        [*failed(1, server="n1"), *failed(2, server="n2"), *failed(3, server="n3")],
        [firing(3, 3), resolved(11, 3)],
    ),
    case(
        "several servers",
        "the same instant on two of them is two events",
        [*failed(1, 2, server="n1"), *failed(2, server="n2")],
        [firing(2, 3), resolved(11, 3)],
    ),
    case(
        "several servers",
        "with `by` each counts for itself",
        [*failed(1, 2, server="n1"), *failed(2, 3, 4, server="n2")],
        [firing(4, 3, server_name="n2"), resolved(12, 3, server_name="n2")],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case(
        "blind",
        "the window keeps receive time",
        [*failed(1, 2), blind(3), sight(8), *failed(9)],
        [firing(9), resolved(11)],
    ),
    case("blind", "and lets go what is older", [*failed(1, 2), blind(3), sight(10), *failed(11)], []),
    case(
        "blind",
        "an event is not time alone",
        [*failed(1, 2), blind(3), *failed(4), sight(5)],
        [firing(4), resolved(11)],
    ),
    case("blind", "empty with sight: over", [*failed(1, 2, 3), blind(11.000001), sight(60)], [firing(3), resolved(11)]),
    case(
        "blind",
        "empty at the very instant that sight is lost: over once sight has lasted `within`",
        [*failed(1, 2, 3), blind(11), sight(60)],
        [firing(3, 3), resolved(70, 3)],
    ),
    case(
        "blind",
        "empty in the middle of it: over once sight has lasted `within`",
        [*failed(1, 2, 3), blind(4), sight(60)],
        [firing(3, 3), resolved(70, 3)],
    ),
    case(
        "blind",
        "empty in the middle of it: over once sight has lasted 5m at most",
        [*failed(1, 2, 3), blind(4), sight(1000)],
        [firing(3, 3), resolved(1300, 3)],
        within="10m",
    ),
    case("blind", "sight comes back as it empties", [*failed(1, 2, 3), blind(4), sight(11)], [firing(3), resolved(11)]),
    case(
        "blind",
        "what goes on after it has never ended",
        [*failed(1, 2, 3), blind(4), sight(60), *failed(62, 63, 64)],
        [firing(3, 3), resolved(72, 3)],
    ),
    case("blind", "without an end: nothing ends", [*failed(1, 2, 3), blind(4)], [firing(3, 3)]),
    # -- restart --------------------------------------------------------------------------------------------------
    case(
        "restart", "what was counted counts", [*failed(1, 2), restart(3), *failed(4)], [firing(4, 3), resolved(11, 3)]
    ),
    case(
        "restart",
        "the window keeps receive time",
        [*failed(1, 2), restart(3, 8), *failed(9)],
        [firing(9), resolved(11)],
    ),
    case("restart", "and lets go what is older", [*failed(1, 2), restart(3, 10), *failed(11)], []),
    case("restart", "what fires goes on", [*failed(1, 2, 3), restart(4, 6)], [firing(3, 3), resolved(11, 3)]),
    case(
        "restart",
        "empty in the middle of it: over once sight has lasted `within`",
        [*failed(1, 2, 3), restart(4, 60)],
        [firing(3, 3), resolved(70, 3)],
    ),
    case(
        "restart",
        "sight comes later than the process",
        [*failed(1, 2, 3), restart(4, 60, sees=False), sight(90)],
        [firing(3, 3), resolved(100, 3)],
    ),
    case("restart", "sight never comes: nothing ends", [*failed(1, 2, 3), restart(4, 60, sees=False)], [firing(3, 3)]),
    case(
        "restart",
        "what goes on after it has never ended",
        [*failed(1, 2, 3), restart(4, 60), *failed(62, 63, 64)],
        [firing(3, 3), resolved(72, 3)],
    ),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [*failed(1, 2), reload(2.5, annotations={"summary": "new"}), *failed(3), reload(4, annotations={})],
        [firing(3, 3), resolved(11, 3)],
    ),
    case(
        "reload",
        "a lower `count` is reached at once",
        [*failed(1, 2), reload(5, count=2)],
        [firing(5, 2), resolved(11, 2)],
    ),
    case(
        "reload",
        "a higher `count` ends it at once",
        [*failed(1, 2, 3), reload(5, count=4)],
        [firing(3, 3), resolved(5, 3)],
    ),
    case(
        "reload",
        "a lower `count` lasts longer",
        [*failed(1, 2, 3), reload(5, count=2)],
        [firing(3, 3), resolved(12, 2)],
    ),
    case("reload", "a shorter `within`", [*failed(1, 2, 3), reload(6, within="5s")], [firing(3, 3), resolved(6, 3)]),
    case("reload", "a longer `within`", [*failed(1, 2, 3), reload(6, within="30s")], [firing(3, 3), resolved(31, 3)]),
    case(
        "reload",
        "what a longer `within` lacks counts as not seen",
        [*failed(1, 12), reload(13, within="1m"), *failed(14, 15)],
        [firing(15, 3), resolved(72, 3)],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [*failed(1, 2, 3), reload(5, where=["client.kind = Client"]), *failed(6, 7)],
        [firing(3, 3), resolved(5, 3, "rule changed")],
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case(
        "for", "it holds just long enough", failed(1, 2, 3), [firing(10.999999, 3), resolved(11, 3)], for_="7.999999s"
    ),
    case("for", "it holds exactly so long, and is over then", failed(1, 2, 3), [], for_="8s"),
    case("for", "a break: it begins anew", failed(1, 2, 3, 11.5), [], for_="8.5s"),
    case(
        "for",
        "stands still while blind",
        [*failed(1, 2, 3), blind(4), sight(30)],
        [firing(34, 3), resolved(61, 3)],
        for_="5s",
        within="1m",
    ),
    case(
        "for",
        "stands still while not running",
        [*failed(1, 2, 3), restart(4, 30)],
        [firing(34, 3), resolved(61, 3)],
        for_="5s",
        within="1m",
    ),
    case(
        "keep_firing_for",
        "from when it is gone",
        failed(1, 2, 3),
        [firing(3, 3), resolved(16, 3)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "there again at its end: it goes on",
        failed(1, 2, 3, 14, 15, 16),
        [firing(3, 3), resolved(29, 3)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "there again just after: another one",
        failed(1, 2, 3, 14, 15, 16.000001),
        [firing(3, 3), resolved(16, 3), firing(16.000001, 3), resolved(29, 3)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "stands still while blind",
        [*failed(1, 2, 3), blind(13), sight(60)],
        [firing(3, 3), resolved(63, 3)],
        keep_firing_for="5s",
    ),
    case(
        "keep_firing_for",
        "and while sight has not lasted `within`: the later of both",
        [*failed(1, 2, 3), restart(4, 60)],
        [firing(3, 3), resolved(90, 3)],
        keep_firing_for="30s",
    ),
    case(
        "resolve_on",
        "ends it at once, and what was counted is gone",
        [*failed(1, 2, 3), connected(4, "x"), *failed(5, 6)],
        [firing(3, 3), resolved(4, 3)],
        resolve_on={"events": "client.connect"},
    ),
)
