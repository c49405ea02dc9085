"""`any`: every event. Its window is `keep_firing_for`; without that, and without `resolve_on`, it is a one-off."""

from bridge.inputs import Message
from tests.core.stage import connected, disconnected
from tests.core.table import Table, blind, case, event, firing, reload, resolved, restart, sight

ONE_OFF = {"keep_firing_for": None}
ENDED = {"resolve_on": {"events": "client.connect"}}


def gone(*seconds: float, server: str = "n1") -> list[Message]:
    """Clients that went, each at its second; several at one instant are several."""
    return [disconnected(each, "x", number=place, server=server) for place, each in enumerate(seconds)]


TABLE = Table(
    {"events": "client.disconnect", "type": "any", "keep_firing_for": "10s"},
    case("none", "nothing comes", [], []),
    case("one instant", "one alert of two events", gone(1, 1), [firing(1, 1), resolved(11, 2)]),
    case(
        "just before",
        "the last one's time is over: it goes on",
        gone(1, 10.999999),
        [firing(1, 1), resolved(20.999999, 2)],
    ),
    case("exactly", "then: the event is first, it goes on", gone(1, 11), [firing(1, 1), resolved(21, 2)]),
    case(
        "just after",
        "another one",
        gone(1, 11.000001),
        [firing(1, 1), resolved(11, 1), firing(11.000001, 1), resolved(21.000001, 1)],
    ),
    case(
        "several servers",
        "one alert",
        [*gone(1, server="n1"), *gone(2, server="n2"), *gone(2, server="n3")],
        [firing(1, 1), resolved(12, 3)],
    ),
    case(
        "several servers",
        "with `by` each its own",
        [*gone(1, server="n1"), *gone(2, server="n2")],
        [
            firing(1, 1, server_name="n1"),
            firing(2, 1, server_name="n2"),
            resolved(11, 1, server_name="n1"),
            resolved(12, 1, server_name="n2"),
        ],
        by=["server.name"],
    ),
    # -- blind ----------------------------------------------------------------------------------------------------
    case("blind", "its time stands still", [*gone(1), blind(2), sight(100)], [firing(1, 1), resolved(109, 1)]),
    case(
        "blind",
        "at the very instant: over with sight",
        [*gone(1), blind(11), sight(100)],
        [firing(1, 1), resolved(100, 1)],
    ),
    case("blind", "just after", [*gone(1), blind(11.000001), sight(100)], [firing(1, 1), resolved(11, 1)]),
    case("blind", "an event is not time alone", [blind(1), *gone(5), sight(100)], [firing(5, 1), resolved(110, 1)]),
    case(
        "blind",
        "an event that ends it neither",
        [*gone(1), blind(2), connected(5, "y"), sight(100)],
        [firing(1, 1), resolved(5, 1)],
        **ENDED,
    ),
    case("blind", "without an end: nothing ends", [*gone(1), blind(2)], [firing(1, 1)]),
    case("blind", "a one-off is told", [blind(1), *gone(5), sight(100)], [event(5, 1)], **ONE_OFF),
    # -- restart --------------------------------------------------------------------------------------------------
    case("restart", "its time stands still", [*gone(1), restart(2, 100)], [firing(1, 1), resolved(109, 1)]),
    case(
        "restart",
        "sight comes later than the process",
        [*gone(1), restart(2, 100, sees=False), sight(200)],
        [firing(1, 1), resolved(209, 1)],
    ),
    case("restart", "sight never comes: nothing ends", [*gone(1), restart(2, 100, sees=False)], [firing(1, 1)]),
    case(
        "restart",
        "the next event is the same alert's",
        [*gone(1), restart(2, 100), *gone(105)],
        [firing(1, 1), resolved(115, 2)],
    ),
    case(
        "restart",
        "what ends it ends it",
        [*gone(1), restart(2, 100), connected(200, "y")],
        [firing(1, 1), resolved(200, 1)],
        keep_firing_for=None,
        **ENDED,
    ),
    case("restart", "a one-off is not told again", [*gone(1), restart(1), restart(2, 100)], [event(1, 1)], **ONE_OFF),
    # -- reload ---------------------------------------------------------------------------------------------------
    case(
        "reload",
        "other annotations: nothing is lost",
        [*gone(1), reload(2, annotations={"summary": "new"}), *gone(3)],
        [firing(1, 1), resolved(13, 2)],
    ),
    case(
        "reload",
        "a longer `keep_firing_for`",
        [*gone(1), reload(5, keep_firing_for="30s")],
        [firing(1, 1), resolved(31, 1)],
    ),
    case(
        "reload",
        "a shorter `keep_firing_for` is over at once",
        [*gone(1), reload(5, keep_firing_for="2s")],
        [firing(1, 1), resolved(5, 1)],
    ),
    case(
        "reload",
        "another `where` begins anew",
        [*gone(1), reload(5, where=["client.kind = Client"])],
        [firing(1, 1), resolved(5, 1, "rule changed")],
    ),
    case(
        "reload",
        "other annotations do not tell a one-off again",
        [*gone(1), reload(2, annotations={"summary": "new"})],
        [event(1, 1)],
        **ONE_OFF,
    ),
    # -- its other keys -------------------------------------------------------------------------------------------
    case("one-off", "told once, and without an end", gone(1), [event(1, 1)], **ONE_OFF),
    case("one-off", "equal ones before the message are one line", gone(1, 1), [event(1, 2)], **ONE_OFF),
    case("one-off", "later ones are another line", gone(1, 1.000001), [event(1, 1), event(1.000001, 1)], **ONE_OFF),
    case(
        "one-off",
        "those of several servers are one line without `by`",
        [*gone(1, server="n1"), *gone(1, server="n2")],
        [event(1, 2)],
        **ONE_OFF,
    ),
    case(
        "resolve_on",
        "until that event",
        [*gone(1), connected(500, "y")],
        [firing(1, 1), resolved(500, 1)],
        keep_firing_for=None,
        **ENDED,
    ),
    case(
        "resolve_on",
        "or `keep_firing_for`, if that is sooner",
        [*gone(1), connected(500, "y")],
        [firing(1, 1), resolved(11, 1)],
        **ENDED,
    ),
    case(
        "resolve_on",
        "at the instant of its own event",
        [*gone(1), connected(1, "y")],
        [firing(1, 1), resolved(1, 1)],
        **ENDED,
    ),
)
